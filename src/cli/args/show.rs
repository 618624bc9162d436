//! Options of `sockeye show`.

use super::output::ColorChoice;
use crate::{cli::values, script::matcher::Matcher};
use clap::{Args, ValueHint};
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Recording made with --record, or saved output of --output jsonl
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Show only messages that match
    ///
    /// Shows messages that match a regular expression, or json:/pointer[=VALUE], and nothing else.
    #[arg(long, value_name = "MATCHER", allow_hyphen_values = true)]
    #[arg(value_parser = Matcher::parse)]
    pub filter: Option<Matcher>,

    /// Show only the events of this client
    ///
    /// In a recording of sockeye listen, each line begins with the number of the client that it
    /// concerns.
    #[arg(long, value_name = "N", value_parser = values::number)]
    pub conn: Option<u64>,

    /// Show frames as well as messages
    #[arg(long)]
    pub frames: bool,

    /// Pretty-print JSON messages
    #[arg(long)]
    pub json: bool,

    /// Prefix each line with the time of day
    #[arg(short = 't', long)]
    pub time: bool,

    /// Convert the recording to HAR 1.2 instead of showing it
    ///
    /// Writes the recording to FILE as HAR 1.2 and shows nothing. Cannot be combined with
    /// --filter, --conn, --frames, --json or --time.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["filter", "conn", "frames", "json", "time"])]
    pub har: Option<PathBuf>,

    /// Use colours
    ///
    /// NO_COLOR, CLICOLOR and CLICOLOR_FORCE apply with "auto".
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,

    /// Disable colours; same as --color never
    #[arg(long, overrides_with = "color")]
    pub no_color: bool,
}
