//! The configuration file: which one is read, and what it adds to the options.

use crate::cli::values::HeaderArg;
use clap::{Args, ValueHint};
use std::path::PathBuf;

// The configuration file to read.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// Take defaults and targets from this file [default: ~/.config/sockeye/config.toml]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(overrides_with = "no_config")]
    pub config: Option<PathBuf>,

    /// Read no configuration file
    #[arg(long)]
    pub no_config: bool,
}

/// Contents of the configuration file that no option can express.
#[derive(Clone, Debug, Default)]
pub struct ConfigExtras {
    /// Headers of each section, the one with the lowest precedence first.
    pub headers: Vec<Vec<HeaderArg>>,
    /// Secret values, each with its place in the file.
    pub places: Vec<(String, String)>,
    /// Notes to print before the run.
    pub notes: Vec<String>,
}
