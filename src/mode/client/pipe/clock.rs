//! The time-based end of a pipe: the rules for the end of stdin, `-x`, `-w` and silence.

use crate::job::wait::{EndRules, Wait};
use std::time::{Duration, Instant};

/// The reason why the clock ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// The time of `-w` has passed.
    Waited,
    /// The peer has been silent for this long.
    Silence(Duration),
}

/// Computes when the session ends from the events that are recorded.
#[derive(Debug)]
pub(super) struct Clock {
    rules: EndRules,
    /// The end of the input, or `None` while there is more to send.
    input_ended: Option<Instant>,
    /// The earliest start of the silence.
    since: Instant,
    /// True if bytes were received since the last send, or since the opening.
    answered: bool,
}

impl Clock {
    /// Creates the clock of a session that opened at `now`. `answered` is true if bytes were
    /// received with the handshake.
    pub(super) fn new(rules: EndRules, now: Instant, answered: bool) -> Self {
        Self { rules, input_ended: None, since: now, answered }
    }

    /// Records the end of the input: of stdin, or the last `-x`. Each line of stdin after `-x`
    /// restarts the clock with another call.
    pub(super) fn input_ended(&mut self, now: Instant) {
        self.input_ended = Some(now);
        self.since = self.since.max(now);
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

    /// Returns the time and reason of the end, if they are known. `stuck` is true while unsent
    /// bytes wait for the peer to read.
    pub(super) fn expiry(&self, stuck: bool) -> Option<(Instant, Expiry)> {
        let ended = self.input_ended?;
        match self.rules.wait {
            Some(Wait::UntilClosed) => None,
            Some(Wait::For(time)) => Some((ended + time, Expiry::Waited)),
            None if self.rules.until_met => None,
            None => {
                let usual = match (stuck, self.answered) {
                    (true, _) => STALL_LIMIT,
                    (_, true) => SILENCE_LIMIT,
                    (_, false) => ANSWER_LIMIT,
                };
                let window = self.rules.quiet_for.unwrap_or(usual);
                Some((self.since + window, Expiry::Silence(window)))
            }
        }
    }
}

/// The silence allowed after an answer.
const SILENCE_LIMIT: Duration = Duration::from_secs(1);
/// The silence allowed before an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The time that the peer may take without reading any of the last bytes sent.
const STALL_LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn clock(rules: EndRules) -> (Clock, Instant) {
        let now = Instant::now();
        (Clock::new(rules, now, false), now)
    }

    #[test]
    fn does_not_expire_before_the_end_of_input() {
        let (mut clock, start) = clock(EndRules::default());
        clock.heard(start + S);
        assert_eq!(clock.expiry(false), None);
    }

    #[test]
    fn a_peer_that_reads_nothing_of_the_last_has_half_a_minute() {
        let (mut clock, start) = clock(EndRules::default());
        clock.sent();
        clock.input_ended(start);
        assert_eq!(clock.expiry(true), Some((start + 30 * S, Expiry::Silence(30 * S))));
        // The peer read some bytes.
        clock.busy(start + S);
        assert_eq!(clock.expiry(true), Some((start + 31 * S, Expiry::Silence(30 * S))));
        assert_eq!(clock.expiry(false), Some((start + 6 * S, Expiry::Silence(5 * S))));
    }

    #[test]
    fn a_second_of_silence_after_an_answer_and_five_without() {
        let (mut clock, start) = clock(EndRules::default());
        clock.input_ended(start + 2 * S);
        assert_eq!(clock.expiry(false), Some((start + 7 * S, Expiry::Silence(5 * S))));
        clock.heard(start + 3 * S);
        assert_eq!(clock.expiry(false), Some((start + 4 * S, Expiry::Silence(S))));
        clock.sent();
        assert_eq!(clock.expiry(false), Some((start + 8 * S, Expiry::Silence(5 * S))));
    }

    #[test]
    fn silence_counts_from_the_later_of_last_byte_and_end_of_input() {
        let (mut clock, start) = clock(EndRules::default());
        clock.heard(start + S);
        clock.input_ended(start + 9 * S);
        assert_eq!(clock.expiry(false), Some((start + 10 * S, Expiry::Silence(S))));
        clock.busy(start + 20 * S);
        assert_eq!(clock.expiry(false), Some((start + 21 * S, Expiry::Silence(S))));
    }

    #[test]
    fn wait_and_expectations_replace_the_rule_of_silence() {
        let (mut waiting, start) =
            clock(EndRules { wait: Some(Wait::For(3 * S)), ..EndRules::default() });
        assert_eq!(waiting.expiry(false), None);
        waiting.input_ended(start);
        waiting.heard(start + 2 * S);
        assert_eq!(waiting.expiry(false), Some((start + 3 * S, Expiry::Waited)));
        for rules in [
            EndRules { wait: Some(Wait::UntilClosed), ..EndRules::default() },
            EndRules { until_met: true, ..EndRules::default() },
        ] {
            let (mut clock, start) = clock(rules);
            clock.input_ended(start);
            assert_eq!(clock.expiry(false), None);
        }
        let (mut quiet, start) = clock(EndRules { quiet_for: Some(7 * S), ..EndRules::default() });
        quiet.heard(start);
        quiet.input_ended(start);
        assert_eq!(quiet.expiry(false), Some((start + 7 * S, Expiry::Silence(7 * S))));
    }
}
