//! Opening of a session: redirects, challenges, HTTP versions, TLS and the handshake.

use super::{
    client_report::{ClientConnection, ClientReport},
    dial::dial,
    dialer::Dialer,
    error::OpenError,
    http1, http2,
    options::{ConnectOptions, Http},
    outcome::HandshakeOutcome,
    progress::Progress,
    redirect_hop::RedirectHop,
    request::RequestSummary,
    step::{LimitScope, Step},
    stopwatch::Stopwatch,
    timeout::within,
    tracker::Tracker,
};
use crate::{
    known,
    net::{Transport, body, http2::Http2Fault, tls, tls::TlsFault},
};
use std::net::SocketAddr;
use tokio::time::{Instant, timeout, timeout_at};

/// A byte stream that carries an opening handshake next.
pub struct DialedStream {
    /// The stream, decrypted if it is TLS.
    pub transport: Box<dyn Transport>,
    /// The address of the server; `None` through a proxy or a Unix socket.
    pub address: Option<SocketAddr>,
    /// TLS version, cipher suite and key exchange group.
    pub tls: Option<String>,
    /// The protocol that the server selected by ALPN.
    pub alpn: Option<String>,
}

/// The outcome of a handshake and the connection that carried it.
pub(super) struct Attempt {
    pub(super) outcome: HandshakeOutcome,
    pub(super) address: Option<SocketAddr>,
    /// TLS version, cipher suite and key exchange group.
    pub(super) tls: Option<String>,
}

