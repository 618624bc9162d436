//! The lines of `--input jsonl` by which a server waits for an event of a client.

use super::{jsonl::LineFault, matcher::Matcher};
use crate::schema::scalar::Scalar;
use serde::Deserialize;
use std::time::Duration;

/// An event that a line waits for.
#[derive(Clone, Debug)]
pub struct AwaitedEvent {
    /// The type of the event.
    pub kind: AwaitedKind,
    /// The pattern of the message, of the path and query of an opened session, or of the reason of
    /// a Close.
    pub matcher: Option<Matcher>,
    /// The time limit for the wait.
    pub limit: Duration,
}

/// A type of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwaitedKind {
    /// A session was opened.
    Open,
    /// A message was received.
    Message,
    /// A session ended.
    End,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AwaitLine<'a> {
    #[serde(rename = "type", borrow)]
    kind: Scalar<'a>,
    #[serde(borrow)]
    event: Scalar<'a>,
    #[serde(rename = "match", borrow)]
    matcher: Scalar<'a>,
    #[serde(borrow)]
    seconds: Scalar<'a>,
}

impl AwaitedEvent {
    /// Parses a line that is a JSON object. Returns `None` for a line of another type.
    pub fn parse(line: &[u8]) -> Result<Option<Self>, LineFault> {
        let fault = |words: &str| LineFault { column: None, words: words.to_owned() };
        let Ok(line) = serde_json::from_slice::<AwaitLine<'_>>(line) else { return Ok(None) };
        if line.kind.as_text() != Some("await") {
            return Ok(None);
        }
        let kind = match (&line.event, line.event.as_text()) {
            (Scalar::Absent | Scalar::Null, _) | (_, Some("message")) => AwaitedKind::Message,
            (_, Some("open")) => AwaitedKind::Open,
            (_, Some("end")) => AwaitedKind::End,
            _ => return Err(fault("\"event\" must be \"open\", \"message\" or \"end\"")),
        };
        let matcher = match (&line.matcher, line.matcher.as_text()) {
            (Scalar::Absent | Scalar::Null, _) => None,
            (_, Some(text)) => {
                let matcher = Matcher::parse(text);
                Some(matcher.map_err(|words| fault(&format!("\"match\": {words}")))?)
            }
            _ => return Err(fault("\"match\" must be a string")),
        };
        let limit = match &line.seconds {
            Scalar::Absent | Scalar::Null => DEFAULT_LIMIT,
            seconds => {
                let seconds = seconds.as_number().filter(|it| (0.0..=1e9).contains(it));
                let seconds = seconds
                    .ok_or_else(|| fault("\"seconds\" must be a number from 0 to 1000000000"))?;
                Duration::from_secs_f64(seconds)
            }
        };
        Ok(Some(Self { kind, matcher, limit }))
    }

    /// Reports whether an event meets the wait.
    pub fn is_met(&self, kind: AwaitedKind, data: &[u8]) -> bool {
        self.kind == kind && self.matcher.as_ref().is_none_or(|matcher| matcher.is_match(data))
    }
}

/// The time limit of a wait that has none.
const DEFAULT_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_an_event_a_pattern_and_a_limit() {
        let read = |line: &str| AwaitedEvent::parse(line.as_bytes());
        let plain = read(r#"{"type":"await"}"#).unwrap().unwrap();
        assert_eq!((plain.kind, plain.limit), (AwaitedKind::Message, DEFAULT_LIMIT));
        assert!(
            plain.is_met(AwaitedKind::Message, b"any") && !plain.is_met(AwaitedKind::Open, b"")
        );
        let open = read(r#"{"type":"await","event":"open","match":"^/a","seconds":0.5,"conn":1}"#);
        let open = open.unwrap().unwrap();
        assert_eq!((open.kind, open.limit), (AwaitedKind::Open, Duration::from_millis(500)));
        assert!(open.is_met(AwaitedKind::Open, b"/a?b") && !open.is_met(AwaitedKind::Open, b"/"));
        for other in [r#"{"type":"text","data":"a"}"#, r#"{"event":"open"}"#] {
            assert!(read(other).unwrap().is_none(), "{other}");
        }
        for (line, words) in [
            (r#"{"type":"await","event":"text"}"#, "\"event\" must be"),
            (r#"{"type":"await","match":1}"#, "\"match\" must be a string"),
            (r#"{"type":"await","match":"("}"#, "\"match\": "),
            (r#"{"type":"await","seconds":"1"}"#, "\"seconds\" must be"),
        ] {
            let fault = read(line).unwrap_err();
            assert!(fault.words.contains(words), "{line}: {fault:?}");
        }
    }
}
