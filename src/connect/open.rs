//! The opening of a session: redirects, attempts, TLS and the handshake.

use super::{
    body,
    client_report::{ClientConnection, ClientReport},
    dial::dial,
    error::OpenError,
    http1, http2,
    options::{ConnectOptions, Http},
    outcome::HandshakeOutcome,
    progress::Progress,
    redirect,
    step::{LimitScope, Step},
    stopwatch::Stopwatch,
    timeout::within,
    tracker::Tracker,
    trust::read_authorities,
};
use crate::{
    net::{Transport, http2::Http2Fault, tls, tls::TlsFault},
    redact::without_ours,
};
use std::{io, net::SocketAddr};
use tokio::time::{Instant, timeout_at};

/// An attempt that was answered, and the stream it used.
struct Attempt {
    outcome: HandshakeOutcome,
    address: Option<SocketAddr>,
    /// TLS version, cipher suite and key exchange group.
    tls: Option<String>,
}

/// Opens a session, following redirects and answering challenges within
/// [`Limits::total`](super::Limits::total). `watch` is told of the progress.
pub async fn open(
    options: &ConnectOptions,
    watch: &mut dyn FnMut(Progress<'_>),
) -> Result<ClientConnection, OpenError> {
    let deadline = Instant::now() + options.limits.total;
    let stopwatch = Stopwatch::new(Instant::now().into_std());
    let mut tracker = Tracker { stopwatch: &stopwatch, watch };
    let opened = follow(options, deadline, &mut tracker).await;
    if opened.is_err() {
        tracker.tell(Progress::Failed(&stopwatch.so_far(Instant::now().into_std())));
    }
    opened
}

/// Opens a session at the target, or at the target of its redirects.
async fn follow(
    options: &ConnectOptions,
    deadline: Instant,
    tracker: &mut Tracker<'_>,
) -> Result<ClientConnection, OpenError> {
    let stopwatch = tracker.stopwatch;
    let mut here = options.clone();
    loop {
        let Ok(attempt) = timeout_at(deadline, attempts(&here, tracker)).await else {
            let is_run = here.limits.is_run;
            let proxy = stopwatch.proxy().filter(|_| !is_run);
            let proxy = proxy.map(|proxy| format!("the proxy {proxy}"));
            return Err(OpenError::Timeout {
                authority: proxy.unwrap_or_else(|| here.target.authority()),
                step: stopwatch.step(),
                limit: here.limits.total,
                scope: if is_run { LimitScope::Run } else { LimitScope::Open },
            });
        };
        let Attempt { outcome, address, tls } = attempt?;
        let (mut transport, request, response, rest) = match outcome {
            HandshakeOutcome::Open(established, request, answer) => {
                let timing = stopwatch.so_far(Instant::now().into_std());
                tracker.tell(Progress::Open(&timing));
                let url = here.target.to_string();
                let report = ClientReport { url, address, tls, request, answer, timing };
                return Ok(ClientConnection { established, report });
            }
            HandshakeOutcome::Status(transport, request, response, rest) => {
                (transport, request, response, rest)
            }
        };
        let next = redirect::follow(&here, &response).map_err(|fault| OpenError::Redirect {
            from: here.target.to_string(),
            status: response.status,
            fault,
        })?;
        if let Some(next) = next {
            tracker.tell(Progress::Redirected(&next.target));
            here = next;
        } else if here.credentials.answer(&here.target, &response) {
            tracker.tell(Progress::Challenged);
        } else {
            // The answer is there: its body has a limit of its own.
            let body = body::read(&mut transport, &response, rest).await;
            let mut ours = here.headers();
            ours.edit(&here.edits);
            let body = without_ours(body, &ours);
            let location = response.headers.get("Location");
            let location = location.and_then(|location| here.target.join(location.trim()).ok());
            let location = location.map(|target| target.to_string());
            return Err(OpenError::Status {
                request,
                response: Box::new(response),
                body,
                location,
            });
        }
    }
}

/// Tries the versions of HTTP, the newest first.
async fn attempts(
    options: &ConnectOptions,
    tracker: &mut Tracker<'_>,
) -> Result<Attempt, OpenError> {
    match attempt(options, options.http, tracker).await {
        Err(error) if options.http == Http::Auto && wants_http1(&error) => {
            tracker.tell(Progress::Again(&error));
            attempt(options, Http::One, tracker).await
        }
        done => done,
    }
}

/// Whether HTTP/1.1 may succeed where HTTP/2 failed.
fn wants_http1(error: &OpenError) -> bool {
    let OpenError::Http2 { fault, .. } = error else { return false };
    match fault {
        Http2Fault::NoExtendedConnect => true,
        Http2Fault::GoAway { reason, .. } | Http2Fault::Reset(reason) => {
            *reason == h2::Reason::HTTP_1_1_REQUIRED
        }
        _ => false,
    }
}

async fn attempt(
    options: &ConnectOptions,
    http: Http,
    tracker: &mut Tracker<'_>,
) -> Result<Attempt, OpenError> {
    let target = &options.target;
    // Reading the system's authorities takes milliseconds: do it while TCP is being made.
    let reading =
        target.secure.then(|| tokio::spawn(read_authorities(options.tls.clone(), alpn(http))));
    let (stream, address) = dial(options, tracker).await?;
    let Some(reading) = reading else {
        let outcome = shake(options, stream, http == Http::Two, tracker).await?;
        return Ok(Attempt { outcome, address, tls: None });
    };
    tracker.enter(Step::Tls);
    let config = reading.await.map_err(|e| OpenError::Other {
        doing: "read the certification authorities",
        cause: io::Error::other(e),
    })??;
    let host = target.host_name();
    let secured = within(options.limits.tls, Step::Tls, target, async {
        Ok(tls::secure(stream, &host, &config).await)
    })
    .await?;
    let chain = config.chain();
    if !chain.is_empty() {
        tracker.tell(Progress::Chain(&chain));
    }
    let stream = secured.map_err(|fault| match fault {
        TlsFault::NoProtocol if http != Http::One => http2::failed(target, Http2Fault::Refused),
        fault => OpenError::Tls { authority: target.authority(), fault },
    })?;
    let (_, session) = stream.get_ref();
    let tls = match (session.protocol_version(), session.negotiated_cipher_suite()) {
        (Some(version), Some(suite)) => {
            let group = session.negotiated_key_exchange_group();
            let group = group.map(|group| format!(", {:?}", group.name())).unwrap_or_default();
            Some(format!("{version:?}, {:?}{group}", suite.suite()))
        }
        _ => None,
    };
    let alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    let alpn = alpn.as_deref();
    tracker.tell(Progress::Secured { tls: tls.as_deref().unwrap_or_default(), alpn });
    let has_http2 = alpn == Some("h2");
    if http == Http::Two && !has_http2 {
        return Err(http2::failed(target, Http2Fault::NotChosen(alpn.map(ToOwned::to_owned))));
    }
    let outcome = shake(options, Box::new(stream), has_http2, tracker).await?;
    Ok(Attempt { outcome, address, tls })
}

/// The opening handshake, within its own limit.
async fn shake(
    options: &ConnectOptions,
    stream: Box<dyn Transport>,
    has_http2: bool,
    tracker: &mut Tracker<'_>,
) -> Result<HandshakeOutcome, OpenError> {
    let shaking = async {
        if has_http2 {
            http2::shake(options, stream, tracker).await
        } else {
            http1::shake(options, stream, tracker).await
        }
    };
    within(options.limits.handshake, Step::Handshake, &options.target, shaking).await
}

/// The protocols offered by ALPN. A server that may choose HTTP/2 does, so it is offered only
/// where it can be used.
fn alpn(http: Http) -> &'static [&'static [u8]] {
    match http {
        Http::One => &[b"http/1.1"],
        Http::Two => &[b"h2"],
        Http::Auto => &[b"h2", b"http/1.1"],
    }
}
