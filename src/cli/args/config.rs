//! Options that select the configuration file, and the parts of that file no option can carry.

use crate::cli::values::HeaderArg;
use clap::{Args, ValueHint};
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file [default: ~/.config/sockeye/config.toml]
    ///
    /// Reads defaults and targets from this file, which must exist. Without this option,
    /// SOCKEYE_CONFIG names the file ("off" for none); otherwise
    /// $XDG_CONFIG_HOME/sockeye/config.toml or ~/.config/sockeye/config.toml is read if it exists.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(overrides_with = "no_config")]
    pub config: Option<PathBuf>,

    /// Do not read a configuration file
    #[arg(long)]
    pub no_config: bool,
}

/// Contents of the configuration file that no option can express.
#[derive(Clone, Debug, Default)]
pub struct ConfigExtras {
    /// Path of the configuration file, if one was read.
    pub file: Option<PathBuf>,
    /// Headers of each section, in ascending order of precedence.
    pub headers: Vec<Vec<HeaderArg>>,
    /// Values that may be secret references, each with its location in the file.
    pub secret_locations: Vec<(String, String)>,
    /// Notes to print before the run.
    pub notes: Vec<String>,
}
