//! Announcements about clients: notes on stderr, events of `--output jsonl`, and recordings.

use super::{client_record::ClientRecord, shared::Shared};
use crate::{
    connect::incoming::IncomingFault,
    escape::Escaped,
    job::listen::Service,
    net::tls::server::TlsSummary,
    proto::{
        Close, CloseCode, Role, Violation,
        handshake::{Agreement, Headers, Request, Version},
    },
    redact::{Secrets, Shown},
    render::{
        har::{Answer, Exchange},
        server_events::{ClientEnd, Refused},
        summary,
    },
    report,
    script::awaited::AwaitedKind,
    session::{Session, SessionError},
};
use http::StatusCode;
use std::{borrow::Cow, time::SystemTime};

/// A request and its sender.
pub(super) struct ReceivedRequest<'a> {
    pub(super) address: &'a str,
    pub(super) method: &'a str,
    pub(super) request: &'a Request,
    /// The result of the TLS handshake, if there was one.
    pub(super) tls: Option<&'a TlsSummary>,
}

/// The answer to a request.
pub(super) struct SentAnswer<'a> {
    status: u16,
    reason: &'static str,
    headers: &'a Headers,
    /// The text of a refusal.
    body: &'a str,
}

impl ReceivedRequest<'_> {
    /// Returns the URL of the request.
    fn url(&self, shared: &Shared) -> String {
        let scheme = if shared.tls.is_some() { "wss" } else { "ws" };
        let host = self.request.authority().unwrap_or_default();
        if self.request.target.starts_with('/') {
            format!("{scheme}://{host}{}", self.request.target)
        } else {
            self.request.target.clone()
        }
    }

    /// Writes the request with `-v`. Each line begins with `label`.
    pub(super) fn show(&self, shared: &Shared, label: &str) {
        if shared.notes.is_verbose() {
            shared.notes.details(&self.lines(shared, &format!("{label} ")));
        }
    }

    fn lines(&self, shared: &Shared, label: &str) -> Vec<Shown> {
        let first = match self.request.version {
            // HTTP/2 has no request line: the pseudo-header fields carry its contents.
            Version::Http2 => None,
            version => {
                let target = shared.notes.report.secrets.target(&self.request.target);
                Some(format!("{} {} {version}", Escaped(self.method), Escaped(&target)))
            }
        };
        head_lines(shared, &format!("{label}<"), first.as_deref(), &self.request.headers)
    }

    fn exchange(
        &self,
        shared: &Shared,
        conn: Option<u64>,
        secrets: Secrets,
        answer: &SentAnswer<'_>,
    ) -> Exchange {
        Exchange {
            connection: conn,
            started: Some(SystemTime::now()),
            url: secrets.target(&self.url(shared)).into_owned(),
            method: secrets.text(self.method).into_owned(),
            http: self.request.version.number().to_owned(),
            request: owned(secrets, &self.request.headers),
            answer: Some(Answer {
                status: answer.status,
                reason: answer.reason.to_owned(),
                headers: owned(secrets, answer.headers),
            }),
            body: Some(secrets.text(answer.body).into_owned().into_bytes())
                .filter(|body| !body.is_empty()),
            ..Exchange::default()
        }
    }
}

impl<'a> SentAnswer<'a> {
    pub(super) fn new(status: StatusCode, headers: &'a Headers, body: &'a str) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        Self { status: status.as_u16(), reason, headers, body }
    }

    /// Writes the answer with `-v`. Each line begins with `label`.
    fn show(&self, shared: &Shared, label: &str, version: Version) {
        if shared.notes.is_verbose() {
            shared.notes.details(&self.lines(shared, &format!("{label} "), version));
        }
    }

    fn lines(&self, shared: &Shared, label: &str, version: Version) -> Vec<Shown> {
        let first = match version {
            Version::Http2 => format!(":status: {}", self.status),
            _ => format!("HTTP/1.1 {} {}", self.status, self.reason).trim_end().to_owned(),
        };
        head_lines(shared, &format!("{label}>"), Some(&first), self.headers)
    }
}

fn owned(secrets: Secrets, headers: &Headers) -> Vec<(String, String)> {
    let owned =
        |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
    secrets.headers(headers).map(owned).collect()
}

/// Returns the lines of a request or response, each after `mark`.
fn head_lines(shared: &Shared, mark: &str, first: Option<&str>, headers: &Headers) -> Vec<Shown> {
    let secrets = shared.notes.report.secrets;
    let mark = Escaped(mark);
    let fields = secrets.headers(headers);
    let fields =
        fields.map(|(name, value)| format!("{mark} {}: {}", Escaped(&name), Escaped(&value)));
    let first = first.map(|first| format!("{mark} {first}"));
    let all = first.into_iter().chain(fields).chain([mark.to_string()]);
    all.map(|line| secrets.shown(&line)).collect()
}

