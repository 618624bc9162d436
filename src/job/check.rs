//! The job of `sockeye check`.

use super::common::ColorMode;
use crate::{
    connect::{ConnectOptions, DialOptions},
    redact::Secrets,
    report::Verbosity,
};
use std::{path::PathBuf, time::Duration};

/// Options of `sockeye check`.
#[derive(Clone, Debug)]
pub struct CheckJob {
    /// Options for opening a session with the server.
    pub opening: ConnectOptions,
    /// Addresses, interface and proxies to connect with.
    pub dialing: DialOptions,
    /// Notes to print before the run.
    pub notes: Vec<String>,
    /// The path for checks that need an echo, if not that of the URL.
    pub echo_path: Option<String>,
    /// The checks to make.
    pub selection: CheckSelection,
    /// What the checks may cost.
    pub extent: CheckExtent,
    /// `--strict`: recommendations count.
    pub strict: bool,
    /// File of `--junit`.
    pub junit: Option<PathBuf>,
    /// Time limit for the whole run.
    pub max_time: Option<Duration>,
    /// The amount of diagnostics.
    pub verbosity: Verbosity,
    /// Redaction in results and diagnostics.
    pub secrets: Secrets,
    /// Format of the results.
    pub format: CheckFormat,
}

/// The checks to make, by ids and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckSelection {
    /// Only these; all if empty.
    pub only: Vec<String>,
    /// None of these.
    pub skip: Vec<String>,
}

/// What the checks may cost the server, and in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckExtent {
    /// `--aggressive`: larger messages, and more of them.
    pub is_aggressive: bool,
    /// `--idle`: the longest time that idle sessions are watched.
    pub idle: Option<Duration>,
}

/// Format of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckFormat {
    /// `--json`: JSON Lines instead of text.
    pub json: bool,
    /// True if checks that passed or were skipped are shown too.
    pub shows_all: bool,
    /// When to use colours.
    pub color: ColorMode,
}
