//! The sending half of a session. Each call queues frames in the connection and informs the
//! observer.
//!
//! Every call fails with [`UsageError::Closed`] once a Close has been sent.

use super::{OurClose, Session, clock};
use crate::{
    net::end_in_order,
    proto::{Close, Kind, Opcode, SharedMessage, UsageError},
};
use std::time::{Duration, Instant};
use tokio::time::timeout;

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

    /// Queues frames of a shared message as a server, from the one with number `from` on, until
    /// `limit` bytes are queued. Returns the number of the next frame, or `None` once all are
    /// queued; no other message may be queued before.
    pub fn send_shared(
        &mut self,
        message: &SharedMessage,
        from: usize,
        limit: usize,
    ) -> Result<Option<usize>, UsageError> {
        let next = self.connection.send_shared(message, from, limit)?;
        if let Some(observation) = self.observation.as_mut().filter(|_| next.is_none()) {
            observation.send(clock::now(), message.kind(), message.payload());
        }
        Ok(next)
    }

    /// Begins a message whose payload is passed to [`Self::part`]. `length` is the length of the
    /// payload, if known.
    pub fn begin(&mut self, kind: Kind, length: Option<u64>) -> Result<(), UsageError> {
        self.connection.begin(kind, length)?;
        if let Some(observation) = &mut self.observation {
            observation.begin(kind);
        }
        Ok(())
    }

    /// Queues payload of the message that [`Self::begin`] began. `last` ends the message.
    pub fn part(&mut self, bytes: &[u8], last: bool) -> Result<(), UsageError> {
        self.connection.part(bytes, last)?;
        if let Some(observation) = &mut self.observation {
            observation.part(clock::now(), bytes, last);
        }
        Ok(())
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
        self.our_close = Some(OurClose { close: close.clone(), received: self.bytes_received });
        if let Some(observation) = &mut self.observation {
            observation.close(clock::now(), close);
        }
        Ok(())
    }

    /// Ends the transport without a Close, and not with a reset even if the peer is sending.
    pub async fn cut(mut self: Box<Self>) {
        // The session has ended, whatever becomes of the transport.
        let _ = timeout(CUT_LIMIT, end_in_order(&mut self.transport)).await;
    }
}

/// The time limit for the end of a transport that is cut.
const CUT_LIMIT: Duration = Duration::from_secs(2);
