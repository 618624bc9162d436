//! Messages sent at an interval, of `--every`, `/repeat` and `/every`, and their schedule.

use super::{
    addressee::Addressee,
    draft::{Draft, Tick},
};
use crate::{escape::Escaped, known, proto::slice::Within as _};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// A message that is sent repeatedly.
pub(crate) trait Repeated: Clone {
    /// Returns the text of the message, as it was typed.
    fn source(&self) -> &[u8];

    /// Returns whom it is sent to, in a server.
    fn addressee(&self) -> Option<Addressee> {
        None
    }
}

impl Repeated for Draft {
    fn source(&self) -> &[u8] {
        self.content.source()
    }
}

/// The repeated messages of a prompt.
#[derive(Debug)]
pub(crate) struct Repeats<M = Draft> {
    repeats: Vec<Repeat<M>>,
    /// The number of the last repeat.
    last_number: u64,
}

#[derive(Debug)]
struct Repeat<M> {
    number: u64,
    message: M,
    interval: Duration,
    /// The number of sends that remain; `None` is unlimited.
    left: Option<u64>,
    next: Instant,
    /// True once the first message was due.
    has_begun: bool,
}

impl<M> Default for Repeats<M> {
    fn default() -> Self {
        Self { repeats: Vec::new(), last_number: 0 }
    }
}

impl<M: Repeated> Repeats<M> {
    /// Adds a repeat, whose first message is due at once. Returns its number, or `None` if there are
    /// too many.
    pub(crate) fn add(
        &mut self,
        message: M,
        interval: Duration,
        times: Option<u64>,
        now: Instant,
    ) -> Option<u64> {
        if self.repeats.len() >= MAX_REPEATS {
            return None;
        }
        let number = self.last_number + 1;
        if times != Some(0) {
            self.last_number = number;
            let (left, next) = (times, now);
            self.repeats.push(Repeat { number, message, interval, left, next, has_begun: false });
        }
        Some(number)
    }

    /// Makes the first messages that were not due yet due at `now`.
    pub(crate) fn begin(&mut self, now: Instant) {
        for repeat in self.repeats.iter_mut().filter(|repeat| !repeat.has_begun) {
            repeat.next = now;
        }
    }

    /// Ends all repeats. Returns their number.
    pub(crate) fn stop(&mut self) -> usize {
        std::mem::take(&mut self.repeats).len()
    }

    /// Ends the repeat with this number. Returns false if there is none.
    pub(crate) fn stop_one(&mut self, number: u64) -> bool {
        let before = self.repeats.len();
        self.repeats.retain(|repeat| repeat.number != number);
        self.repeats.len() < before
    }

    /// Ends the repeat with this number; `None` ends all. Returns the text to print.
    pub(crate) fn stop_typed(&mut self, number: Option<u64>) -> String {
        match number {
            None => match self.stop() {
                0 => self.to_string(),
                1 => "1 repeated message stopped".to_owned(),
                stopped => format!("{stopped} repeated messages stopped"),
            },
            Some(number) if self.stop_one(number) => format!("message {number} stopped"),
            Some(number) => format!("there is no {number}; /every lists the repeated messages"),
        }
    }

    /// Ends the repeats of other messages.
    pub(crate) fn retain(&mut self, keeps: impl Fn(&M) -> bool) {
        self.repeats.retain(|repeat| keeps(&repeat.message));
    }

    /// Returns the time at which the next message is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.repeats.iter().map(|repeat| repeat.next).min()
    }

    /// Takes a message that is due. A missed interval is skipped, not made up for.
    pub(crate) fn due(&mut self, now: Instant) -> Option<M> {
        let at = self.repeats.iter().position(|repeat| repeat.next <= now)?;
        let repeat = self.repeats.get_mut(at)?;
        repeat.has_begun = true;
        let next = repeat.next + repeat.interval;
        let missed = next <= now && !repeat.interval.is_zero();
        repeat.next = if missed { now + repeat.interval } else { next };
        repeat.left = repeat.left.map(|left| left - 1);
        if repeat.left == Some(0) {
            return Some(self.repeats.remove(at).message);
        }
        Some(repeat.message.clone())
    }
}

impl Repeats {
    /// Adds the messages of `--every`. The first of each is due after its interval.
    pub(crate) fn add_ticks(&mut self, ticks: &[Tick], now: Instant) {
        for Tick { interval, draft } in ticks {
            self.last_number += 1;
            self.repeats.push(Repeat {
                number: self.last_number,
                message: draft.clone(),
                interval: *interval,
                left: None,
                next: now + *interval,
                has_begun: false,
            });
        }
    }
}

