//! The opening handshake over HTTP/1.1.

use super::{
    error::OpenError, established::Established, outcome::HandshakeOutcome,
    redirect_hop::RedirectHop, request::RequestSummary, step::Step, tracker::Tracker,
};
use crate::{
    known,
    net::{Transport, read_answer, tls},
    proto::{
        handshake::{Headers, Request, ResponseFault, Version},
        slice::Within,
        upgrade::{ClientUpgrade, UpgradeProgress, key},
    },
    random::nonce,
};
use std::io;
use tokio::{io::AsyncWriteExt as _, time::Instant};

/// Sends the request and reads the head of the response.
pub(super) async fn handshake(
    hop: &RedirectHop<'_>,
    mut transport: Box<dyn Transport>,
    tracker: &mut Tracker<'_>,
) -> Result<HandshakeOutcome, OpenError> {
    tracker.enter(Step::Handshake);
    let authority = hop.target.authority();
    let request = request(hop);
    let is_passed = hop.passed.is_some();
    let mut upgrade =
        if is_passed { ClientUpgrade::passed(request) } else { ClientUpgrade::new(request) };
    let summary = Box::new(RequestSummary::new(&hop.target, &upgrade.request().headers));
    let head = upgrade.head();
    tracker.report_request(upgrade.request());
    let sent = async {
        transport.write_all(&head).await?;
        transport.flush().await
    };
    // The server may have answered before it closed the connection, and its answer gives the
    // reason for a write error.
    let unsent = sent.await.err();
    let was_reset = unsent.as_ref().is_some_and(is_reset);
    let sent_at = Instant::now();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        let received = read_answer(&mut *transport, &mut buffer, unsent.is_some()).await;
        let (n, reset) = match (received, unsent.as_ref()) {
            (Some(Ok(n)), _) => (n, was_reset),
            (Some(Err(cause)), _) => match tls::late_fault(&cause) {
                Some(fault) => return Err(OpenError::Tls { authority, fault }),
                None => (0, is_reset(&cause)),
            },
            (None, cause) => {
                let cause = cause.map_or(io::ErrorKind::TimedOut, io::Error::kind).into();
                return Err(OpenError::Request { authority, cause });
            }
        };
        if n == 0 {
            if upgrade.has_begun() {
                tracker.report_broken(upgrade.unparsed());
            }
            return Err(OpenError::HandshakeCut {
                request: summary,
                begun: upgrade.has_begun(),
                reset,
                waited: sent_at.elapsed(),
            });
        }
        let answer = match upgrade.receive(buffer.within(..n)) {
            Ok(answer) => answer,
            Err(fault) => {
                match upgrade.refused() {
                    Some(response) => tracker.report_response(response),
                    None => tracker.report_broken(upgrade.unparsed()),
                }
                let fault = match fault {
                    ResponseFault::NotHttp(start) => {
                        ResponseFault::NotHttp(known::redact_bytes(start))
                    }
                    other => other,
                };
                return Err(OpenError::Handshake { request: summary, fault });
            }
        };
        match answer {
            UpgradeProgress::Pending => tracker.keep_partial(upgrade.unparsed()),
            UpgradeProgress::Open { agreement, response, rest } => {
                tracker.report_response(&response);
                let carrier = Version::Http11;
                let established = Established { transport, rest, agreement, carrier, authority };
                return Ok(HandshakeOutcome::Open(established, summary, response));
            }
            UpgradeProgress::Status { response, rest } => {
                tracker.report_response(&response);
                return Ok(HandshakeOutcome::Status(transport, summary, response, rest));
            }
        }
    }
}

fn is_reset(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::ConnectionReset
}

/// Builds the request: the fields of the handshake, with the user's edits applied last.
fn request(hop: &RedirectHop<'_>) -> Request {
    let target = &*hop.target;
    if let Some(passed) = hop.passed {
        let (version, target) = (Version::Http11, target.resource.clone());
        return Request { version, target, headers: passed.clone() };
    }
    let mut headers = Headers::default();
    headers.push("Host", hop.host.map_or_else(|| target.host_header(), ToOwned::to_owned));
    for (name, value) in hop.headers().iter() {
        headers.push(name, value);
    }
    headers.push("Upgrade", "websocket");
    headers.push("Connection", "Upgrade");
    headers.push("Sec-WebSocket-Key", key(nonce()));
    headers.edit(&hop.edits);
    Request { version: Version::Http11, target: target.resource.clone(), headers }
}

const READ_BUFFER_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::{
            ConnectOptions, Http, Limits, Progress, credentials::Credentials, stopwatch::Stopwatch,
        },
        net::{Refusing, tls::TlsOptions},
        target::Target,
    };
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_cannot_be_written_is_reported_without_the_wait_for_an_answer() {
        let options = ConnectOptions {
            target: Target::parse("ws://h/").unwrap(),
            host: None,
            headers: Headers::default(),
            edits: Vec::new(),
            credentials: Credentials::default(),
            redirects: None,
            tls: TlsOptions::default(),
            http: Http::One,
            limits: Limits {
                total: Duration::MAX,
                is_run_limit: false,
                resolve: None,
                tls: None,
                handshake: None,
            },
        };
        let started = Instant::now();
        let stopwatch = Stopwatch::new(started.into_std());
        let mut ignore = |_: Progress<'_>| {};
        let mut tracker = Tracker::new(&stopwatch, &mut ignore);
        let done = handshake(&RedirectHop::new(&options), Box::new(Refusing), &mut tracker).await;
        let Err(OpenError::Request { authority, cause }) = done else { panic!("it was sent") };
        assert_eq!((&*authority, cause.kind()), ("h:80", io::ErrorKind::BrokenPipe));
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
}
