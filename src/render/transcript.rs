//! Human-readable recordings.

use super::{
    dialogue::Dialogue,
    extent::Extent,
    frames,
    page::Page,
    recording::{End, Event, Recorded},
    summary::amount,
};
use crate::{
    escape::Escaped,
    proto::{Kind, Leg, Opcode},
    redact::Secrets,
    script::{addressee::Addressee, matcher::Matcher},
};
use colored::Colorize as _;
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// Formats the events of a recording as lines.
#[derive(Debug)]
pub struct Transcript {
    dialogue: Dialogue,
    /// If set, only matching messages are shown, and no other events.
    filter: Option<Matcher>,
    /// If set, only events of this client of a server are shown.
    conn: Option<u64>,
    /// Also show frames.
    frames: bool,
    /// Time of the last frame.
    last_frame: Option<SystemTime>,
}

impl Transcript {
    /// Creates a transcript. With `filter`, only matching messages are shown; with `frames`, frames
    /// are shown too.
    pub fn new(dialogue: Dialogue, filter: Option<Matcher>, frames: bool) -> Self {
        Self { dialogue, filter, conn: None, frames, last_frame: None }
    }

    /// Shows only the events of a client of a server.
    #[must_use]
    pub fn of_client(self, conn: Option<u64>) -> Self {
        Self { conn, ..self }
    }

    /// Writes the lines of an event, if it is shown.
    pub fn write(&mut self, recorded: &Recorded, out: &mut impl fmt::Write) -> fmt::Result {
        let Recorded { at, conn, leg, event, is_cut } = recorded;
        let (at, leg) = (*at, *leg);
        // A conversation between others is shown as its client sees it.
        let seen = |direction| leg.map_or(direction, |leg: Leg| leg.as_client_sees(direction));
        let whose = leg.map(|leg| format!("{leg}: ")).unwrap_or_default();
        if self.conn.is_some() && self.conn != *conn {
            return Ok(());
        }
        self.dialogue.peer = conn.map(Addressee::Client);
        if let Some(filter) = &self.filter {
            let data = match event {
                Event::Message(_, _, Some(data), _) => data,
                Event::Decoded(.., text) => text.as_bytes(),
                _ => return Ok(()),
            };
            if !filter.is_match(data) {
                return Ok(());
            }
        }
        match event {
            Event::Decoded(direction, _, _, text) => {
                self.dialogue.write_decoded(
                    seen(*direction),
                    Kind::Text,
                    text.as_bytes(),
                    at,
                    out,
                )?;
                out.write_char('\n')
            }
            Event::Message(direction, kind, Some(data), size) => {
                self.dialogue.write_message(seen(*direction), *kind, data, at, out)?;
                if *is_cut {
                    let note = format!("({} of {size} bytes; the line is too long)", data.len());
                    write!(out, "\n{}", note.dimmed())?;
                }
                out.write_char('\n')
            }
            Event::Message(direction, kind, None, size) => {
                let what = Opcode::Message(*kind);
                let mark = frames::mark(seen(*direction));
                self.line(at, &format!("{mark} {what}, {size} bytes, not recorded"), "", out)
            }
            Event::Control(direction, name, payload, rtt) => {
                writeln!(
                    out,
                    "{}",
                    self.dialogue.control(seen(*direction), name, payload, *rtt, at)
                )
            }
            Event::Close(direction, close) => {
                self.line(at, &format!("{} close {close}", frames::mark(seen(*direction))), "", out)
            }
            Event::Frame(direction, frame) if self.frames => {
                let before = self.last_frame.replace(at).unwrap_or(at);
                let since = at.duration_since(before).unwrap_or(Duration::ZERO);
                let line = frames::line(seen(*direction), frame, since, true, Secrets::Hidden);
                self.line(at, &line, "", out)
            }
            Event::Violation(violation, section) => {
                self.line(at, &format!("! {whose}"), &format!("{violation} ({section})"), out)
            }
            Event::Response(refusal) => {
                let words = match (&refusal.answer, &refusal.broken) {
                    (Some(answer), _) => format!("HTTP status {} {}", answer.status, answer.reason),
                    (None, Some(bytes)) => format!("{} bytes that are not HTTP", bytes.len()),
                    (None, None) => "not HTTP".to_owned(),
                };
                self.line(at, "response: ", words.trim_end(), out)
            }
            Event::Open(opened) => match (conn, &opened.peer) {
                (Some(_), Some(peer)) if leg != Some(Leg::Server) => {
                    let from = format!("connected from {} to ", Escaped(peer));
                    self.line(at, &from, &opened.url, out)
                }
                _ => self.line(at, "connected to ", &opened.url, out),
            },
            Event::Listening(url) => self.line(at, "listening on ", url, out),
            Event::Refused(refused) => {
                let target = refused.target.as_ref();
                let target = target.map(|target| format!(" for {}", Escaped(target)));
                let status = refused.status.map(|status| format!(" with {status}"));
                let (target, status) = (target.unwrap_or_default(), status.unwrap_or_default());
                let head = format!("refused {}{target}{status}: ", Escaped(&refused.address));
                self.line(at, &head, &refused.reason, out)
            }
            Event::Gap(why) => self.line(at, "connection lost: ", why, out),
            Event::Error(why) => self.line(at, "error: ", why, out),
            Event::End(end) => {
                let words = match leg {
                    Some(leg) => leg_end_line(leg, end),
                    None => end_line(end),
                };
                match &end.cause {
                    Some(cause) => self.line(at, &format!("{words}: "), cause, out),
                    None => self.line(at, &words, "", out),
                }
            }
            Event::Request(_) | Event::Frame(..) | Event::Unknown(_) => Ok(()),
        }
    }

