//! Options shared by client and server.

use crate::{proto::Settings, redact::Secrets, report::Verbosity};

/// Options shared by client and server.
#[derive(Clone, Copy, Debug)]
pub struct CommonOptions {
    /// Limits and timeouts of a session.
    pub settings: Settings,
    /// The longest line of stdin that is held in memory, in bytes.
    pub max_line: usize,
    /// `--echo`: received messages are sent back.
    pub echo: bool,
    /// `--quiet`, `--verbose` and `--trace`.
    pub verbosity: Verbosity,
    /// `--frames`: each frame is shown on stderr.
    pub frames: bool,
    /// Redaction in diagnostics and recordings.
    pub secrets: Secrets,
    /// When to use colours.
    pub color: ColorMode,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorMode {
    /// On terminals that support them, subject to `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`.
    Auto,
    /// Even if the output is not a terminal.
    Always,
    /// Not even on a terminal.
    Never,
}

impl ColorMode {
    /// Sets the colour mode of this process.
    pub fn apply(self) {
        let variable = |name| std::env::var_os(name).unwrap_or_default();
        // NO_COLOR takes precedence over CLICOLOR_FORCE.
        let is_disabled = variable("TERM") == "dumb" || !variable("NO_COLOR").is_empty();
        match self {
            Self::Always => colored::control::set_override(true),
            Self::Never => colored::control::set_override(false),
            Self::Auto if is_disabled => colored::control::set_override(false),
            Self::Auto => {}
        }
    }
}
