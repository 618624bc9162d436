//! Failures of a proxy.

use crate::{
    net::tls::TlsFault,
    proto::handshake::{Refusal, Response},
};
use std::io;

/// Why a proxy did not connect.
#[derive(Debug)]
pub enum ProxyFault {
    /// It refused.
    Status {
        /// Its answer.
        response: Box<Response>,
        /// The start of the body.
        body: Vec<u8>,
    },
    /// Its answer is not HTTP/1.1.
    Answer(Refusal),
    /// Its answer is not SOCKS.
    NotSocks {
        /// It is HTTP.
        http: bool,
    },
    /// An error that SOCKS reports.
    Socks {
        /// In words.
        words: String,
        /// It concerns user and password.
        wants_user: bool,
    },
    /// It closed the connection without an answer.
    Cut,
    /// The network failed.
    Network(io::Error),
    /// TLS with the proxy failed.
    Tls(TlsFault),
}
