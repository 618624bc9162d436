//! The opening handshake with a client, and the notes about its session.

use super::{
    client_record::ClientRecord,
    faults::{self, ClientFaults},
    gate::{Refusal, path},
    hub::Mailbox,
    shared::Shared,
};
use crate::{
    connect::incoming::{HANDSHAKE_LIMIT, Incoming, IncomingFault},
    escape::Escaped,
    job::listen::Service,
    net::listener::Accepted,
    proto::{
        Role,
        handshake::{Agreement, Headers, Request, choose},
        server_upgrade::RequestFault,
    },
    random::entropy,
    redact::Shown,
    report,
    script::{
        fault::FaultRule,
        reply::{
            conversation::Conversation,
            replies::{Replies, Route},
        },
    },
    session::{Session, SessionError},
};
use std::{borrow::Cow, sync::Arc};
use tokio::time::{Instant, timeout_at};

/// An admitted client.
pub(super) struct Admitted {
    pub(super) session: Session,
    pub(super) mailbox: Arc<Mailbox>,
    /// The variables of a command that runs for the client.
    pub(super) environment: Vec<(String, String)>,
    /// The conversation with a reply script, if there is one.
    pub(super) conversation: Option<Conversation>,
    pub(super) subprotocol: Option<String>,
    pub(super) faults: Option<Box<ClientFaults>>,
}

/// Performs the opening handshake. A refusal is told.
pub(super) async fn admit(shared: &Shared, accepted: Accepted) -> Option<Admitted> {
    let Accepted { transport, address, handle } = accepted;
    let deadline = Instant::now() + HANDSHAKE_LIMIT;
    let transport = match &shared.tls {
        None => transport,
        Some(tls) => match timeout_at(deadline, tls.accept(transport)).await {
            Ok(Ok(transport)) => transport,
            Ok(Err(cause)) => {
                tell_refused(shared, &address, None, &cause.to_string(), None);
                return None;
            }
            Err(_) => {
                shared.notes.detail(&format!("{address}: no TLS handshake in time"));
                return None;
            }
        },
    };
    let limit = deadline.saturating_duration_since(Instant::now());
    let incoming = match Incoming::read(transport, address.clone(), limit).await {
        Ok(incoming) => incoming,
        Err(fault) => {
            tell_fault(shared, &address, &fault);
            return None;
        }
    };
    let request = incoming.request().clone();
    let mut lines = request_lines(shared, incoming.method(), &request);
    shared.notes.details(&lines);
    let replies = shared.replies.get();
    let judged = shared.gate.judge(&request, incoming.fault(), shared.hub.count());
    let chosen = judged.and_then(|()| {
        let route = route(shared, replies.as_deref(), &request)?;
        let rules = faults::rules(shared, replies.as_deref().zip(route.as_ref()));
        let mut choices = Cow::Borrowed(&shared.job.choices);
        if rules.iter().any(FaultRule::needs_plain_messages) {
            choices.to_mut().compress = None;
        }
        let chosen = choose(&request.headers, &choices)
            .map_err(|_| Refusal::of_fault(RequestFault::Extensions))?;
        Ok((chosen, route, rules))
    });
    let ((agreement, mut headers), route, rules) = match chosen {
        Ok(chosen) => chosen,
        Err(refusal) => {
            refuse(shared, incoming, &request, refusal).await;
            return None;
        }
    };
    for (name, value) in shared.job.headers.iter() {
        headers.push(name, value);
    }
    let response = response_lines(shared, &headers);
    shared.notes.details(&response);
    lines.extend(response);
    match incoming.accept(agreement.clone(), &headers).await {
        Err(fault) => {
            tell_fault(shared, &address, &fault);
            None
        }
        Ok(established) => {
            let mailbox = shared.hub.join();
            if shared.notes.has_prompt() {
                mailbox.set_record(record(shared, (&address, &request), &agreement, lines));
            }
            tell_opened(shared, mailbox.id, &address, &request, &agreement);
            let environment = match shared.job.service {
                Service::Exec(_) => environment(mailbox.id, &address, &request, &agreement),
                _ => Vec::new(),
            };
            let seed = shared.job.seed;
            let frame_faults = replies.as_ref().zip(route.as_ref());
            let frame_faults = frame_faults.is_some_and(|(it, route)| it.has_frame_faults(route));
            let is_faulty = frame_faults || rules.iter().any(FaultRule::is_of_session);
            let (established, line) = if is_faulty {
                faults::on_the_way(established, rules, seed, mailbox.id)
            } else {
                (established, None)
            };
            let session = Session::server(established, shared.job.session, entropy());
            let conversation = replies.zip(route).map(|(replies, route)| {
                Conversation::new(&replies, route, mailbox.id, &request.headers)
            });
            let faults = (line.is_some() || conversation.is_some())
                .then(|| Box::new(ClientFaults::new(line, handle)));
            let subprotocol = agreement.subprotocol;
            Some(Admitted { session, mailbox, environment, conversation, subprotocol, faults })
        }
    }
}

