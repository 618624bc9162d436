//! Options of `sockeye proxy`.

use super::{
    config::{ConfigArgs, ConfigExtras},
    connect::ConnectArgs,
    heading::{CLIENTS, FAULTS, OUTPUT, REQUEST, SESSION},
    output::{ColorChoice, ServerRecordArgs},
};
use crate::{
    cli::values::{self, HeaderArg},
    script::fault::FaultRule,
};
use clap::{
    ArgAction, Args, ValueEnum, ValueHint,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use std::{path::PathBuf, time::Duration};

#[derive(Clone, Debug, Args)]
pub struct ProxyArgs {
    /// Where clients connect: PORT, HOST:PORT, [IPv6]:PORT, unix:PATH or fd:3
    ///
    /// As for 'sockeye listen': without a host, only this machine can connect, wss:// before the
    /// address selects TLS, and port 0 is any free port, which the first line on stderr names.
    pub address: String,

    /// Server to connect to: ws://, wss://, host[:port][/path] or @TARGET
    ///
    /// As for 'sockeye URL'. The server is asked for the path and query of the client, after those of
    /// the URL.
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub url: String,

    /// Set a header of the requests to the server; may be repeated
    ///
    /// NAME:VALUE adds or replaces a header, NAME: removes it and NAME; sends it empty. @FILE reads
    /// one such header per line. All other headers are those of the client.
    #[arg(short = 'H', long, value_name = "NAME:VALUE", help_heading = REQUEST)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::header_arg))]
    pub header: Vec<HeaderArg>,

    /// Set a header of the answers to clients; may be repeated
    ///
    /// As --header does for requests.
    #[arg(long, value_name = "NAME:VALUE", help_heading = REQUEST)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::header_arg))]
    pub response_header: Vec<HeaderArg>,

    /// Ask the server for the path and query of URL, not for those of the client
    #[arg(long, help_heading = REQUEST)]
    pub fixed_path: bool,

    /// Send the client's Host header to the server, not the host of URL
    #[arg(long, help_heading = REQUEST)]
    pub keep_host: bool,

    /// Refuse requests that open no session (426)
    ///
    /// Without this option, they are passed on over HTTP/1.1, so that a page loads through the proxy.
    #[arg(long, help_heading = REQUEST)]
    pub ws_only: bool,

    /// Make a fault happen, such as 'drop every 3 out'; may be repeated
    ///
    /// A rule is a fault and its conditions. Faults: delay S, jitter S, throttle BYTES/S, drop,
    /// duplicate, corrupt, split N, stall [S], cut [frame|BYTES], reset, close CODE[:REASON], swallow
    /// ping|pong, refuse STATUS, rewrite TEXT, inject LEG TEXT. Conditions: every N, after N messages, after S s, in (from the
    /// client), out (from the server), match REGEX, chance P. docs/proxy.md describes each of them.
    #[arg(long, value_name = "RULE", value_parser = values::fault_rule, help_heading = FAULTS)]
    pub fault: Vec<FaultRule>,

    /// Read rules as of --fault from FILE, one per line; may be repeated
    ///
    /// Empty lines and lines that begin with # are ignored.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = FAULTS)]
    pub faults: Vec<PathBuf>,

    /// Replace what matches in messages; may be repeated
    ///
    /// Each match of the regular expression MATCH is replaced by TEXT, in which ${0}, ${1} and ${NAME}
    /// are its groups. A message that json:/pointer or json:/pointer\=VALUE matches is replaced as a
    /// whole. client: or server: in front selects who has sent it, and \= is an equals sign in MATCH.
    #[arg(long, value_name = "MATCH=TEXT", value_parser = values::rewrite_rule)]
    #[arg(help_heading = FAULTS)]
    pub rewrite: Vec<FaultRule>,

    /// Send a message of our own, such as 'client "hello" every 10'; may be repeated
    ///
    /// A rule is client or server, which receives it, a text in quotes, and conditions as of --fault.
    /// With every, match or chance, the text follows each message of the conditions; otherwise it is
    /// sent once.
    #[arg(long, value_name = "RULE", value_parser = values::inject_rule, help_heading = FAULTS)]
    pub inject: Vec<FaultRule>,

    /// Seed of what the faults choose at random [default: another for each run]
    ///
    /// With the same seed, the faults of each session repeat themselves. The seed is printed if
    /// something is chosen at random.
    #[arg(long, value_name = "N", value_parser = values::number, help_heading = FAULTS)]
    pub seed: Option<u64>,

    /// Maximum number of sessions at the same time (503)
    #[arg(long, value_name = "N", help_heading = CLIENTS)]
    #[arg(value_parser = values::count)]
    pub max_clients: Option<u64>,

    /// Certificate chain for clients in PEM, or chain and key in PKCS#12
    ///
    /// Selects TLS: clients connect to wss://.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = CLIENTS)]
    pub cert: Option<PathBuf>,

    /// Private key of --cert in PEM, if it is not in the same file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "cert")]
    #[arg(help_heading = CLIENTS)]
    pub key: Option<PathBuf>,

    /// Passphrase of the private key [default: prompt]
    ///
    /// Without this option, an encrypted key prompts on the terminal. env:NAME, file:PATH and
    /// cmd:COMMAND read it from a variable, a file or a command.
    #[arg(long, value_name = "PASSPHRASE", requires = "cert", help_heading = CLIENTS)]
    pub passphrase: Option<String>,

    /// Use a certificate made for this run
    ///
    /// Its SHA-256 is printed in the form of the client's option --pin. Selects TLS: clients connect
    /// to wss://.
    #[arg(long, conflicts_with = "cert", help_heading = CLIENTS)]
    pub tls_self_signed: bool,

    /// Write the certificate of --tls-self-signed to FILE, for clients to trust
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = CLIENTS)]
    #[arg(requires = "tls_self_signed")]
    pub tls_export: Option<PathBuf>,

    /// Exit when the first session has ended; same as --clients 1
    #[arg(long, conflicts_with = "clients", help_heading = CLIENTS)]
    pub once: bool,

    /// Exit when N sessions have ended
    #[arg(long, value_name = "N", value_parser = values::count)]
    #[arg(help_heading = CLIENTS)]
    pub clients: Option<u64>,

    /// Time limit for the whole run
    ///
    /// Closes all sessions and exits with status 28 when the time is up.
    #[arg(short = 'm', long, value_name = "SECONDS", value_parser = values::seconds)]
    #[arg(help_heading = CLIENTS)]
    pub max_time: Option<Duration>,

    /// Time limit for closing the sessions when the proxy ends
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = values::seconds)]
    #[arg(help_heading = SESSION)]
    pub close_timeout: Duration,

    #[command(flatten)]
    pub connection: ConnectArgs,

    /// Certificate to authenticate to the server: PEM (may include the key) or PKCS#12
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = super::heading::TLS)]
    pub client_cert: Option<PathBuf>,

    /// Private key of --client-cert in PEM, if it is not in the same file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "client_cert")]
    #[arg(help_heading = super::heading::TLS)]
    pub client_key: Option<PathBuf>,

    /// What to write to stdout
    ///
    /// "text" is a line for each message: the number of the client, > for a message to the server or <
    /// for one to the client, a tab, and the message. "jsonl" is a JSON object for each event, as
    /// docs/jsonl.md describes. "none" is nothing: without recordings and frames, messages are passed
    /// on without being decoded.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    #[arg(help_heading = OUTPUT)]
    pub output: ProxyOutput,

    /// Show each frame on stderr, with any protocol violation
    ///
    /// Prints one line per frame, > for one to the server and < for one to the client. A line that
    /// has "!" names the side that violated the protocol with the frame before it. docs/frames.md
    /// explains the columns.
    #[arg(long, help_heading = OUTPUT)]
    pub frames: bool,

    #[command(flatten)]
    pub record: ServerRecordArgs,

    /// Show requests, answers and progress on stderr
    #[arg(short = 'v', long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,

    /// Do not redact secrets in diagnostics
    #[arg(long, help_heading = OUTPUT)]
    pub show_secrets: bool,

    /// Print only errors on stderr
    #[arg(short = 'q', long, conflicts_with_all = ["verbose", "frames"], help_heading = OUTPUT)]
    pub quiet: bool,

    /// Use colours
    ///
    /// NO_COLOR, CLICOLOR and CLICOLOR_FORCE apply with "auto".
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", help_heading = OUTPUT)]
    pub color: ColorChoice,

    /// Disable colours; same as --color never
    #[arg(long, overrides_with = "color", help_heading = OUTPUT)]
    pub no_color: bool,

    #[command(flatten)]
    pub file: ConfigArgs,

    #[arg(skip)]
    pub extras: ConfigExtras,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProxyOutput {
    /// Messages, each after its client and direction
    Text,
    /// One JSON object per event
    Jsonl,
    None,
}
