//! The rules of a reply script.

use super::{path::PathPattern, subset::JsonSubset};
use crate::{
    proto::{Close, Kind},
    random::Seeded,
    script::{
        draft::Content,
        fault::{ControlKind, Fault, FaultRule},
        matcher::Matcher,
        records::Source,
        template::Template,
    },
    target::Target,
};
use regex::Regex;
use std::{sync::Arc, time::Duration};

/// A reply script.
#[derive(Clone, Debug)]
pub struct ReplyScript {
    pub(super) text: String,
    /// The tables, of which the first with the path of a client is used.
    pub tables: Vec<RuleTable>,
    /// True if something is chosen at random.
    pub is_random: bool,
    /// True if a rule acts on the connection below the session.
    pub needs_socket: bool,
    /// Rules that are never used.
    pub warnings: Vec<ReplyWarning>,
}

/// A rule that is never used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyWarning {
    /// The line of the file.
    pub line: usize,
    /// A phrase that names the reason.
    pub words: String,
}

/// The rules for the clients of a path.
#[derive(Clone, Debug)]
pub struct RuleTable {
    /// The path; any path if `None`.
    pub path: Option<PathPattern>,
    /// The rules, of which the first that matches is used.
    pub rules: Vec<Rule>,
    /// Expectations that are judged at the end of the run.
    pub expected: Expected,
    /// Faults of the whole session.
    pub faults: Arc<[FaultRule]>,
    /// The server that gets messages without a rule, and whose messages the client gets.
    pub forward: Option<Target>,
}

/// An event and the reply to it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The line of the file in which the rule begins.
    pub line: usize,
    pub trigger: Trigger,
    /// The rule is used only the time with this number, from 1.
    pub nth: Option<u64>,
    /// The rule is used with this probability.
    pub chance: Option<f64>,
    /// The rule is used only in this state.
    pub state: Option<String>,
    /// The state after the rule was used.
    pub set: Option<String>,
    /// The reply.
    pub steps: Vec<Step>,
    /// True if a step needs the message.
    pub keeps_message: bool,
}

/// The event to which a rule replies.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A client has connected.
    Open,
    /// A message matches.
    Match(Matcher),
    /// A message is a JSON object with these members.
    Json(JsonSubset),
    /// A message is equal.
    Text(String),
    /// Any message.
    Otherwise,
}

/// A step of a reply.
#[derive(Clone, Debug)]
pub enum Step {
    Wait(Pause),
    Send(Speech),
    /// Sends back the message.
    Echo {
        to: Audience,
        faults: Vec<Fault>,
    },
    /// Sends the message to the server of the table.
    Forward,
    /// Passes on no more control frames of this type.
    Swallow(ControlKind),
    /// Sends at an interval: this many times, or without end.
    Every {
        interval: Duration,
        times: Option<u64>,
        speech: Speech,
    },
    Close(Close),
    /// Ends the connection without a Close.
    Cut,
    /// Resets the connection.
    Reset,
    /// Neither reads nor writes for this long, or without end.
    Stall(Option<Pause>),
    /// Closes the session, and fails the run at its end.
    Fail,
}

/// A message and the clients that it is for.
#[derive(Clone, Debug)]
pub struct Speech {
    pub kind: Kind,
    pub content: Content,
    pub to: Audience,
    /// Faults of the message, as far as it is for the sender.
    pub faults: Vec<Fault>,
}

/// The clients that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Sender,
    Others,
    All,
}

/// A time, chosen at random between two limits unless they are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pause {
    pub shortest: Duration,
    pub longest: Duration,
}

/// Expectations that are judged at the end of the run.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The indices of rules that must have been used.
    pub used: Vec<usize>,
    /// The indices of rules that must not have been used.
    pub unused: Vec<usize>,
    /// Headers of the requests.
    pub headers: Vec<(String, HeaderRule)>,
}

/// An expectation about a header.
#[derive(Clone, Debug)]
pub enum HeaderRule {
    Present,
    Absent,
    Equal(String),
    Match(Regex),
}

impl Expected {
    /// Reports whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty() && self.unused.is_empty() && self.headers.is_empty()
    }
}

impl Trigger {
    /// Reports whether a message is the event.
    pub fn is_match(&self, message: &[u8]) -> bool {
        match self {
            Self::Open => false,
            Self::Match(matcher) => matcher.is_match(message),
            Self::Json(subset) => subset.is_match(message),
            Self::Text(text) => text.as_bytes() == message,
            Self::Otherwise => true,
        }
    }

    /// Returns the part of a message from which a template takes its values: the one that matched.
    pub fn source<'m>(&self, message: &'m [u8]) -> Source<'m> {
        let found = match self {
            Self::Match(matcher) => matcher.sources(message).next(),
            _ => None,
        };
        found.unwrap_or(Source { text: message, at: 0 })
    }
}

impl Pause {
    /// Returns a time between the limits.
    pub(super) fn choose(self, random: &mut Seeded) -> Duration {
        let Self { shortest, longest } = self;
        if shortest == longest {
            return shortest;
        }
        shortest + longest.saturating_sub(shortest).mul_f64(random.fraction())
    }
}

impl RuleTable {
    /// Reports whether faults concern single messages or frames, and not only the connection.
    pub fn has_frame_faults(&self) -> bool {
        let steps = || self.rules.iter().flat_map(|rule| &rule.steps);
        steps().any(|step| matches!(step, Step::Swallow(_)) || !step.faults().is_empty())
    }
}

impl Step {
    /// Returns the faults of the message of the step.
    fn faults(&self) -> &[Fault] {
        match self {
            Self::Send(speech) | Self::Every { speech, .. } => &speech.faults,
            Self::Echo { faults, .. } => faults,
            _ => &[],
        }
    }

    /// Reports whether no step after this one is reached.
    pub fn is_last(&self) -> bool {
        if self.faults().iter().any(|fault| matches!(fault, Fault::Cut(_))) {
            return true;
        }
        match self {
            Self::Every { times, .. } => times.is_none(),
            Self::Stall(time) => time.is_none(),
            Self::Close(_) | Self::Cut | Self::Reset | Self::Fail => true,
            Self::Wait(_)
            | Self::Send(_)
            | Self::Echo { .. }
            | Self::Forward
            | Self::Swallow(_) => false,
        }
    }

    /// Reports whether the step chooses at random.
    pub fn is_random(&self) -> bool {
        let varies = |pause: &Pause| pause.shortest != pause.longest;
        if self.faults().iter().any(|fault| matches!(fault, Fault::Corrupt)) {
            return true;
        }
        match self {
            Self::Wait(pause) | Self::Stall(Some(pause)) => varies(pause),
            Self::Send(speech) | Self::Every { speech, .. } => {
                speech.content.template().is_some_and(Template::uses_random)
            }
            _ => false,
        }
    }
}

/// The state of a new client.
pub(super) const FIRST_STATE: &str = "start";

/// Compares the text of the scripts.
impl PartialEq for ReplyScript {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ReplyScript {}
