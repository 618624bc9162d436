//! The description of a run: plain data with all options resolved.

pub mod check;
mod common;
pub mod listen;
pub mod prompt_habits;
pub mod proxy;
pub mod reconnect;
pub mod run_outcome;
pub mod wait;

use crate::{
    connect::{ConnectOptions, DialOptions, Http, Limits, credentials::Credentials},
    decode::{ContentDecoder, Encoding},
    net::tls::TlsOptions,
    proto::{
        Close, Kind,
        extension::{self, Extension},
        handshake::{HeaderEdit, Headers},
    },
    render::{dialogue::Dialogue, write_out::WriteOutFormat},
    script::{
        action::Action,
        draft::{Answer, Tick},
        goals::Goals,
        input::Framing,
        matcher::Matcher,
    },
    target::Target,
};
pub use common::{ColorMode, CommonOptions};

use check::{CheckFormat, CheckJob, CheckSelection};
use listen::ListenJob;
use prompt_habits::PromptHabits;
use proxy::ProxyJob;
use reconnect::ReconnectRules;
use std::{path::PathBuf, time::Duration};
use wait::EndRules;

/// The mode to run and its options.
#[derive(Clone, Debug)]
pub enum Job {
    /// Connect to a server.
    Client(Box<ClientJob>, Target),
    /// Connect to an echo server in this process.
    Demo(Box<ClientJob>),
    /// Run a WebSocket server.
    Listen(Box<ListenJob>),
    /// Pass on what clients and a server say to each other.
    Proxy(Box<ProxyJob>),
    /// Check a server.
    Check(Box<CheckJob>),
    /// List checks.
    ListChecks(CheckSelection, CheckFormat),
    /// Show a recording.
    Show(ShowJob),
}

/// Options of a client, without its target.
#[derive(Clone, Debug)]
pub struct ClientJob {
    /// Request headers, without those that the opening handshake generates.
    pub headers: Headers,
    /// Changes from `-H` and the configuration file, applied to the generated request.
    pub edits: Vec<HeaderEdit>,
    /// Host header, if not the target's.
    pub host: Option<String>,
    /// HTTP credentials and cookies.
    pub credentials: Credentials,
    /// Maximum number of redirects; `None` to not follow any.
    pub redirects: Option<usize>,
    /// Addresses, interface and proxies to connect with.
    pub dialing: DialOptions,
    /// Trusted CAs, client certificate and TLS versions.
    pub tls: TlsOptions,
    /// HTTP version that carries the session.
    pub http: Http,
    /// Time limits for opening a session.
    pub limits: Limits,
    /// `--reconnect`; `None` to not reconnect.
    pub reconnect: Option<ReconnectRules>,
    /// Notes to print before the run.
    pub notes: Vec<String>,
    /// `-x` and `--expect`, in the order given.
    pub script: Vec<Action>,
    /// `--answer`.
    pub answers: Vec<Answer>,
    /// `--every`.
    pub ticks: Vec<Tick>,
    /// Time limit for each `--expect`.
    pub expect_timeout: Duration,
    /// Rules for the end of the input.
    pub rules: EndRules,
    /// Messages that end the run.
    pub goals: Goals,
    /// Message format and direction in a pipe.
    pub pipe: PipeOptions,
    /// Time limit for the whole run.
    pub max_time: Option<Duration>,
    /// `--show-ping-pong`.
    pub shows_pings: bool,
    /// True if the history file is used.
    pub history: bool,
    /// The encoding of received binary messages (`--decode`).
    pub decode: Option<Encoding>,
    /// Files that record the run.
    pub recording: RecordOptions,
    /// Display of messages in interactive mode.
    pub dialogue: Dialogue,
    /// `--exit-on-close`.
    pub exit_on_close: bool,
    /// Habits of the prompt in interactive mode.
    pub habits: PromptHabits,
    /// Options that a server has too.
    pub common: CommonOptions,
}

/// Recordings of a run.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// File of `--record`.
    pub record: Option<PathBuf>,
    /// File of `--har`.
    pub har: Option<PathBuf>,
    /// File of `--cookie-jar`.
    pub cookie_jar: Option<PathBuf>,
    /// Files that the run reads, and must not overwrite.
    pub inputs: Vec<PathBuf>,
    /// Format of `--write-out`.
    pub write_out: Option<WriteOutFormat>,
}

/// Options of `sockeye show`.
#[derive(Clone, Debug)]
pub struct ShowJob {
    /// Path of the recording.
    pub path: PathBuf,
    /// Pattern of the messages to show; `None` for everything.
    pub filter: Option<Matcher>,
    /// The client of a server whose events are shown; `None` for everything.
    pub conn: Option<u64>,
    /// True if frames are shown.
    pub frames: bool,
    /// True if JSON messages are pretty-printed.
    pub pretty: bool,
    /// True if each line starts with the time of day.
    pub times: bool,
    /// File to write as HAR instead of showing the recording.
    pub har: Option<PathBuf>,
    /// When to use colours.
    pub color: ColorMode,
}

/// Format and direction of messages on stdin and stdout.
#[derive(Clone, Debug)]
pub struct PipeOptions {
    /// Type of the messages sent.
    pub kind: Kind,
    /// Message framing on stdin and stdout.
    pub framing: Framing,
    /// `--append`: bytes at the end of each message that stdin or a person provides. The messages
    /// of the script already end with them.
    pub append: Vec<u8>,
    /// `--input jsonl`: each line of stdin is an action.
    pub jsonl_input: bool,
    /// `--output jsonl`: each line of stdout is an event.
    pub jsonl_output: bool,
    /// Directions in which messages pass.
    pub flow: Flow,
    /// Close that ends the session.
    pub close: Close,
}

/// Directions in which messages pass through a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From stdin to the peer and from the peer to stdout.
    Both,
    /// `--send-only`: received messages are discarded.
    SendOnly,
    /// `--receive-only`: stdin is not read.
    ReceiveOnly,
}

impl PipeOptions {
    /// Reports whether all options are the defaults, which interactive mode requires.
    pub fn is_plain(&self) -> bool {
        self.framing == Framing::Lines(b'\n')
            && !self.jsonl_input
            && !self.jsonl_output
            && self.flow == Flow::Both
    }
}

impl ClientJob {
    /// Reports whether the request offers permessage-deflate.
    pub fn offers_compression(&self) -> bool {
        let mut headers = self.headers.clone();
        headers.edit(&self.edits);
        extension::parse_fields(&headers).is_ok_and(|all| all.iter().any(Extension::is_deflate))
    }

    /// Returns the decoder of received binary messages, if they are decoded.
    pub fn decoder(&self) -> Option<ContentDecoder> {
        Some(ContentDecoder::new(self.decode?, self.common.settings.max_message))
    }

    /// Returns the options for opening a session with `target`.
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
                is_run_limit: self.max_time.is_some_and(|limit| limit <= self.limits.total),
                ..self.limits
            },
        }
    }
}
