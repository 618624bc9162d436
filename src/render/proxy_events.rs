//! The events of a proxy as JSON Lines: the opening of a session on both legs, and the end of each leg.

use super::{
    buffer::OutputBuffer,
    jsonl::{JsonLines, compression, end},
};
use crate::{
    connect::ClientReport,
    net::tls::server::TlsSummary,
    proto::{
        Close, Leg,
        handshake::{Agreement, Headers, Request, Response},
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

/// A request of a client, and what the server was asked for it.
#[derive(Clone, Copy, Debug)]
pub struct PassedRequest<'a> {
    /// URL of the client's request.
    pub client_url: &'a str,
    /// Address of the client.
    pub address: &'a str,
    /// The client's request.
    pub request: &'a Request,
    /// The result of the TLS handshake with the client, if there was one.
    pub tls: Option<&'a TlsSummary>,
    /// URL of the request to the server.
    pub server_url: &'a str,
    /// The request to the server, if it was sent.
    pub passed: Option<&'a Request>,
}

/// The end of a leg.
#[derive(Clone, Copy, Debug)]
pub struct LegEnd<'a> {
    /// The leg.
    pub leg: Leg,
    /// The exit status of a client that ended so.
    pub code: u8,
    /// The Close of the peer, if it sent one.
    pub close: Option<&'a Close>,
    /// The side that sent the first Close of the session, as this leg sees it.
    pub closed_by: Option<event::ClosedBy>,
    /// The cause of a failure.
    pub message: Option<&'a str>,
    /// Counts of what was received and sent on this leg.
    pub stats: &'a Stats,
}

impl JsonLines {
    /// Writes the `request` and `open` events of both legs of a session: the answer of the server, the
    /// status and header fields that the client got, and what was agreed.
    pub fn passed(
        &mut self,
        passed: &PassedRequest<'_>,
        report: &ClientReport,
        (status, headers): (u16, &Headers),
        agreement: &Agreement,
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        self.requests(passed, out);
        let secrets = self.secrets;
        let timing = report.timing;
        let subprotocol = || {
            let name = agreement.subprotocol.as_deref();
            name.map(|name| secrets.subprotocols(name).into_owned().into())
        };
        let open = event::Open {
            version: VERSION,
            url: secrets.target(passed.client_url),
            target: Some(secrets.target(&passed.request.target)),
            address: Some(passed.address.into()),
            tls: passed.tls.and_then(|tls| tls.parameters.as_deref()).map(Into::into),
            alpn: passed.tls.and_then(|tls| tls.alpn.as_deref()).map(Into::into),
            sni: passed.tls.and_then(|tls| tls.sni.as_deref()).map(|name| secrets.text(name)),
            subprotocol: subprotocol(),
            compression: agreement.deflate.map(|it| compression(it, Leg::Client.role())),
            timing: event::OpenTiming::default(),
            http: Some(passed.request.version.number().into()),
            status: Some(status),
            headers: Some(self.headers(headers)),
        };
        self.leg_line(Leg::Client, None, Event::Open(Box::new(open)), out);
        let open = event::Open {
            version: VERSION,
            url: secrets.url(&report.url),
            target: None,
            address: report.address.map(|address| address.to_string().into()),
            tls: report.tls.as_deref().map(Into::into),
            alpn: None,
            sni: None,
            subprotocol: subprotocol(),
            compression: agreement.deflate.map(|it| compression(it, Leg::Server.role())),
            timing: event::OpenTiming {
                resolve: Seconds(timing.resolve),
                connect: Seconds(timing.connect),
                proxy: Seconds(timing.proxy),
                tls: Seconds(timing.tls),
                handshake: Seconds(timing.handshake),
                total: Seconds(timing.total()),
            },
            http: Some(report.answer.version.number().into()),
            status: Some(report.answer.status),
            headers: Some(self.headers(&report.answer.headers)),
        };
        self.leg_line(Leg::Server, None, Event::Open(Box::new(open)), out);
    }

    /// Writes the `request` events of both legs, and the `response` event of an answer of the server that
    /// opens no session.
    pub fn passed_refusal(
        &mut self,
        passed: &PassedRequest<'_>,
        response: &Response,
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        self.requests(passed, out);
        let event = Event::Response(event::Response {
            http: Some(response.version.number().into()),
            status: Some(response.status),
            headers: Some(self.headers(&response.headers)),
            ..event::Response::default()
        });
        self.leg_line(Leg::Server, Some(Direction::In), event, out);
    }

    fn requests(&mut self, passed: &PassedRequest<'_>, out: &mut OutputBuffer) {
        let secrets = self.secrets;
        let request = passed.request;
        let event = Event::Request(event::Request {
            url: secrets.target(passed.client_url),
            method: request.version.method().into(),
            target: secrets.target(&request.target),
            http: request.version.number().into(),
            headers: self.headers(&request.headers),
        });
        self.leg_line(Leg::Client, Some(Direction::In), event, out);
        let Some(request) = passed.passed else { return };
        let event = Event::Request(event::Request {
            url: secrets.url(passed.server_url),
            method: request.version.method().into(),
            target: secrets.url(&request.target),
            http: request.version.number().into(),
            headers: self.headers(&request.headers),
        });
        self.leg_line(Leg::Server, Some(Direction::Out), event, out);
    }

    /// Writes the `end` event of a leg.
    pub fn leg_left(&mut self, left: &LegEnd<'_>, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let secrets = self.secrets;
        let timing = event::EndTiming {
            first_message: left.stats.first_message.map(Seconds),
            total: Seconds(left.stats.duration),
        };
        let event = event::End {
            close_code: Some(left.close.map_or(1006, |close| close.code.number())),
            close_reason: left.close.map(|close| secrets.text(&close.reason)),
            closed_by: left.closed_by,
            message: left.message.map(|message| secrets.text(message)),
            ..end(Ok(left.code), (Some(left.stats), 0), timing)
        };
        self.leg_line(left.leg, None, Event::End(Box::new(event)), out);
    }

    fn leg_line(
        &mut self,
        leg: Leg,
        direction: Option<Direction>,
        event: Event<'_>,
        out: &mut OutputBuffer,
    ) {
        let before = self.set_leg(Some(leg));
        self.line(direction, event, out);
        self.set_leg(before);
    }
}