/// Returns the rules of the reply script for a request, unless it is for another path or a fault
/// refuses it.
fn route(
    shared: &Shared,
    replies: Option<&Replies>,
    request: &Request,
) -> Result<Option<Route>, Refusal> {
    let route = replies.map(|it| it.route(path(&request.target)).ok_or_else(Refusal::of_path));
    let route = route.transpose()?;
    match shared.fault_refusal(replies.zip(route.as_ref())) {
        Some(status) => Err(Refusal::of_fault_rule(status)),
        None => Ok(route),
    }
}

async fn refuse(shared: &Shared, incoming: Incoming, request: &Request, refusal: Refusal) {
    let Refusal { status, mut headers, reason, body } = refusal;
    let target = Some(request.target.as_str());
    let address = incoming.authority().to_owned();
    tell_refused(shared, &address, Some(status.as_u16()), &reason, target);
    for (name, value) in shared.job.headers.iter() {
        headers.push(name, value);
    }
    let body = body.unwrap_or_else(|| format!("{reason}\n"));
    // The client may have gone.
    let _ = incoming.refuse(status, &headers, &body).await;
}

fn tell_fault(shared: &Shared, address: &str, fault: &IncomingFault) {
    let status = match fault {
        IncomingFault::Request(fault) => Some(fault.status().0.as_u16()),
        IncomingFault::TimedOut(_) => Some(408),
        // A port scan, or a spare connection of a browser.
        IncomingFault::Unused => {
            return shared.notes.detail(&format!("{address}: {fault}"));
        }
        IncomingFault::Cut | IncomingFault::Io(_) => None,
    };
    tell_refused(shared, address, status, &fault.to_string(), None);
}

fn tell_refused(
    shared: &Shared,
    address: &str,
    status: Option<u16>,
    reason: &str,
    target: Option<&str>,
) {
    let secrets = shared.notes.report.secrets;
    let place = target.map(|target| format!(" for {}", Escaped(&secrets.url(target))));
    let answer = status.map(|status| format!(" with {status}")).unwrap_or_default();
    let reason_shown = Escaped(&secrets.text(reason)).to_string();
    let text = format!("refused {address}{}{answer}: {reason_shown}", place.unwrap_or_default());
    shared.notes.event(&text);
    shared.output.event(None, |json, out| json.refused(address, status, reason, target, out));
}

fn tell_opened(shared: &Shared, id: u64, address: &str, request: &Request, agreement: &Agreement) {
    let notes = &shared.notes;
    let target = notes.report.secrets.url(&request.target);
    let text = format!("client {id} connected from {address} for {}", Escaped(&target));
    say(shared, &text);
    if notes.is_verbose() {
        if let Some(name) = &agreement.subprotocol {
            let name = notes.report.secrets.subprotocols(name);
            notes.detail(&format!("client {id}: subprotocol {}", Escaped(&name)));
        }
        match &agreement.deflate {
            Some(deflate) => {
                let compression = report::compression(deflate, Role::Server);
                notes.detail(&format!("client {id}: {compression}"));
            }
            None => notes.detail(&format!("client {id}: no compression")),
        }
    }
    let scheme = if shared.tls.is_some() { "wss" } else { "ws" };
    let host = request.headers.get("Host").unwrap_or_default();
    let url = if request.target.starts_with('/') {
        format!("{scheme}://{host}{}", request.target)
    } else {
        request.target.clone()
    };
    shared.output.accepted(id, (&url, address), request, agreement);
}

/// Returns the record of a client, with the lines of its opening handshake.
fn record(
    shared: &Shared,
    (address, request): (&str, &Request),
    agreement: &Agreement,
    lines: Vec<Shown>,
) -> ClientRecord {
    let secrets = shared.notes.report.secrets;
    let target = secrets.url(&request.target);
    let subprotocol = agreement.subprotocol.as_ref();
    let subprotocol = subprotocol.map(|name| secrets.shown(&secrets.subprotocols(name)));
    ClientRecord::new((secrets.shown(address), secrets.shown(&target)), subprotocol, lines)
}

