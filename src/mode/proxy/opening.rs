//! The opening of a session: the server is asked first, and its answer is passed on to the client.

use super::{
    announce::{self, PassedHead},
    page,
    refusal::{ANSWER_LIMIT, fail},
    resource::resource,
    shared::{OpenPair, Shared},
    watch::PairWatch,
    watcher::Watcher,
};
use crate::{
    connect::{ClientConnection, Established, Progress, ServerAnswer, incoming::Incoming},
    escape::Escaped,
    proto::{
        Leg,
        handshake::{Headers, Response},
        passing::{Purpose, acceptance_fields, request_fields},
        request_fault::RequestFault,
        upgrade::key,
    },
    random::nonce,
    report,
};
use http::StatusCode;
use std::sync::Arc;

/// A session that both legs have opened.
pub(super) struct Opened {
    pub(super) pair: OpenPair,
    pub(super) client: Established,
    pub(super) server: Established,
    /// Set if the session is shown or recorded.
    pub(super) watcher: Option<Box<dyn Watcher>>,
}

/// Asks the server for a session, and answers the client. `None` if there is no session; the client has
/// its answer then.
pub(super) async fn open(shared: &Arc<Shared>, incoming: Incoming) -> Option<Opened> {
    let purpose = match Purpose::of(incoming.fault()) {
        Ok(Purpose::Page) if shared.job.passing.sessions_only => Err(RequestFault::NoUpgrade),
        purpose => purpose,
    };
    match purpose {
        Err(fault) => {
            let address = Escaped(incoming.authority()).to_string();
            shared.notes.event(&format!("refused {address}: {fault}"));
            // The client may have gone.
            let _ = incoming.refuse_for(fault).await;
            None
        }
        Ok(Purpose::Page) => {
            page::pass(shared, incoming).await;
            None
        }
        Ok(Purpose::Session) => open_session(shared, incoming).await,
    }
}

async fn open_session(shared: &Arc<Shared>, incoming: Incoming) -> Option<Opened> {
    let request = incoming.request();
    let number = shared.number();
    let label = format!("client {number}");
    let secrets = shared.notes.report.secrets;
    let target = Escaped(&secrets.target(&request.target)).to_string();
    let address = Escaped(incoming.authority()).to_string();
    let Some(slot) = shared.take_slot() else {
        shared.notes.event(&format!("refused {address} for {target} with 503: too many sessions"));
        announce::refused(shared, &incoming, Some(503), "too many sessions");
        let body = "the proxy has as many sessions as it may have (--max-clients)\n";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let _ = incoming.refuse(status, &Headers::default(), body).await;
        return None;
    };
    if let Some(status) = shared.fault_refusal() {
        shared.notes.event(&format!("refused {address} for {target} with {status}: a fault"));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let body = "refused by a fault rule of the proxy\n";
        let _ = incoming.refuse(status, &Headers::default(), body).await;
        return None;
    }
    let options = shared.options(resource(shared, &request.target));
    let host = options.target.host_header();
    let host = (!shared.job.passing.keep_host).then_some(&*host);
    // A server judges a malformed key itself.
    let accept = incoming.accept_value();
    let is_key_ours = incoming.fault() != Some(RequestFault::Key);
    let ours = is_key_ours.then(|| key(nonce()));
    let mut fields = request_fields(request, Purpose::Session, host, ours.as_deref());
    fields.edit(&shared.job.opening.edits);
    let server_url = options.target.to_string();
    let head = PassedHead::keep(shared, &incoming, (server_url, &options.target.resource), &fields);
    let mut observer = |progress: Progress<'_>| {
        if shared.notes.is_verbose() {
            shared.notes.details(&report::labelled_progress(&label, &progress, secrets));
        }
    };
    let answer = match shared.dialer.pass(&options, &fields, &mut observer).await {
        Ok(answer) => answer,
        Err(error) => {
            fail(shared, incoming, &label, &error.into()).await;
            return None;
        }
    };
    match answer {
        ServerAnswer::Open(connection) => {
            let ClientConnection { established: server, report } = *connection;
            let headers = acceptance(shared, &incoming, &report.answer, accept.as_deref());
            let agreement = server.agreement.clone();
            let reason = match report.answer.status {
                101 => &*report.answer.reason,
                _ => "Switching Protocols",
            };
            let accepted = incoming.accept_passed(reason, &headers, agreement, ANSWER_LIMIT).await;
            match accepted {
                Ok(client) => {
                    if let Some(view) = &shared.outlet.view {
                        view.joined(number, &address, &target);
                    }
                    if let Some(mut head) = head {
                        let given = (report.answer.status, &headers);
                        head.opened(shared, number, &report, given, &server.agreement);
                    }
                    let deflate = server.agreement.deflate.as_ref();
                    let watch = PairWatch::new(&shared.outlet, number, deflate);
                    let watcher = watch.map(|watch| Box::new(watch) as Box<dyn Watcher>);
                    let url = secrets.url(&report.url).into_owned();
                    shared
                        .notes
                        .event(&format!("{label} connected from {address}, to {}", Escaped(&url)));
                    Some(Opened { pair: OpenPair::new(slot, number), client, server, watcher })
                }
                Err(fault) => {
                    shared.notes.error(&format!("{label}: {}: {fault}", Leg::Client));
                    None
                }
            }
        }
        ServerAnswer::Refusal { response, transport, rest } => {
            let status = response.status;
            shared.notes.event(&format!("{label}: the server refused {target} with {status}"));
            if let Some(mut head) = head {
                head.refused(shared, number, &response);
            }
            announce::refused(shared, &incoming, Some(status), "the server refused the request");
            page::answer(shared, incoming, &response, (transport, rest)).await;
            None
        }
    }
}

fn acceptance(
    shared: &Shared,
    incoming: &Incoming,
    answer: &Response,
    accept: Option<&str>,
) -> Headers {
    let mut headers = acceptance_fields(answer, incoming.request().version, accept);
    headers.edit(&shared.job.passing.response_edits);
    headers
}
