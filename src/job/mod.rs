//! The description of a run: plain data, with everything resolved.

pub mod ended;
pub mod reconnect;
pub mod wait;

use crate::{
    connect::{ConnectOptions, DialOptions, Http, Limits, credentials::Credentials},
    net::tls::TlsOptions,
    proto::{
        Close, Kind, Settings,
        extension::{self, Extension},
        handshake::{Choices, HeaderEdit, Headers},
    },
    redact::Secrets,
    render::{dialogue::Dialogue, write_out::Template},
    report::Verbosity,
    script::{action::Action, goals::Goals, input::Framing, matcher::Matcher},
    target::Target,
};
use reconnect::ReconnectRules;
use std::{path::PathBuf, time::Duration};
use wait::EndRules;

/// One run.
#[derive(Clone, Debug)]
pub enum Job {
    /// Talk to a server.
    Client(Box<Client>, Target),
    /// Talk to an echo server of our own.
    Demo(Box<Client>),
    /// Be a server.
    Listen(Listen),
    /// Show a recording.
    Show(Show),
}

/// A client, but for its target.
#[derive(Clone, Debug)]
pub struct Client {
    /// The headers of the request, but for those that the handshake makes.
    pub headers: Headers,
    /// What `-H` changes.
    pub edits: Vec<HeaderEdit>,
    /// The Host header, if not the target's.
    pub host: Option<String>,
    /// Who we are.
    pub credentials: Credentials,
    /// How many redirects are followed; `None`: they are not.
    pub redirects: Option<usize>,
    /// How streams are made.
    pub dialing: DialOptions,
    /// What is asked of TLS.
    pub tls: TlsOptions,
    /// What may carry the handshake.
    pub http: Http,
    /// How long opening the session may take.
    pub limits: Limits,
    /// Whether and when to come back after a loss.
    pub reconnect: Option<ReconnectRules>,
    /// What is to be said before anything is done.
    pub notes: Vec<String>,
    /// `-x` and `--expect`.
    pub script: Vec<Action>,
    /// How long a message that is expected may take.
    pub expect_timeout: Duration,
    /// When a pipe ends by itself.
    pub rules: EndRules,
    /// What ends a pipe as soon as it has come.
    pub goals: Goals,
    /// What goes through a pipe.
    pub stream: Stream,
    /// `--max-time`.
    pub max_time: Option<Duration>,
    /// `-P`.
    pub shows_pings: bool,
    /// History is kept.
    pub history: bool,
    /// What is kept of the run.
    pub keep: Keep,
    /// How messages are shown to a person.
    pub dialogue: Dialogue,
    /// The run ends with the session, whatever has been typed.
    pub exit_on_close: bool,
    /// What both roles have.
    pub common: Common,
}

/// What is kept of a run.
#[derive(Clone, Debug)]
pub struct Keep {
    /// `--record`: where to.
    pub record: Option<PathBuf>,
    /// `--har`: where to.
    pub har: Option<PathBuf>,
    /// `--write-out`: how.
    pub write_out: Option<Template>,
}

/// A recording that is to be shown.
#[derive(Clone, Debug)]
pub struct Show {
    /// Where it is.
    pub path: PathBuf,
    /// Only messages that match are shown.
    pub filter: Option<Matcher>,
    /// Frames are shown too.
    pub frames: bool,
    /// JSON is laid out.
    pub pretty: bool,
    /// The time of day stands before each line.
    pub times: bool,
    /// It is written there instead, as HAR.
    pub har: Option<PathBuf>,
    /// Whether there are colours.
    pub color: Color,
}

/// What goes through a pipe, and which way.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The type of the messages sent.
    pub kind: Kind,
    /// How messages follow each other, in stdin and in stdout.
    pub framing: Framing,
    /// `--input jsonl`: a line of stdin says what to do.
    pub typed: bool,
    /// `--output jsonl`: a line of stdout tells of an event.
    pub events: bool,
    /// Which ways are open.
    pub ways: Ways,
    /// The Close that ends it.
    pub close: Close,
}

/// Which ways of a pipe are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// Both.
    Both,
    /// `--send-only`: what comes is not shown.
    Out,
    /// `--receive-only`: stdin is not read.
    In,
}

impl Stream {
    /// Whether it is what a person at a terminal wants, too.
    pub fn is_plain(&self) -> bool {
        self.framing == Framing::Lines(b'\n')
            && !self.typed
            && !self.events
            && self.ways == Ways::Both
    }
}

/// A server.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Where, as it was typed.
    pub address: String,
    /// The subprotocols it speaks, and the compression it accepts.
    pub choices: Choices,
    /// What both roles have.
    pub common: Common,
}

/// What both roles have.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    /// Limits and times.
    pub settings: Settings,
    /// `--echo`.
    pub echo: bool,
    /// `-q`, `-v`, `--trace`.
    pub verbosity: Verbosity,
    /// `--frames`.
    pub frames: bool,
    /// What happens to secrets where something is shown or recorded.
    pub secrets: Secrets,
    /// Whether there are colours.
    pub color: Color,
}

/// Whether there are colours, in what is shown to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal that has them, and as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say.
    Auto,
    /// Also where it seems there are none.
    Always,
    /// None.
    Never,
}

impl Color {
    /// From now on.
    pub fn apply(self) {
        let set = |name| std::env::var_os(name).unwrap_or_default();
        // NO_COLOR counts more than CLICOLOR_FORCE.
        let poor = set("TERM") == "dumb" || !set("NO_COLOR").is_empty();
        match self {
            Self::Always => colored::control::set_override(true),
            Self::Never => colored::control::set_override(false),
            Self::Auto if poor => colored::control::set_override(false),
            Self::Auto => {}
        }
    }
}

impl Client {
    /// Whether compression is offered.
    pub fn compresses(&self) -> bool {
        let mut headers = self.headers.clone();
        headers.edit(&self.edits);
        extension::parse_fields(&headers).is_ok_and(|all| all.iter().any(Extension::is_deflate))
    }

    /// What to open, at this target.
    pub fn opening(&self, target: Target) -> ConnectOptions {
        ConnectOptions {
            target,
            host: self.host.clone(),
            headers: self.headers.clone(),
            edits: self.edits.clone(),
            credentials: self.credentials.clone(),
            redirects: self.redirects,
            tls: self.tls.clone(),
            http: self.http,
            limits: Limits {
                total: self.max_time.unwrap_or(Duration::MAX).min(self.limits.total),
                is_run: self.max_time.is_some_and(|limit| limit <= self.limits.total),
                ..self.limits
            },
        }
    }
}
