//! Failures of HTTP/2, and of WebSocket over it.

use h2::Reason;
use std::{fmt, io};

/// A failure of HTTP/2 (RFC 9113), or of WebSocket over it (RFC 8441).
#[derive(Debug)]
pub enum Http2Fault {
    /// By ALPN the server chose another protocol, or none.
    NotChosen(Option<String>),
    /// By ALPN the server refused HTTP/2.
    Refused,
    /// The server does not speak HTTP/2; its first bytes.
    NotHttp2(Vec<u8>),
    /// The server ended the connection before its SETTINGS.
    NoSettings,
    /// The SETTINGS lack `ENABLE_CONNECT_PROTOCOL` (RFC 8441, 3).
    NoExtendedConnect,
    /// The request cannot be made, in the library's words.
    Request(String),
    /// The server ended the connection with a GOAWAY.
    GoAway {
        /// Its error code.
        reason: Reason,
        /// Its debug data.
        debug: String,
    },
    /// The connection ended without a GOAWAY; the network's error, if there was one.
    Lost(Option<io::Error>),
    /// The server broke the protocol; the connection or the stream was ended with this code.
    Broken {
        /// Only the stream.
        stream: bool,
        /// The code.
        reason: Reason,
        /// The library's words.
        debug: String,
    },
    /// The server reset the stream with this code (`RST_STREAM`).
    Reset(Reason),
}

impl Http2Fault {
    /// Whether the connection ended without a reason given.
    pub fn is_plain_end(&self) -> bool {
        match self {
            Self::GoAway { reason, .. } => *reason == Reason::NO_ERROR,
            Self::Lost(cause) => cause.is_none(),
            _ => false,
        }
    }
}

impl fmt::Display for Http2Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotChosen(_) | Self::Refused => f.write_str("HTTP/2 is not offered"),
            Self::NotHttp2(_) => f.write_str("the peer does not speak HTTP/2"),
            Self::NoSettings => f.write_str("the connection ended before SETTINGS"),
            Self::NoExtendedConnect => f.write_str("no ENABLE_CONNECT_PROTOCOL in SETTINGS"),
            Self::Request(cause) => f.write_str(cause),
            Self::GoAway { reason, .. } => write!(f, "GOAWAY {}", ErrorCode(*reason)),
            Self::Lost(None) => f.write_str("the connection ended"),
            Self::Lost(Some(cause)) => cause.fmt(f),
            Self::Broken { reason, .. } => {
                write!(f, "the peer broke HTTP/2: told {}", ErrorCode(*reason))
            }
            Self::Reset(reason) => write!(f, "RST_STREAM {}", ErrorCode(*reason)),
        }
    }
}

impl std::error::Error for Http2Fault {}

/// Lets a fault pass through `AsyncRead`.
impl From<Http2Fault> for io::Error {
    fn from(fault: Http2Fault) -> Self {
        Self::other(fault)
    }
}

/// An error code by its name (RFC 9113, 7), or in hexadecimal.
pub struct ErrorCode(pub Reason);

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{:?}", self.0);
        if name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('(') {
            f.write_str(&name)
        } else {
            write!(f, "{:#x}", u32::from(self.0))
        }
    }
}
