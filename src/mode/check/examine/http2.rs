//! WebSocket over HTTP/2 (RFC 8441), and which version of HTTP browsers use with the server.

use super::browser;
use crate::{
    connect::{ClientConnection, Dialer, Http, Progress},
    error::Error,
    mode::check::{
        frames::{CLOSE, PING, SeenFrame, close_body, frame},
        http2_raw::{self, Http2Answer},
        http2_support::Http2Support,
        judgement::Judgement,
        route::Route,
        server::Server,
        wire::Wire,
    },
    net::http2::{Http2Client, Http2Fault},
    proto::{
        extended,
        handshake::{Headers, Version},
    },
};
use tokio::time::{Instant, timeout};

/// Changes of a request: fields that are removed, or replaced by another value.
pub(crate) type Edits = &'static [(&'static str, Option<&'static str>)];

/// Judges the SETTINGS.
pub(crate) async fn settings(server: &Server) -> Judgement {
    match support(server).await {
        Err(reason) => Judgement::Unknown(reason),
        Ok(Http2Support { settings, has_connect: true, .. }) => Judgement::Holds(settings.clone()),
        Ok(_) => Judgement::Holds(
            "no ENABLE_CONNECT_PROTOCOL, so clients use HTTP/1.1 for WebSocket".to_owned(),
        ),
    }
}

/// Judges whether an extended CONNECT opens a session that works.
pub(crate) async fn connect(server: &Server) -> Judgement {
    match announced(server).await {
        Err(reason) => Judgement::Unknown(reason),
        Ok(Http2Support { session: Ok(words), .. }) => Judgement::Holds(words.clone()),
        Ok(Http2Support { session: Err(words), .. }) => Judgement::Broken(words.clone()),
    }
}

/// Judges whether a changed request is refused.
pub(crate) async fn refuses(server: &Server, edits: Edits) -> Judgement {
    match answer(server, edits).await {
        Err(reason) => Judgement::Unknown(reason),
        Ok(answer) if answer.is_success() => Judgement::Broken(answer.to_string()),
        Ok(answer @ Http2Answer::Silence(_)) => Judgement::Unknown(answer.to_string()),
        Ok(answer) => Judgement::Holds(answer.to_string()),
    }
}

/// Judges whether a changed request is accepted.
pub(crate) async fn accepts(server: &Server, edits: Edits) -> Judgement {
    match answer(server, edits).await {
        Err(reason) => Judgement::Unknown(reason),
        Ok(answer) if answer.is_success() => Judgement::Holds(answer.to_string()),
        Ok(answer) => Judgement::Broken(answer.to_string()),
    }
}

/// Judges whether the server works in Chrome, in the version that Chrome uses.
pub(crate) async fn in_chrome(server: &Server) -> Judgement {
    in_browser(server, "Chrome", browser::fields_of_chrome(server)).await
}

/// Judges whether the server works in Firefox, in the version that Firefox uses.
pub(crate) async fn in_firefox(server: &Server) -> Judgement {
    in_browser(server, "Firefox", browser::fields_of_firefox(server)).await
}

/// Judges whether a session opens over HTTP/1.1.
pub(crate) async fn over_http1(server: &Server) -> Judgement {
    if server.carrier != Version::Http2 {
        return Judgement::Holds("the session of this check runs over HTTP/1.1".to_owned());
    }
    let route = server.route().within(server.patience()).with_http(Http::One);
    match session(server, &route).await {
        Ok(words) => Judgement::Holds(words),
        Err(words) => Judgement::Broken(format!(
            "works here over HTTP/2, fails in Chrome and Firefox, because they begin with \
             HTTP/1.1 unless a page of this host is open: {words}"
        )),
    }
}

async fn in_browser(server: &Server, name: &str, fields: Headers) -> Judgement {
    if !server.is_secure() {
        return Judgement::Holds(format!("{name} uses HTTP/1.1 for ws://"));
    }
    let support = match support(server).await {
        Ok(support) => support,
        Err(reason) => return Judgement::Holds(format!("{name} uses HTTP/1.1: {reason}")),
    };
    if !support.has_connect {
        let words = "without ENABLE_CONNECT_PROTOCOL in SETTINGS";
        return Judgement::Holds(format!("{name} uses HTTP/1.1 {words}"));
    }
    let mut route = server.route().within(server.patience()).with_http(Http::Two);
    route.options.headers = fields;
    match session(server, &route).await {
        Ok(words) => Judgement::Holds(format!("{name} uses HTTP/2 in pages of this host: {words}")),
        Err(words) => Judgement::Broken(format!(
            "works here, fails in {name} in pages of this host, because their HTTP/2 connection \
             announces extended CONNECT, and {name} then uses it: {words}"
        )),
    }
}

/// Finds out, once, what the server does over HTTP/2.
async fn support(server: &Server) -> Result<&Http2Support, String> {
    let support = server.http2.get_or_init(|| find_out(server)).await;
    support.as_ref().map_err(Clone::clone)
}

