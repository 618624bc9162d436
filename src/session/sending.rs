//! The sending half of a session. Each call queues frames in the connection and informs the
//! observer.
//!
//! Every call fails with [`UsageError::Closed`] once a Close has been sent.

use super::{OurClose, Session, clock};
use crate::proto::{Close, Kind, Opcode, UsageError};
use std::time::Instant;

impl Session {
    /// Queues a whole message.
    #[inline]
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), UsageError> {
        self.connection.send(kind, payload)?;
        if let Some(observation) = &mut self.observation {
            observation.send(clock::now(), kind, payload);
        }
        Ok(())
    }

    /// Begins a frame of `length` bytes, whose payload is passed to [`Self::payload`]. `fin` marks
    /// the last frame of a message.
    pub fn begin(&mut self, kind: Kind, length: u64, fin: bool) -> Result<(), UsageError> {
        self.connection.begin(kind, length, fin)?;
        if let Some(observation) = &mut self.observation {
            observation.begin(clock::now(), kind, length, fin);
        }
        Ok(())
    }

    /// Appends payload to the frame that [`Self::begin`] opened.
    pub fn payload(&mut self, bytes: &[u8]) {
        self.connection.payload(bytes);
        if let Some(observation) = &mut self.observation {
            observation.payload(clock::now(), bytes);
        }
    }

    /// Queues a ping with a payload of at most 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        self.connection.ping(payload, clock::now())?;
        self.control(Opcode::Ping, payload);
        Ok(())
    }

    /// Queues an unsolicited pong (RFC 6455, 5.5.3) with a payload of at most 125 bytes.
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

    /// Starts the closing handshake. Fails if the code must not be sent (RFC 6455, 7.4.1).
    pub fn close(&mut self, close: &Close) -> Result<(), UsageError> {
        self.close_since(close, clock::now())
    }

    /// Starts the closing handshake, with the close timeout counted from `since`.
    pub fn close_since(&mut self, close: &Close, since: Instant) -> Result<(), UsageError> {
        self.connection.close(close, since)?;
        self.our_close = Some(OurClose { code: close.code, received: self.bytes_received });
        if let Some(observation) = &mut self.observation {
            observation.close(clock::now(), close);
        }
        Ok(())
    }
}
