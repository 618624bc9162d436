//! Scripts: what to send next, what received messages mean for that, and when to give up.

use super::{
    action::{Action, Outgoing},
    goals::Goals,
    matcher::Matcher,
};
use crate::{
    error::Unmet,
    proto::{Assembler, Piece, slice::Within},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// A script under way. It is given messages and times, and says what to send.
///
/// Its own actions are performed first, again in each session that follows a lost one. Those that
/// are appended are performed once, behind them.
#[derive(Debug)]
pub(crate) struct Script {
    actions: Vec<Action>,
    /// The index of the next action; that of the expectation under way is one less.
    position: usize,
    appended: VecDeque<Action>,
    /// How long a message that is expected may take.
    expect_limit: Duration,
    expectation: Option<Expectation>,
    /// The end of the wait under way.
    wait_until: Option<Instant>,
    /// The end of an appended wait that a loss interrupted. It goes on behind the script's own
    /// actions.
    interrupted_wait: Option<Instant>,
    goals: Goals,
    /// Messages received.
    received: u64,
    /// Messages are compared with patterns, for which they have to be whole.
    matches: bool,
    assembler: Assembler,
}

/// A message that is expected.
#[derive(Debug)]
struct Expectation {
    matcher: Matcher,
    deadline: Instant,
    /// Messages received that did not match.
    received: u64,
    /// The beginning of the last of them.
    last: Option<String>,
}

impl Script {
    /// A script of these actions; each message that is expected may take as long as the limit.
    pub(crate) fn new(actions: Vec<Action>, expect_limit: Duration, goals: Goals) -> Self {
        let expects = actions.iter().any(|action| matches!(action, Action::Expect(_)));
        Self {
            actions,
            position: 0,
            appended: VecDeque::new(),
            expect_limit,
            expectation: None,
            wait_until: None,
            interrupted_wait: None,
            matches: expects || goals.until.is_some(),
            goals,
            received: 0,
            assembler: Assembler::default(),
        }
    }

    /// Appends an action, which is performed once.
    pub(crate) fn append(&mut self, action: Action) {
        self.matches |= matches!(action, Action::Expect(_));
        self.appended.push_back(action);
    }

    /// Returns what to send now. `None`: the script is waiting, or all of it is performed.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Outgoing> {
        loop {
            if self.expectation.is_some() || self.is_waiting(now) {
                return None;
            }
            match self.take()? {
                Action::Send(outgoing) => return Some(outgoing),
                Action::Wait(time) => self.wait_until = Some(now + time),
                Action::Expect(matcher) => self.expect(matcher, now),
            }
        }
    }

    /// Takes the next action.
    fn take(&mut self) -> Option<Action> {
        if let Some(action) = self.actions.get(self.position) {
            self.position += 1;
            return Some(action.clone());
        }
        if let Some(until) = self.interrupted_wait.take() {
            self.wait_until = Some(until);
            return None;
        }
        self.appended.pop_front()
    }

    fn expect(&mut self, matcher: Matcher, now: Instant) {
        let deadline = now + self.expect_limit;
        self.expectation = Some(Expectation { matcher, deadline, received: 0, last: None });
    }

    /// Considers a piece of a received message. Returns whether a goal is met with it.
    #[inline]
    pub(crate) fn on(&mut self, piece: &Piece<'_>, now: Instant) -> bool {
        self.received += u64::from(piece.last);
        let is_count = piece.last && self.goals.count == Some(self.received);
        (self.matches && self.compare(piece, now)) || is_count
    }

    /// Compares a message, once it is whole, with the patterns. Returns whether `--until` is met.
    fn compare(&mut self, piece: &Piece<'_>, now: Instant) -> bool {
        let Some(message) = self.assembler.push(piece) else { return false };
        let is_until = self.goals.until.as_ref().is_some_and(|until| until.is_match(message));
        if let Some(expectation) = &mut self.expectation {
            if expectation.matcher.is_match(message) {
                self.expectation = None;
                // The next message that is expected may come in the same segment.
                let next = self.upcoming().next().cloned();
                if let Some(Action::Expect(matcher)) = next
                    && self.take().is_some()
                {
                    self.expect(matcher, now);
                }
            } else {
                expectation.received += 1;
                let start = message.get(..QUOTED_BYTES).unwrap_or(message);
                expectation.last = Some(String::from_utf8_lossy(start).into_owned());
            }
        }
        is_until
    }

    /// The actions that are still to be performed.
    fn upcoming(&self) -> impl Iterator<Item = &Action> {
        let own = self.actions.within(self.position..);
        own.iter().chain(&self.appended)
    }

    /// Begins again, for a session that follows a lost one. Only what was appended goes on.
    pub(crate) fn rewind(&mut self) {
        self.position = 0;
        self.expectation = None;
        self.interrupted_wait = self.wait_until.take().or(self.interrupted_wait);
        self.assembler = Assembler::default();
    }

    /// Whether the script had no actions of its own.
    pub(crate) fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Whether a wait is under way.
    pub(crate) fn is_waiting(&mut self, now: Instant) -> bool {
        self.wait_until = self.wait_until.filter(|until| *until > now);
        self.wait_until.is_some()
    }

    /// When the wait under way ends, if there is one.
    pub(crate) fn wait_until(&self) -> Option<Instant> {
        self.wait_until
    }

    /// When an expected message, if there is one, is too late.
    pub(crate) fn expect_deadline(&self) -> Option<Instant> {
        self.expectation.as_ref().map(|expectation| expectation.deadline)
    }

    /// When something happens without a message: a wait ends, or an expected message is too late.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.expect_deadline().or(self.wait_until)
    }

    /// Postpones the deadline of an expected message: received bytes could not be looked at for
    /// this long.
    pub(crate) fn delay(&mut self, time: Duration) {
        if let Some(expectation) = &mut self.expectation {
            expectation.deadline += time;
        }
    }

    /// The number of messages that are still to be sent.
    pub(crate) fn unsent_messages(&self) -> usize {
        self.upcoming().filter(|action| action.is_message()).count()
    }

    /// Returns what was expected and has not come, if anything. `late`: its time has passed, rather
    /// than the session ended.
    pub(crate) fn unmet(&self, late: bool) -> Option<Unmet> {
        let received = self.received;
        if let Some(Expectation { matcher, received, last, .. }) = &self.expectation {
            return Some(Unmet::Expect {
                pattern: matcher.to_string(),
                limit: late.then_some(self.expect_limit),
                received: *received,
                last: last.clone(),
            });
        }
        if let Some(expected) = self.goals.count.filter(|count| received < *count) {
            return Some(Unmet::Count { received, expected });
        }
        if let Some(until) = &self.goals.until {
            return Some(Unmet::Until { pattern: until.to_string(), received });
        }
        let pattern = self.upcoming().find_map(|action| match action {
            Action::Expect(matcher) => Some(matcher.to_string()),
            Action::Send(_) | Action::Wait(_) => None,
        })?;
        Some(Unmet::Expect { pattern, limit: None, received: 0, last: None })
    }
}

