//! Counts of the messages and control frames in one direction.

use super::opcode::{Kind, Opcode};

/// Counts of complete messages of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Complete messages.
    pub messages: u64,
    /// Payload bytes, uncompressed.
    pub bytes: u64,
    /// Payload bytes on the wire, after compression.
    pub carried: u64,
    /// Data frames that carried them.
    pub frames: u64,
}

impl Count {
    fn and(&self, other: &Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            bytes: self.bytes + other.bytes,
            carried: self.carried + other.carried,
            frames: self.frames + other.frames,
        }
    }
}

/// Everything counted in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Counts of text messages.
    pub text: Count,
    /// Counts of binary messages.
    pub binary: Count,
    /// Number of pings.
    pub pings: u64,
    /// Number of pongs.
    pub pongs: u64,
    /// Number of Closes.
    pub closes: u64,
}

impl Tally {
    /// Counts a complete message.
    #[inline]
    pub fn message(&mut self, kind: Kind, bytes: u64, carried: u64, frames: u64) {
        let count = match kind {
            Kind::Text => &mut self.text,
            Kind::Binary => &mut self.binary,
        };
        count.messages += 1;
        count.bytes += bytes;
        count.carried += carried;
        count.frames += frames;
    }

    /// Counts a control frame; ignores other opcodes.
    pub fn control(&mut self, opcode: Opcode) {
        match opcode {
            Opcode::Ping => self.pings += 1,
            Opcode::Pong => self.pongs += 1,
            Opcode::Close => self.closes += 1,
            Opcode::Message(_) | Opcode::Continuation => {}
        }
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn merged_with(&self, other: &Self) -> Self {
        Self {
            text: self.text.and(&other.text),
            binary: self.binary.and(&other.binary),
            pings: self.pings + other.pings,
            pongs: self.pongs + other.pongs,
            closes: self.closes + other.closes,
        }
    }

    /// Sums the counts of both message types.
    pub fn total(&self) -> Count {
        self.text.and(&self.binary)
    }

    /// Returns the number of messages of both types.
    pub fn messages(&self) -> u64 {
        self.text.messages + self.binary.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_counted_separately_and_in_total() {
        let mut tally = Tally::default();
        tally.message(Kind::Text, 10, 4, 1);
        tally.message(Kind::Binary, 5, 5, 3);
        tally.control(Opcode::Ping);
        let total = tally.total();
        assert_eq!(tally.text, Count { messages: 1, bytes: 10, carried: 4, frames: 1 });
        assert_eq!(total, Count { messages: 2, bytes: 15, carried: 9, frames: 4 });
        assert_eq!((tally.messages(), tally.pings, tally.pongs), (2, 1, 0));
    }
}
