//! The server that is checked: how sessions with it are opened, and what is known of it.

use super::{
    answer::Answer,
    draft::{EXTENSIONS, KEY, RequestDraft},
    measure::limit::Sizes,
    observed::Observed,
    pace::Pace,
    route::Route,
    wire::Wire,
};
use crate::{
    connect::{
        ClientConnection, ConnectOptions, Dialer, Http, OpenError, Progress,
        credentials::Credentials,
    },
    error::Error,
    job::check::CheckExtent,
    proto::handshake::{Headers, Request, Version},
    target::Target,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::OnceCell, time::sleep};

/// The server, with all that checks share.
pub(crate) struct Server {
    dialer: Dialer,
    /// Options of a session: the final target, and the request that it accepted.
    options: ConnectOptions,
    /// The same for checks that need an echo.
    echo_options: ConnectOptions,
    /// HTTP version that carries sessions.
    pub(crate) carrier: Version,
    pub(crate) facts: Facts,
    pub(crate) pace: Pace,
    pub(crate) observed: Mutex<Observed>,
    pub(crate) extent: CheckExtent,
    /// The largest frame and message, measured once.
    pub(crate) sizes: OnceCell<Result<Sizes, String>>,
}

/// What was found out before the checks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Why checks that need an echo cannot be made; `None` if they can.
    pub(crate) no_echo: Option<String>,
    /// Why checks that send messages cannot be made; `None` if they can.
    pub(crate) no_data: Option<String>,
    /// Why checks that need an answer to a ping cannot be made; `None` if they can.
    pub(crate) no_pong: Option<String>,
    /// Why requests of opening handshakes cannot be judged; `None` if they can.
    pub(crate) no_request: Option<String>,
    /// The longest time that an answer took.
    pub(crate) round_trip: Duration,
}

/// The reason why a check got no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoSession {
    pub(crate) reason: String,
    /// The server, which took connections before, neither opens a session nor answers that it has too
    /// many clients.
    pub(crate) is_dead: bool,
}

