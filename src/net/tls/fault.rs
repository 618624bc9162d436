//! Failures of the TLS handshake and its setup.

use super::chain::Certificate;
use std::path::PathBuf;

/// A failure of TLS with a server or proxy.
#[derive(Debug)]
pub enum TlsFault {
    /// The server's certificate was refused.
    Certificate {
        /// The reason of the refusal.
        cause: Box<rustls::CertificateError>,
        /// The chain that the server sent, its own certificate first.
        chain: Vec<Certificate>,
    },
    /// The server's public key matches no pin; its SHA-256 in base64.
    Pin(String),
    /// The server refused the client certificate, or requires one; its alert.
    Identity(rustls::AlertDescription),
    /// The server does not speak TLS; its first bytes, at most 80.
    NotTls(Vec<u8>),
    /// The server refused the handshake with this alert.
    Alert(rustls::AlertDescription),
    /// The server supports none of the protocols offered by ALPN (RFC 7301).
    NoProtocol,
    /// The peer closed the connection during the TLS handshake.
    Cut {
        /// The peer reset the connection.
        reset: bool,
    },
    /// Another error of rustls.
    Library(Box<rustls::Error>),
    /// Any other error.
    Other(String),
}

/// A failure to set up TLS, before any byte is sent.
#[derive(Debug)]
pub enum TlsSetupFault {
    /// The certification authorities cannot be used.
    Authorities {
        /// The file or directory; `None` for the system's authorities.
        path: Option<PathBuf>,
        /// The reason, as a phrase.
        cause: String,
    },
    /// rustls rejected the configuration.
    Library(rustls::Error),
}
