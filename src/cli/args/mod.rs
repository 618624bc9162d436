//! Definition of the command line. Doc comments on options are their help text, also in the man
//! pages and shell completions: the first paragraph for `-h`, all of it for `--help`.

#![allow(missing_docs, reason = "a doc comment here is help text, even on a flattened struct")]
#![allow(clippy::doc_markdown, reason = "help is plain text, not Markdown")]
#![allow(rustdoc::broken_intra_doc_links, reason = "brackets mark optional parts")]
#![allow(rustdoc::bare_urls, rustdoc::invalid_html_tags, reason = "help is plain text")]
#![allow(clippy::struct_excessive_bools, reason = "a switch is a bool")]

mod check;
mod config;
mod connect;
mod framing;
pub(super) mod heading;
mod listen;
mod output;
mod proxy;
mod request;
mod session;
mod show;

pub use check::CheckArgs;
pub use config::{ConfigArgs, ConfigExtras};
pub use connect::{ConnectArgs, HttpChoice, IdentityArgs, ReconnectArgs, TlsVersion};
pub use framing::{Delimiter, PipeFormat};
pub use listen::{ListenArgs, ListenCommonArgs, ServerArgs, SlowChoice};
pub use output::{ColorChoice, DiagnosticsArgs, RecordArgs, ServerRecordArgs};
pub use proxy::{ProxyArgs, ProxyOutput};
pub use request::RequestArgs;
pub use session::SessionArgs;
pub use show::ShowArgs;

use crate::{
    cli::values::{self, Appended, ScriptArg},
    job::{prompt_habits::PromptHabits, wait::Wait},
    proto::Close,
    script::matcher::Matcher,
};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint, builder::PossibleValue};
use clap_complete::Shell;
use heading::{OUTPUT, PIPE, SESSION};
use std::{path::PathBuf, time::Duration};

/// See into your sockets: talk to, script, watch and test a WebSocket server.
///
/// On a terminal, sockeye is interactive: each line you type is sent as a message. In a pipe, each
/// line of stdin is sent as a message and each received message is written to stdout as a line. The
/// exit status says how the connection ended.
#[derive(Clone, Debug, Parser)]
#[command(name = "sockeye", version, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
#[command(args_override_self = true, override_usage = USAGE)]
pub struct Cli {
    /// Server: ws://, wss://, host[:port][/path] or @TARGET
    ///
    /// A URL without a scheme is ws://; http:// and https:// mean ws:// and wss://.
    /// An IPv6 address may have a zone, as in ws://[fe80::1%eth0]:80/.
    /// ws+unix:SOCKET:/PATH connects over a Unix socket. @NAME is a target of the configuration
    /// file; a path or query after the name is added to the target's URL.
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub url: Option<String>,

    /// Server URL, as in wscat
    #[arg(short = 'c', long, value_name = "URL", value_hint = ValueHint::Url)]
    #[arg(conflicts_with = "url")]
    pub connect: Option<String>,

    /// Run a server on this port, as in wscat; see 'sockeye listen'
    #[arg(short = 'l', long, value_name = "PORT", conflicts_with_all = ["url", "connect"])]
    pub listen: Option<String>,

    #[command(flatten)]
    pub client: ClientArgs,

