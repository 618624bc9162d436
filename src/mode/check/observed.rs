//! The frames that a server has sent in all checks, judged by the rules for senders.

use super::frames::{BINARY, CLOSE, SeenFrame, TEXT, messages};
use crate::proto::CloseCode;
use std::collections::HashMap;

/// A rule for the frames that a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ServerRule {
    /// Frames are not masked.
    Unmasked,
    /// Reserved bits are 0 unless an extension defines them.
    ReservedBits,
    /// Opcodes are defined.
    Opcodes,
    /// Payload lengths have the shortest form.
    ShortestLength,
    /// Control frames are short and not fragmented.
    ControlFrames,
    /// Fragments form messages.
    Fragments,
    /// Text is UTF-8.
    Utf8,
    /// A Close has a code that may be sent, and a reason in UTF-8.
    CloseBody,
}

/// What was seen of a server's frames.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    frames: usize,
    closes: usize,
    texts: usize,
    broken: HashMap<ServerRule, String>,
}

impl Observed {
    /// Judges the frames of one session.
    pub(crate) fn add(&mut self, frames: &[SeenFrame], is_compressed: bool) {
        self.frames += frames.len();
        let mut is_open = false;
        for frame in frames {
            let header = &frame.header;
            let (opcode, fin, length) = (header.opcode(), header.fin(), header.length);
            let reserved = header.first & 0x70;
            let extended = header.size - 2 - if header.mask.is_some() { 4 } else { 0 };
            let least = match extended {
                0 => 0,
                2 => 126,
                _ => 0x1_0000,
            };
            let mut judge = |rule, is_broken: bool| {
                if is_broken {
                    self.broken.entry(rule).or_insert_with(|| frame.to_string());
                }
            };
            judge(ServerRule::Unmasked, header.mask.is_some());
            let allowed = is_compressed && matches!(opcode, TEXT | BINARY);
            judge(ServerRule::ReservedBits, reserved != 0 && !(allowed && reserved == 0x40));
            judge(ServerRule::Opcodes, matches!(opcode, 3..=7 | 11..));
            judge(ServerRule::ShortestLength, length < least);
            judge(ServerRule::ControlFrames, header.is_control() && (!fin || length > 125));
            if !header.is_control() {
                judge(ServerRule::Fragments, (opcode == 0) != is_open);
                is_open = !fin;
            }
            if opcode == CLOSE {
                self.closes += 1;
                let body = &frame.payload;
                let code = frame.close_code().map(CloseCode::new);
                let reason = body.get(2..).unwrap_or_default();
                let is_valid = body.is_empty()
                    || code.is_some_and(CloseCode::is_sendable)
                        && std::str::from_utf8(reason).is_ok();
                judge(ServerRule::CloseBody, !is_valid);
            }
        }
        if !is_compressed {
            for message in messages(frames).iter().filter(|message| message.opcode == TEXT) {
                self.texts += 1;
                if std::str::from_utf8(&message.payload).is_err() {
                    let start: Vec<_> = message.payload.iter().copied().take(40).collect();
                    let words = format!("a text message begins with '{}'", start.escape_ascii());
                    self.broken.entry(ServerRule::Utf8).or_insert(words);
                }
            }
        }
    }

    /// Returns the number of frames that a rule was applied to, and the first that breaks it.
    pub(crate) fn judge(&self, rule: ServerRule) -> (usize, Option<&str>) {
        let number = match rule {
            ServerRule::Utf8 => self.texts,
            ServerRule::CloseBody => self.closes,
            _ => self.frames,
        };
        (number, self.broken.get(&rule).map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::raw::{Length, RawFrame};

    fn broken(frames: &[RawFrame]) -> Vec<ServerRule> {
        let bytes: Vec<_> = frames.iter().map(RawFrame::encode).collect();
        let frames: Vec<_> = bytes.iter().map(|bytes| SeenFrame::read(bytes).unwrap().0).collect();
        let mut observed = Observed::default();
        observed.add(&frames, false);
        let mut rules: Vec<_> = observed.broken.into_keys().collect();
        rules.sort_by_key(|rule| *rule as u8);
        rules
    }

    #[test]
    fn each_rule_is_broken_by_its_frame_alone() {
        use ServerRule as R;
        let text = || RawFrame::new(1).payload("a");
        for (frames, rules) in [
            (vec![text(), text().fin(false), RawFrame::new(0)], vec![]),
            (vec![text().mask([0; 4])], vec![R::Unmasked]),
            (vec![text().rsv(0x40)], vec![R::ReservedBits]),
            (vec![RawFrame::new(11)], vec![R::Opcodes]),
            (vec![text().length(Length::Bits16(1))], vec![R::ShortestLength]),
            (vec![RawFrame::new(9).fin(false)], vec![R::ControlFrames]),
            (vec![RawFrame::new(0)], vec![R::Fragments]),
            (vec![text().fin(false), text()], vec![R::Fragments]),
            (vec![RawFrame::new(1).payload(b"\xff")], vec![R::Utf8]),
            (vec![RawFrame::new(8).payload(b"\x03")], vec![R::CloseBody]),
            (vec![RawFrame::new(8).payload(b"\x03\xed")], vec![R::CloseBody]),
            (vec![RawFrame::new(8).payload(b"\x03\xe8\xff")], vec![R::CloseBody]),
            (vec![RawFrame::new(8)], vec![]),
        ] {
            assert_eq!(broken(&frames), rules, "{frames:?}");
        }
    }
}
