//! Reasons why a client got no session.

use crate::{net::http2::Http2Fault, proto::request_fault::RequestFault};
use std::{fmt, io, time::Duration};

/// The reason why a client got no session.
#[derive(Debug)]
pub enum IncomingFault {
    /// The request breaks a rule; the client received an error response.
    Request(RequestFault),
    /// The client ended the connection before it sent anything.
    Unused,
    /// The client ended the connection in the middle of the head.
    Cut,
    /// The handshake was not finished within this limit.
    TimedOut(Duration),
    /// HTTP/2 failed.
    Http2(Http2Fault),
    /// The connection or the HTTP/2 stream failed.
    Io(io::Error),
}

impl fmt::Display for IncomingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(fault) => fault.fmt(f),
            Self::Unused => f.write_str("the connection ended without a request"),
            Self::Cut => f.write_str("the connection ended in the middle of the request"),
            Self::TimedOut(limit) => {
                // The rest of a longer limit is not a round number.
                let seconds = (limit.as_secs_f64() * 10.0).round() / 10.0;
                write!(f, "no complete request within {seconds} s")
            }
            Self::Http2(fault) => fault.fmt(f),
            Self::Io(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for IncomingFault {}

impl From<io::Error> for IncomingFault {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<Http2Fault> for IncomingFault {
    fn from(fault: Http2Fault) -> Self {
        Self::Http2(fault)
    }
}
