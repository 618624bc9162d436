//! The rendering of a long message in parts, so that it never is in memory as a whole.

use super::buffer::OutputBuffer;
use crate::{proto::slice::Within, schema::line, stored::StoredMessage};
use data_encoding::BASE64;
use std::io;

/// A long message that is being written, with the text around it.
#[derive(Debug)]
pub struct LongContent {
    /// Text before the content; empty once it was written.
    before: Vec<u8>,
    after: Vec<u8>,
    message: StoredMessage,
    encoding: Encoding,
    /// The number of bytes of the message that were written.
    offset: u64,
}

/// The form in which the bytes of a message are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    Raw,
    /// As a part of a JSON string. The message is text. With `terminal`, characters that a terminal
    /// interprets are escaped.
    Text {
        /// True if the output is shown on a terminal.
        terminal: bool,
    },
    /// In base64.
    Base64,
}

impl LongContent {
    /// Creates the content from a rendering in which the JSON string `"NAME":""` stands for the
    /// message. If the rendering has none, it is written as it is.
    pub fn new(rendered: Vec<u8>, name: &str, message: StoredMessage, encoding: Encoding) -> Self {
        let empty = format!("\"{name}\":\"\"");
        let found = memchr::memmem::find(&rendered, empty.as_bytes());
        let split = found.map_or(rendered.len(), |at| at + empty.len() - 1);
        let offset = if found.is_some() { 0 } else { message.length() };
        let mut before = rendered;
        let after = before.split_off(split);
        Self { before, after, message, encoding, offset }
    }

    /// Creates the content of a message between `before` and `after`.
    pub fn raw(before: Vec<u8>, message: StoredMessage, after: Vec<u8>) -> Self {
        let encoding = Encoding::Raw;
        Self { before, after, message, encoding, offset: 0 }
    }

    /// Appends the next part. Returns true if it was the last.
    pub fn write_part(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        out.append(&mut self.before);
        let length = match self.encoding {
            Encoding::Raw => {
                let part = self.message.read_at(self.offset, PART_BYTES)?;
                out.extend_from_slice(&part);
                part.len()
            }
            Encoding::Text { terminal } => {
                let part = self.message.read_text_at(self.offset, PART_BYTES)?;
                line::write_text(&part, terminal, out);
                part.len()
            }
            Encoding::Base64 => {
                let part = self.message.read_at(self.offset, PART_BYTES)?;
                let start = out.len();
                out.resize(start + BASE64.encode_len(part.len()), 0);
                BASE64.encode_mut(&part, out.within_mut(start..));
                part.len()
            }
        };
        self.offset += length as u64;
        let is_last = self.offset >= self.message.length();
        if is_last {
            out.append(&mut self.after);
        }
        Ok(is_last)
    }

    /// Appends parts of `content` until `limit` bytes are ready or nothing is left, which then is
    /// `None`.
    pub fn fill(
        content: &mut Option<Self>,
        out: &mut OutputBuffer,
        limit: usize,
    ) -> io::Result<()> {
        while let Some(long) = content
            && out.ready().len() < limit
        {
            let is_last = long.write_part(out.bytes())?;
            out.release();
            if is_last {
                *content = None;
            }
        }
        Ok(())
    }
}

/// The bytes of a message that are rendered at once: a multiple of three, so that base64 is padded
/// only at the end.
const PART_BYTES: usize = 48 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proto::{Kind, Piece},
        stored::{Collected, Collector, MEMORY_LIMIT_BYTES},
    };
    use serde_json::Value;

    fn stored(message: &[u8]) -> StoredMessage {
        let mut collector = Collector::default();
        let (start, end) = message.split_at(message.len() / 2);
        let piece =
            |payload, first, last| Piece { first, last, ..Piece::whole(Kind::Text, payload) };
        assert!(collector.push(&piece(start, true, false)).is_none());
        let Some(Collected::Long(stored)) = collector.push(&piece(end, false, true)) else {
            panic!("it is long")
        };
        stored
    }

    /// Renders in steps, and checks that each is short.
    fn rendered(mut content: LongContent) -> Vec<u8> {
        let (mut all, mut out) = (Vec::new(), Vec::new());
        while !content.write_part(&mut out).unwrap() {
            assert!(out.len() <= PART_BYTES * 6 + 40, "{}", out.len());
            all.append(&mut out);
        }
        [all, out].concat()
    }

    #[test]
    fn text_in_parts_is_the_same_json_string() {
        for unit in ["x", "\u{e9}", "-\u{20ac}", "\u{1f600}", "\0\"", "\u{1f468}\u{200d}\u{1f469}"]
        {
            let text = unit.repeat(MEMORY_LIMIT_BYTES / unit.len() + 1_000);
            for terminal in [false, true] {
                let (head, message) =
                    (br#"{"a":1,"data":"","b":2}"#.to_vec(), stored(text.as_bytes()));
                let content = LongContent::new(head, "data", message, Encoding::Text { terminal });
                let value: Value = serde_json::from_slice(&rendered(content)).unwrap();
                assert!(value["data"] == *text && value["b"] == 2, "{unit:?}");
            }
        }
    }

    #[test]
    fn bytes_in_parts_are_padded_only_at_the_end() {
        for extra in 1..4 {
            let bytes = vec![0xff; MEMORY_LIMIT_BYTES + extra];
            let head = br#"{"base64":""}"#.to_vec();
            let content = LongContent::new(head, "base64", stored(&bytes), Encoding::Base64);
            let value: Value = serde_json::from_slice(&rendered(content)).unwrap();
            assert!(BASE64.decode(value["base64"].as_str().unwrap().as_bytes()).unwrap() == bytes);
        }
    }

    #[test]
    fn raw_bytes_are_between_what_precedes_and_what_follows_them() {
        let bytes = vec![b'x'; MEMORY_LIMIT_BYTES + 1];
        let content = LongContent::raw(b"head".to_vec(), stored(&bytes), b"tail".to_vec());
        assert!(rendered(content) == [b"head", &bytes[..], b"tail"].concat());
    }

    #[test]
    fn a_rendering_without_the_string_is_written_as_it_is() {
        let content =
            LongContent::new(b"{}".to_vec(), "data", stored(&vec![b'x'; 2 << 20]), Encoding::Raw);
        assert_eq!(rendered(content), b"{}");
    }
}
