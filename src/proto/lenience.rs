//! Tolerance of a peer that breaks rules (`Settings::lenient`).
//!
//! Deviation: 5.1, 5.2 and 8.1 require that the connection fails.

use super::{frame::Header, piece::Piece, role::Role, violation::Violation};

/// The violations that were accepted, and the repair of text.
#[derive(Debug, Default)]
pub struct Lenience {
    /// Violations to report, each once, and their position in the input of the decoder.
    accepted: Vec<(Violation, usize)>,
    /// The number of violations that were reported.
    reported: usize,
    /// The start of a character whose end has not arrived, then the repaired text.
    text: String,
    begun: Vec<u8>,
    /// True if unmasked frames of a client are accepted.
    unmasked: bool,
}

impl Lenience {
    /// Accepts what an onlooker can still read: also unmasked frames of a client.
    pub fn of_onlooker() -> Self {
        Self { unmasked: true, ..Self::default() }
    }

    /// Reports whether this is the lenience of an onlooker.
    pub fn is_onlooker(&self) -> bool {
        self.unmasked
    }

    /// Parses a header, and keeps what it accepts. `at` is its position.
    pub fn header(
        &mut self,
        (bytes, at): (&[u8], usize),
        role: Role,
        reserved: u8,
    ) -> Result<Option<(Header, usize)>, Violation> {
        let (header, accepted) = Header::parse_lenient(bytes, role, reserved, self.unmasked)?;
        for violation in accepted.into_iter().flatten() {
            self.accept(violation, at);
        }
        Ok(header)
    }

    fn accept(&mut self, violation: Violation, at: usize) {
        let is_same = |(other, _): &(Violation, usize)| {
            std::mem::discriminant(other) == std::mem::discriminant(&violation)
        };
        if !self.accepted.iter().any(is_same) {
            self.accepted.push((violation, at));
        }
    }

    /// Returns the next accepted violation that was not reported before, and the position of the header
    /// that broke the rule; 0 for a payload.
    pub fn report(&mut self) -> Option<(Violation, usize)> {
        let next = self.accepted.get(self.reported).copied();
        self.reported += usize::from(next.is_some());
        next
    }

    /// Replaces invalid bytes in a piece of text with U+FFFD. The piece may become empty if it ends
    /// inside a character.
    pub fn repair<'a>(&'a mut self, piece: Piece<'a>) -> Piece<'a> {
        if self.begun.is_empty() && std::str::from_utf8(piece.payload).is_ok() {
            return piece;
        }
        self.begun.extend_from_slice(piece.payload);
        let bytes = std::mem::take(&mut self.begun);
        self.text.clear();
        let mut end = 0;
        for chunk in bytes.utf8_chunks() {
            self.text.push_str(chunk.valid());
            end += chunk.valid().len() + chunk.invalid().len();
            if chunk.invalid().is_empty() {
                continue;
            }
            let is_begun =
                std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
            if is_begun && end == bytes.len() && !piece.last {
                self.begun.extend_from_slice(chunk.invalid());
            } else {
                self.text.push(char::REPLACEMENT_CHARACTER);
                self.accept(Violation::TextNotUtf8, 0);
            }
        }
        Piece { payload: self.text.as_bytes(), ..piece }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::opcode::Kind;

    #[test]
    fn invalid_text_is_replaced_wherever_it_is_split() {
        let text = b"a\xc3\xbc\xff\xe2\x82b\xf0\x9f\x90\x9f\xe2\x82";
        let expected = String::from_utf8_lossy(text).into_owned();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut lenience = Lenience::default();
                let mut repaired = String::new();
                let parts = [&text[..first], &text[first..second], &text[second..]];
                for (i, payload) in parts.into_iter().enumerate() {
                    let piece =
                        Piece { last: i == 2, first: i == 0, ..Piece::whole(Kind::Text, payload) };
                    repaired += std::str::from_utf8(lenience.repair(piece).payload).unwrap();
                }
                assert_eq!(repaired, expected, "{first} {second}");
                assert_eq!(lenience.report(), Some((Violation::TextNotUtf8, 0)));
                assert_eq!(lenience.report(), None);
            }
        }
    }
}