impl Server {
    /// Creates the server from the request that it accepted at `url`.
    pub(crate) fn new(
        dialer: Dialer,
        first: &ConnectOptions,
        (url, request): (&str, &Request),
        (carrier, echo_path): (Version, Option<&str>),
    ) -> Result<Self, Error> {
        let parse = |url: &str| {
            Target::parse(url).map_err(|fault| Error::Url { url: url.to_owned(), fault })
        };
        let mut options = first.clone();
        if url != first.target.to_string() {
            options.target = parse(url)?;
            if !options.target.is_same_origin(&first.target) {
                (options.tls.identity, options.tls.name) = (None, None);
            }
        }
        options.host = request.authority().map(ToOwned::to_owned);
        options.headers = Headers::default();
        for (name, value) in request.headers.iter() {
            let is_added = OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(name));
            if !is_added && !name.starts_with(':') {
                options.headers.push(name, value);
            }
        }
        options.edits = Vec::new();
        options.credentials = Credentials::default();
        options.redirects = None;
        options.http = if carrier == Version::Http2 { Http::Two } else { Http::One };
        let mut echo_options = options.clone();
        if let Some(path) = echo_path {
            let joined = options.target.join(path);
            echo_options.target =
                joined.map_err(|fault| Error::Url { url: path.to_owned(), fault })?;
        }
        let (facts, pace, observed) = (Facts::default(), Pace::new(), Mutex::default());
        let (extent, sizes) = (CheckExtent::default(), OnceCell::new());
        Ok(Self { dialer, options, echo_options, carrier, facts, pace, observed, extent, sizes })
    }

    /// Returns the request that opens a session, with a new key.
    pub(crate) fn draft(&self) -> RequestDraft {
        Self::draft_with(&self.options)
    }

    /// Returns the request that opens a session with an echo, with a new key.
    pub(crate) fn echo_draft(&self) -> RequestDraft {
        Self::draft_with(&self.echo_options)
    }

    fn draft_with(options: &ConnectOptions) -> RequestDraft {
        let target = &options.target;
        let mut headers = Headers::default();
        headers.push("Host", options.host.clone().unwrap_or_else(|| target.host_header()));
        for (name, value) in options.headers.iter() {
            headers.push(name, value);
        }
        headers.push("Upgrade", "websocket");
        headers.push("Connection", "Upgrade");
        RequestDraft::new(&target.resource, &headers)
    }

    /// Opens a session without extensions.
    pub(crate) async fn open(&self, needs_echo: bool) -> Result<Wire, NoSession> {
        let options = if needs_echo { &self.echo_options } else { &self.options };
        let attempt = || async {
            let mut ignore = |_: Progress<'_>| {};
            self.dialer.open(options, &mut ignore).await
        };
        let ClientConnection { established, .. } = self.patiently(attempt).await?;
        Ok(Wire::new(established.transport, established.rest))
    }

    /// Sends a request over HTTP/1.1, and returns the answer to it. A server that has too many
    /// clients is asked again.
    pub(crate) async fn request(&self, draft: &RequestDraft) -> Result<Answer, NoSession> {
        let mut number = 1;
        loop {
            let dial = || self.dialer.open_stream(&self.options);
            let stream = self.patiently(dial).await?;
            let answer = Answer::to(draft, stream.transport, self.patience()).await;
            if !answer.is_limit() {
                return Ok(answer);
            }
            match self.pace.slow_down(number) {
                Some(pause) => sleep(pause).await,
                None => return Err(self.missed(&answer.to_string())),
            }
            number += 1;
        }
    }

    /// Returns the options of its sessions, for connections of other kinds.
    pub(crate) fn route(&self) -> Route {
        Route { dialing: self.dialer.options().clone(), options: self.options.clone() }
    }

    /// Reports whether the server is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        let target = &self.options.target;
        target.socket.is_some()
            || target.address().is_some_and(|address| address.is_loopback())
            || target.host_name().eq_ignore_ascii_case("localhost")
    }

    /// Reports whether sessions are encrypted.
    pub(crate) fn is_secure(&self) -> bool {
        self.options.target.secure
    }

    /// Returns the path and query.
    pub(crate) fn resource(&self) -> &str {
        &self.options.target.resource
    }

    /// Returns the origin of a page on the host of the server.
    pub(crate) fn page_origin(&self) -> String {
        let scheme = if self.is_secure() { "https" } else { "http" };
        format!("{scheme}://{}", self.options.target.host_header())
    }

    /// Returns the kind of credentials in the request that a browser sends by itself, if there are
    /// any.
    pub(crate) fn browser_credentials(&self) -> Option<&'static str> {
        let headers = &self.options.headers;
        let authorization = headers.get("Authorization").unwrap_or_default();
        let scheme = authorization.split(' ').next().unwrap_or_default();
        if headers.get("Cookie").is_some() {
            Some("a cookie")
        } else if ["basic", "digest"].iter().any(|one| scheme.eq_ignore_ascii_case(one)) {
            Some("user and password")
        } else if self.options.tls.identity.is_some() {
            Some("a client certificate")
        } else {
            None
        }
    }

    /// Returns the fields of the request that no script in a browser can set.
    pub(crate) fn own_fields(&self) -> Vec<(String, String)> {
        let sent =
            ["User-Agent", "Origin", "Cookie", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"];
        let fields = self.options.headers.iter();
        let own = fields.filter(|(name, _)| !sent.iter().any(|it| it.eq_ignore_ascii_case(name)));
        own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Returns the time within which a server reacts.
    pub(crate) fn patience(&self) -> Duration {
        REACTION.saturating_add(self.facts.round_trip.saturating_mul(ROUND_TRIPS))
    }

    /// Returns the time within which a server reacts after it answered something later.
    pub(crate) fn grace(&self) -> Duration {
        GRACE.saturating_add(self.facts.round_trip.saturating_mul(4))
    }

    /// Adds the frames of a session to those that are judged at the end.
    pub(crate) fn observe(&self, wire: &Wire, is_compressed: bool) {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        observed.add(wire.frames(), is_compressed);
    }

    /// Opens a connection, more slowly if the server does not take it.
    async fn patiently<T, F: Future<Output = Result<T, OpenError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, NoSession> {
        let mut number = 1;
        loop {
            if let Some(reason) = self.pace.given_up() {
                let reason = format!("the server takes no more connections: {reason}");
                return Err(NoSession { reason, is_dead: false });
            }
            match attempt().await {
                Ok(opened) => {
                    self.pace.hit();
                    return Ok(opened);
                }
                Err(fault) => match self.pace.slow_down(number) {
                    Some(pause) => sleep(pause).await,
                    None => {
                        let is_dead = !is_limit(&fault);
                        let missing = self.missed(&Error::Open(fault).to_string());
                        return Err(NoSession { is_dead, ..missing });
                    }
                },
            }
            number += 1;
        }
    }

    fn missed(&self, reason: &str) -> NoSession {
        self.pace.miss(reason);
        NoSession { reason: format!("no session for this check: {reason}"), is_dead: false }
    }
}

/// Reports whether a server says that it has too many clients or requests.
fn is_limit(fault: &OpenError) -> bool {
    matches!(fault, OpenError::Status { response, .. } if matches!(response.status, 429 | 503))
}

/// The fields of a request that are made anew for each session.
const OWN_FIELDS: [&str; 5] = ["Host", "Upgrade", "Connection", KEY, EXTENSIONS];
/// The time within which a server at no distance reacts, generous enough for a busy one.
const REACTION: Duration = Duration::from_secs(3);
/// The round trips that a reaction may take besides.
const ROUND_TRIPS: u32 = 20;
/// The time that a reaction may take after a later answer.
const GRACE: Duration = Duration::from_millis(250);
