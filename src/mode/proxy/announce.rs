//! The opening of sessions, and refusals, for everything that shows or records them.

use super::shared::Shared;
use crate::{
    connect::{ClientReport, incoming::Incoming},
    proto::handshake::{Agreement, Headers, Request, Response, Version},
    redact::Secrets,
    render::{
        har::{Answer, Exchange},
        proxy_events::PassedRequest,
        server_events::Refused,
    },
};
use std::{borrow::Cow, time::SystemTime};

/// A client's request, and what the server is asked for it.
pub(super) struct PassedHead {
    client_url: String,
    server_url: String,
    address: String,
    asked: Request,
    passed: Request,
    started: SystemTime,
}

impl PassedHead {
    /// Keeps a request, if events are written. `server_url` is the URL of the request to the server,
    /// `resource` its path and query, and `fields` are its header fields.
    pub(super) fn keep(
        shared: &Shared,
        incoming: &Incoming,
        (server_url, resource): (String, &str),
        fields: &Headers,
    ) -> Option<Box<Self>> {
        if !shared.outlet.has_events() {
            return None;
        }
        let asked = incoming.request();
        let scheme = if shared.tls.is_some() { "wss" } else { "ws" };
        let host = asked.authority().unwrap_or_default();
        Some(Box::new(Self {
            client_url: format!("{scheme}://{host}{}", asked.target),
            server_url,
            address: incoming.authority().to_owned(),
            passed: Request {
                version: Version::Http11,
                target: resource.to_owned(),
                headers: fields.clone(),
            },
            asked: asked.clone(),
            started: SystemTime::now(),
        }))
    }

    fn request(&self) -> PassedRequest<'_> {
        PassedRequest {
            client_url: &self.client_url,
            address: &self.address,
            request: &self.asked,
            tls: None,
            server_url: &self.server_url,
            passed: Some(&self.passed),
        }
    }

    fn exchange(&self, secrets: Secrets, response: Option<&Response>) -> Exchange {
        Exchange {
            started: Some(self.started),
            url: secrets.url(&self.server_url).into_owned(),
            method: self.passed.version.method().to_owned(),
            http: self.passed.version.number().to_owned(),
            request: owned(secrets, &self.passed.headers),
            answer: response.map(|response| Answer {
                status: response.status,
                reason: secrets.text(&response.reason).into_owned(),
                headers: owned(secrets, &response.headers),
            }),
            ..Exchange::default()
        }
    }

    /// Records a session that both legs have opened: what the server said, and the status and header
    /// fields that the client got.
    pub(super) fn opened(
        &mut self,
        shared: &Shared,
        conn: u64,
        report: &ClientReport,
        answer: (u16, &Headers),
        agreement: &Agreement,
    ) {
        self.passed.version = report.answer.version;
        let passed = self.request();
        shared.outlet.event(Some(conn), |json, out| {
            json.passed(&passed, report, answer, agreement, out);
        });
        shared.outlet.recorders.exchange(Some(conn), |secrets| Exchange {
            timing: report.timing,
            address: report.address.map(|address| address.ip().to_string()),
            connection: Some(conn),
            ..self.exchange(secrets, Some(&report.answer))
        });
    }

    /// Records that the server gave a client no session.
    pub(super) fn refused(&mut self, shared: &Shared, conn: u64, response: &Response) {
        self.passed.version = response.version;
        let passed = self.request();
        shared.outlet.recorders.lines(Some(conn), |json, out| {
            json.passed_refusal(&passed, response, out);
        });
        shared.outlet.recorders.exchange(None, |secrets| self.exchange(secrets, Some(response)));
    }
}

/// Reports a request that got no session.
pub(super) fn refused(shared: &Shared, incoming: &Incoming, status: Option<u16>, reason: &str) {
    let target = Some(incoming.request().target.as_str());
    let address = incoming.authority();
    let refused = Refused { address, status, reason, rule: None, target };
    shared.outlet.event(None, |json, out| json.refused(&refused, out));
}

fn owned(secrets: Secrets, headers: &Headers) -> Vec<(String, String)> {
    let owned =
        |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
    secrets.headers(headers).map(owned).collect()
}
