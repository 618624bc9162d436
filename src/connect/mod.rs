//! A target to an open session: resolve, connect, secure, hand-shake, all in one time budget.

mod body;
mod client_report;
pub mod cookies;
pub mod credentials;
pub mod dial;
mod digest;
mod established;
mod http1;
mod http2;
pub mod incoming;
pub mod netrc;
mod redirect;
mod timing;

pub use client_report::{ClientConnection, ClientReport};
pub use established::Established;
pub use timing::Timing;

use crate::{
    error::{Asked, Error, Http2Fault, Step, TlsFault},
    net::{Transport, http2::Settings, proxy::Destination, tls},
    proto::handshake::{HeaderEdit, Headers, Request, Response},
    redact::without_ours,
    target::Target,
};
use credentials::Credentials;
use dial::{Dialing, Limits, dial};
use std::{io, net::SocketAddr, time::Duration};
use timing::Course;
use tokio::time::{Instant, timeout, timeout_at};

/// What to open.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where.
    pub target: Target,
    /// The Host header, if not the target's.
    pub host: Option<String>,
    /// The headers that the handshake does not make.
    pub headers: Headers,
    /// What `-H` asks for.
    pub edits: Vec<HeaderEdit>,
    /// Who we are.
    pub credentials: Credentials,
    /// How many redirects are followed; `None`: they are not.
    pub redirects: Option<usize>,
    /// How many have been.
    pub followed: usize,
    /// How streams are made.
    pub dialing: Dialing,
    /// What is asked of TLS, for wss.
    pub tls: tls::Tls,
    /// What may carry the handshake.
    pub http: Http,
    /// How long it may take.
    pub limits: Limits,
}

impl Opening {
    /// The header fields that both carriers send, but for Host: the defaults, and who we are.
    pub fn headers(&self) -> Headers {
        let mut headers = self.headers.clone();
        for (name, value) in self.credentials.headers(&self.target).iter() {
            headers.push(name, value);
        }
        headers
    }
}

/// What may carry a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1.
    #[default]
    One,
    /// HTTP/2: chosen by ALPN with TLS, known beforehand without.
    Two,
    /// With TLS HTTP/2, if the server has it and knows RFC 8441, and HTTP/1.1 otherwise.
    Auto,
}

