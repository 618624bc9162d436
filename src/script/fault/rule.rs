//! Rules: a fault and when it happens.

use super::words;
use crate::{
    proto::{Close, Leg, trace::Direction},
    script::{matcher::Matcher, template::Template},
};
use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

/// A fault and when it happens.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    /// The failure that is made.
    pub fault: Fault,
    /// The conditions, all of which must be met.
    pub when: Condition,
}

/// A fault of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Frames are passed on later: by `time`, and by up to `jitter` more. Their order stays.
    Delay {
        /// The shortest delay.
        time: Duration,
        /// The longest time added at random.
        jitter: Duration,
    },
    /// Frames are passed on at this many bytes a second.
    Throttle(NonZeroU64),
    /// A message is not passed on.
    Drop,
    /// A message is passed on twice.
    Duplicate,
    /// Bits of one byte of the payload are changed.
    Corrupt,
    /// A message is passed on in this many fragments.
    Split(NonZeroU32),
    /// Nothing is read or written for this long, or until the peer leaves.
    Stall(Option<Duration>),
    /// The connection ends without a Close.
    Cut(CutPlace),
    /// The connection ends with a TCP reset.
    Reset,
    /// The session is closed.
    Close(Close),
    /// Pings or pongs are not passed on.
    Swallow(ControlKind),
    /// What matches in a message, or all of it without a regular expression, is replaced.
    Rewrite(Template),
    /// A text message is sent to a leg of a proxy: after a message of the conditions, or once.
    Inject {
        /// The peer that receives it.
        to: Leg,
        /// Its text.
        text: Template,
    },
    /// The request is answered with this status instead of a session.
    Refuse(u16),
}

/// The place at which a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutPlace {
    /// Between two messages.
    Boundary,
    /// In the middle of a frame.
    InsideFrame,
    /// After this many bytes of a message on the wire.
    AfterBytes(NonZeroU64),
}

/// The type of a control frame that keeps a session alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Opcode 9.
    Ping,
    /// Opcode 10.
    Pong,
}

/// Conditions of a fault. Without one, it holds for the whole session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Only each message with this number, of those in one direction that meet the other conditions.
    pub every: Option<NonZeroU64>,
    /// Only from this time on.
    pub after: Option<Threshold>,
    /// Only messages in this direction, as the server sees it.
    pub direction: Option<Direction>,
    /// Only messages that match.
    pub matcher: Option<Matcher>,
    /// With this probability.
    pub chance: Option<f64>,
}

/// The time from which a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// After this many messages in one direction.
    Messages(u64),
    /// After this time since the session was opened.
    Time(Duration),
}

impl FaultRule {
    /// Returns the words for a condition that the fault does not have, if there is one.
    pub(in crate::script) fn excess(&self) -> Option<&'static str> {
        let Condition { after, direction, matcher, .. } = &self.when;
        match self.fault {
            Fault::Refuse(_) if direction.is_some() => {
                Some("'refuse' has no direction: it concerns requests")
            }
            Fault::Refuse(_) if matcher.is_some() => {
                Some("'refuse' concerns requests, and 'match' is for messages")
            }
            Fault::Refuse(_) if matches!(after, Some(Threshold::Messages(_))) => {
                Some("'refuse' concerns requests: only a time may follow 'after'")
            }
            Fault::Swallow(_) if matcher.is_some() => {
                Some("'swallow' concerns pings and pongs, and 'match' is for messages")
            }
            _ => None,
        }
    }

    /// Reports whether something is chosen at random.
    pub fn is_random(&self) -> bool {
        self.when.chance.is_some()
            || match self.fault {
                Fault::Corrupt => true,
                Fault::Delay { jitter, .. } => jitter > Duration::ZERO,
                Fault::Rewrite(ref text) | Fault::Inject { ref text, .. } => text.uses_random(),
                _ => false,
            }
    }

    /// Reports whether the fault concerns sessions, not requests.
    pub fn is_of_session(&self) -> bool {
        !matches!(self.fault, Fault::Refuse(_))
    }

    /// Reports whether only a proxy can make the fault.
    pub fn is_of_proxy(&self) -> bool {
        matches!(self.fault, Fault::Inject { .. })
    }

    /// Reports whether the fault acts on the socket below the session.
    pub fn needs_socket(&self) -> bool {
        matches!(self.fault, Fault::Reset | Fault::Stall(_))
    }

    /// Reports whether the fault needs messages that are not compressed: because their content is
    /// compared, or because the peer, which may compress with the context of earlier messages, could
    /// not be understood otherwise.
    pub fn needs_plain_messages(&self) -> bool {
        let may_be_received = self.when.direction != Some(Direction::Out);
        self.when.matcher.is_some()
            || matches!(self.fault, Fault::Rewrite(_))
            || (may_be_received && matches!(self.fault, Fault::Drop | Fault::Duplicate))
    }

    /// Reports whether the fault concerns the content of messages, which compression hides: what is
    /// dropped, sent twice or changed is also missing from the context of the messages after it.
    pub fn needs_content(&self) -> bool {
        let is_of_content = matches!(
            self.fault,
            Fault::Drop | Fault::Duplicate | Fault::Corrupt | Fault::Rewrite(_)
        );
        is_of_content || self.when.matcher.is_some()
    }

    /// Reports whether a message is what makes the fault happen.
    pub(super) fn needs_message(&self) -> bool {
        let Condition { every, matcher, chance, .. } = &self.when;
        let place = match self.fault {
            Fault::Cut(place) => place,
            _ => CutPlace::Boundary,
        };
        every.is_some() || matcher.is_some() || chance.is_some() || place != CutPlace::Boundary
    }
}

