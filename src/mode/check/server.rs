//! The server that is checked: how sessions with it are opened, and what is known of it.

use super::{
    draft::{EXTENSIONS, KEY, RequestDraft},
    echo::Echo,
    haste::Haste,
    http2_support::Http2Support,
    measure::limit::Sizes,
    observed::Observed,
    pace::Pace,
    route::Route,
    wire::Wire,
};
use crate::{
    connect::{ConnectOptions, Dialer, Http, credentials::Credentials},
    error::Error,
    job::check::CheckExtent,
    proto::handshake::{Headers, Request, Version},
    target::Target,
};
use std::{
    cell::{Cell, RefCell},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::OnceCell;

/// The server, with all that checks share.
pub(crate) struct Server {
    pub(crate) dialer: Dialer,
    /// Options of a session: the final target, and the request that it accepted.
    pub(crate) options: ConnectOptions,
    /// The same for checks that need an echo.
    pub(crate) echo_options: ConnectOptions,
    /// The echo has a path of its own.
    pub(crate) has_echo_path: bool,
    /// Sessions are carried by a Unix socket.
    pub(crate) has_socket: bool,
    /// Open sessions for checks that leave them as they were, and whether they are those of an echo.
    pub(crate) idle: RefCell<Vec<(bool, Wire)>>,
    /// Checks may leave sessions to others.
    shares: Cell<bool>,
    /// HTTP version that carries sessions.
    pub(crate) carrier: Version,
    pub(crate) facts: Facts,
    pub(crate) pace: Pace,
    pub(crate) observed: Mutex<Observed>,
    pub(crate) extent: CheckExtent,
    /// The largest frame and message, measured once.
    pub(crate) sizes: OnceCell<Result<Sizes, String>>,
    /// What is known of HTTP/2, found out once.
    pub(crate) http2: OnceCell<Result<Http2Support, String>>,
}

/// What was found out before the checks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// What comes back of messages.
    pub(crate) echo: Echo,
    /// Why checks that send text cannot be made; `None` if they can.
    pub(crate) no_text: Option<String>,
    /// Why checks that send binary messages cannot be made; `None` if they can.
    pub(crate) no_binary: Option<String>,
    /// Why checks that need an answer to a ping cannot be made; `None` if they can.
    pub(crate) no_pong: Option<String>,
    /// Why requests of opening handshakes cannot be judged; `None` if they can.
    pub(crate) no_request: Option<String>,
    /// The longest time that an answer took.
    pub(crate) round_trip: Duration,
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
        Ok(Self {
            dialer,
            options,
            echo_options,
            has_echo_path: echo_path.is_some(),
            has_socket: false,
            idle: RefCell::default(),
            shares: Cell::new(true),
            carrier,
            facts: Facts::default(),
            pace: Pace::new(),
            observed: Mutex::default(),
            extent: CheckExtent::default(),
            sizes: OnceCell::new(),
            http2: OnceCell::new(),
        })
    }

    /// Returns why requests for an upgrade of HTTP/1.1 cannot be judged, if they cannot.
    pub(crate) fn no_upgrade(&self) -> Option<String> {
        if self.carrier == Version::Http2 {
            let words = "the session runs over HTTP/2, whose handshake is in the group versions";
            return Some(words.to_owned());
        }
        self.facts.no_request.clone()
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

    /// Returns the options of its sessions, for connections of other kinds.
    pub(crate) fn route(&self) -> Route {
        Route { dialing: self.dialer.options().clone(), options: self.options.clone() }
    }

    /// Reports whether the server is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        let target = &self.options.target;
        self.has_socket
            || target.socket.is_some()
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

    /// Returns what the request has to authenticate the user, if there is anything.
    pub(crate) fn credentials(&self) -> Option<&'static str> {
        let headers = &self.options.headers;
        if headers.get("Cookie").is_some() {
            Some("a cookie")
        } else if headers.get("Authorization").is_some() {
            Some("credentials in Authorization")
        } else {
            None
        }
    }

    /// Returns what a browser sends by itself, also for the page of another site, to authenticate the
    /// user, if there is anything.
    pub(crate) fn ambient_credentials(&self) -> Option<&'static str> {
        if self.options.headers.get("Cookie").is_some() {
            Some("a cookie")
        } else if self.options.tls.identity.is_some() {
            Some("a client certificate")
        } else {
            None
        }
    }

    /// Returns the user and password that a browser repeats in requests to the site that it has asked
    /// the user for them.
    pub(crate) fn basic_credentials(&self) -> Option<&str> {
        let value = self.options.headers.get("Authorization")?;
        let scheme = value.split(' ').next().unwrap_or_default();
        scheme.eq_ignore_ascii_case("basic").then_some(value)
    }

    /// Returns the fields of the request that no script in a browser can set.
    pub(crate) fn own_fields(&self) -> Vec<(String, String)> {
        let sent =
            ["User-Agent", "Origin", "Cookie", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"];
        let is_sent = |name: &str| {
            sent.iter().any(|it| it.eq_ignore_ascii_case(name))
                || name.eq_ignore_ascii_case("Authorization") && self.basic_credentials().is_some()
        };
        let own = self.options.headers.iter().filter(|(name, _)| !is_sent(name));
        own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Returns the time within which a server reacts.
    pub(crate) fn patience(&self) -> Duration {
        REACTION.saturating_add(self.facts.round_trip.saturating_mul(ROUND_TRIPS))
    }

    /// Returns the time within which most servers react. What is missed is looked for again within
    /// [`Self::patience`].
    pub(crate) fn impatience(&self) -> Duration {
        QUICK_REACTION.saturating_add(self.facts.round_trip.saturating_mul(ROUND_TRIPS))
    }

    /// Returns the time within which a server reacts in a check that is made with this haste.
    pub(crate) fn limit(&self, haste: Haste) -> Duration {
        if haste == Haste::Quick { self.impatience() } else { self.patience() }
    }

    /// Returns the time within which a server reacts after it answered something later.
    pub(crate) fn grace(&self) -> Duration {
        GRACE.saturating_add(self.facts.round_trip.saturating_mul(4))
    }

    /// Returns an open session that another check has left, if there is one.
    pub(crate) fn take_idle(&self, needs_echo: bool) -> Option<Wire> {
        let mut idle = self.idle.borrow_mut();
        let is_wanted =
            |(is_echo, _): &(bool, Wire)| *is_echo == (needs_echo && self.has_echo_path);
        let at = idle.iter().position(is_wanted)?;
        Some(idle.swap_remove(at).1)
    }

    /// Leaves a session to other checks, if it is as good as new.
    pub(crate) fn leave_idle(&self, mut wire: Wire, needs_echo: bool) {
        let has_one_copy = self.facts.echo.copies <= 1;
        if self.shares.get() && has_one_copy && !self.pace.is_slowed() && wire.is_reusable() {
            wire.forget();
            let mut idle = self.idle.borrow_mut();
            idle.push((needs_echo && self.has_echo_path, wire));
        }
    }

    /// Gives each check a session of its own from now on.
    pub(crate) fn stop_sharing(&self) {
        self.shares.set(false);
        self.end_idle();
    }

    /// Ends the sessions that no check uses.
    pub(crate) fn end_idle(&self) {
        self.idle.borrow_mut().clear();
    }

    /// Limits the time to open a session to that of other reactions.
    pub(crate) fn limit_opening(&mut self) {
        let patience = self.patience();
        for options in [&mut self.options, &mut self.echo_options] {
            options.limits.total = options.limits.total.min(patience);
        }
    }

    /// Adds the frames of a session to those that are judged at the end.
    pub(crate) fn observe(&self, wire: &Wire, is_compressed: bool) {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        observed.add(wire.frames(), is_compressed);
    }
}

/// The fields of a request that are made anew for each session.
const OWN_FIELDS: [&str; 5] = ["Host", "Upgrade", "Connection", KEY, EXTENSIONS];
/// The time within which a server at no distance reacts, generous enough for a busy one.
const REACTION: Duration = Duration::from_secs(3);
/// The time within which most servers react.
const QUICK_REACTION: Duration = Duration::from_secs(1);
/// The round trips that a reaction may take besides.
const ROUND_TRIPS: u32 = 20;
/// The time that a reaction may take after a later answer.
const GRACE: Duration = Duration::from_millis(250);
