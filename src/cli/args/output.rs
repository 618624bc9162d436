//! Options about what is shown and kept of a run beside its messages.

use super::heading::OUTPUT;
use crate::{cli::values, render::write_out::Template};
use clap::{ArgAction, Args, ValueEnum, ValueHint};
use std::path::PathBuf;

// What is shown of a session in either role.
#[derive(Clone, Debug, Args)]
pub struct DiagnosticsArgs {
    /// Show the handshake and what happens, on stderr; secrets are redacted. Twice: with times,
    /// and every frame with its header
    #[arg(short = 'v', long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,

    /// Show each frame in a line on stderr, and what is wrong with it (docs/frames.md)
    #[arg(long, help_heading = OUTPUT)]
    pub frames: bool,

    /// As -vv, and the bytes of the handshake and of the session in hex
    #[arg(long, help_heading = OUTPUT)]
    pub trace: bool,

    /// Do not redact secrets in what is shown and recorded
    #[arg(long, help_heading = OUTPUT)]
    pub show_secrets: bool,

    /// Show nothing but errors on stderr
    #[arg(short = 'q', long, conflicts_with_all = ["verbose", "frames", "trace"])]
    #[arg(help_heading = OUTPUT)]
    pub quiet: bool,
}

// What is kept of a run.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// Record all that happens, with every frame, as lines of JSON; see 'sockeye show'
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub record: Option<PathBuf>,

    /// Record the handshakes and messages as HAR 1.2, which browsers' tools import
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub har: Option<PathBuf>,

    /// What to write to stdout at the end, as in curl: %{http_code}, %{time_total}, %{close_code},
    /// %{json} and others; or @FILE
    #[arg(long, value_name = "FORMAT", value_parser = values::template, help_heading = OUTPUT)]
    #[arg(allow_hyphen_values = true)]
    #[allow(clippy::doc_markdown, reason = "it is help, and not for rustdoc")]
    pub write_out: Option<Template>,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// Where there is a terminal that has them
    Auto,
    /// Also where there seems to be none
    Always,
    /// Nowhere
    Never,
}
