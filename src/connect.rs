//! A target to an open session: resolve, connect, secure, hand-shake, all in one time budget.

use crate::{
    error::{Error, Step},
    net::{Transport, tcp, tls},
    proto::{
        handshake::{Agreed, HeaderEdit, Headers},
        upgrade::{Answer, ClientUpgrade, Request, Response, key},
    },
    random::nonce,
    target::Target,
};
use std::{cell::Cell, io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
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
    /// The budget from start to open session.
    pub limit: Duration,
    /// The budget is what is left of the whole run's: its end is the run's.
    pub is_total: bool,
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
    /// TLS is there: version and cipher suite.
    Secured(&'a str),
    /// The request has been sent.
    Request(&'a Request),
    /// An answer has come.
    Response(&'a Response),
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
    match timeout_at(deadline, attempt(opening, &step, watch)).await {
        Ok(Ok(Shaken::Open(opened))) => Ok(opened),
        Ok(Ok(Shaken::Status(mut transport, response, rest))) => {
            // The answer is there: its body has a limit of its own.
            let body = body(&mut transport, &response, rest).await;
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

async fn attempt(
    opening: &Opening,
    step: &Cell<Step>,
    watch: &mut dyn FnMut(Progress<'_>),
) -> Result<Shaken, Error> {
    let target = &opening.target;
    let authority = target.authority();
    // Reading the system's authorities takes milliseconds: do it while TCP is being made.
    let trust = target.secure.then(|| {
        let trust = opening.trust.clone();
        tokio::task::spawn_blocking(move || tls::config(&trust))
    });
    let stream = dial(opening, step, watch).await?;
    let address = stream.peer_addr().ok();
    let Some(trust) = trust else {
        let shaken = shake(opening, Box::new(stream), step, watch).await?;
        return Ok(shaken.by(address, None));
    };
    step.set(Step::Tls);
    let config = trust.await.map_err(|e| Error::Other {
        doing: "read the certification authorities",
        cause: io::Error::other(e),
    })??;
    let host = target.host.to_string();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream =
        tls::secure(stream, host, config).await.map_err(|fault| Error::Tls { authority, fault })?;
    let (_, tls) = stream.get_ref();
    let mut way = None;
    if let (Some(version), Some(suite)) = (tls.protocol_version(), tls.negotiated_cipher_suite()) {
        let words = format!("{version:?}, {:?}", suite.suite());
        watch(Progress::Secured(&words));
        way = Some(words);
    }
    let shaken = shake(opening, Box::new(stream), step, watch).await?;
    Ok(shaken.by(address, way))
}

async fn dial(
    opening: &Opening,
    step: &Cell<Step>,
    watch: &mut dyn FnMut(Progress<'_>),
) -> Result<TcpStream, Error> {
    let target = &opening.target;
    let resolved = match target.address() {
        Some(ip) => {
            tcp::allowed(SocketAddr::new(ip, target.port), opening.family).map(|one| vec![one])
        }
        None => tcp::resolve(&target.host.to_string(), target.port, opening.family).await,
    };
    let addresses =
        resolved.map_err(|cause| Error::Resolve { host: target.host.to_string(), cause })?;
    step.set(Step::Connect);
    let (stream, address) = tcp::connect(addresses)
        .await
        .map_err(|attempts| Error::Connect { authority: target.authority(), attempts })?;
    watch(Progress::Connected(address));
    Ok(stream)
}

/// The opening handshake over HTTP/1.1.
async fn shake(
    opening: &Opening,
    mut transport: Box<dyn Transport>,
    step: &Cell<Step>,
    watch: &mut dyn FnMut(Progress<'_>),
) -> Result<Shaken, Error> {
    step.set(Step::Handshake);
    let authority = opening.target.authority();
    let mut upgrade = ClientUpgrade::new(request(opening));
    let head = upgrade.request().head();
    watch(Progress::Request(upgrade.request()));
    let sent = async {
        transport.write_all(&head).await?;
        transport.flush().await
    };
    // If it is refused, the answer that is there already may say why.
    let _ = sent.await;
    let mut buffer = vec![0; READ];
    loop {
        // A reset instead of an end makes no difference to what the user can do.
        let n = match transport.read(&mut buffer).await {
            Ok(n) => n,
            Err(cause) => match tls::late_fault(&cause) {
                Some(fault) => return Err(Error::Tls { authority, fault }),
                None => 0,
            },
        };
        if n == 0 {
            return Err(Error::HandshakeCut { authority, begun: upgrade.has_begun() });
        }
        let answer = upgrade
            .receive(buffer.get(..n).unwrap_or_default())
            .map_err(|refusal| Error::Handshake { authority: authority.clone(), refusal })?;
        match answer {
            Answer::Pending => {}
            Answer::Open { agreed, response, rest } => {
                watch(Progress::Response(&response));
                let (address, tls, answer) = (None, None, Some(response));
                let opened = Opened { transport, rest, agreed, authority, address, tls, answer };
                return Ok(Shaken::Open(opened));
            }
            Answer::Status { response, rest } => {
                watch(Progress::Response(&response));
                return Ok(Shaken::Status(transport, response, rest));
            }
        }
    }
}

/// The request: its own headers first, then the user's.
fn request(opening: &Opening) -> Request {
    let target = &opening.target;
    let mut headers = Headers::default();
    headers.push("Host", opening.host.clone().unwrap_or_else(|| target.host_header()));
    for (name, value) in opening.headers.iter() {
        headers.push(name, value);
    }
    headers.push("Upgrade", "websocket");
    headers.push("Connection", "Upgrade");
    headers.push("Sec-WebSocket-Key", key(nonce()));
    headers.edit(&opening.edits);
    Request { target: target.resource.clone(), headers }
}

/// The start of the body of an answer that does not upgrade: what it has, [`BODY`] bytes, or what
/// comes in [`BODY_TIME`].
async fn body(transport: &mut dyn Transport, response: &Response, mut bytes: Vec<u8>) -> Vec<u8> {
    if matches!(response.status, 204 | 304) || response.headers.get("Content-Encoding").is_some() {
        // There is none, or none that a person could read.
        return Vec::new();
    }
    let chunked = response.headers.has_token("Transfer-Encoding", "chunked");
    let length = response.headers.get("Content-Length").and_then(|n| n.trim().parse().ok());
    let wanted = match length {
        Some(length) if !chunked => BODY.min(length),
        _ => BODY,
    };
    let read = async {
        let mut buffer = vec![0; BODY];
        while bytes.len() < wanted && !(chunked && bytes.ends_with(b"0\r\n\r\n")) {
            match transport.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => bytes.extend_from_slice(buffer.get(..n).unwrap_or_default()),
            }
        }
    };
    // What has come by then is shown.
    let _ = timeout(BODY_TIME, read).await;
    bytes.truncate(wanted);
    if chunked { unchunked(&bytes) } else { bytes }
}

/// The data of a chunked body as far as it goes (RFC 9112, 7.1).
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let (size, rest) = bytes.split_at(end);
        let size = String::from_utf8_lossy(size);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let rest = rest.get(2..).unwrap_or_default();
        if size == 0 {
            break;
        }
        body.extend_from_slice(rest.get(..size).unwrap_or(rest));
        bytes = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

/// Bytes read at a time.
const READ: usize = 4 << 10;
/// Bytes of a body that are read.
const BODY: usize = 4 << 10;
/// How long a body is waited for.
const BODY_TIME: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_as_far_as_they_go() {
        assert_eq!(unchunked(b"5\r\nhello\r\n4;x=y\r\n you\r\n0\r\n\r\n"), b"hello you");
        assert_eq!(unchunked(b"5\r\nhel"), b"hel");
        assert_eq!(unchunked(b"zz\r\nhel"), b"");
        assert_eq!(unchunked(b"ffffffffffffffff\r\nhel"), b"hel");
        assert_eq!(unchunked(b""), b"");
    }
}
