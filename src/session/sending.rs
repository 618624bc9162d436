//! What is sent: each kind of it goes to the connection, and who watches is told.

use super::{Session, clock};
use crate::proto::{Close, Kind, Opcode, UsageError};

impl Session {
    /// Sends a whole message.
    #[inline]
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), UsageError> {
        self.connection.send(kind, payload)?;
        if let Some(observation) = &mut self.observation {
            observation.send(clock::now(), kind, payload);
        }
        Ok(())
    }

    /// Begins a frame of `length` bytes whose payload follows; `fin`: it ends its message.
    pub fn begin(&mut self, kind: Kind, length: u64, fin: bool) -> Result<(), UsageError> {
        self.connection.begin(kind, length, fin)?;
        if let Some(observation) = &mut self.observation {
            observation.begin(clock::now(), kind, length, fin);
        }
        Ok(())
    }

    /// Brings payload for the frame that was begun.
    pub fn payload(&mut self, bytes: &[u8]) {
        self.connection.payload(bytes);
        if let Some(observation) = &mut self.observation {
            observation.payload(clock::now(), bytes);
        }
    }

    /// Sends a ping.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        self.connection.ping(payload, clock::now())?;
        self.control(Opcode::Ping, payload);
        Ok(())
    }

    /// Sends a pong nobody asked for.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        self.connection.pong(payload)?;
        self.control(Opcode::Pong, payload);
        Ok(())
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        if let Some(observation) = &mut self.observation {
            observation.control(clock::now(), opcode, payload);
        }
    }

    /// Begins the closing handshake, unless one has begun.
    pub fn close(&mut self, close: &Close) -> Result<(), UsageError> {
        self.connection.close(close, clock::now())?;
        self.our_code = Some(close.code);
        if let Some(observation) = &mut self.observation {
            observation.close(clock::now(), close);
        }
        Ok(())
    }
}