impl<M: Repeated> fmt::Display for Repeats<M> {
    /// Writes one line per repeat, with its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.repeats.is_empty() {
            return f.write_str("no message is being repeated");
        }
        for (at, repeat) in self.repeats.iter().enumerate() {
            let line_end = if at == 0 { "" } else { "\n" };
            write!(f, "{line_end}{}: every {} s", repeat.number, repeat.interval.as_secs_f64())?;
            if let Some(to) = repeat.message.addressee() {
                write!(f, " to {to}")?;
            }
            if let Some(left) = repeat.left {
                write!(f, ", {left} more")?;
            }
            let message = String::from_utf8_lossy(repeat.message.source());
            let start = message.lines().next().unwrap_or_default();
            let start = known::redact(start);
            let (start, dots) = match start.char_indices().nth(MAX_SHOWN_CHARS) {
                Some((end, _)) => (start.within(..end), "..."),
                None => (&*start, ""),
            };
            write!(f, ": {}{dots}", Escaped(start))?;
        }
        Ok(())
    }
}

/// The least time between two messages of `--every` and `/every`.
pub(crate) const MIN_INTERVAL: Duration = Duration::from_millis(1);
/// The greatest number of messages that [`Repeats::add`] adds.
const MAX_REPEATS: usize = 100;
/// The part of a message in the list.
const MAX_SHOWN_CHARS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{proto::Kind, script::draft::Content};

    fn draft(text: &str) -> Draft {
        Draft { kind: Kind::Text, content: Content::Fixed(text.into()) }
    }

    #[test]
    fn messages_are_due_at_their_intervals() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut repeats = Repeats::default();
        assert_eq!(repeats.add(draft("a"), Duration::from_secs(2), Some(3), start), Some(1));
        assert_eq!(repeats.add(draft("b"), Duration::from_secs(5), None, start), Some(2));
        assert!(repeats.add(draft("never"), Duration::ZERO, Some(0), start).is_some());
        let due = |repeats: &mut Repeats, s| {
            std::iter::from_fn(|| repeats.due(at(s))).collect::<Vec<_>>()
        };
        let drafts = |all: &[&str]| all.iter().map(|text| draft(text)).collect::<Vec<_>>();
        assert_eq!(due(&mut repeats, 0), drafts(&["a", "b"]));
        assert_eq!(repeats.next(), Some(at(2)));
        assert_eq!(due(&mut repeats, 2), drafts(&["a"]));
        assert_eq!(due(&mut repeats, 3), drafts(&[]));
        assert_eq!(due(&mut repeats, 4), drafts(&["a"]));
        // A late message is sent once, and again after the interval.
        assert_eq!(due(&mut repeats, 100), drafts(&["b"]));
        assert_eq!(repeats.next(), Some(at(105)));
        assert_eq!(repeats.stop(), 1);
        assert_eq!(repeats.next(), None);
    }

    #[test]
    fn without_an_interval_all_are_due_at_once() {
        let now = Instant::now();
        let mut repeats = Repeats::default();
        assert!(repeats.add(draft("a"), Duration::ZERO, Some(1000), now).is_some());
        assert_eq!(std::iter::from_fn(|| repeats.due(now)).count(), 1000);
    }

    #[test]
    fn one_of_several_can_be_stopped_by_the_number_in_the_list() {
        let now = Instant::now();
        let mut repeats = Repeats::default();
        assert_eq!(repeats.to_string(), "no message is being repeated");
        repeats.add(draft("tick"), Duration::from_millis(1500), None, now);
        repeats.add(draft(&"x".repeat(100)), Duration::from_secs(2), Some(7), now);
        let list = format!("1: every 1.5 s: tick\n2: every 2 s, 7 more: {}...", "x".repeat(50));
        assert_eq!(repeats.to_string(), list);
        assert!(repeats.stop_one(1));
        assert!(!repeats.stop_one(1));
        // A number is not used again.
        assert_eq!(repeats.add(draft("tock"), Duration::from_secs(1), None, now), Some(3));
        assert_eq!(repeats.stop(), 2);
    }

    #[test]
    fn ticks_begin_after_their_interval_or_earlier_on_request() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let tick =
            |seconds, text| Tick { interval: Duration::from_secs(seconds), draft: draft(text) };
        let mut repeats = Repeats::default();
        repeats.add_ticks(&[tick(2, "a"), tick(10, "b")], start);
        assert_eq!((repeats.due(at(1)), repeats.next()), (None, Some(at(2))));
        assert_eq!(repeats.due(at(2)), Some(draft("a")));
        repeats.begin(at(3));
        assert_eq!(repeats.due(at(3)), Some(draft("b")));
        assert_eq!((repeats.due(at(3)), repeats.next()), (None, Some(at(4))));
        assert_eq!(repeats.due(at(4)), Some(draft("a")));
        assert_eq!(repeats.next(), Some(at(6)));
    }

    #[test]
    fn their_number_is_limited() {
        let now = Instant::now();
        let mut repeats = Repeats::default();
        for n in 1..=MAX_REPEATS {
            assert!(repeats.add(draft(&n.to_string()), Duration::ZERO, None, now).is_some());
        }
        assert_eq!(repeats.add(draft("more"), Duration::ZERO, None, now), None);
    }
}