    #[command(flatten)]
    pub file: ConfigArgs,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The usage of `sockeye`, also the synopsis of its man page.
const USAGE: &str = "sockeye [OPTIONS] URL
       sockeye [OPTIONS] @TARGET[/PATH]
       sockeye listen [OPTIONS] [ADDRESS]
       sockeye proxy [OPTIONS] ADDRESS URL
       sockeye check [OPTIONS] URL
       sockeye COMMAND ...";

/// Subcommands. Their options are built only when one of them is used.
#[derive(Clone, Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Run a WebSocket server: each input line goes to all clients
    ///
    /// Each line you type or pipe in is sent to every client, and messages from clients are printed.
    /// With --echo, each message goes back to its sender instead, with --broadcast to all other
    /// clients, and with --exec to a command. Stdin is read while a client is connected. At a
    /// terminal, /help lists the commands of the prompt, also for single clients.
    Listen {
        #[command(flatten)]
        args: Box<ListenArgs>,
    },
    /// Pass on what clients and a server say to each other, unchanged
    ///
    /// Clients connect to ADDRESS, and each gets a session with the server at URL. Frames, header
    /// fields and the ways in which connections end are passed on as they are; only masking keys,
    /// Sec-WebSocket-Key and header fields about one connection are made anew. The two connections of
    /// a session may differ in TLS, HTTP version and address family. Requests that open no session
    /// are passed on too, so that a page loads through the proxy. Errors name the leg: client or
    /// server. If the server cannot be reached, the client gets status 502 with the reason.
    Proxy {
        #[command(flatten)]
        args: Box<ProxyArgs>,
    },
    /// Check a WebSocket server: what is wrong, and what to change
    ///
    /// Sends legal and illegal requests and frames over up to 8 connections at the same time, and
    /// judges the answers by the rules of the protocol. Prints a grade with its reasons, then each
    /// check that failed, with its evidence. Nothing is sent that harms a server. Exits with status
    /// 0 if all requirements are met, and 113 if one is not; if no session can be opened, with the
    /// status that 'sockeye URL' has.
    Check {
        #[command(flatten)]
        args: Box<CheckArgs>,
    },
    /// Try sockeye without a server: talk to a built-in echo server
    Demo {
        #[command(flatten)]
        args: Box<ClientArgs>,
    },
    /// Show a recording in the format of interactive mode
    Show {
        #[command(flatten)]
        args: ShowArgs,
    },
    /// Print a shell completion script
    Completions {
        /// Shell to print the script for
        #[arg(value_enum)]
        shell: CompletionOutput,
    },
    /// Print the man page, or write all man pages to a directory
    Man {
        /// Directory to write the man pages to; created if missing
        #[arg(value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
    /// Print the help about a topic or a subcommand
    ///
    /// Without a topic, prints all of the help, as --help does. 'sockeye help topics' lists the
    /// topics.
    Help {
        /// Topic, such as tls, proxies, scripting or exit-codes, or a subcommand
        topic: Option<String>,
    },
    /// Print the version
    Version,
}

#[derive(Clone, Debug, Args)]
pub struct ClientArgs {
    /// Send MESSAGE before reading stdin; may be repeated
    ///
    /// Messages are sent in the order given, together with --expect. @FILE sends the content of a
    /// file as it is, as a binary message if it is not valid UTF-8; a message that begins with @ is
    /// written with @@. Stdin is read after the last message, except from a terminal. Until stdin provides data, --wait and --quiet-for count from
    /// the last -x, and a note says so if they end the run. Once stdin has provided data, they
    /// count from its end. With --reconnect, the messages are sent again in each session.
    #[arg(short = 'x', long, value_name = "MESSAGE", allow_hyphen_values = true)]
    #[arg(help_heading = PIPE)]
    pub execute: Vec<String>,

    /// Keep receiving this long after the input ends; -1 for no limit
    ///
    /// The time starts at the end of stdin, or at the last -x if stdin provides no data. 0 closes
    /// immediately; -1 waits until the peer closes. With --reconnect, the time is that of the whole
    /// run: it goes on while the connection is lost, and the run then ends with the last error.
    /// A peer that neither reads nor sends anything while messages wait ends the run after the same
    /// time, but at least 5 seconds, with exit status 55. Overrides --quiet-for.
    #[arg(short = 'w', long, value_name = "SECONDS", allow_negative_numbers = true)]
    #[arg(value_parser = values::wait, help_heading = PIPE)]
    pub wait: Option<Wait>,

    /// Wait for a matching message before the next -x; may be repeated
    ///
    /// MATCHER is a regular expression; json:/pointer, for a JSON message with a value at this
    /// pointer (RFC 6901); or json:/pointer=VALUE, where the value equals VALUE as JSON. --expect
    /// and -x run in the order given. If no message matches within --expect-timeout, the run ends
    /// with exit status 112.
    #[arg(long, value_name = "MATCHER", allow_hyphen_values = true)]
    #[arg(value_parser = Matcher::parse, help_heading = PIPE)]
    pub expect: Vec<Matcher>,

