//! The time-based end of a pipe: when the clock starts, and when it expires.

use crate::job::wait::{EndRules, Wait};
use std::time::{Duration, Instant};

/// The state of stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StdinState {
    /// Not read: closed, /dev/null, a terminal with `-x`, `--receive-only` or `--echo`.
    Unread,
    /// Open, but no byte has been read so far.
    Silent,
    /// Open, after its first byte.
    Active,
    /// Ended, and everything was passed to the session.
    Ended,
}

/// The event that starts the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The end of the script.
    Script,
    /// The end of the script or of stdin, whichever is later.
    Stdin,
    /// No event: only the peer, a goal or `--max-time` ends the session.
    Never,
}

/// A row of [`START_TABLE`]. `ANY` matches every run.
struct StartRow {
    stdin: StdinState,
    /// `-x`, `--expect` or `--every` is given.
    script: Option<bool>,
    send_only: Option<bool>,
    /// `-w` is given, or implied by `--send-only` or `--reconnect`.
    wait: Option<bool>,
    start: Start,
}

const ANY: Option<bool> = None;
const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

/// The start of the clock, by the state of stdin and the options. Each run matches one row.
const START_TABLE: [StartRow; 8] = [
    //  stdin               -x   --send-only -w   start
    row(StdinState::Unread, YES, ANY, ANY, Start::Script),
    row(StdinState::Unread, NO, ANY, YES, Start::Script),
    row(StdinState::Unread, NO, ANY, NO, Start::Never),
    // Stdin may be a pipe that nobody uses, inherited from a service manager or a parent process.
    row(StdinState::Silent, YES, NO, ANY, Start::Script),
    row(StdinState::Silent, YES, YES, ANY, Start::Stdin),
    row(StdinState::Silent, NO, ANY, ANY, Start::Stdin),
    // Somebody uses stdin: the run ends after all of it is sent.
    row(StdinState::Active, ANY, ANY, ANY, Start::Stdin),
    row(StdinState::Ended, ANY, ANY, ANY, Start::Stdin),
];

const fn row(
    stdin: StdinState,
    script: Option<bool>,
    send_only: Option<bool>,
    wait: Option<bool>,
    start: Start,
) -> StartRow {
    StartRow { stdin, script, send_only, wait, start }
}

/// The options that concern the clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClockRules {
    pub(super) end: EndRules,
    /// True with `-x`, `--expect` or `--every`.
    pub(super) has_script: bool,
    pub(super) send_only: bool,
}

impl ClockRules {
    fn start(&self, stdin: StdinState) -> Start {
        START_TABLE
            .iter()
            .find(|row| row.matches(self, stdin))
            .map_or(Start::Never, |row| row.start)
    }
}

impl StartRow {
    fn matches(&self, rules: &ClockRules, stdin: StdinState) -> bool {
        let is = |cell: Option<bool>, value| cell.is_none_or(|cell| cell == value);
        self.stdin == stdin
            && is(self.script, rules.has_script)
            && is(self.send_only, rules.send_only)
            && is(self.wait, rules.end.wait.is_some())
    }
}

/// The reason why the clock ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// The time of `-w` has passed.
    Waited(Duration),
    /// The peer has been silent for this long.
    Silence(Duration),
    /// The peer has neither read nor sent anything for this long, while messages wait.
    Stalled(Duration),
}

/// Computes when the session ends from the events that are recorded.
#[derive(Debug)]
pub(super) struct Clock {
    rules: ClockRules,
    stdin: StdinState,
    /// True once all messages of the script were sent.
    script_ended: bool,
    /// The start of the clock, or `None` while it does not run.
    started: Option<Instant>,
    /// The earliest start of the silence.
    since: Instant,
    /// The last time at which output waited for stdout.
    blocked: Instant,
    /// True if bytes were received since the last send, or since the opening.
    answered: bool,
}

impl Clock {
    /// Creates the clock of a session that opened at `now`. `stdin` is `Unread` or `Silent`;
    /// `answered` is true if bytes were received with the handshake.
    pub(super) fn new(rules: ClockRules, stdin: StdinState, now: Instant, answered: bool) -> Self {
        let (since, blocked) = (now, now);
        Self { rules, stdin, script_ended: false, started: None, since, blocked, answered }
    }

    /// Records the end of the script, which may be empty.
    pub(super) fn script_ended(&mut self, now: Instant) {
        self.script_ended = true;
        if !self.runs() {
            self.start(now);
        }
    }

