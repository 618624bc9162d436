//! Failures of HTTP/2 and of WebSocket over HTTP/2.

use h2::Reason;
use std::{fmt, io};

/// A failure of HTTP/2 (RFC 9113) or of WebSocket over HTTP/2 (RFC 8441).
#[derive(Debug)]
pub enum Http2Fault {
    /// The server selected another protocol by ALPN, or none.
    NotChosen(Option<String>),
    /// The server rejected HTTP/2 with the alert `no_application_protocol` (RFC 7301, 3.2).
    Refused,
    /// The server does not speak HTTP/2; its first bytes, at most 80.
    NotHttp2(Vec<u8>),
    /// The connection ended before the server sent SETTINGS.
    NoSettings,
    /// The server's SETTINGS do not enable extended CONNECT (RFC 8441, 3).
    NoExtendedConnect,
    /// The request cannot be encoded or sent; the error message of the library.
    Request(String),
    /// The server ended the connection with a GOAWAY.
    GoAway {
        /// The error code of the GOAWAY.
        reason: Reason,
        /// The debug data of the GOAWAY, escaped.
        debug: String,
    },
    /// The connection ended without a GOAWAY; the I/O error, if there was one.
    Lost(Option<io::Error>),
    /// The server violated the protocol. The client closed the connection or reset the stream.
    Broken {
        /// True if only the stream was reset.
        stream: bool,
        /// The error code sent to the server.
        reason: Reason,
        /// The debug data sent to the server, escaped.
        debug: String,
    },
    /// The server reset the stream (`RST_STREAM`) with this code.
    Reset(Reason),
}

impl Http2Fault {
    /// Returns true if the connection ended and the peer gave no reason.
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
            Self::NotChosen(_) | Self::Refused => f.write_str("the server did not select HTTP/2"),
            Self::NotHttp2(_) => f.write_str("the peer does not speak HTTP/2"),
            Self::NoSettings => f.write_str("the connection was closed before SETTINGS"),
            Self::NoExtendedConnect => f.write_str("no ENABLE_CONNECT_PROTOCOL in SETTINGS"),
            Self::Request(cause) => f.write_str(cause),
            Self::GoAway { reason, .. } => write!(f, "GOAWAY {}", ErrorCode(*reason)),
            Self::Lost(None) => f.write_str("the connection was closed"),
            Self::Lost(Some(cause)) => cause.fmt(f),
            Self::Broken { reason, .. } => {
                write!(f, "the peer violated HTTP/2: {}", ErrorCode(*reason))
            }
            Self::Reset(reason) => write!(f, "RST_STREAM {}", ErrorCode(*reason)),
        }
    }
}

impl std::error::Error for Http2Fault {}

/// Carries a fault through `AsyncRead` and `AsyncWrite`.
impl From<Http2Fault> for io::Error {
    fn from(fault: Http2Fault) -> Self {
        Self::other(fault)
    }
}

/// Displays an error code by name (RFC 9113, 7), or in hexadecimal if it has none.
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
