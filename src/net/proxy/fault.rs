//! Failures to connect through a proxy.

use crate::{
    net::tls::TlsFault,
    proto::handshake::{Response, ResponseFault},
};
use std::io;

/// The reason why a proxy did not connect to the target.
#[derive(Debug)]
pub enum ProxyFault {
    /// The proxy answered CONNECT with a status other than 2xx.
    Status {
        /// The head of the answer.
        response: Box<Response>,
        /// The first bytes of the body, at most 4 KiB.
        body: Vec<u8>,
        /// Credentials were sent.
        authorized: bool,
    },
    /// The answer is not HTTP/1.1.
    Answer(ResponseFault),
    /// The answer is not SOCKS.
    NotSocks {
        /// The answer is HTTP.
        http: bool,
    },
    /// A failure of the SOCKS negotiation.
    Socks {
        /// The error message of the library.
        words: String,
        /// User and password are missing, empty or wrong.
        wants_user: bool,
    },
    /// The proxy closed the connection without an answer.
    Cut,
    /// The connection to the proxy failed.
    Network(io::Error),
    /// TLS with the proxy failed.
    Tls(TlsFault),
}
