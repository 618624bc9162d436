//! Options of `sockeye listen`.

use super::{
    config::ConfigArgs,
    framing::{Delimiter, PipeFormat},
    heading::{ADMISSION, OUTPUT, PIPE, SERVER, TLS},
    output::ServerRecordArgs,
    session::SessionArgs,
};
use crate::{
    cli::values::{self, HeaderArg},
    job::listen::ForcedRefusal,
    script::{fault::FaultRule, matcher::Matcher},
};
use clap::{
    Args, ValueEnum, ValueHint,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use std::{path::PathBuf, time::Duration};

#[derive(Clone, Debug, Args)]
pub struct ListenArgs {
    /// PORT, HOST:PORT, [IPv6]:PORT, unix:PATH or fd:3 [default: a free port]
    ///
    /// Without a host, the server listens on both loopback addresses: only this machine can
    /// connect. wss:// before the address selects TLS. unix:PATH is a Unix socket, unix:@NAME one
    /// in the abstract namespace, and fd:NUMBER a listening socket that was inherited, as from
    /// systemd. Port 0 is any free port; the first line on stderr names it.
    pub address: Option<String>,

    #[command(flatten)]
    pub common: ListenCommonArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

// Options that -l accepts too, and that the configuration file may set for a server.
#[derive(Clone, Debug, Args)]
pub struct ListenCommonArgs {
    /// Subprotocol to accept; may be repeated
    ///
    /// The client's first subprotocol in this list is selected, or none. Without this option, the
    /// client's first subprotocol is selected.
    #[arg(short = 's', long, value_name = "NAME", value_parser = values::subprotocol)]
    #[arg(help_heading = ADMISSION)]
    pub subprotocol: Vec<String>,

    #[command(flatten)]
    pub session: SessionArgs,

    #[command(flatten)]
    pub file: ConfigArgs,
}

// Options that only a server has. A doc comment would replace the help of the subcommand.
#[derive(Clone, Debug, Default, Args)]
pub struct ServerArgs {
    /// Send each message to all other clients; stdin is not read
    #[arg(long, conflicts_with_all = ["echo", "exec", "reply"], help_heading = SERVER)]
    pub broadcast: bool,

    /// Run a shell command for each client
    ///
    /// Each message of the client is a line on the command's stdin, and each line of its stdout is
    /// sent to the client. Its stderr is that of the server. The session ends with the command, and
    /// the command's stdin with the session. The environment has WS_ID, WS_PATH, WS_ADDRESS,
    /// WS_SUBPROTOCOL and WS_HEADER_NAME for each header.
    #[arg(long, value_name = "COMMAND", conflicts_with = "echo", help_heading = SERVER)]
    pub exec: Option<String>,

    /// Reply to clients by the rules of a TOML file; stdin is not read
    ///
    /// Each [[on]] table has an event (open, match, json, text or otherwise) and a reply (send,
    /// binary, file, then, close, reset, cut, stall, delay, do). [[fault]] tables hold for whole
    /// sessions, and forward = "URL" names a server for messages without a rule. With an [expect]
    /// table the exit status is 112 if an expectation is not met. docs/replies.md has an example of
    /// each key.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SERVER)]
    #[arg(conflicts_with_all = ["echo", "exec"])]
    pub reply: Option<PathBuf>,

    /// Use these CAs for the server of a script's forward
    ///
    /// Trusts the CA certificates in this PEM file or directory, instead of the system's, for the
    /// servers that a reply script forwards messages to. May be repeated.
    #[arg(long, visible_alias = "forward-cacert", value_name = "FILE", requires = "reply")]
    #[arg(value_hint = ValueHint::AnyPath, help_heading = SERVER)]
    pub forward_ca: Vec<PathBuf>,

    /// Do not verify the certificate of the server of a script's forward
    #[arg(long, requires = "reply", help_heading = SERVER)]
    pub forward_insecure: bool,

    /// Client certificate for the server of a script's forward
    ///
    /// A PEM file, which may include the key, or PKCS#12.
    #[arg(long, value_name = "FILE", requires = "reply", help_heading = SERVER)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub forward_cert: Option<PathBuf>,

    /// Private key of --forward-cert in PEM, if it is not in the same file
    #[arg(long, value_name = "FILE", requires = "forward_cert", help_heading = SERVER)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub forward_key: Option<PathBuf>,

    /// Add a header to the request to the server of a script's forward
    ///
    /// As for a client, @FILE reads headers from a file, one a line. May be repeated.
    #[arg(long, value_name = "NAME:VALUE", requires = "reply", help_heading = SERVER)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::header_arg))]
    pub forward_header: Vec<HeaderArg>,

    /// Check the file of --reply and exit
    #[arg(long, requires = "reply", help_heading = SERVER)]
    pub reply_check: bool,

    /// Make a fault happen, such as 'drop every 3 out'; may be repeated
    ///
    /// A rule is a fault and its conditions. Faults: delay S, jitter S, throttle BYTES/S, drop,
    /// duplicate, corrupt, split N, stall [S], cut [frame|BYTES], reset, close CODE[:REASON], swallow
    /// ping|pong, refuse STATUS. Conditions: every N, after N messages, after S s, in, out, match
    /// REGEX, chance P. docs/listen.md describes each of them.
    #[arg(long, value_name = "RULE", value_parser = values::fault_rule, help_heading = SERVER)]
    pub fault: Vec<FaultRule>,

    /// Seed of what --reply and --fault choose at random [default: another for each run]
    ///
    /// With the same seed, the replies to each client and its faults repeat themselves. The seed is
    /// printed if something is chosen at random.
    #[arg(long, value_name = "N", value_parser = values::number, help_heading = SERVER)]
    pub seed: Option<u64>,

    /// Exit when the first client has left; same as --clients 1
    #[arg(long, conflicts_with = "clients", help_heading = SERVER)]
    pub once: bool,

    /// Exit when N clients have left
    #[arg(long, value_name = "N", value_parser = values::count)]
    #[arg(help_heading = SERVER)]
    pub clients: Option<u64>,

    /// Time limit for the whole run
    ///
    /// Closes all sessions and exits with status 28 when the time is up.
    #[arg(short = 'm', long, value_name = "SECONDS", value_parser = values::seconds)]
    #[arg(help_heading = SERVER)]
    pub max_time: Option<Duration>,

    /// Exit after N messages from clients
    #[arg(long, value_name = "N", value_parser = values::count)]
    #[arg(help_heading = SERVER)]
    pub count: Option<u64>,

    /// Exit when a message from a client matches
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    #[arg(value_parser = Matcher::parse, help_heading = SERVER)]
    pub until: Option<Matcher>,

    /// Maximum number of bytes that wait for a client [default: 1M]
    ///
    /// When more would wait, --slow applies. K, M and G stand for powers of 1024.
    #[arg(long, value_name = "BYTES", value_parser = values::bytes, help_heading = SERVER)]
    pub max_queue: Option<u64>,

    /// Treatment of a client that does not read fast enough [default: drop]
    ///
    /// "drop" closes its session with 1013, after a quarter of a second; the fastest client sets the
    /// pace and is never dropped while others wait for stdin. "wait" waits for every client, so that
    /// the slowest one sets the pace. "skip" does not send it the messages that it has no room for.
    #[arg(long, value_enum, value_name = "ACTION", help_heading = SERVER)]
    pub slow: Option<SlowChoice>,

    /// Paths to accept, such as /chat or /rooms/*; may be repeated (404)
    ///
    /// In GLOB, * stands for any characters and ? for one. The query is not compared. Other paths
    /// are refused with status 404.
    #[arg(long, value_name = "GLOB", value_parser = values::path_pattern)]
    #[arg(help_heading = ADMISSION)]
    pub path: Vec<String>,

    /// Require HTTP Basic credentials (401)
    ///
    /// env:NAME, file:PATH and cmd:COMMAND read them from a variable, a file or a command.
    #[arg(short = 'u', long, visible_alias = "user", value_name = "USER:PASSWORD")]
    #[arg(value_parser = values::secret, help_heading = ADMISSION)]
    pub auth: Option<String>,

    /// Origins to accept, such as https://*.example.com; may be repeated (403)
    #[arg(short = 'o', long, value_name = "GLOB", help_heading = ADMISSION)]
    pub origin: Vec<String>,

    /// Require a request header, perhaps with this value; may be repeated (403)
    #[arg(long, value_name = "NAME[:VALUE]", value_parser = values::required_header)]
    #[arg(help_heading = ADMISSION)]
    pub require_header: Vec<(String, Option<String>)>,

    /// Refuse requests with this status: all, the first N or for a time
    ///
    /// 503 refuses all requests, 503:3 the first three, and 503:2.5s those of the first two and a
    /// half seconds.
    #[arg(long, value_name = "CODE[:N|:TIMEs]", value_parser = values::refusal)]
    #[arg(help_heading = ADMISSION)]
    pub status: Option<ForcedRefusal>,

    /// Maximum number of clients at the same time (503)
    #[arg(long, value_name = "N", help_heading = ADMISSION)]
    #[arg(value_parser = values::count)]
    pub max_clients: Option<u64>,

    /// Add a header to the response; may be repeated
    #[arg(short = 'H', long, value_name = "NAME:VALUE", help_heading = ADMISSION)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::header_arg))]
    pub header: Vec<HeaderArg>,

    /// Certificate chain in PEM, or chain and key in PKCS#12
    ///
    /// Selects TLS: the URL is wss://.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = TLS)]
    pub cert: Option<PathBuf>,

    /// Private key of --cert in PEM, if it is not in the same file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "cert")]
    #[arg(help_heading = TLS)]
    pub key: Option<PathBuf>,

    /// Passphrase of the private key [default: prompt]
    ///
    /// Without this option, an encrypted key prompts on the terminal. env:NAME, file:PATH and
    /// cmd:COMMAND read it from a variable, a file or a command.
    #[arg(long, value_name = "PASSPHRASE", requires = "cert", help_heading = TLS)]
    pub passphrase: Option<String>,

    /// Use a certificate made for this run
    ///
    /// Its SHA-256 is printed in the form of the client's option --pin. Selects TLS: the URL is
    /// wss://.
    #[arg(long, conflicts_with = "cert", help_heading = TLS)]
    pub tls_self_signed: bool,

    /// Write the client's number and a tab before each message
    ///
    /// The default without a terminal, as soon as a second client has sent a message.
    #[arg(long, overrides_with = "no_label", help_heading = OUTPUT)]
    pub label: bool,

    /// Write messages without the client's number
    #[arg(long, help_heading = OUTPUT)]
    pub no_label: bool,

    #[command(flatten)]
    pub record: ServerRecordArgs,

    /// Message framing on stdin and stdout [default: lf]
    #[arg(long, value_enum, value_name = "FRAMING", help_heading = PIPE)]
    pub delimiter: Option<Delimiter>,

    /// End each message with NUL; same as --delimiter nul
    #[arg(short = '0', long, conflicts_with = "delimiter", help_heading = PIPE)]
    pub null: bool,

    /// Format of stdin [default: text]
    ///
    /// With jsonl, each line is an action. "conn" names the client or an array of clients that it
    /// is for, "except" those that it is not for; without them it is for all.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = PIPE)]
    pub input: Option<PipeFormat>,

    /// Format of stdout [default: text]
    ///
    /// With jsonl, each line is an event, with the number of the client as "conn".
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = PIPE)]
    pub output: Option<PipeFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SlowChoice {
    /// Close its session with 1013
    Drop,
    /// Wait for it
    Wait,
    /// Do not send it what it has no room for
    Skip,
}
