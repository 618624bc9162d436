//! The answers of another server, passed on to a client.

use super::{Exchange, Incoming, fault::IncomingFault, http1};
use crate::{
    connect::established::Established,
    net::Transport,
    proto::{
        handshake::{Agreement, Headers, Version},
        request_fault::RequestFault,
        upgrade::{accept_for, head},
    },
};
use http::StatusCode;
use std::{io, time::Duration};
use tokio::time::timeout;

/// A stream, and what was received of it before it is read.
type ReceivedStream = (Box<dyn Transport>, Vec<u8>);

impl Incoming {
    /// Returns the `Sec-WebSocket-Accept` for this client; `None` over HTTP/2, and for a key that is not
    /// one.
    pub fn accept_value(&self) -> Option<String> {
        if self.request.version == Version::Http2 || self.fault == Some(RequestFault::Key) {
            return None;
        }
        self.request.headers.get("Sec-WebSocket-Key").map(|key| accept_for(key.trim()))
    }

    /// Opens the session with an answer whose header fields are complete, within this limit.
    pub async fn accept_passed(
        self,
        reason: &str,
        headers: &Headers,
        agreement: Agreement,
        limit: Duration,
    ) -> Result<Established, IncomingFault> {
        let (authority, carrier) = (self.authority.clone(), self.request.version);
        let status = if carrier == Version::Http2 {
            StatusCode::OK
        } else {
            StatusCode::SWITCHING_PROTOCOLS
        };
        let (transport, rest) = self.respond(status, reason, headers, limit).await?;
        Ok(Established { transport, rest, agreement, carrier, authority })
    }

    /// Writes the head of an answer whose header fields are complete. Returns the stream, which takes
    /// the body, and what was received after the head of the request.
    pub async fn respond(
        self,
        status: StatusCode,
        reason: &str,
        headers: &Headers,
        limit: Duration,
    ) -> Result<ReceivedStream, IncomingFault> {
        match self.exchange {
            Exchange::Http1 { mut transport, rest, .. } => {
                let answer = head(&status_line(status, reason), headers);
                let written = timeout(limit, http1::write(&mut transport, &answer)).await;
                written.map_err(|_| IncomingFault::TimedOut(limit))??;
                Ok((transport, rest))
            }
            Exchange::Http2(request) => {
                let stream = request.respond(status, headers.iter())?;
                Ok((Box::new(stream), Vec::new()))
            }
        }
    }

    /// Takes the stream of a request over HTTP/1.1, and what was received after its head. A request over
    /// HTTP/2 is returned.
    pub fn into_stream(self) -> Result<ReceivedStream, Box<Self>> {
        match self.exchange {
            Exchange::Http1 { transport, rest, .. } => Ok((transport, rest)),
            Exchange::Http2(_) => Err(Box::new(self)),
        }
    }

    /// Reads the body of a request over HTTP/2, each part within this limit, as long as `take` has room
    /// for the length so far. That of another request is read from its stream.
    pub async fn read_body<E>(
        &mut self,
        limit: Duration,
        take: impl FnMut(usize) -> Result<(), E>,
    ) -> io::Result<Result<Vec<u8>, E>> {
        match &mut self.exchange {
            Exchange::Http1 { .. } => Ok(Ok(Vec::new())),
            Exchange::Http2(request) => request.read_body(limit, take).await,
        }
    }

    /// Waits until the client of a request over HTTP/2 has reset its stream, or its connection has ended.
    /// That of another request is noticed on its stream.
    pub async fn client_left(&mut self) {
        match &mut self.exchange {
            Exchange::Http1 { .. } => std::future::pending().await,
            Exchange::Http2(request) => request.client_left().await,
        }
    }
}

/// Returns the first line of an answer. Its reason is the server's, and may be empty.
fn status_line(status: StatusCode, reason: &str) -> String {
    format!("HTTP/1.1 {} {reason}", status.as_u16())
}
