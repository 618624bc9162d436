//! Options of `sockeye show`.

use super::output::ColorChoice;
use crate::script::matcher::Matcher;
use clap::{Args, ValueHint};
use std::path::PathBuf;

// A recording, and how it is shown.
#[derive(Clone, Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "a switch is a bool")]
pub struct ShowArgs {
    /// The recording: of --record, or what --output jsonl wrote
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Show only messages that match
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    #[arg(value_parser = Matcher::parse)]
    pub filter: Option<Matcher>,

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
