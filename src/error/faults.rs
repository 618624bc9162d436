//! What can be wrong, field by field.

use crate::{
    net::tls::Certificate,
    proto::handshake::{Refusal, Response},
    target::UrlFault,
};
use h2::Reason;
use std::{io, time::Duration};

/// Where in stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line, from 1.
    Line(u64),
    /// In this message, from 1.
    Message(u64),
    /// In all of it.
    Stream,
}

/// What was expected and has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// `--count`.
    Count {
        /// Messages received.
        received: u64,
        /// Messages expected.
        expected: u64,
    },
    /// `--until`.
    Until {
        /// What was to match.
        pattern: String,
        /// Messages received.
        received: u64,
    },
    /// `--expect`.
    Expect {
        /// What was to match.
        pattern: String,
        /// How long was waited; none: the session ended.
        limit: Option<Duration>,
        /// Messages that came instead.
        received: u64,
        /// The start of the last of them.
        last: Option<String>,
    },
}

/// What can go wrong between TCP and HTTP.
#[derive(Debug)]
pub enum TlsFault {
    /// The server's certificate was refused.
    Certificate {
        /// Why.
        cause: Box<rustls::CertificateError>,
        /// The chain that the server showed.
        chain: Vec<Certificate>,
    },
    /// The server's key is none of those pinned; the SHA-256 of it in base64.
    Pin(String),
    /// The server refuses the client's certificate, or wants one.
    Identity(rustls::AlertDescription),
    /// The server does not speak TLS; its first bytes.
    NotTls(Vec<u8>),
    /// The server refuses what was offered.
    Alert(rustls::AlertDescription),
    /// By ALPN the server takes nothing of what was offered.
    NoProtocol,
    /// The peer ended the transport during the TLS handshake.
    Cut {
        /// With a reset.
        reset: bool,
    },
    /// What rustls finds wrong besides.
    Library(Box<rustls::Error>),
    /// Anything else, in words.
    Other(String),
}

/// What a proxy can do instead of connecting.
#[derive(Debug)]
pub enum ProxyFault {
    /// It refuses.
    Status {
        /// Its answer.
        response: Box<Response>,
        /// The start of the body.
        body: Vec<u8>,
    },
    /// Its answer is no HTTP/1.1.
    Answer(Refusal),
    /// Its answer is no SOCKS.
    NotSocks {
        /// It is HTTP.
        http: bool,
    },
    /// What SOCKS says.
    Socks {
        /// In words.
        words: String,
        /// It is about user and password.
        wants_user: bool,
    },
    /// It closes the connection.
    Cut,
    /// The network gives an error.
    Network(io::Error),
    /// It is not secured.
    Tls(TlsFault),
}

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    /// There have been as many as there may.
    TooMany(usize),
    /// It does not say where to.
    NoLocation,
    /// It leads to no WebSocket URL.
    Location {
        /// What it says.
        location: String,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// It leads from wss to ws, there.
    Downgrade(String),
}

/// What can be wrong with a client certificate and its key.
#[derive(Debug)]
pub enum IdentityFault {
    /// The file cannot be read.
    File(io::Error),
    /// There is no certificate in PEM.
    NoCertificate {
        /// It looks like one in DER.
        der: bool,
    },
    /// There is no private key.
    NoKey,
    /// The key has a passphrase.
    Encrypted,
    /// The passphrase is not the right one.
    Passphrase,
    /// The key is in a form that is not read; what converts it.
    Format(&'static str),
    /// Anything else, in the library's words.
    Malformed(String),
    /// The key is another certificate's.
    Mismatch,
}

/// What can go wrong in HTTP/2 (RFC 9113), and in WebSocket over it (RFC 8441).
#[derive(Debug)]
pub enum Http2Fault {
    /// By ALPN the server chose something else, or nothing.
    NotChosen(Option<String>),
    /// By ALPN the server refused it.
    Refused,
    /// The server does not speak it; its first bytes.
    NotHttp2(Vec<u8>),
    /// The server ended the connection before it said anything.
    NoSettings,
    /// No `SETTINGS_ENABLE_CONNECT_PROTOCOL`: it does not know RFC 8441.
    NoExtendedConnect,
    /// The request cannot be made, in the library's words.
    Request(String),
    /// The server ended the connection with this code (GOAWAY).
    GoAway {
        /// The code.
        reason: Reason,
        /// What the server said beside it.
        debug: String,
    },
    /// The connection ended without a GOAWAY; the network's words, if it had any.
    Lost(Option<io::Error>),
    /// The server broke the protocol; we ended the connection or the stream with this code.
    Broken {
        /// Only the stream.
        stream: bool,
        /// The code.
        reason: Reason,
        /// What the library says beside it.
        debug: String,
    },
    /// The server reset the stream with this code (`RST_STREAM`).
    Reset(Reason),
}

impl std::error::Error for Http2Fault {}

impl Http2Fault {
    /// Whether the connection has ended, and no reason was given.
    pub fn is_plain_end(&self) -> bool {
        match self {
            Self::GoAway { reason, .. } => *reason == Reason::NO_ERROR,
            Self::Lost(cause) => cause.is_none(),
            _ => false,
        }
    }
}

/// How far a session had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The handshake was not answered.
    Opening,
    /// It was open.
    Open,
    /// It was open, and a message had begun.
    InsideMessage,
}

/// What a time limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking the name up.
    Resolve,
    /// TCP.
    Connect,
    /// The proxy.
    Proxy,
    /// TLS.
    Tls,
    /// How a server begins in HTTP/2.
    Settings,
    /// That a stream of HTTP/2 may be opened.
    Stream,
    /// The answer to the opening handshake.
    Handshake,
    /// The answer to a keepalive ping.
    Pong,
    /// A message, either way.
    Idle,
    /// The whole run.
    Total,
}
