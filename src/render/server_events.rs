//! The events of a server as JSON Lines: its start, refused connections and the sessions of clients.

use super::{
    buffer::OutputBuffer,
    jsonl::{JsonLines, compression},
};
use crate::{
    net::tls::server::TlsSummary,
    proto::{
        Close, Role, Violation,
        handshake::{Agreement, Headers, Request},
        trace::Direction,
    },
    schema::{
        event::{self, Event},
        line::VERSION,
        scalar::Seconds,
    },
    session::Stats,
};
use std::time::Instant;

/// A connection that got no session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refused<'a> {
    /// Address of the client.
    pub address: &'a str,
    /// Status of the response, if there was one.
    pub status: Option<u16>,
    /// Reason of the refusal.
    pub reason: &'a str,
    /// The option that refused the request, if one did.
    pub rule: Option<&'static str>,
    /// Path and query of the request, if it was read.
    pub target: Option<&'a str>,
}

/// The end of a client's session.
#[derive(Clone, Copy, Debug)]
pub struct ClientEnd<'a> {
    /// The exit status that a client would have.
    pub code: u8,
    /// The Close of the client, if it sent one.
    pub remote: Option<&'a Close>,
    /// True if the server sent the first Close.
    pub is_closed_by_us: bool,
    /// The cause of a failure.
    pub message: Option<&'a str>,
    /// The violation of the client, if there was one.
    pub violation: Option<Violation>,
    /// Statistics of the session.
    pub stats: &'a Stats,
    /// The number of messages that were not sent.
    pub unsent: usize,
}

impl JsonLines {
    /// Writes the `listening` event.
    pub fn listening(&mut self, url: &str, pin: Option<&str>, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let (url, pin) = (url.into(), pin.map(Into::into));
        self.line(None, Event::Listening(event::Listening { version: VERSION, url, pin }), out);
    }

    /// Writes the `refused` event of a connection that got no session.
    pub fn refused(&mut self, refused: &Refused<'_>, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let secrets = self.secrets;
        let event = Event::Refused(event::Refused {
            address: refused.address.into(),
            status: refused.status,
            reason: secrets.text(refused.reason),
            rule: refused.rule.map(Into::into),
            target: refused.target.map(|target| secrets.target(target)),
        });
        self.line(Some(Direction::In), event, out);
    }

    /// Writes the `request` and `response` events of a refused request: its URL, method and the
    /// request itself, and status and header fields of the answer.
    pub fn refusal(
        &mut self,
        (url, method, request): (&str, &str, &Request),
        (status, headers): (u16, &Headers),
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        self.client_request((url, method, request), out);
        let event = Event::Response(event::Response {
            http: Some(request.version.number().into()),
            status: Some(status),
            headers: Some(self.headers(headers)),
            ..event::Response::default()
        });
        self.line(Some(Direction::Out), event, out);
    }

    /// Writes the `request` and `open` events of a client's session: URL of the request and address
    /// of the client, the request, status and header fields of the answer, and what was agreed.
    pub fn accepted(
        &mut self,
        (url, address, tls): (&str, &str, Option<&TlsSummary>),
        request: &Request,
        (status, headers): (u16, &Headers),
        agreement: &Agreement,
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        self.client_request((url, request.version.method(), request), out);
        let secrets = self.secrets;
        let subprotocol = agreement.subprotocol.as_deref();
        let event = Event::Open(Box::new(event::Open {
            version: VERSION,
            url: secrets.target(url),
            target: Some(secrets.target(&request.target)),
            address: Some(address.into()),
            tls: tls.and_then(|tls| tls.parameters.as_deref()).map(Into::into),
            alpn: tls.and_then(|tls| tls.alpn.as_deref()).map(Into::into),
            sni: tls.and_then(|tls| tls.sni.as_deref()).map(|name| secrets.text(name)),
            subprotocol: subprotocol.map(|name| secrets.subprotocols(name)),
            compression: agreement.deflate.map(|it| compression(it, Role::Server)),
            timing: event::OpenTiming::default(),
            http: Some(request.version.number().into()),
            status: Some(status),
            headers: Some(self.headers(headers)),
        }));
        self.line(None, event, out);
    }

    fn client_request(
        &mut self,
        (url, method, request): (&str, &str, &Request),
        out: &mut OutputBuffer,
    ) {
        let secrets = self.secrets;
        let event = Event::Request(event::Request {
            url: secrets.target(url),
            method: secrets.text(method),
            target: secrets.target(&request.target),
            http: request.version.number().into(),
            headers: self.headers(&request.headers),
        });
        self.line(Some(Direction::In), event, out);
    }

    /// Writes the `end` event of a client's session.
    pub fn left(&mut self, end: &ClientEnd<'_>, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let secrets = self.secrets;
        let was_closed = end.is_closed_by_us || end.remote.is_some();
        let timing = event::EndTiming {
            first_message: end.stats.first_message.map(Seconds),
            total: Seconds(end.stats.duration),
        };
        let event = event::End {
            close_code: Some(end.remote.map_or(1006, |close| close.code.number())),
            close_reason: end.remote.map(|close| secrets.text(&close.reason)),
            closed_by: was_closed.then(|| {
                let by_us = end.is_closed_by_us;
                if by_us { event::ClosedBy::Local } else { event::ClosedBy::Remote }
            }),
            message: end.message.map(|message| secrets.text(message)),
            violation: end.violation.map(|violation| violation.section().into()),
            ..super::jsonl::end(Ok(end.code), (Some(end.stats), end.unsent), timing)
        };
        self.line(None, Event::End(Box::new(event)), out);
    }
}