    /// Writes a line of this program, followed by text of the recording.
    fn line(
        &self,
        at: SystemTime,
        head: &str,
        text: &str,
        out: &mut impl fmt::Write,
    ) -> fmt::Result {
        let (time, width) = self.dialogue.time(at);
        let peer = self.dialogue.peer.map(|peer| format!("{peer} ")).unwrap_or_default();
        let indent = width + peer.len();
        write!(out, "{time}{peer}{head}")?;
        Page::new(Extent::Whole, indent, indent, out).text(text)?;
        out.write_char('\n')
    }
}

/// Returns the line of the end of a proxy's connection, with what its peer has sent.
fn leg_end_line(leg: Leg, end: &End) -> String {
    format!("the {leg} ended, which sent {}", amount(end.received.0, end.received.1))
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

    fn shown(transcript: &mut Transcript, event: Event, is_cut: bool) -> String {
        let mut out = String::new();
        let recorded =
            Recorded { at: SystemTime::UNIX_EPOCH, conn: None, leg: None, event, is_cut };
        transcript.write(&recorded, &mut out).unwrap();
        out
    }

    fn message(text: &str) -> Event {
        Event::Message(Direction::In, Kind::Text, Some(text.into()), 9)
    }

    #[test]
    fn a_filter_passes_only_matching_messages() {
        let gap = || Event::Gap("lost\x1b it".to_owned());
        let mut all = Transcript::new(Dialogue::default(), None, false);
        assert_eq!(shown(&mut all, message("one"), false), "< one\n");
        assert_eq!(shown(&mut all, gap(), false), "connection lost: lost\\x1b it\n");
        let filter = Matcher::parse("^o").ok();
        let mut some = Transcript::new(Dialogue::default(), filter, false);
        assert_eq!(shown(&mut some, message("one"), false), "< one\n");
        assert_eq!(shown(&mut some, message("two"), false), "");
        assert_eq!(shown(&mut some, gap(), false), "");
    }

    #[test]
    fn a_text_of_several_lines_cannot_pass_for_other_events() {
        let mut all = Transcript::new(Dialogue::default(), None, false);
        assert_eq!(shown(&mut all, message("a\n> b"), false), "< a\n| > b\n");
        let error = Event::Error("a\n< b".to_owned());
        assert_eq!(shown(&mut all, error, false), "error: a\n| < b\n");
    }

    #[test]
    fn a_recording_of_a_proxy_is_shown_as_its_client_saw_it() {
        let mut all = Transcript::new(Dialogue::default(), None, false);
        let mut shown = |leg, event| {
            let mut out = String::new();
            let (at, conn) = (SystemTime::UNIX_EPOCH, Some(7));
            let recorded = Recorded { at, conn, leg: Some(leg), event, is_cut: false };
            all.write(&recorded, &mut out).unwrap();
            out
        };
        assert_eq!(shown(Leg::Client, message("asked")), "7 > asked\n");
        assert_eq!(shown(Leg::Server, message("told")), "7 < told\n");
        let out = Event::Message(Direction::Out, Kind::Text, Some(b"made".to_vec()), 4);
        assert_eq!(shown(Leg::Client, out), "7 < made\n");
        let broken = Event::Violation("no mask".to_owned(), "RFC 6455, 5.1".to_owned());
        assert_eq!(shown(Leg::Client, broken), "7 ! client: no mask (RFC 6455, 5.1)\n");
    }

    #[test]
    fn a_message_without_its_end_is_said_to_be_cut() {
        let mut all = Transcript::new(Dialogue::default(), None, false);
        let note = "(3 of 9 bytes; the line is too long)";
        assert_eq!(shown(&mut all, message("one"), true), format!("< one\n{note}\n"));
    }
}