/// Tells how a session ended. A client may have been dropped because it was too slow, or have missed
/// messages, and a fault of the reply script may have ended the connection.
pub(super) fn tell_end(
    shared: &Shared,
    session: &mut Session,
    id: u64,
    (dropped, skipped): (bool, u64),
    fault: Option<&str>,
) {
    let (answer, ours) = (session.remote_close().cloned(), session.local_close());
    let by_us = session.is_closed_by_us();
    let verdict = session.verdict(0);
    let failure = verdict.as_ref().err().filter(|_| fault.is_none());
    let code = failure.map_or(0, crate::error::session_exit_code);
    let end = match (&verdict, answer, ours) {
        _ if fault.is_some() => format!(": {}", fault.unwrap_or_default()),
        // The Close that followed is that of our time limit.
        (Err(error @ SessionError::Idle { .. }), _, _) => format!(": {error}"),
        (_, answer, Some(ours)) if by_us => {
            let name = ours.name();
            let name = if name.is_empty() { String::new() } else { format!(" ({name})") };
            let cause = if dropped { ", since it was too slow" } else { "" };
            let answer = match answer {
                Some(close) if close.code != ours => format!(", answered with {close}"),
                Some(_) => String::new(),
                None => ", without an answer".to_owned(),
            };
            format!(": closed by the server with {}{name}{cause}{answer}", u16::from(ours))
        }
        (Err(error), _, _) => format!(": {error}"),
        (Ok(()), Some(close), _) if close.code != crate::proto::CloseCode::NO_STATUS => {
            format!(": {close}")
        }
        (Ok(()), _, _) => String::new(),
    };
    let missed = match skipped {
        0 => String::new(),
        1 => ", 1 message skipped".to_owned(),
        skipped => format!(", {skipped} messages skipped"),
    };
    say(shared, &format!("client {id} disconnected{end}{missed}"));
    let stats = session.stats();
    let unsent = session.unsent_messages();
    shared.output.event(Some(id), |json, out| json.left(code, &stats, unsent, out));
}

/// Tells a step of a session: with `--echo` only with `-v` or above a prompt, since a test may run
/// many sessions.
fn say(shared: &Shared, text: &str) {
    match shared.job.service {
        Service::Echo if !shared.notes.has_prompt() => shared.notes.detail(text),
        _ => shared.notes.event(text),
    }
}

/// Returns the lines of a request for `-v`.
fn request_lines(shared: &Shared, method: &str, request: &Request) -> Vec<Shown> {
    let secrets = shared.notes.report.secrets;
    if !shared.notes.keeps_lines() {
        return Vec::new();
    }
    let target = secrets.url(&request.target);
    let first = format!("{} {} {}", Escaped(method), Escaped(&target), request.version);
    lines(shared, '<', &first, &request.headers)
}

fn response_lines(shared: &Shared, headers: &Headers) -> Vec<Shown> {
    if !shared.notes.keeps_lines() {
        return Vec::new();
    }
    lines(shared, '>', "HTTP/1.1 101 Switching Protocols", headers)
}

fn lines(shared: &Shared, mark: char, first: &str, headers: &Headers) -> Vec<Shown> {
    let secrets = shared.notes.report.secrets;
    let fields = secrets.headers(headers);
    let fields =
        fields.map(|(name, value)| format!("{mark} {}: {}", Escaped(&name), Escaped(&value)));
    let all = [format!("{mark} {first}")].into_iter().chain(fields).chain([mark.to_string()]);
    all.map(|line| secrets.shown(&line)).collect()
}

/// Returns the variables of a command that runs for a client.
fn environment(
    id: u64,
    address: &str,
    request: &Request,
    agreement: &Agreement,
) -> Vec<(String, String)> {
    let mut all = vec![
        ("WS_ID".to_owned(), id.to_string()),
        ("WS_PATH".to_owned(), path(&request.target).to_owned()),
        ("WS_TARGET".to_owned(), request.target.clone()),
        ("WS_ADDRESS".to_owned(), address.to_owned()),
        ("WS_SUBPROTOCOL".to_owned(), agreement.subprotocol.clone().unwrap_or_default()),
    ];
    for (name, value) in request.headers.iter() {
        let name = name.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        all.push((format!("WS_HEADER_{name}"), value.replace('\0', "")));
    }
    all
}
