//! A target to an open session: resolve, connect, secure, hand-shake, all in one time budget.

mod body;
mod http1;
mod http2;

use crate::{
    error::{Error, Http2Fault, Step, TlsFault},
    net::{Transport, http2::Settings, tcp, tls},
    proto::handshake::{Agreed, HeaderEdit, Headers, Request, Response, Version},
    target::Target,
};
use std::{cell::Cell, io, net::SocketAddr, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

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
    /// Which addresses may be used.
    pub family: tcp::Family,
    /// Whom to trust, for wss.
    pub trust: tls::Trust,
    /// What may carry the handshake.
    pub http: Http,
    /// The budget from start to open session.
    pub limit: Duration,
    /// The budget is what is left of the whole run's: its end is the run's.
    pub is_total: bool,
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

/// An open session's raw material.
pub struct Opened {
    /// The stream behind the handshake.
    pub transport: Box<dyn Transport>,
    /// Bytes that came behind the server's answer.
    pub rest: Vec<u8>,
    /// What was agreed.
    pub agreed: Agreed,
    /// Host and port, as errors name them.
    pub authority: String,
    /// What carries the session.
    pub carrier: Version,
    /// The peer's address.
    pub address: Option<SocketAddr>,
    /// TLS version and cipher suite.
    pub tls: Option<String>,
    /// The server's answer, if we are the client.
    pub answer: Option<Response>,
}

/// What happens on the way, for those who want to watch.
#[derive(Debug)]
pub enum Progress<'a> {
    /// TCP is there.
    Connected(SocketAddr),
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
    /// The request has been sent.
    Request(&'a Request),
    /// An answer has come.
    Response(&'a Response),
}

/// Who watches, and how far it has come.
struct Way<'a> {
    step: &'a Cell<Step>,
    watch: &'a mut dyn FnMut(Progress<'_>),
}

/// What the server answered.
enum Shaken {
    Open(Opened),
    Status(Box<dyn Transport>, Response, Vec<u8>),
}

impl Shaken {
    /// Notes the way it came.
    fn by(mut self, address: Option<SocketAddr>, tls: Option<String>) -> Self {
        if let Self::Open(opened) = &mut self {
            (opened.address, opened.tls) = (address, tls);
        }
        self
    }
}

/// Opens a session. `watch` is told what happens on the way.
pub async fn open(opening: &Opening, watch: &mut dyn FnMut(Progress<'_>)) -> Result<Opened, Error> {
    let deadline = Instant::now() + opening.limit;
    let step = Cell::new(Step::Resolve);
    let mut way = Way { step: &step, watch };
    match timeout_at(deadline, attempts(opening, &mut way)).await {
        Ok(Ok(Shaken::Open(opened))) => Ok(opened),
        Ok(Ok(Shaken::Status(mut transport, response, rest))) => {
            // The answer is there: its body has a limit of its own.
            let body = body::read(&mut transport, &response, rest).await;
            let url = opening.target.to_string();
            Err(Error::Status { url, response: Box::new(response), body })
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::Timeout {
            authority: opening.target.authority(),
            step: if opening.is_total { Step::Total } else { step.get() },
            limit: opening.limit,
        }),
    }
}

/// Tries what carries a handshake, the better one first.
async fn attempts(opening: &Opening, way: &mut Way<'_>) -> Result<Shaken, Error> {
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

async fn attempt(opening: &Opening, http: Http, way: &mut Way<'_>) -> Result<Shaken, Error> {
    let target = &opening.target;
    way.step.set(Step::Resolve);
    // Reading the system's authorities takes milliseconds: do it while TCP is being made.
    let trust = target.secure.then(|| {
        let trust = opening.trust.clone();
        tokio::task::spawn_blocking(move || tls::config(&trust, alpn(http)))
    });
    let stream = dial(opening, way).await?;
    let address = stream.peer_addr().ok();
    let Some(trust) = trust else {
        let shaken = match http {
            Http::Two => http2::shake(opening, Box::new(stream), way).await?,
            Http::One | Http::Auto => http1::shake(opening, Box::new(stream), way).await?,
        };
        return Ok(shaken.by(address, None));
    };
    way.step.set(Step::Tls);
    let config = trust.await.map_err(|e| Error::Other {
        doing: "read the certification authorities",
        cause: io::Error::other(e),
    })??;
    let host = target.host.to_string();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = tls::secure(stream, host, config).await.map_err(|fault| match fault {
        TlsFault::NoProtocol if http != Http::One => http2::failed(target, Http2Fault::Refused),
        fault => Error::Tls { authority: target.authority(), fault },
    })?;
    let (_, session) = stream.get_ref();
    let tls = match (session.protocol_version(), session.negotiated_cipher_suite()) {
        (Some(version), Some(suite)) => Some(format!("{version:?}, {:?}", suite.suite())),
        _ => None,
    };
    let alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    let alpn = alpn.as_deref();
    (way.watch)(Progress::Secured { tls: tls.as_deref().unwrap_or_default(), alpn });
    let has_http2 = alpn == Some("h2");
    if http == Http::Two && !has_http2 {
        return Err(http2::failed(target, Http2Fault::NotChosen(alpn.map(ToOwned::to_owned))));
    }
    let shaken = if has_http2 {
        http2::shake(opening, Box::new(stream), way).await?
    } else {
        http1::shake(opening, Box::new(stream), way).await?
    };
    Ok(shaken.by(address, tls))
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

async fn dial(opening: &Opening, way: &mut Way<'_>) -> Result<TcpStream, Error> {
    let target = &opening.target;
    let resolved = match target.address() {
        Some(ip) => {
            tcp::allowed(SocketAddr::new(ip, target.port), opening.family).map(|one| vec![one])
        }
        None => tcp::resolve(&target.host.to_string(), target.port, opening.family).await,
    };
    let addresses =
        resolved.map_err(|cause| Error::Resolve { host: target.host.to_string(), cause })?;
    way.step.set(Step::Connect);
    let (stream, address) = tcp::connect(addresses)
        .await
        .map_err(|attempts| Error::Connect { authority: target.authority(), attempts })?;
    (way.watch)(Progress::Connected(address));
    Ok(stream)
}