    /// Time limit for each --expect
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = values::seconds)]
    #[arg(help_heading = PIPE)]
    pub expect_timeout: Duration,

    /// -x and --expect in the order given.
    #[arg(skip)]
    pub script: Vec<ScriptArg>,

    /// Answer each matching message; may be repeated
    ///
    /// Sends MESSAGE whenever a received message matches, at any time while the session is open. Of
    /// several --answer, each that matches sends its message, in the order given. MATCHER is as for
    /// --expect, MESSAGE as for -x. Does not keep the run from ending.
    #[arg(long, value_names = ["MATCHER", "MESSAGE"], num_args = 2, allow_hyphen_values = true)]
    #[arg(help_heading = PIPE)]
    pub answer: Vec<String>,

    /// Send a message at an interval; may be repeated
    ///
    /// Sends MESSAGE every SECONDS while the session is open: first after the last -x or --expect,
    /// or after SECONDS if that is earlier. SECONDS is at least 0.001, MESSAGE as for -x. The run
    /// then lasts until the peer closes, unless --wait, --quiet-for, --count, --until or --max-time
    /// ends it.
    #[arg(long, value_names = ["SECONDS", "MESSAGE"], num_args = 2, allow_hyphen_values = true)]
    #[arg(help_heading = PIPE)]
    pub every: Vec<String>,

    /// Replace ${...} in the messages of -x, --answer and --every
    ///
    /// ${NAME} is a named group of an --expect or --answer, such as (?<NAME>\w+), when it last
    /// matched; ${json:/pointer} a value of the message that is answered, or that matched last;
    /// ${env:NAME} an environment variable, which is then treated as a secret. The names uuid, now
    /// and now_ms stand for a random UUID and the time, and n counts the messages that contain it.
    /// $${ is a literal ${. In a JSON message, values of json: are inserted as JSON.
    #[arg(long, help_heading = PIPE)]
    pub expand: bool,

    /// Append BYTES to each message sent, as an end mark
    ///
    /// BYTES is text with the escapes \0, \n, \r, \t, \xNN (a byte in hex) and \\. Applies to -x,
    /// --answer, --every, lines of stdin and the prompt, not to --input jsonl and --echo.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, value_parser = values::appended)]
    #[arg(help_heading = PIPE)]
    pub append: Option<Appended>,

    /// Close and exit 0 when a received message matches
    ///
    /// MATCHER is as for --expect. If the session ends cleanly without a match, the exit status is
    /// 112.
    #[arg(long, value_name = "MATCHER", allow_hyphen_values = true)]
    #[arg(value_parser = Matcher::parse, help_heading = PIPE)]
    pub until: Option<Matcher>,

    /// Close and exit 0 after N received messages
    ///
    /// If the session ends cleanly with fewer messages, the exit status is 112.
    #[arg(long, value_name = "N", value_parser = values::count)]
    #[arg(help_heading = PIPE)]
    pub count: Option<u64>,

    /// Close after this much silence once input ends [default: 1 or 5]
    ///
    /// After the end of stdin, or after the last -x if stdin provides no data, closes when no bytes
    /// have arrived from the peer for this long. The default is 1 second, or 5 seconds while
    /// nothing has arrived since the last message sent. It counts anew in each session of
    /// --reconnect. --wait overrides this option, and --count and --until disable it. A peer that
    /// neither reads nor sends anything while messages wait ends the run with exit status 55 after
    /// this time, by default 30 seconds; before the end of the input, after at least 30 seconds.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = PIPE)]
    pub quiet_for: Option<Duration>,

    /// Time limit for the whole run
    ///
    /// Ends the run with exit status 28 when the time is up, even while connecting, reconnecting,
    /// closing or writing output. Counts from the start of the process.
    #[arg(short = 'm', long, value_name = "SECONDS", value_parser = values::seconds)]
    #[arg(help_heading = PIPE)]
    pub max_time: Option<Duration>,

    /// Message framing on stdin and stdout
    #[arg(long, value_enum, default_value = "lf", value_name = "FRAMING", help_heading = PIPE)]
    pub delimiter: Delimiter,

    /// End each message with NUL; same as --delimiter nul
    ///
    /// Cannot be combined with --delimiter.
    #[arg(short = '0', long, conflicts_with = "delimiter", help_heading = PIPE)]
    pub null: bool,

    /// Send binary instead of text messages
    #[arg(short = 'b', long, help_heading = PIPE)]
    pub binary: bool,

    /// Format of stdin
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT", help_heading = PIPE)]
    pub input: PipeFormat,

    /// Format of stdout
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT", help_heading = PIPE)]
    pub output: PipeFormat,

    /// Decode binary messages: gzip, zlib, deflate, msgpack or auto
    ///
    /// Shows a received binary message as the text that it holds, as if it had been received as a
    /// text message; --until, --expect and /filter see the text, too. MessagePack is shown as JSON.
    /// auto recognizes gzip and zlib, and MessagePack if the whole message is a map or an array. A
    /// message that cannot be decoded, or whose text would be longer than --max-message, is shown as
    /// received. --output jsonl has the text as "decoded" beside the message.
    #[arg(long, value_enum, value_name = "ENCODING", hide_possible_values = true)]
    #[arg(help_heading = PIPE)]
    pub decode: Option<DecodeChoice>,

    /// Send only: discard received messages, close once all is sent
    ///
    /// Reads stdin to its end, also after -x. With --wait, closes that long after the end instead.
    /// Cannot be combined with --echo or --receive-only.
    #[arg(long, conflicts_with_all = ["receive_only", "echo"], help_heading = PIPE)]
    pub send_only: bool,

    /// Receive only: do not read stdin
    ///
    /// -x messages are still sent. Use it where stdin is a pipe that nobody writes to. Cannot be
    /// combined with --send-only.
    #[arg(long, help_heading = PIPE)]
    pub receive_only: bool,

    /// Close code and reason to send [default: 1000]
    #[arg(long, value_name = "CODE[:REASON]", value_parser = values::close, help_heading = PIPE)]
    pub close: Option<Close>,

    #[command(flatten)]
    pub request: RequestArgs,

    /// Accept some violations of the protocol by the server
    ///
    /// Accepts masked frames, payload lengths in more bytes than necessary, and text that is not
    /// UTF-8, whose invalid parts are replaced with U+FFFD. A note on stderr reports each kind of
    /// violation once. Any other violation still fails the connection.
    #[arg(long, help_heading = SESSION)]
    pub lenient: bool,

    #[command(flatten)]
    pub connection: ConnectArgs,

    #[command(flatten)]
    pub identity: IdentityArgs,

    #[command(flatten)]
    pub reconnect: ReconnectArgs,

    /// Show pings and pongs in interactive mode
    #[arg(short = 'P', long, help_heading = OUTPUT)]
    pub show_ping_pong: bool,

    /// Enable slash commands if called as wscat
    ///
    /// Otherwise, slash commands are always enabled in interactive mode.
    #[arg(long, help_heading = OUTPUT)]
    pub slash: bool,

    /// Pretty-print JSON messages on a terminal
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,

    /// Show the time of each message on a terminal
    #[arg(short = 't', long, help_heading = OUTPUT)]
    pub time: bool,

    /// Exit when the session ends, even if something has been typed
    ///
    /// Otherwise, interactive mode stays open after the server ended the session, or the connection was
    /// lost, if something has been typed, so that /reconnect can reopen it.
    #[arg(long, help_heading = OUTPUT)]
    pub exit_on_close: bool,

    /// Do not read or write the history file
    #[arg(long, help_heading = OUTPUT)]
    pub no_history: bool,

    #[command(flatten)]
    pub record: RecordArgs,

    #[command(flatten)]
    pub session: SessionArgs,

    #[arg(skip)]
    pub habits: PromptHabits,

    #[arg(skip)]
    pub extras: ConfigExtras,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DecodeChoice {
    Gzip,
    Zlib,
    /// With or without the header of zlib
    Deflate,
    Msgpack,
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionOutput {
    Script(Shell),
    /// The completions of a word; the completion scripts ask for them.
    Candidates,
}

impl ValueEnum for CompletionOutput {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Script(Shell::Bash),
            Self::Script(Shell::Elvish),
            Self::Script(Shell::Fish),
            Self::Script(Shell::PowerShell),
            Self::Script(Shell::Zsh),
            Self::Candidates,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Script(shell) => shell.to_possible_value(),
            Self::Candidates => Some(PossibleValue::new("candidates").hide(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn clap_accepts_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_leave_the_help_of_their_subcommand_as_it_is() {
        let help = |command: &clap::Command| {
            let subs = command.get_subcommands();
            subs.map(|sub| sub.get_about().map(ToString::to_string)).collect::<Vec<_>>()
        };
        let mut command = Cli::command();
        let before = help(&Cli::command());
        command.build();
        assert_eq!(help(&command), before);
    }
}