/// Returns the record of a client that is admitted.
pub(super) fn record(
    shared: &Shared,
    asked: &ReceivedRequest<'_>,
    answer: &SentAnswer<'_>,
    agreement: &Agreement,
) -> ClientRecord {
    let secrets = shared.notes.report.secrets;
    let target = secrets.target(&asked.request.target);
    let subprotocol = agreement.subprotocol.as_ref();
    let subprotocol = subprotocol.map(|name| secrets.shown(&secrets.subprotocols(name)));
    let mut lines = asked.lines(shared, "");
    lines.extend(answer.lines(shared, "", asked.request.version));
    ClientRecord::new((secrets.shown(asked.address), secrets.shown(&target)), subprotocol, lines)
}

/// Reports a connection that ended before its request was read, or sent something else than a request.
pub(super) fn failed(shared: &Shared, address: &str, fault: &IncomingFault) {
    let status = match fault {
        IncomingFault::Request(fault) => Some(fault.status(Version::Http11).0.as_u16()),
        IncomingFault::TimedOut(_) => Some(408),
        // A port scan, or a spare connection of a browser.
        IncomingFault::Unused => {
            return shared.notes.detail(&format!("{address}: {fault}"));
        }
        IncomingFault::Cut | IncomingFault::Http2(_) | IncomingFault::Io(_) => None,
    };
    refused(shared, &Refused { address, status, reason: &fault.to_string(), ..Refused::default() });
}

/// Reports a refused request and its answer.
pub(super) fn refused_request(
    shared: &Shared,
    asked: &ReceivedRequest<'_>,
    answer: &SentAnswer<'_>,
    (reason, rule): (&str, Option<&'static str>),
) {
    asked.show(shared, asked.address);
    answer.show(shared, asked.address, asked.request.version);
    let url = asked.url(shared);
    shared.recorders.lines(None, |json, out| {
        json.refusal((&url, asked.method, asked.request), (answer.status, answer.headers), out);
    });
    shared.recorders.exchange(None, |secrets| asked.exchange(shared, None, secrets, answer));
    let (status, target) = (Some(answer.status), Some(asked.request.target.as_str()));
    refused(shared, &Refused { address: asked.address, status, reason, rule, target });
}

/// Reports a connection that got no session.
pub(super) fn refused(shared: &Shared, refused: &Refused<'_>) {
    let secrets = shared.notes.report.secrets;
    let Refused { address, status, reason, rule, target } = *refused;
    let place = target.map(|target| format!(" for {}", Escaped(&secrets.target(target))));
    let answer = status.map(|status| format!(" with {status}")).unwrap_or_default();
    let rule = rule.filter(|_| shared.notes.is_verbose());
    let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
    let reason = Escaped(&secrets.text(reason)).to_string();
    let place = place.unwrap_or_default();
    shared.notes.event(&format!("refused {address}{place}{answer}: {reason}{rule}"));
    shared.event(None, |json, out| json.refused(refused, out));
}

/// Reports an opened session.
pub(super) fn opened(
    shared: &Shared,
    id: u64,
    asked: &ReceivedRequest<'_>,
    answer: &SentAnswer<'_>,
    agreement: &Agreement,
) {
    let notes = &shared.notes;
    let label = format!("client {id}");
    asked.show(shared, &label);
    answer.show(shared, &label, asked.request.version);
    let target = notes.report.secrets.target(&asked.request.target);
    say(shared, &format!("{label} connected from {} for {}", asked.address, Escaped(&target)));
    if notes.is_verbose() {
        if let Some(tls) = asked.tls {
            notes.detail(&format!("{label}: {}", tls_line(tls)));
        }
        if let Some(name) = &agreement.subprotocol {
            let name = notes.report.secrets.subprotocols(name);
            notes.detail(&format!("{label}: subprotocol {}", Escaped(&name)));
        }
        notes.detail(&match &agreement.deflate {
            Some(deflate) => format!("{label}: {}", report::compression(deflate, Role::Server)),
            None => format!("{label}: no compression"),
        });
    }
    shared.log.add(id, AwaitedKind::Open, asked.request.target.as_bytes());
    let url = asked.url(shared);
    shared.event(Some(id), |json, out| {
        let answer = (answer.status, answer.headers);
        let place = (&*url, asked.address, asked.tls);
        json.accepted(place, asked.request, answer, agreement, out);
    });
    let conn = Some(id);
    shared.recorders.exchange(conn, |secrets| asked.exchange(shared, conn, secrets, answer));
}

/// Returns the line about the TLS session of a client.
fn tls_line(tls: &TlsSummary) -> String {
    let parameters = tls.parameters.as_deref().unwrap_or("TLS");
    let alpn = tls.alpn.as_ref().map(|name| format!(", ALPN {name}")).unwrap_or_default();
    let sni = tls.sni.as_ref().map(|name| format!(", server name {}", Escaped(name)));
    format!("{parameters}{alpn}{}", sni.unwrap_or_default())
}

/// What the server knows about the end of a session.
pub(super) struct SessionEnd<'a> {
    /// True if the client was too slow.
    pub(super) is_dropped: bool,
    /// The number of messages that the client missed.
    pub(super) skipped: u64,
    /// The fault or command that ended the connection, if one did.
    pub(super) fault: Option<&'a str>,
    /// True if a fault corrupted a message of the client.
    pub(super) is_corrupted: bool,
}

