//! Failures of the TLS handshake, and of preparing for it.

use super::chain::Certificate;
use std::path::PathBuf;

/// A failure between TCP and HTTP.
#[derive(Debug)]
pub enum TlsFault {
    /// The server's certificate was refused.
    Certificate {
        /// The reason.
        cause: Box<rustls::CertificateError>,
        /// The chain that the server sent.
        chain: Vec<Certificate>,
    },
    /// The server's key is none of those pinned; its SHA-256 in base64.
    Pin(String),
    /// The server refuses the client's certificate, or requires one.
    Identity(rustls::AlertDescription),
    /// The server does not speak TLS; its first bytes.
    NotTls(Vec<u8>),
    /// The server refused the handshake with this alert.
    Alert(rustls::AlertDescription),
    /// The server supports none of the protocols offered by ALPN (RFC 7301).
    NoProtocol,
    /// The peer ended the transport during the TLS handshake.
    Cut {
        /// With a reset.
        reset: bool,
    },
    /// Another error of rustls.
    Library(Box<rustls::Error>),
    /// Any other error, in words.
    Other(String),
}

/// A failure to set TLS up, before any byte is sent.
#[derive(Debug)]
pub enum TlsSetupFault {
    /// The certification authorities cannot be used.
    Authorities {
        /// The file or directory; `None`: the system's own.
        path: Option<PathBuf>,
        /// The reason, in words.
        cause: String,
    },
    /// rustls refuses the configuration.
    Library(rustls::Error),
}