/// The bytes of a message that an error quotes.
const QUOTED_BYTES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Kind;

    const S: Duration = Duration::from_secs(1);

    fn say(text: &str) -> Action {
        Action::message(Kind::Text, text)
    }

    fn expect(pattern: &str) -> Action {
        Action::Expect(Matcher::parse(pattern).unwrap())
    }

    fn until(pattern: &str) -> Goals {
        Goals { count: None, until: Some(Matcher::parse(pattern).unwrap()) }
    }

    fn script(actions: &[Action]) -> (Script, Instant) {
        (Script::new(actions.to_vec(), 10 * S, Goals::default()), Instant::now())
    }

    fn receive(script: &mut Script, text: &str, now: Instant) -> bool {
        script.on(&Piece::whole(Kind::Text, text.as_bytes()), now)
    }

    /// The messages that a script sends at a time.
    fn sent(script: &mut Script, now: Instant) -> Vec<String> {
        let all = std::iter::from_fn(|| script.next(now));
        all.map(|outgoing| match outgoing {
            Outgoing::Message(_, bytes) => String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn sends_until_a_message_is_expected() {
        let (mut script, start) = script(&[say("a"), say("b"), expect("1"), say("c")]);
        assert_eq!(script.unsent_messages(), 3);
        assert_eq!(sent(&mut script, start), ["a", "b"]);
        assert!(script.expect_deadline().is_some());
        assert_eq!(script.deadline(), Some(start + 10 * S));
        assert!(!receive(&mut script, "no", start + S));
        assert_eq!(sent(&mut script, start + S), [""; 0]);
        assert_eq!(script.unsent_messages(), 1);
        assert!(!receive(&mut script, "1", start + 2 * S));
        assert_eq!(script.deadline(), None);
        assert_eq!(sent(&mut script, start + 2 * S), ["c"]);
        assert_eq!((script.unsent_messages(), script.unmet(false)), (0, None));
    }

    #[test]
    fn expectations_in_a_row_are_met_without_a_turn_between() {
        let (mut script, start) = script(&[expect("1"), expect("2"), say("a"), expect("3")]);
        assert_eq!(sent(&mut script, start), [""; 0]);
        receive(&mut script, "1", start + 4 * S);
        // Each has its own time, and one message meets only one of them.
        assert_eq!(script.deadline(), Some(start + 14 * S));
        receive(&mut script, "1", start + 4 * S);
        assert!(script.expect_deadline().is_some());
        receive(&mut script, "2", start + 4 * S);
        assert!(script.expect_deadline().is_none());
        // What comes before the script turns to it does not count.
        receive(&mut script, "3", start + 4 * S);
        assert_eq!(sent(&mut script, start + 4 * S), ["a"]);
        assert!(script.expect_deadline().is_some());
    }

    #[test]
    fn a_late_message_is_told_with_what_came_instead() {
        let (mut script, start) = script(&[expect("1")]);
        script.next(start);
        script.delay(3 * S);
        assert_eq!(script.deadline(), Some(start + 13 * S));
        receive(&mut script, "no", start);
        receive(&mut script, &"x".repeat(QUOTED_BYTES + 1), start);
        let unmet = |limit| Unmet::Expect {
            pattern: "1".to_owned(),
            limit,
            received: 2,
            last: Some("x".repeat(QUOTED_BYTES)),
        };
        assert_eq!(script.unmet(true), Some(unmet(Some(10 * S))));
        assert_eq!(script.unmet(false), Some(unmet(None)));
    }

    #[test]
    fn an_expectation_that_was_not_reached_is_unmet() {
        let (mut script, start) = script(&[expect("1"), say("a"), expect("2")]);
        script.next(start);
        receive(&mut script, "1", start);
        let Some(Unmet::Expect { pattern, received: 0, last: None, .. }) = script.unmet(false)
        else {
            panic!("{:?}", script.unmet(false))
        };
        assert_eq!(pattern, "2");
    }

    #[test]
    fn a_wait_holds_what_is_appended_behind_it() {
        let (mut script, start) = script(&[]);
        assert_eq!(script.next(start), None);
        script.append(Action::Wait(2 * S));
        script.append(say("a"));
        assert_eq!(sent(&mut script, start), [""; 0]);
        assert_eq!(script.deadline(), Some(start + 2 * S));
        assert!(script.is_waiting(start + S));
        assert_eq!(sent(&mut script, start + S), [""; 0]);
        assert_eq!(sent(&mut script, start + 2 * S), ["a"]);
        assert!(!script.is_waiting(start + 2 * S));
        assert_eq!(script.deadline(), None);
    }

    #[test]
    fn goals_count_messages_and_match_whole_ones() {
        let now = Instant::now();
        let goals = Goals { count: Some(2), until: None };
        let mut script = Script::new(Vec::new(), S, goals);
        let piece = Piece::whole(Kind::Text, b"ab");
        let (first, last) = (Piece { last: false, ..piece }, Piece { first: false, ..piece });
        assert_eq!([&piece, &first].map(|piece| script.on(piece, now)), [false, false]);
        assert_eq!(script.unmet(false), Some(Unmet::Count { received: 1, expected: 2 }));
        assert!(script.on(&last, now));
        assert_eq!(script.unmet(false), None);

        let mut script = Script::new(Vec::new(), S, until("^abab$"));
        assert_eq!(
            [&piece, &first, &last].map(|piece| script.on(piece, now)),
            [false, false, true]
        );
    }

    #[test]
    fn a_message_can_meet_an_expectation_and_a_goal() {
        let now = Instant::now();
        let mut script = Script::new(vec![expect("a"), say("b")], S, until("a"));
        script.next(now);
        assert!(receive(&mut script, "a", now));
        assert_eq!(sent(&mut script, now), ["b"]);
    }

    #[test]
    fn a_script_begins_again_and_what_was_appended_does_not() {
        let (mut script, start) = script(&[say("a"), expect("1")]);
        assert_eq!(sent(&mut script, start), ["a"]);
        receive(&mut script, "1", start);
        script.append(say("b"));
        assert_eq!(sent(&mut script, start), ["b"]);
        script.append(Action::Wait(2 * S));
        script.next(start);
        script.rewind();
        assert!(script.expect_deadline().is_none());
        script.append(say("c"));
        assert_eq!(sent(&mut script, start + S), ["a"]);
        receive(&mut script, "1", start + S);
        // The wait goes on where it was.
        assert_eq!(sent(&mut script, start + S), [""; 0]);
        assert_eq!(script.deadline(), Some(start + 2 * S));
        assert_eq!(sent(&mut script, start + 2 * S), ["c"]);
    }

    #[test]
    fn a_message_cut_by_a_loss_is_not_completed_by_the_next_session() {
        let now = Instant::now();
        let mut script = Script::new(Vec::new(), S, until("^ab$"));
        let piece = Piece::whole(Kind::Text, b"a");
        script.on(&Piece { last: false, ..piece }, now);
        script.rewind();
        assert!(!script.on(&Piece { payload: b"b", ..piece }, now));
        assert!(receive(&mut script, "ab", now));
    }
}
