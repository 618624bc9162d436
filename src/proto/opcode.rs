//! Opcodes and message types (RFC 6455, 5.2 and 11.8).

use std::fmt;

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A message of UTF-8 text.
    Text,
    /// A message of arbitrary bytes.
    Binary,
}

/// A defined opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// The first frame of a message.
    Message(Kind),
    /// A later fragment of a message.
    Continuation,
    /// Begins or completes the closing handshake.
    Close,
    /// Requests a pong with the same payload.
    Ping,
    /// Answers a ping, or is sent unsolicited as a heartbeat (5.5.3).
    Pong,
}

impl Opcode {
    /// Returns the opcode with this number, or `None` if the number is reserved.
    #[inline]
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0x0 => Self::Continuation,
            0x1 => Self::Message(Kind::Text),
            0x2 => Self::Message(Kind::Binary),
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// Returns the low four bits of a frame's first byte.
    #[inline]
    pub fn number(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Message(Kind::Text) => 0x1,
            Self::Message(Kind::Binary) => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    /// Reports whether this is the opcode of a control frame: close, ping or pong (5.5). A control
    /// frame has at most 125 bytes, is never fragmented and may stand between two fragments.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Message(Kind::Text) => "text",
            Self::Message(Kind::Binary) => "binary",
            Self::Continuation => "continuation",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_match_the_rfc() {
        for number in 0..=15 {
            let opcode = Opcode::from_number(number);
            assert_eq!(opcode.is_none(), matches!(number, 3..=7 | 11..));
            if let Some(opcode) = opcode {
                assert_eq!((opcode.number(), opcode.is_control()), (number, number >= 8));
            }
        }
    }
}
