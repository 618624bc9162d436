//! Options for diagnostics, recordings and colours.

use super::heading::OUTPUT;
use crate::cli::values::{self, WriteOut};
use clap::{
    ArgAction, Args, ValueEnum, ValueHint,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct DiagnosticsArgs {
    /// Show the handshake and progress on stderr; -vv adds frames and times
    ///
    /// Shows connection steps, the request, the response and a final summary on stderr. -vv also
    /// shows every frame with its header in hex and puts the elapsed time before each line.
    /// Secrets are redacted unless --show-secrets is given.
    #[arg(short = 'v', long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,

    /// Show each frame on stderr, with any protocol violation
    ///
    /// Prints one line per frame, in both directions. A line that starts with "!" reports a
    /// protocol violation in the frame before it. docs/frames.md explains the columns.
    #[arg(long, help_heading = OUTPUT)]
    pub frames: bool,

    /// Like -vv, with a hex dump of the handshake and session
    ///
    /// Adds a hex dump of the handshake and of all session bytes to the output of -vv. With TLS,
    /// the bytes are shown decrypted.
    #[arg(long, help_heading = OUTPUT)]
    pub trace: bool,

    /// Do not redact secrets in diagnostics and recordings
    ///
    /// By default, credentials in headers, URLs and query parameters appear as [redacted].
    /// Messages are never redacted.
    #[arg(long, help_heading = OUTPUT)]
    pub show_secrets: bool,

    /// Print only errors on stderr
    ///
    /// Suppresses notes. Cannot be combined with --verbose, --frames or --trace.
    #[arg(short = 'q', long, conflicts_with_all = ["verbose", "frames", "trace"])]
    #[arg(help_heading = OUTPUT)]
    pub quiet: bool,
}

// Recordings of a server.
#[derive(Clone, Debug, Default, Args)]
pub struct ServerRecordArgs {
    /// Record the run as JSON Lines; see 'sockeye show'
    ///
    /// Writes every event of all connections, including frames, to FILE as JSON Lines, each with
    /// the number of the client as "conn". Only the owner can read a new file; an existing regular
    /// file is overwritten.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub record: Option<PathBuf>,

    /// Record handshakes and messages as HAR 1.2
    ///
    /// Writes an entry for each connection to FILE as HAR 1.2 when the connection ends. As in the
    /// HAR of a client, messages of the client have the type "send". An existing regular file is
    /// overwritten.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub har: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// Record the run as JSON Lines; see 'sockeye show'
    ///
    /// Writes every event of the run, including frames, to FILE as JSON Lines. Only the owner can
    /// read a new file; an existing regular file is overwritten.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub record: Option<PathBuf>,

    /// Record handshakes and messages as HAR 1.2
    ///
    /// Writes opening handshakes and messages to FILE as HAR 1.2, which browser developer tools
    /// can import. An existing regular file is overwritten.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub har: Option<PathBuf>,

    /// Print FORMAT at the end of the run, with curl-style variables
    ///
    /// Prints FORMAT to stdout when the run ends, even if it fails. Variables are written as in
    /// curl: %{http_code}, %{time_total}, %{close_code}, %{json} and others, which 'sockeye help
    /// output' lists. @FILE reads the format from a file, and @- from stdin.
    #[arg(long, value_name = "FORMAT", help_heading = OUTPUT)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::write_out))]
    #[arg(allow_hyphen_values = true)]
    pub write_out: Option<WriteOut>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On terminals that support them
    Auto,
    /// Even if the output is not a terminal
    Always,
    Never,
}