/// Returns what the server does over HTTP/2, if it announces extended CONNECT.
async fn announced(server: &Server) -> Result<&Http2Support, String> {
    let support = support(server).await?;
    if support.has_connect {
        return Ok(support);
    }
    Err("the server does not announce WebSocket over HTTP/2".to_owned())
}

async fn find_out(server: &Server) -> Result<Http2Support, String> {
    let route = server.route().within(server.patience()).with_http(Http::Two);
    let none = || "the server does not speak HTTP/2".to_owned();
    let stream = route.stream().await.map_err(|_| none())?;
    if route.target().secure && stream.alpn.as_deref() != Some("h2") {
        return Err(none());
    }
    let started = timeout(server.patience(), async {
        let mut client = Http2Client::start(stream.transport).await?;
        let has_connect = client.supports_extended_connect().await?;
        Ok::<_, Http2Fault>((client.settings().to_string(), has_connect))
    });
    let Ok(Ok((settings, has_connect))) = started.await else { return Err(none()) };
    let session = if has_connect {
        session(server, &route).await
    } else {
        Err("extended CONNECT is not announced".to_owned())
    };
    Ok(Http2Support { settings, has_connect, session })
}

/// Opens a session, and sends a ping in it. Returns the evidence that it works, or not.
async fn session(server: &Server, route: &Route) -> Result<String, String> {
    let mut status = String::new();
    let mut observer = |progress: Progress<'_>| {
        if let Progress::Response(response, _) = progress {
            status = format!("{} {}", response.version, response.status);
        }
    };
    let opened = Dialer::new(route.dialing.clone()).open(&route.options, &mut observer).await;
    let ClientConnection { established, .. } =
        opened.map_err(|fault| Error::Open(fault).to_string())?;
    let mut wire = Wire::new(established.transport, established.rest);
    let deadline = Instant::now() + server.patience();
    wire.send(&frame(PING, TRIAL), deadline).await;
    let is_over =
        |frames: &[SeenFrame]| frames.iter().any(|frame| frame.is_pong(TRIAL) || frame.is_close());
    wire.wait(deadline, is_over).await;
    if let Some(close) = wire.frames().iter().find(|frame| frame.is_close()) {
        return Err(format!("{status}, then {close}"));
    }
    if wire.end().is_some() {
        return Err(format!("{status}, then the end of the stream"));
    }
    let has_pong = wire.frames().iter().any(|frame| frame.is_pong(TRIAL));
    let deadline = Instant::now() + server.grace();
    wire.send(&frame(CLOSE, close_body(1000, b"")), deadline).await;
    Ok(if has_pong { format!("{status}, and a Pong") } else { status })
}

/// Sends a changed request as it is.
async fn answer(server: &Server, edits: Edits) -> Result<Http2Answer, String> {
    let support = announced(server).await?;
    if support.session.is_err() {
        return Err("the server refuses a valid request over HTTP/2, too".to_owned());
    }
    let route = server.route().within(server.patience()).with_http(Http::Two);
    let fields = changed(&request(&route), edits);
    let stream = route.stream().await.map_err(|fault| Error::Open(fault).to_string())?;
    Ok(http2_raw::ask(stream.transport, &fields, server.patience()).await)
}

/// Returns the request that opens a session.
fn request(route: &Route) -> Headers {
    let (target, options) = (route.target(), &route.options);
    let mut headers = options.headers.clone();
    if let Some(host) = &options.host {
        headers.push("Host", host.clone());
    }
    extended::request(target.secure, &target.host_header(), &target.resource, &headers).headers
}

/// Changes fields. Those with a colon stay before the others.
fn changed(fields: &Headers, edits: Edits) -> Headers {
    let is_edited = |name: &str| edits.iter().any(|(edited, _)| *edited == name);
    let kept = || fields.iter().filter(|(name, _)| !is_edited(name));
    let new = || edits.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let is_pseudo = |(name, _): &(&str, &str)| name.starts_with(':');
    let mut all = Headers::default();
    for (name, value) in kept().filter(is_pseudo).chain(new().filter(is_pseudo)) {
        all.push(name, value);
    }
    for (name, value) in kept().chain(new()).filter(|field| !is_pseudo(field)) {
        all.push(name, value);
    }
    all
}

/// The payload of the ping that tries out a session.
const TRIAL: &[u8] = b"sockeye-trial";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_replace_and_remove_fields_and_keep_their_order() {
        let fields = Headers::of(&[(":method", "CONNECT"), (":path", "/"), ("origin", "o")]);
        let edits = &[(":path", None), ("x", Some("1")), (":protocol", Some("p"))];
        let expected = [(":method", "CONNECT"), (":protocol", "p"), ("origin", "o"), ("x", "1")];
        assert_eq!(changed(&fields, edits), Headers::of(&expected));
    }
}
