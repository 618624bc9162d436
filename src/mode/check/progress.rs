//! The line on a terminal that counts the checks.

use crate::{
    report::{Report, Verbosity},
    sys::stdio::write_stderr,
};
use std::io::{self, IsTerminal as _};

/// A line on stderr that is written again for each check; nothing if stderr is not a terminal.
pub(crate) struct ProgressLine {
    total: usize,
    is_shown: bool,
}

impl ProgressLine {
    /// Creates the line for this number of checks.
    pub(crate) fn new(total: usize, report: Report) -> Self {
        let is_shown = report.verbosity == Verbosity::Normal && io::stderr().is_terminal();
        Self { total, is_shown }
    }

    /// Shows that this number of checks are made.
    pub(crate) fn show(&self, made: usize) {
        if self.is_shown {
            write_stderr(format!("\r{made} of {} checks", self.total).as_bytes());
        }
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        if self.is_shown {
            write_stderr(b"\r\x1b[K");
        }
    }
}
