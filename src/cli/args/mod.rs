//! What was typed: every option once, with the help that the man page and the completions show too.

#![allow(
    missing_docs,
    reason = "a doc comment here is help for the user, also on what is flattened"
)]
#![allow(rustdoc::broken_intra_doc_links, reason = "brackets stand for what may be left out")]
#![allow(clippy::struct_excessive_bools, reason = "a switch is a bool")]

mod config;
mod connect;
mod heading;
mod output;
mod session;
mod show;

pub use config::{ConfigArgs, ConfigExtras};
pub use connect::{ConnectArgs, HttpChoice, TlsVersion};
pub use output::{ColorChoice, DiagnosticsArgs, RecordArgs};
pub use session::SessionArgs;
pub use show::ShowArgs;

use crate::{
    cli::values::{self, HeaderArg},
    job::wait::Wait,
    proto::Close,
    script::{action::Action, matcher::Matcher},
};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint, builder::PossibleValue};
use clap_complete::Shell;
use heading::{OUTPUT, PIPE, REQUEST};
use std::{path::PathBuf, time::Duration};

/// See into your sockets: talk to, script, watch and test a WebSocket server.
///
/// At a terminal sockeye is interactive: type a line to send it. In a pipe each line of stdin is a
/// message, and each message received is a line of stdout. The exit status tells how the
/// connection ended.
#[derive(Clone, Debug, Parser)]
#[command(name = "sockeye", version, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
#[command(args_override_self = true)]
pub struct Cli {
    /// The server: ws://, wss://, host[:port][/path] for ws://, or @NAME for a target of the
    /// configuration file
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub url: Option<String>,

    /// The server, as wscat names it
    #[arg(short = 'c', long, value_name = "URL", value_hint = ValueHint::Url)]
    #[arg(conflicts_with = "url")]
    pub connect: Option<String>,

    /// Be a server on this port, as wscat names it; see 'sockeye listen'
    #[arg(short = 'l', long, value_name = "PORT", conflicts_with_all = ["url", "connect"])]
    pub listen: Option<String>,

    #[command(flatten)]
    pub client: ClientArgs,

    #[command(flatten)]
    pub file: ConfigArgs,

    /// What else there is.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands. Their options are made only when one of them is asked for.
#[derive(Clone, Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Be the server: what is typed or piped goes to every client, what they send is shown
    Listen {
        #[command(flatten)]
        args: ListenArgs,
    },
    /// Try it without a server: an echo server inside the process, and a client connected to it
    Demo {
        #[command(flatten)]
        args: Box<ClientArgs>,
    },
    /// Show a recording as interactive mode shows a session
    Show {
        #[command(flatten)]
        args: ShowArgs,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Script,
    },
    /// Print the man page, or write all of them into a directory
    Man {
        /// The directory
        #[arg(value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
}

// Options of a server.
#[derive(Clone, Debug, Args)]
pub struct ListenArgs {
    /// PORT, HOST:PORT or [IPv6]:PORT; without a host only this machine can connect
    pub address: String,

    /// A subprotocol that is spoken; may be repeated
    #[arg(short = 's', long, value_name = "NAME", value_parser = values::subprotocol)]
    #[arg(help_heading = REQUEST)]
    pub subprotocol: Vec<String>,

    #[command(flatten)]
    pub session: SessionArgs,

    #[command(flatten)]
    pub file: ConfigArgs,
}

// Options of a client.
#[derive(Clone, Debug, Args)]
pub struct ClientArgs {
    /// Send this first, then what stdin gives; may be repeated
    #[arg(short = 'x', long, value_name = "MESSAGE", allow_hyphen_values = true)]
    #[arg(help_heading = PIPE)]
    pub execute: Vec<String>,

    /// After the last -x or the end of stdin go on for this long; 0 closes at once, -1 never
    #[arg(short = 'w', long, value_name = "SECONDS", allow_negative_numbers = true)]
    #[arg(value_parser = values::wait, help_heading = PIPE)]
    pub wait: Option<Wait>,

    /// Go on with the next -x only when a message matches; in order with -x, may be repeated
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    #[arg(value_parser = Matcher::parse, help_heading = PIPE)]
    pub expect: Vec<Matcher>,

