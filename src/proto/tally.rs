//! What has gone one way, for the summary.

use super::opcode::{Kind, Opcode};

/// Whole messages of a type, and what they came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub messages: u64,
    /// Their bytes, uncompressed.
    pub bytes: u64,
    /// Bytes of payload that carried them: fewer if they were compressed.
    pub carried: u64,
    /// The frames they were in.
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

/// All that has gone one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Text messages.
    pub text: Count,
    /// Binary messages.
    pub binary: Count,
    /// Pings.
    pub pings: u64,
    /// Pongs.
    pub pongs: u64,
    /// Closes.
    pub closes: u64,
}

impl Tally {
    /// A message more.
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

    /// A control frame more.
    pub fn control(&mut self, opcode: Opcode) {
        match opcode {
            Opcode::Ping => self.pings += 1,
            Opcode::Pong => self.pongs += 1,
            Opcode::Close => self.closes += 1,
            Opcode::Message(_) | Opcode::Continuation => {}
        }
    }

    /// With what else has gone.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            text: self.text.and(&other.text),
            binary: self.binary.and(&other.binary),
            pings: self.pings + other.pings,
            pongs: self.pongs + other.pongs,
            closes: self.closes + other.closes,
        }
    }

    /// Messages of both types.
    pub fn total(&self) -> Count {
        self.text.and(&self.binary)
    }

    /// How many messages.
    pub fn messages(&self) -> u64 {
        self.text.messages + self.binary.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_counted_apart_and_added_up() {
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
