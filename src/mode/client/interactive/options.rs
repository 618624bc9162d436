//! Options of an interactive session, and the choice of that mode.

use crate::{
    connect::{ConnectOptions, Dialer},
    console::screen::is_capable,
    job::{ClientJob, prompt_habits::PromptHabits, wait::Wait},
    mode::client::decoding::Decoding,
    proto::{Close, Kind, Settings},
    random::nonce,
    render::dialogue::Dialogue,
    report::Report,
    script::{action::Action, command::place::Place, draft::Ambient, runner::Script},
    sink::sinks::Sinks,
};
use std::time::{Duration, Instant, SystemTime};

/// Options of an interactive session.
pub(crate) struct Options {
    /// The messages of `-x`.
    pub(crate) script: Script,
    /// Bytes at the end of each message typed at the prompt.
    pub(crate) append: Vec<u8>,
    /// The type of messages typed at the prompt.
    pub(crate) kind: Kind,
    /// The decoder of received binary messages, if they are decoded.
    pub(crate) decoding: Option<Decoding>,
    /// True with `-P`.
    pub(crate) shows_pings: bool,
    /// False with `--no-history`.
    pub(crate) history: bool,
    pub(crate) dialogue: Dialogue,
    pub(crate) exit_on_close: bool,
    pub(crate) habits: PromptHabits,
    pub(crate) subprotocols: Vec<String>,
    /// The limit of `--max-time`, and its deadline.
    pub(crate) max_time: Option<(Duration, Instant)>,
    /// The time allowed for the closing handshake after a signal.
    pub(crate) close_timeout: Duration,
    /// The Close that `/quit` sends.
    pub(crate) close: Close,
    pub(crate) report: Report,
    /// Opens sessions for `/reconnect`.
    pub(crate) dialer: Dialer,
    /// The options of the first session, which `/reconnect` uses too.
    pub(crate) opening: ConnectOptions,
    /// The settings of sessions that follow the first.
    pub(crate) settings: Settings,
    pub(crate) sinks: Sinks,
}

impl Options {
    /// Derives the options from those of the client.
    pub(crate) fn new(
        client: &ClientJob,
        (dialer, opening): (Dialer, ConnectOptions),
        settings: Settings,
        (report, sinks): (Report, Sinks),
    ) -> Self {
        Self {
            script: Script::new(client.script.clone(), client.expect_timeout, client.goals.clone())
                .beside(
                    client.answers.clone(),
                    client.ticks.clone(),
                    Ambient { now: SystemTime::now, random: nonce },
                ),
            append: client.pipe.append.clone(),
            kind: client.pipe.kind,
            decoding: Decoding::of(client),
            shows_pings: client.shows_pings,
            history: client.history,
            dialogue: client.dialogue,
            exit_on_close: client.exit_on_close,
            habits: client.habits,
            subprotocols: opening
                .headers
                .list("Sec-WebSocket-Protocol")
                .map(ToOwned::to_owned)
                .collect(),
            max_time: client
                .max_time
                .and_then(|limit| Some((limit, report.started.checked_add(limit)?))),
            close_timeout: settings.close_timeout,
            close: client.pipe.close.clone(),
            report,
            dialer,
            opening,
            settings,
            sinks,
        }
    }

    /// Returns the prompt, which decides the commands.
    pub(super) fn place(&self) -> Place {
        if self.habits.has_commands { Place::Client } else { Place::Plain }
    }
}

/// Reports whether the client is interactive: stdin and stdout are a capable terminal, and no
/// option determines all input or the end of the session.
pub(crate) fn is_interactive(client: &ClientJob) -> bool {
    let stays = client.script.is_empty() || client.rules.wait == Some(Wait::UntilClosed);
    stays
        && client.script.iter().all(Action::is_message)
        && !client.common.echo
        && !client.goals.is_some()
        && client.pipe.is_plain()
        && is_capable()
}
