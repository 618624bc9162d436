//! The opening handshake with a client.

use super::{
    announce::{self, ReceivedRequest, SentAnswer},
    faults::{self, ClientFaults},
    gate::{Refusal, path},
    hub::Mailbox,
    shared::Shared,
};
use crate::{
    connect::incoming::{Arrival, Incoming},
    job::listen::Service,
    mode::endpoint::{self, StartFault},
    net::{TransportHandle, listener::Accepted, tls::server::TlsSummary},
    proto::{
        handshake::{Agreement, Request, choose},
        request_fault::RequestFault,
    },
    random::entropy,
    render::server_events::Refused,
    script::{
        fault::FaultRule,
        reply::{
            conversation::Conversation,
            replies::{Replies, Route},
        },
    },
    session::Session,
};
use std::{borrow::Cow, sync::Arc};

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

/// The start of a connection: what it begins with, control over its socket, and the result of the TLS
/// handshake.
pub(super) type Received = (Arrival, Option<TransportHandle>, Option<Arc<TlsSummary>>);

/// Performs the TLS handshake, and reads what a connection begins with: a request, or the preface of
/// HTTP/2. A refusal is told.
pub(super) async fn receive(shared: &Shared, accepted: Accepted) -> Option<Received> {
    let Accepted { transport, address, handle } = accepted;
    let tell = |fault: &StartFault<'_>| match fault {
        StartFault::Tls(cause) => {
            let reason = &*cause.to_string();
            let refused = Refused { address: &address, reason, ..Refused::default() };
            announce::refused(shared, &refused);
        }
        StartFault::TlsTimedOut => {
            shared.notes.detail(&format!("{address}: no TLS handshake in time"));
        }
        StartFault::Request(fault) => announce::failed(shared, &address, fault),
    };
    let stream = (transport, address.clone());
    let received = endpoint::receive(shared.tls.as_ref(), stream, &shared.job.headers, &tell).await;
    let (arrival, tls) = received?;
    Some((arrival, handle.map(TransportHandle::Socket), tls.map(Arc::new)))
}

/// Performs the opening handshake. A refusal is told.
pub(super) async fn admit(
    shared: &Shared,
    incoming: Incoming,
    handle: Option<TransportHandle>,
    tls: Option<&TlsSummary>,
) -> Option<Admitted> {
    let address = incoming.authority().to_owned();
    let request = incoming.request().clone();
    let method = incoming.method().to_owned();
    let asked = ReceivedRequest { address: &address, method: &method, request: &request, tls };
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
            .map_err(|_| Refusal::of_fault(RequestFault::Extensions, request.version))?;
        Ok((chosen, route, rules))
    });
    let ((agreement, mut headers), route, rules) = match chosen {
        Ok(chosen) => chosen,
        Err(refusal) => {
            refuse(shared, incoming, &asked, refusal).await;
            return None;
        }
    };
    for (name, value) in shared.job.headers.iter() {
        headers.push(name, value);
    }
    let answer = incoming.acceptance_headers(&headers);
    let status = request.version.accepting_status();
    match incoming.accept_with_handle(agreement.clone(), &headers).await {
        Err(fault) => {
            asked.show(shared, &address);
            announce::failed(shared, &address, &fault);
            None
        }
        Ok((established, stream)) => {
            let handle = handle.or(stream);
            let mailbox = shared.hub.join();
            let answered = SentAnswer::new(status, &answer, "");
            if shared.notes.has_prompt() {
                mailbox.set_record(announce::record(shared, &asked, &answered, &agreement));
            }
            announce::opened(shared, mailbox.id, &asked, &answered, &agreement);
            let environment = match shared.job.service {
                Service::Exec(_) => environment(mailbox.id, &address, &request, &agreement),
                _ => Vec::new(),
            };
            let frame_faults = replies.as_ref().zip(route.as_ref());
            let frame_faults = frame_faults.is_some_and(|(it, route)| it.has_frame_faults(route));
            let is_faulty = frame_faults || rules.iter().any(FaultRule::is_of_session);
            let (established, line) = if is_faulty {
                faults::on_the_way(established, &rules, shared, mailbox.id)
            } else {
                (established, None)
            };
            let session = Session::server(established, shared.job.session, entropy());
            let conversation = replies.zip(route).map(|(replies, route)| {
                Conversation::new(&replies, route, mailbox.id, &request.headers)
            });
            let takes_lines = shared.job.format.jsonl_input;
            let faults = (line.is_some() || conversation.is_some() || takes_lines)
                .then(|| Box::new(ClientFaults::new(mailbox.id, line.zip(Some(rules)), handle)));
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
    let route = replies
        .map(|it| it.route(path(&request.target)).ok_or_else(|| Refusal::of_path("--reply")));
    let route = route.transpose()?;
    match shared.fault_refusal(replies.zip(route.as_ref())) {
        Some(status) => Err(Refusal::of_fault_rule(status)),
        None => Ok(route),
    }
}

async fn refuse(
    shared: &Shared,
    incoming: Incoming,
    asked: &ReceivedRequest<'_>,
    refusal: Refusal,
) {
    let Refusal { status, mut headers, reason, rule, body } = refusal;
    for (name, value) in shared.job.headers.iter() {
        headers.push(name, value);
    }
    let body = body.unwrap_or_else(|| format!("{reason}\n"));
    let all = incoming.refusal_headers(&headers, &body);
    let answered = SentAnswer::new(status, &all, &body);
    announce::refused_request(shared, asked, &answered, (&reason, rule));
    // The client may have gone.
    let _ = incoming.refuse(status, &headers, &body).await;
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
    if let Some(authority) = request.headers.get(":authority") {
        all.push(("WS_HEADER_HOST".to_owned(), authority.to_owned()));
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| !name.starts_with(':')) {
        let name = name.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        all.push((format!("WS_HEADER_{name}"), value.replace('\0', "")));
    }
    all
}
