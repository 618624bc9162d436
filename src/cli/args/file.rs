//! The user's file: which one, and what it says.

use super::super::values::HeaderArg;
use clap::{Args, ValueHint};
use std::path::PathBuf;

// Which file of the user's is read.
#[derive(Clone, Debug, Args)]
pub struct FileArgs {
    /// Take defaults and targets from this file [default: ~/.config/sockeye/config.toml]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(overrides_with = "no_config")]
    pub config: Option<PathBuf>,

    /// Read no configuration file
    #[arg(long)]
    pub no_config: bool,
}

/// What the user's file says that no option does.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Headers, the weakest section first.
    pub headers: Vec<Vec<HeaderArg>>,
    /// Values that are secrets, each with its place in the file.
    pub places: Vec<(String, String)>,
    /// What the user may want to know.
    pub notes: Vec<String>,
}