impl Dialer {
    /// Opens a session, following redirects and answering challenges, within
    /// [`Limits::total`](super::Limits::total). `observer` receives the progress.
    pub async fn open(
        &self,
        options: &ConnectOptions,
        observer: &mut dyn FnMut(Progress<'_>),
    ) -> Result<ClientConnection, OpenError> {
        let deadline = Instant::now() + options.limits.total;
        let stopwatch = Stopwatch::new(Instant::now().into_std());
        let mut tracker = Tracker::new(&stopwatch, observer);
        let opened = open_following_redirects(self, options, deadline, &mut tracker).await;
        if opened.is_err() {
            tracker.report(Progress::Failed(&stopwatch.timing(Instant::now().into_std())));
        }
        opened
    }
}

impl Dialer {
    /// Opens the byte stream of an opening handshake, without the handshake: TCP or a Unix socket,
    /// proxies and TLS. Follows no redirects.
    pub async fn open_stream(&self, options: &ConnectOptions) -> Result<DialedStream, OpenError> {
        let stopwatch = Stopwatch::new(Instant::now().into_std());
        let mut ignore = |_: Progress<'_>| {};
        let mut tracker = Tracker::new(&stopwatch, &mut ignore);
        let hop = RedirectHop::new(options);
        let limit = options.limits.total;
        let Ok(opened) = timeout(limit, secure(self, &hop, options.http, &mut tracker)).await
        else {
            return Err(OpenError::Timeout {
                authority: hop.target.authority(),
                step: stopwatch.step(),
                limit,
                scope: LimitScope::Open,
                request: None,
                received: 0,
            });
        };
        opened
    }
}

/// Adds the request, and what was received of the response, to a timeout of the opening handshake.
fn with_request(
    mut error: OpenError,
    hop: &RedirectHop<'_>,
    tracker: &mut Tracker<'_>,
) -> OpenError {
    if let OpenError::Timeout { step: Step::Handshake, request, received, .. } = &mut error {
        *received = tracker.report_partial();
        let mut headers = hop.headers();
        headers.edit(&hop.edits);
        *request = Some(Box::new(RequestSummary::new(&hop.target, &headers)));
    }
    error
}

/// Opens a session with the target, or with the target of its redirects.
async fn open_following_redirects(
    dialer: &Dialer,
    options: &ConnectOptions,
    deadline: Instant,
    tracker: &mut Tracker<'_>,
) -> Result<ClientConnection, OpenError> {
    let stopwatch = tracker.stopwatch;
    let mut hop = RedirectHop::new(options);
    loop {
        let Attempt { outcome, address, tls } =
            attempt_until(deadline, dialer, &hop, tracker).await?;
        let (HandshakeOutcome::Open(.., response) | HandshakeOutcome::Status(_, _, response, _)) =
            &outcome;
        hop.credentials.cookies.receive(&hop.target, response);
        let (mut transport, request, response, rest) = match outcome {
            HandshakeOutcome::Open(established, request, answer) => {
                let timing = stopwatch.timing(Instant::now().into_std());
                tracker.report(Progress::Open(&timing));
                let url = hop.target.to_string();
                let report = ClientReport { url, address, tls, request, answer, timing };
                return Ok(ClientConnection { established, report });
            }
            HandshakeOutcome::Status(transport, request, response, rest) => {
                (transport, request, response, rest)
            }
        };
        let from = hop.target.to_string();
        let status = response.status;
        let is_followed = hop.follow(&response);
        if is_followed.map_err(|fault| OpenError::Redirect { from, status, fault })? {
            tracker.report(Progress::Redirected(&hop.target));
            if !hop.withheld.is_empty() {
                tracker.report(Progress::Withheld(&hop.withheld));
            }
        } else if hop.answer_challenge(&response) {
            tracker.report(Progress::Challenged);
        } else {
            // The total limit covers the response up to its head. The body has a separate limit.
            let body = body::read(&mut transport, &response, rest).await;
            let body = known::redact_bytes(body);
            let location = response.headers.get("Location");
            let location = location.and_then(|location| hop.target.join(location.trim()).ok());
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

/// Makes an attempt until the deadline, which is that of [`Limits::total`](super::Limits::total).
pub(super) async fn attempt_until(
    deadline: Instant,
    dialer: &Dialer,
    hop: &RedirectHop<'_>,
    tracker: &mut Tracker<'_>,
) -> Result<Attempt, OpenError> {
    let (limits, stopwatch) = (&hop.options.limits, tracker.stopwatch);
    let Ok(attempt) = timeout_at(deadline, attempt_versions(dialer, hop, tracker)).await else {
        let is_run_limit = limits.is_run_limit;
        let proxy = stopwatch.proxy().filter(|_| !is_run_limit);
        let proxy = proxy.map(|proxy| format!("the proxy {proxy}"));
        let error = OpenError::Timeout {
            authority: proxy.unwrap_or_else(|| hop.target.authority()),
            step: stopwatch.step(),
            limit: limits.total,
            scope: if is_run_limit { LimitScope::Run } else { LimitScope::Open },
            request: None,
            received: 0,
        };
        return Err(with_request(error, hop, tracker));
    };
    attempt.map_err(|error| with_request(error, hop, tracker))
}

/// Attempts HTTP/2 if it is allowed, then HTTP/1.1 if the server has no WebSocket over HTTP/2.
async fn attempt_versions(
    dialer: &Dialer,
    hop: &RedirectHop<'_>,
    tracker: &mut Tracker<'_>,
) -> Result<Attempt, OpenError> {
    match attempt(dialer, hop, hop.options.http, tracker).await {
        Err(error) if hop.options.http == Http::Auto && is_worth_http1(&error) => {
            tracker.report(Progress::HttpFallback(&error));
            attempt(dialer, hop, Http::One, tracker).await
        }
        done => done,
    }
}

/// Returns true if HTTP/1.1 may succeed after this failure of HTTP/2.
fn is_worth_http1(error: &OpenError) -> bool {
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
    dialer: &Dialer,
    hop: &RedirectHop<'_>,
    http: Http,
    tracker: &mut Tracker<'_>,
) -> Result<Attempt, OpenError> {
    let DialedStream { transport, address, tls, alpn } = secure(dialer, hop, http, tracker).await?;
    let has_http2 = if tls.is_some() { alpn.as_deref() == Some("h2") } else { http == Http::Two };
    if http == Http::Two && !has_http2 {
        return Err(http2::open_error(&hop.target, Http2Fault::NotChosen(alpn)));
    }
    let outcome = handshake(hop, transport, has_http2, tracker).await?;
    Ok(Attempt { outcome, address, tls })
}

/// Connects to the target, with TLS if it is secure.
async fn secure(
    dialer: &Dialer,
    hop: &RedirectHop<'_>,
    http: Http,
    tracker: &mut Tracker<'_>,
) -> Result<DialedStream, OpenError> {
    let target = &*hop.target;
    let trust = target.secure.then(|| dialer.prepare_trust());
    let (stream, address) = dial(dialer, hop, tracker).await?;
    let Some(trust) = trust else {
        return Ok(DialedStream { transport: stream, address, tls: None, alpn: None });
    };
    tracker.enter(Step::Tls);
    let config = tls::Config::new(&hop.tls, &trust.wait().await?, alpn(http))?;
    let host = target.host_name();
    let secured = within(hop.options.limits.tls, Step::Tls, target, async {
        Ok(tls::secure(stream, &host, &config).await)
    })
    .await?;
    let chain = config.chain();
    if !chain.is_empty() {
        tracker.report(Progress::Chain(&chain));
    }
    if let Some(cause) = config.take_key_log_fault() {
        tracker.report(Progress::KeysNotLogged(&cause));
    }
    let stream = secured.map_err(|fault| match fault {
        TlsFault::NoProtocol if http != Http::One => http2::open_error(target, Http2Fault::Refused),
        fault => OpenError::Tls { authority: target.authority(), fault },
    })?;
    let session = stream.session();
    let tls = tls::parameters(session);
    let alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    tracker.report(Progress::Secured {
        tls: tls.as_deref().unwrap_or_default(),
        alpn: alpn.as_deref(),
    });
    // An established session has a version and a cipher suite.
    let tls = Some(tls.unwrap_or_default());
    Ok(DialedStream { transport: Box::new(stream), address, tls, alpn })
}

/// Performs the opening handshake within its limit.
async fn handshake(
    hop: &RedirectHop<'_>,
    stream: Box<dyn Transport>,
    has_http2: bool,
    tracker: &mut Tracker<'_>,
) -> Result<HandshakeOutcome, OpenError> {
    let handshake = async {
        if has_http2 {
            http2::handshake(hop, stream, tracker).await
        } else {
            http1::handshake(hop, stream, tracker).await
        }
    };
    within(hop.options.limits.handshake, Step::Handshake, &hop.target, handshake).await
}

/// Returns the protocols to offer by ALPN. Servers select HTTP/2 whenever it is offered, so it is
/// offered only where it can be used.
fn alpn(http: Http) -> &'static [&'static [u8]] {
    match http {
        Http::One => &[b"http/1.1"],
        Http::Two => &[b"h2"],
        Http::Auto => &[b"h2", b"http/1.1"],
    }
}
