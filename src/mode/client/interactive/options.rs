//! Options of an interactive session, and whether one is wanted.

use crate::{
    connect::{ConnectOptions, Dialer},
    job::{ClientJob, wait::Wait},
    proto::{Close, Kind, Settings},
    render::dialogue::Dialogue,
    report::Report,
    script::{action::Action, runner::Script},
    sink::sinks::Sinks,
    sys::stdio::{self, StdinKind},
};
use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

/// Options of an interactive session.
pub(crate) struct Options {
    /// `-x`.
    pub(crate) script: Script,
    /// The type of the messages sent.
    pub(crate) kind: Kind,
    /// `-P`: pings and pongs are shown.
    pub(crate) shows_pings: bool,
    /// Typed lines are kept in the history file.
    pub(crate) history: bool,
    /// How messages are shown.
    pub(crate) dialogue: Dialogue,
    /// `--exit-on-close`.
    pub(crate) exit_on_close: bool,
    /// Subprotocols asked for.
    pub(crate) subprotocols: Vec<String>,
    /// How long closing may take after a signal.
    pub(crate) close_timeout: Duration,
    /// The Close that `/quit` sends.
    pub(crate) close: Close,
    /// Diagnostics on stderr.
    pub(crate) report: Report,
    /// Opens sessions for `/reconnect`.
    pub(crate) dialer: Dialer,
    /// The options of `/reconnect`.
    pub(crate) opening: ConnectOptions,
    /// The settings of sessions that follow the first.
    pub(crate) settings: Settings,
    /// Observers of the run.
    pub(crate) sinks: Sinks,
}

impl Options {
    /// Returns the options of the session that was asked for.
    pub(crate) fn new(
        client: &ClientJob,
        (dialer, opening): (Dialer, ConnectOptions),
        settings: Settings,
        (report, sinks): (Report, Sinks),
    ) -> Self {
        Self {
            script: Script::new(client.script.clone(), client.expect_timeout, client.goals.clone()),
            kind: client.pipe.kind,
            shows_pings: client.shows_pings,
            history: client.history,
            dialogue: client.dialogue,
            exit_on_close: client.exit_on_close,
            subprotocols: opening
                .headers
                .list("Sec-WebSocket-Protocol")
                .map(ToOwned::to_owned)
                .collect(),
            close_timeout: settings.close_timeout,
            close: client.pipe.close.clone(),
            report,
            dialer,
            opening,
            settings,
            sinks,
        }
    }
}

/// Whether a session is interactive: stdin and stdout are a terminal, and no option says what is
/// sent or when the session ends.
pub(crate) fn is_interactive(client: &ClientJob) -> bool {
    let stays = client.script.is_empty() || client.rules.wait == Some(Wait::UntilClosed);
    stays
        && client.script.iter().all(Action::is_message)
        && !client.common.echo
        && !client.goals.is_some()
        && client.pipe.is_plain()
        && stdio::stdin_kind() == StdinKind::Terminal
        && io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| !POOR.iter().any(|poor| term == *poor))
}

/// Terminals without the codes that a prompt needs.
const POOR: [&str; 4] = ["", "dumb", "cons25", "emacs"];