/// Writes a rule as [`FaultRule::parse`] reads it.
impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Condition { every, after, direction, matcher, chance } = &self.when;
        write!(f, "{}", self.fault)?;
        if let Some(every) = every {
            write!(f, " every {every}")?;
        }
        match after {
            Some(Threshold::Messages(number)) => write!(f, " after {number} messages")?,
            Some(Threshold::Time(time)) => write!(f, " after {} s", time.as_secs_f64())?,
            None => {}
        }
        match direction {
            Some(Direction::In) => f.write_str(" in")?,
            Some(Direction::Out) => f.write_str(" out")?,
            None => {}
        }
        if let Some(matcher) = matcher {
            write!(f, " match {}", words::quoted(&matcher.to_string()))?;
        }
        if let Some(chance) = chance {
            write!(f, " chance {chance}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay { time, jitter } if jitter.is_zero() => {
                write!(f, "delay {}", time.as_secs_f64())
            }
            Self::Delay { time, jitter } => {
                write!(f, "delay {} jitter {}", time.as_secs_f64(), jitter.as_secs_f64())
            }
            Self::Throttle(rate) => write!(f, "throttle {rate}"),
            Self::Drop => f.write_str("drop"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Corrupt => f.write_str("corrupt"),
            Self::Split(fragments) => write!(f, "split {fragments}"),
            Self::Stall(None) => f.write_str("stall"),
            Self::Stall(Some(time)) => write!(f, "stall {}", time.as_secs_f64()),
            Self::Cut(CutPlace::Boundary) => f.write_str("cut"),
            Self::Cut(CutPlace::InsideFrame) => f.write_str("cut frame"),
            Self::Cut(CutPlace::AfterBytes(bytes)) => write!(f, "cut {bytes}"),
            Self::Reset => f.write_str("reset"),
            Self::Close(Close { code, reason }) => {
                let code = code.number();
                if reason.is_empty() {
                    write!(f, "close {code}")
                } else {
                    write!(f, "close {}", words::quoted(&format!("{code}:{reason}")))
                }
            }
            Self::Swallow(ControlKind::Ping) => f.write_str("swallow ping"),
            Self::Swallow(ControlKind::Pong) => f.write_str("swallow pong"),
            Self::Refuse(status) => write!(f, "refuse {status}"),
            Self::Rewrite(text) => write!(f, "rewrite {}", words::quoted(&shown(text))),
            Self::Inject { to, text } => write!(f, "inject {to} {}", words::quoted(&shown(text))),
        }
    }
}

fn shown(text: &Template) -> String {
    String::from_utf8_lossy(text.source()).into_owned()
}

/// The names of faults, in the text form of rules and as keys of a reply script.
pub const FAULT_NAMES: [&str; 13] = [
    "delay",
    "jitter",
    "throttle",
    "drop",
    "duplicate",
    "corrupt",
    "split",
    "stall",
    "cut",
    "reset",
    "close",
    "swallow",
    "refuse",
];
