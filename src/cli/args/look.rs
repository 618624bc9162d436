//! Options about what is shown and kept of a run beside its messages.

use super::{super::values, OUTPUT};
use crate::render::write_out::Template;
use clap::{ArgAction, Args, ValueEnum, ValueHint};
use std::path::PathBuf;

// What is shown of a session in either role.
#[derive(Clone, Debug, Args)]
pub struct LookArgs {
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
pub struct KeepArgs {
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

// A recording, and how it is shown.
#[derive(Clone, Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "a switch is a bool")]
pub struct ShowArgs {
    /// The recording: of --record, or what --output jsonl wrote
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Show only messages that match
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    #[arg(value_parser = values::pattern)]
    pub filter: Option<regex::bytes::Regex>,

    /// Show the frames too
    #[arg(long)]
    pub frames: bool,

    /// Lay JSON out, a member a line
    #[arg(long)]
    pub json: bool,

    /// Show the time of day before each line
    #[arg(short = 't', long)]
    pub time: bool,

    /// Show nothing, and write the recording as HAR 1.2 into this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["filter", "frames", "json", "time"])]
    pub har: Option<PathBuf>,

    /// Whether there are colours; `NO_COLOR` and CLICOLOR count, too
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,

    /// Use no colours, as --color never
    #[arg(long, overrides_with = "color")]
    pub no_color: bool,
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
