//! Human-readable recordings.

use super::{
    dialogue::{Dialogue, clock},
    frames,
    recording::{End, Event, Recorded},
    summary::amount,
};
use crate::{escape::escaped_lines, proto::Opcode, script::matcher::Matcher};
use colored::Colorize as _;
use std::time::{Duration, SystemTime};

/// Formats the events of a recording as lines.
#[derive(Debug)]
pub struct Transcript {
    dialogue: Dialogue,
    /// If set, only matching messages are shown, and no other events.
    filter: Option<Matcher>,
    /// Also show frames.
    frames: bool,
    /// Time of the last frame.
    last_frame: Option<SystemTime>,
}

impl Transcript {
    /// Creates a transcript. With `filter`, only matching messages are shown; with `frames`, frames
    /// are shown too.
    pub fn new(dialogue: Dialogue, filter: Option<Matcher>, frames: bool) -> Self {
        Self { dialogue, filter, frames, last_frame: None }
    }

    /// Returns the lines of an event; empty if it is not shown.
    pub fn lines(&mut self, recorded: &Recorded) -> Vec<String> {
        let Recorded { at, event } = recorded;
        let at = *at;
        if let Some(filter) = &self.filter {
            let Event::Message(_, _, Some(data), _) = event else { return Vec::new() };
            if !filter.is_match(data) {
                return Vec::new();
            }
        }
        match event {
            Event::Message(direction, kind, Some(data), _) => {
                vec![self.dialogue.message(*direction, *kind, data, at)]
            }
            Event::Message(direction, kind, None, size) => {
                let what = Opcode::Message(*kind);
                let mark = frames::mark(*direction);
                vec![self.dated(at, format!("{mark} {what}, {size} bytes, not recorded"))]
            }
            Event::Control(direction, name, payload, rtt) => {
                vec![self.dialogue.control(*direction, name, payload, *rtt, at)]
            }
            Event::Close(direction, close) => {
                vec![self.dated(at, format!("{} close {close}", frames::mark(*direction)))]
            }
            Event::Frame(direction, frame) if self.frames => {
                let before = self.last_frame.replace(at).unwrap_or(at);
                let since = at.duration_since(before).unwrap_or(Duration::ZERO);
                vec![self.dated(at, frames::line(*direction, frame, since, true))]
            }
            Event::Violation(violation, section) => {
                vec![self.dated(at, escaped_lines(&format!("! {violation} ({section})")))]
            }
            Event::Open(opened) => {
                vec![self.dated(at, escaped_lines(&format!("connected to {}", opened.url)))]
            }
            Event::Gap(why) => {
                vec![self.dated(at, escaped_lines(&format!("connection lost: {why}")))]
            }
            Event::Error(why) => vec![self.dated(at, escaped_lines(&format!("error: {why}")))],
            Event::End(end) => vec![self.dated(at, end_line(end))],
            Event::Request(_) | Event::Frame(..) | Event::Unknown(_) => Vec::new(),
        }
    }

    fn dated(&self, at: SystemTime, text: String) -> String {
        if self.dialogue.times { format!("{} {text}", clock(at).dimmed()) } else { text }
    }
}

fn end_line(end: &End) -> String {
    let amount = |(messages, bytes)| amount(messages, bytes);
    let (received, sent) = (amount(end.received), amount(end.sent));
    match end.code {
        Ok(code) => format!("ended with exit code {code}: received {received}; sent {sent}"),
        Err(signal) => format!("ended by signal {signal}: received {received}; sent {sent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Kind, trace::Direction};

    #[test]
    fn a_filter_passes_only_matching_messages() {
        let event = |event| Recorded { at: SystemTime::UNIX_EPOCH, event };
        let message = |text: &str| {
            event(Event::Message(Direction::In, Kind::Text, Some(text.into()), text.len() as u64))
        };
        let gap = event(Event::Gap("lost\x1b it".to_owned()));
        let mut all = Transcript::new(Dialogue::default(), None, false);
        assert_eq!(all.lines(&message("one")), ["< one"]);
        assert_eq!(all.lines(&gap), ["connection lost: lost\\x1b it"]);
        let filter = Matcher::parse("^o").ok();
        let mut some = Transcript::new(Dialogue::default(), filter, false);
        assert_eq!(some.lines(&message("one")), ["< one"]);
        assert_eq!((some.lines(&message("two")), some.lines(&gap)), (Vec::new(), Vec::new()));
    }
}