/// Reports how a session ended.
pub(super) fn ended(shared: &Shared, session: &mut Session, id: u64, how: &SessionEnd<'_>) {
    let SessionEnd { is_dropped, skipped, fault, is_corrupted } = *how;
    let answer = session.remote_close().cloned();
    let by_us = session.is_closed_by_us();
    let mut verdict = session.verdict(0);
    let ours = session.local_close();
    let failure = verdict.as_ref().err().filter(|_| fault.is_none());
    let code = failure.map_or(0, crate::error::session_exit_code);
    let violation = match failure {
        Some(SessionError::Protocol { violation, .. }) => Some(*violation),
        _ => None,
    };
    // The client is not to blame for what the server made of its bytes.
    let cause = if violation.is_some() && is_corrupted { CORRUPTED } else { "" };
    let message = fault.map(ToOwned::to_owned);
    let message = message.or_else(|| failure.map(|failure| format!("{cause}{failure}")));
    if let Err(error) = &mut verdict {
        // An earlier note has the address of the client.
        "the client".clone_into(error.authority_mut());
    }
    let end = match (&verdict, &answer, ours) {
        _ if fault.is_some() => format!(": {}", fault.unwrap_or_default()),
        // The Close that followed is that of our time limit.
        (Err(error @ SessionError::Idle { .. }), _, _) => format!(": {error}"),
        (_, answer, Some(ours)) if by_us => {
            let answer = match answer {
                Some(close) if close.code != ours.code => format!(", answered with {close}"),
                Some(_) => String::new(),
                None => ", without an answer".to_owned(),
            };
            let ours = if is_dropped {
                format!("{}, since it was too slow", named(ours.code))
            } else {
                ours.to_string()
            };
            format!(": closed by the server with {ours}{answer}")
        }
        (Err(error), _, _) => format!(": {cause}{error}"),
        (Ok(()), Some(close), _) if close.code != CloseCode::NO_STATUS => format!(": {close}"),
        (Ok(()), _, _) => String::new(),
    };
    let missed = match skipped {
        0 => String::new(),
        1 => ", 1 message skipped".to_owned(),
        skipped => format!(", {skipped} messages skipped"),
    };
    say(shared, &format!("client {id} disconnected{end}{missed}"));
    let (stats, unsent) = (session.stats(), session.unsent_messages());
    if shared.notes.is_verbose() {
        let ours =
            ours.filter(|_| by_us).map(|ours| ours.code).or(violation.map(Violation::close_code));
        shared.notes.detail(&format!("client {id}: {}", closes(ours, answer.as_ref())));
        for line in summary::summary(&stats, unsent) {
            shared.notes.detail(&format!("client {id}: {line}"));
        }
    }
    shared.count_traffic(&stats, unsent);
    if let Some(error) = shared.recorders.news() {
        shared.notes.error(error.shown().as_str());
    }
    let reason = answer.as_ref().map(|close| close.reason.as_bytes()).unwrap_or_default();
    shared.log.add(id, AwaitedKind::End, reason);
    let end = ClientEnd {
        code,
        remote: answer.as_ref(),
        is_closed_by_us: by_us || violation.is_some(),
        message: message.as_deref(),
        violation,
        stats: &stats,
        unsent,
    };
    shared.event(Some(id), |json, out| json.left(&end, out));
}

/// Returns the line about the Closes of a session: `ours` if the server sent the first one.
fn closes(ours: Option<CloseCode>, remote: Option<&Close>) -> String {
    match (ours, remote) {
        (Some(ours), Some(remote)) => {
            format!("the server closed first with {}, the client with {remote}", named(ours))
        }
        (Some(ours), None) => {
            format!("the server closed first with {}, the client did not answer", named(ours))
        }
        (None, Some(remote)) => {
            format!("the client closed first with {remote}, the server with the same code")
        }
        (None, None) => "ended without a Close".to_owned(),
    }
}

/// Returns a close code with its name.
fn named(code: CloseCode) -> String {
    match code.name() {
        "" => code.number().to_string(),
        name => format!("{} ({name})", code.number()),
    }
}

/// Reports a step of a session: with `--echo` only with `-v` or above a prompt, since a test may run
/// many sessions.
fn say(shared: &Shared, text: &str) {
    match shared.job.service {
        Service::Echo if !shared.notes.has_prompt() => shared.notes.detail(text),
        _ => shared.notes.event(text),
    }
}

/// The start of the note about a violation in bytes that a fault corrupted.
const CORRUPTED: &str = "a fault corrupted a message on purpose: ";