/// What happens on the way, for those who want to watch.
#[derive(Debug)]
pub enum Progress<'a> {
    /// TCP is there.
    Connected(SocketAddr),
    /// The Unix socket is.
    Socket(&'a str),
    /// TCP is there, to a proxy.
    ConnectedToProxy(SocketAddr),
    /// The proxy has connected to there.
    Tunnelled(&'a Destination<'a>),
    /// The server has shown its certificate, and the chain behind it.
    Chain(&'a [tls::Certificate]),
    /// TLS is there.
    Secured {
        /// Version and cipher suite.
        tls: &'a str,
        /// The protocol chosen by ALPN.
        alpn: Option<&'a str>,
    },
    /// HTTP/2 is there, and this is what the server says of itself.
    Settings(&'a Settings),
    /// Another way is tried, and this is why.
    Again(&'a Error),
    /// A redirect is followed.
    Redirected(&'a Target),
    /// A challenge is answered.
    Challenged,
    /// The request is sent, after so long.
    Request(&'a Request, &'a Timing),
    /// An answer has come, after so long.
    Response(&'a Response, &'a Timing),
    /// The session is open, after so long.
    Open(&'a Timing),
    /// It will not be: what each step has taken.
    Failed(&'a Timing),
}

/// Who watches, and how far it has come.
struct Way<'a> {
    course: &'a Course,
    watch: &'a mut dyn FnMut(Progress<'_>),
}

impl Way<'_> {
    /// The next step begins.
    fn enter(&self, step: Step) {
        self.course.enter(step, Instant::now().into_std());
    }

    /// A request is sent.
    fn request(&mut self, request: &Request) {
        let timing = self.course.so_far(Instant::now().into_std());
        (self.watch)(Progress::Request(request, &timing));
    }

    /// An answer has come.
    fn response(&mut self, response: &Response) {
        let timing = self.course.so_far(Instant::now().into_std());
        (self.watch)(Progress::Response(response, &timing));
    }
}

/// A finished handshake: the session is open, or the answer has another status.
enum HandshakeOutcome {
    Open(Established, Box<Asked>, Response),
    Status(Box<dyn Transport>, Box<Asked>, Response, Vec<u8>),
}

/// An attempt that came to an answer, and the stream it used.
struct Attempt {
    outcome: HandshakeOutcome,
    address: Option<SocketAddr>,
    /// TLS version, cipher suite and key exchange group.
    tls: Option<String>,
}

/// Opens a session. `watch` is told what happens on the way.
pub async fn open(
    opening: &Opening,
    watch: &mut dyn FnMut(Progress<'_>),
) -> Result<ClientConnection, Error> {
    let deadline = Instant::now() + opening.limits.total;
    let course = Course::new(Instant::now().into_std());
    let mut way = Way { course: &course, watch };
    let opened = follow(opening, deadline, &mut way).await;
    if opened.is_err() {
        (way.watch)(Progress::Failed(&course.so_far(Instant::now().into_std())));
    }
    opened
}

/// Opens it, at the target or where that sends us.
async fn follow(
    opening: &Opening,
    deadline: Instant,
    way: &mut Way<'_>,
) -> Result<ClientConnection, Error> {
    let course = way.course;
    let mut here = opening.clone();
    loop {
        let Ok(attempt) = timeout_at(deadline, attempts(&here, way)).await else {
            let proxy = course.proxy().filter(|_| !here.limits.is_run);
            let proxy = proxy.map(|proxy| format!("the proxy {proxy}"));
            return Err(Error::Timeout {
                authority: proxy.unwrap_or_else(|| here.target.authority()),
                step: if here.limits.is_run { Step::Total } else { course.step() },
                limit: here.limits.total,
                own: false,
            });
        };
        let Attempt { outcome, address, tls } = attempt?;
        let (mut transport, asked, response, rest) = match outcome {
            HandshakeOutcome::Open(established, asked, answer) => {
                let timing = course.so_far(Instant::now().into_std());
                (way.watch)(Progress::Open(&timing));
                let url = here.target.to_string();
                let report = ClientReport { url, address, tls, asked, answer, timing };
                return Ok(ClientConnection { established, report });
            }
            HandshakeOutcome::Status(transport, asked, response, rest) => {
                (transport, asked, response, rest)
            }
        };
        if let Some(next) = redirect::follow(&here, &response)? {
            (way.watch)(Progress::Redirected(&next.target));
            here = next;
        } else if here.credentials.answer(&here.target, &response) {
            (way.watch)(Progress::Challenged);
        } else {
            // The answer is there: its body has a limit of its own.
            let body = body::read(&mut transport, &response, rest).await;
            let mut ours = here.headers();
            ours.edit(&here.edits);
            let body = without_ours(body, &ours);
            let location = response.headers.get("Location");
            let location = location.and_then(|location| here.target.join(location.trim()).ok());
            let location = location.map(|target| target.to_string());
            return Err(Error::Status { asked, response: Box::new(response), body, location });
        }
    }
}

/// Does a step of opening within its own limit, if it has one.
async fn within<T>(
    opening: &Opening,
    step: Step,
    limit: Option<Duration>,
    doing: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return doing.await };
    match timeout(limit, doing).await {
        Ok(done) => done,
        Err(_) => {
            Err(Error::Timeout { authority: opening.target.authority(), step, limit, own: true })
        }
    }
}

/// Reads what TLS needs, off this thread.
async fn read_authorities(
    tls: tls::Tls,
    alpn: &'static [&'static [u8]],
) -> Result<tls::Config, Error> {
    let read = tokio::task::spawn_blocking(move || tls::config(&tls, alpn)).await;
    read.map_err(|e| Error::Other {
        doing: "read the certification authorities",
        cause: io::Error::other(e),
    })?
}

/// Tries what carries a handshake, the better one first.
async fn attempts(opening: &Opening, way: &mut Way<'_>) -> Result<Attempt, Error> {
    match attempt(opening, opening.http, way).await {
        Err(error) if opening.http == Http::Auto && wants_http1(&error) => {
            (way.watch)(Progress::Again(&error));
            attempt(opening, Http::One, way).await
        }
        done => done,
    }
}

/// Whether a server of HTTP/2 may have over HTTP/1.1 what it does not have there.
fn wants_http1(error: &Error) -> bool {
    let Error::Http2 { fault, .. } = error else { return false };
    match fault {
        Http2Fault::NoExtendedConnect => true,
        Http2Fault::GoAway { reason, .. } | Http2Fault::Reset(reason) => {
            *reason == h2::Reason::HTTP_1_1_REQUIRED
        }
        _ => false,
    }
}

async fn attempt(opening: &Opening, http: Http, way: &mut Way<'_>) -> Result<Attempt, Error> {
    let target = &opening.target;
    // Reading the system's authorities takes milliseconds: do it while TCP is being made.
    let reading =
        target.secure.then(|| tokio::spawn(read_authorities(opening.tls.clone(), alpn(http))));
    let (stream, address) = dial(opening, way).await?;
    let Some(reading) = reading else {
        let outcome = shake(opening, stream, http == Http::Two, way).await?;
        return Ok(Attempt { outcome, address, tls: None });
    };
    way.enter(Step::Tls);
    let config = reading.await.map_err(|e| Error::Other {
        doing: "read the certification authorities",
        cause: io::Error::other(e),
    })??;
    let host = target.host_name();
    let secured = within(opening, Step::Tls, opening.limits.tls, async {
        Ok(tls::secure(stream, &host, &config).await)
    })
    .await?;
    let chain = config.chain();
    if !chain.is_empty() {
        (way.watch)(Progress::Chain(&chain));
    }
    let stream = secured.map_err(|fault| match fault {
        TlsFault::NoProtocol if http != Http::One => http2::failed(target, Http2Fault::Refused),
        fault => Error::Tls { authority: target.authority(), fault },
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
    (way.watch)(Progress::Secured { tls: tls.as_deref().unwrap_or_default(), alpn });
    let has_http2 = alpn == Some("h2");
    if http == Http::Two && !has_http2 {
        return Err(http2::failed(target, Http2Fault::NotChosen(alpn.map(ToOwned::to_owned))));
    }
    let outcome = shake(opening, Box::new(stream), has_http2, way).await?;
    Ok(Attempt { outcome, address, tls })
}

/// The opening handshake, within its own limit.
async fn shake(
    opening: &Opening,
    stream: Box<dyn Transport>,
    has_http2: bool,
    way: &mut Way<'_>,
) -> Result<HandshakeOutcome, Error> {
    let limit = opening.limits.handshake;
    let shaking = async {
        if has_http2 {
            http2::shake(opening, stream, way).await
        } else {
            http1::shake(opening, stream, way).await
        }
    };
    within(opening, Step::Handshake, limit, shaking).await
}

/// What is offered by ALPN. A server that may choose HTTP/2 does, so it is offered only where we
/// can use it.
fn alpn(http: Http) -> &'static [&'static [u8]] {
    match http {
        Http::One => &[b"http/1.1"],
        Http::Two => &[b"h2"],
        Http::Auto => &[b"h2", b"http/1.1"],
    }
}
