//! The events of a server as JSON Lines: its start, refused connections and opened sessions.

use super::{
    buffer::OutputBuffer,
    jsonl::{JsonLines, compression},
};
use crate::{
    proto::{
        Role,
        handshake::{Agreement, Request},
        trace::Direction,
    },
    schema::{
        event::{self, Event},
        line::VERSION,
    },
    session::Stats,
};
use std::time::Instant;

impl JsonLines {
    /// Writes the `listening` event.
    pub fn listening(&mut self, url: &str, pin: Option<&str>, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let (url, pin) = (url.into(), pin.map(Into::into));
        self.line(None, Event::Listening(event::Listening { version: VERSION, url, pin }), out);
    }

    /// Writes the `refused` event of a connection that got no session. `status` is that of the
    /// response and `target` that of the request, if there was one.
    pub fn refused(
        &mut self,
        address: &str,
        status: Option<u16>,
        reason: &str,
        target: Option<&str>,
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        let secrets = self.secrets;
        let event = Event::Refused(event::Refused {
            address: address.into(),
            status,
            reason: secrets.text(reason),
            target: target.map(|target| secrets.url(target)),
        });
        self.line(Some(Direction::In), event, out);
    }

    /// Writes the `end` event of a client's session: the exit status that a client would have, the
    /// statistics and the number of messages that were not sent.
    pub fn left(&mut self, code: u8, stats: &Stats, unsent: usize, out: &mut OutputBuffer) {
        self.end(None, Ok(code), (Some(stats), unsent), out);
    }

    /// Writes the `request` and `open` events of a client's session. `url` is that of the request.
    pub fn accepted(
        &mut self,
        url: &str,
        address: &str,
        request: &Request,
        agreement: &Agreement,
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        let secrets = self.secrets;
        let event = Event::Request(event::Request {
            url: secrets.url(url),
            method: request.version.method().into(),
            target: secrets.url(&request.target),
            http: request.version.number().into(),
            headers: self.headers(&request.headers),
        });
        self.line(Some(Direction::In), event, out);
        let subprotocol = agreement.subprotocol.as_deref();
        let event = Event::Open(Box::new(event::Open {
            version: VERSION,
            url: secrets.url(url),
            address: Some(address.into()),
            tls: None,
            subprotocol: subprotocol.map(|name| secrets.subprotocols(name)),
            compression: agreement.deflate.map(|it| compression(it, Role::Server)),
            timing: event::OpenTiming::default(),
            http: Some(request.version.number().into()),
            status: Some(101),
            headers: None,
        }));
        self.line(None, event, out);
    }
}