    /// Records bytes of stdin.
    pub(super) fn stdin_read(&mut self) {
        if self.stdin == StdinState::Silent {
            self.stdin = StdinState::Active;
            self.started = None;
        }
    }

    /// Records the end of stdin, after all of it was passed to the session.
    pub(super) fn stdin_ended(&mut self, now: Instant) {
        self.stdin = StdinState::Ended;
        self.start(now);
    }

    /// Records that a session replaces the lost one: its script runs again. The time of `-w` is that
    /// of the whole run; silence is that of one session, since nothing can arrive between two.
    pub(super) fn reopened(&mut self, now: Instant) {
        self.script_ended = false;
        if !matches!(self.rules.end.wait, Some(Wait::For(_))) {
            self.started = None;
        }
        self.busy(now);
    }

    fn start(&mut self, now: Instant) {
        if self.script_ended && !self.awaits_stdin() {
            self.started = Some(now);
            self.busy(now);
        }
    }

    /// Reports whether the clock does not start with the end of the script.
    fn awaits_stdin(&self) -> bool {
        match self.rules.start(self.stdin) {
            Start::Script => false,
            Start::Stdin => self.stdin != StdinState::Ended,
            Start::Never => true,
        }
    }

    /// Starts the clock again if it runs, because messages were pending until `now`.
    pub(super) fn restart(&mut self, now: Instant) {
        if self.started.is_some() {
            self.start(now);
        }
    }

    /// Records a sent message.
    #[inline]
    pub(super) fn sent(&mut self) {
        self.answered = false;
    }

    /// Records received bytes.
    pub(super) fn heard(&mut self, at: Instant) {
        self.answered = true;
        self.since = self.since.max(at);
    }

    /// Records pending bytes, unsent or unwritten to stdout. Silence starts after them.
    pub(super) fn busy(&mut self, now: Instant) {
        self.since = self.since.max(now);
    }

    /// Records output that has to wait for stdout, during which the peer may not be read.
    pub(super) fn blocked(&mut self, now: Instant) {
        self.blocked = now;
        self.busy(now);
    }

    /// Reports whether the clock runs.
    pub(super) fn runs(&self) -> bool {
        self.started.is_some()
    }

    /// Returns the end of a run whose messages wait for a peer that has neither read nor sent any
    /// bytes since `active`, or `None` if there is no limit. A short time of `-w` limits the wait for
    /// messages of the peer, which says nothing about how fast it reads.
    pub(super) fn stall(&self, active: Instant) -> Option<(Instant, Expiry)> {
        let EndRules { wait, quiet_for, .. } = self.rules.end;
        let window = match wait {
            Some(Wait::UntilClosed) => return None,
            Some(Wait::For(time)) => time.max(ANSWER_LIMIT),
            // Silence counts from the end of the input.
            None if self.awaits_stdin() => STALL_LIMIT.max(quiet_for.unwrap_or_default()),
            None => quiet_for.unwrap_or(STALL_LIMIT),
        };
        Some((active.max(self.blocked) + window, Expiry::Stalled(window)))
    }

    /// Returns the end of the run by `-w` while no session is open, if its time counts already.
    pub(super) fn gap_end(&self) -> Option<Instant> {
        match self.rules.end.wait {
            Some(Wait::For(time)) => self.started.map(|started| started + time),
            _ => None,
        }
    }

    /// Returns the time and reason of the end, if they are known. `stuck` is true while unsent
    /// bytes wait for the peer to read.
    pub(super) fn expiry(&self, stuck: bool) -> Option<(Instant, Expiry)> {
        let started = self.started?;
        match self.rules.end.wait {
            Some(Wait::UntilClosed) => None,
            Some(Wait::For(time)) => Some((started + time, Expiry::Waited(time))),
            None if self.rules.end.until_met => None,
            None => {
                let usual = match (stuck, self.answered) {
                    (true, _) => STALL_LIMIT,
                    (_, true) => SILENCE_LIMIT,
                    (_, false) => ANSWER_LIMIT,
                };
                let window = self.rules.end.quiet_for.unwrap_or(usual);
                Some((self.since + window, Expiry::Silence(window)))
            }
        }
    }
}

/// The silence allowed after an answer.
const SILENCE_LIMIT: Duration = Duration::from_secs(1);
/// The silence allowed before an answer, and the least that is allowed while messages wait.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The time for which the peer may read none of the bytes sent.
const STALL_LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