    /// How long a message that is expected may take, else exit status 112
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = values::seconds)]
    #[arg(help_heading = PIPE)]
    pub expect_timeout: Duration,

    /// What was typed of -x and --expect, in order.
    #[arg(skip)]
    pub script: Vec<Action>,

    /// Close and exit 0 when a message matches
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    #[arg(value_parser = Matcher::parse, help_heading = PIPE)]
    pub until: Option<Matcher>,

    /// Close and exit 0 when this many messages have come
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(help_heading = PIPE)]
    pub count: Option<u64>,

    /// How long the peer must be silent after the end of stdin [default: 1, or 5 without an answer]
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = PIPE)]
    pub quiet_for: Option<Duration>,

    /// End the whole run after this long, with exit status 28
    #[arg(short = 'm', long, value_name = "SECONDS", value_parser = values::seconds)]
    #[arg(help_heading = PIPE)]
    pub max_time: Option<Duration>,

    /// How messages follow each other, in stdin and in stdout
    #[arg(long, value_enum, default_value = "lf", value_name = "HOW", help_heading = PIPE)]
    pub delimiter: Delimiter,

    /// NUL between messages, as --delimiter nul
    #[arg(short = '0', long, conflicts_with = "delimiter", help_heading = PIPE)]
    pub null: bool,

    /// Send binary messages
    #[arg(short = 'b', long, help_heading = PIPE)]
    pub binary: bool,

    /// What stdin is: messages, or lines of JSON that say what to do
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT", help_heading = PIPE)]
    pub input: Format,

    /// What stdout gets: messages, or lines of JSON that tell all that happens
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT", help_heading = PIPE)]
    pub output: Format,

    /// Do not show what comes, and close when all is sent
    #[arg(long, conflicts_with_all = ["receive_only", "echo"], help_heading = PIPE)]
    pub send_only: bool,

    /// Do not read stdin
    #[arg(long, help_heading = PIPE)]
    pub receive_only: bool,

    /// The Close that ends the session [default: 1000]
    #[arg(long, value_name = "CODE[:REASON]", value_parser = values::close, help_heading = PIPE)]
    pub close: Option<Close>,

    /// Add or replace a header (NAME:VALUE), remove it (NAME:), send it empty (NAME;), or do so
    /// for each line of a file (@FILE)
    #[arg(short = 'H', long, value_name = "NAME:VALUE", value_parser = values::header_arg)]
    #[arg(help_heading = REQUEST)]
    pub header: Vec<HeaderArg>,

    /// Ask for a subprotocol; may be repeated, the first is preferred
    #[arg(short = 's', long, value_name = "NAME", value_parser = values::subprotocol)]
    #[arg(help_heading = REQUEST)]
    pub subprotocol: Vec<String>,

    /// The Origin header, which browsers send and some servers check
    #[arg(short = 'o', long, value_name = "ORIGIN", value_parser = values::line)]
    #[arg(help_heading = REQUEST)]
    pub origin: Option<String>,

    /// The Host header, instead of the URL's host
    #[arg(long, value_name = "HOST", value_parser = values::line, help_heading = REQUEST)]
    pub host: Option<String>,

    /// The User-Agent header [default: sockeye/VERSION]
    #[arg(short = 'A', long, value_name = "NAME", value_parser = values::line)]
    #[arg(help_heading = REQUEST)]
    pub user_agent: Option<String>,

    /// Credentials for HTTP Basic authentication, or Digest if the server asks for it; without a
    /// password it is asked for. Secrets may be given as env:NAME, as file: and a path, or as cmd:
    /// and a command that prints it
    #[arg(short = 'u', long, visible_alias = "user", value_name = "USER[:PASSWORD]")]
    #[arg(value_parser = values::line, help_heading = REQUEST)]
    pub auth: Option<String>,

    /// Show the credentials only in answer to a Digest challenge
    #[arg(long, help_heading = REQUEST)]
    pub digest: bool,

    /// A bearer token for the Authorization header
    #[arg(long, value_name = "TOKEN", value_parser = values::line, help_heading = REQUEST)]
    #[arg(conflicts_with = "auth")]
    pub bearer: Option<String>,

    /// Take credentials for the host from a netrc file [default: $NETRC or ~/.netrc]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[arg(value_hint = ValueHint::FilePath, help_heading = REQUEST)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub netrc: Option<Option<PathBuf>>,

    /// Send cookies: NAME=VALUE, or a file as browsers export them; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::line, help_heading = REQUEST)]
    pub cookie: Vec<String>,

    /// The version of the WebSocket protocol that is asked for [default: 13]
    #[arg(short = 'p', long, value_name = "VERSION", value_parser = clap::value_parser!(u8))]
    #[arg(help_heading = REQUEST)]
    pub protocol: Option<u8>,

    /// Follow redirects; credentials stay with the first origin, and TLS is never given up
    #[arg(short = 'L', long, help_heading = REQUEST)]
    pub location: bool,

    /// How many redirects are followed
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10")]
    #[arg(value_parser = values::redirects, help_heading = REQUEST)]
    pub max_redirects: Option<String>,

    #[command(flatten)]
    pub connection: ConnectArgs,

    /// Show pings and pongs in interactive mode
    #[arg(short = 'P', long, help_heading = OUTPUT)]
    pub show_ping_pong: bool,

    /// No effect: slash commands are always on (wscat needs it)
    #[arg(long, help_heading = OUTPUT)]
    pub slash: bool,

    /// Lay out JSON on a terminal, a member a line
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,

    /// Show the time of each message on a terminal
    #[arg(short = 't', long, help_heading = OUTPUT)]
    pub time: bool,

    /// End with the session, also when something has been typed
    #[arg(long, help_heading = OUTPUT)]
    pub exit_on_close: bool,

    /// Keep no history of what is typed
    #[arg(long, help_heading = OUTPUT)]
    pub no_history: bool,

    #[command(flatten)]
    pub record: RecordArgs,

    #[command(flatten)]
    pub session: SessionArgs,

    /// What the user's file adds.
    #[arg(skip)]
    pub extras: ConfigExtras,
}

/// What completes a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// The script of a shell.
    For(Shell),
    /// The names of the targets, which such a script asks for.
    Targets,
}

impl ValueEnum for Script {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::For(Shell::Bash),
            Self::For(Shell::Elvish),
            Self::For(Shell::Fish),
            Self::For(Shell::PowerShell),
            Self::For(Shell::Zsh),
            Self::Targets,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::For(shell) => shell.to_possible_value(),
            Self::Targets => Some(PossibleValue::new("targets").hide(true)),
        }
    }
}

/// How messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Delimiter {
    /// A line each
    Lf,
    /// A NUL behind each
    Nul,
    /// Nothing: all of stdin is one message
    None,
    /// Its length before each: four bytes, the highest first
    Length,
}

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Messages
    Text,
    /// A JSON object a line
    Jsonl,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
