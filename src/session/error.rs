//! Failures of an open session, as data. Sentences, hints and exit codes are made elsewhere.

use super::{context::SessionContext, quiet::QuietPeriod};
use crate::{
    net::http2::Http2Fault,
    proto::{Close, Violation, handshake::Version},
};
use std::{io, time::Duration};

/// Why a session ended badly. `authority` is host and port of the peer.
#[derive(Debug)]
pub enum SessionError {
    /// Bytes could not be sent.
    Send {
        /// Host and port.
        authority: String,
        /// The system's error.
        cause: io::Error,
    },
    /// The peer closed while messages waited to be sent.
    Unsent {
        /// Host and port.
        authority: String,
        /// The number of messages.
        messages: usize,
        /// The peer's Close.
        close: Close,
        /// The circumstances, of a client.
        context: Option<Box<SessionContext>>,
    },
    /// The peer stopped reading: messages queued before our Close were not sent.
    Unread {
        /// Host and port.
        authority: String,
        /// The version of HTTP that carries the session.
        carrier: Version,
        /// The number of messages.
        messages: usize,
    },
    /// Reading failed.
    Receive {
        /// Host and port.
        authority: String,
        /// The system's error.
        cause: io::Error,
        /// The quiet before, if there was one.
        quiet: Option<QuietPeriod>,
    },
    /// HTTP/2 failed under the session.
    Http2 {
        /// Host and port.
        authority: String,
        /// The reason.
        fault: Http2Fault,
        /// Whether part of a message was received.
        inside_message: bool,
    },
    /// The transport ended without a Close (1006).
    NoClose {
        /// Host and port.
        authority: String,
        /// The version of HTTP that carries the session.
        carrier: Version,
        /// Whether part of a message was received.
        inside_message: bool,
        /// The quiet before, if there was one.
        quiet: Option<QuietPeriod>,
    },
    /// The peer broke the protocol.
    Protocol {
        /// Host and port.
        authority: String,
        /// The rule.
        violation: Violation,
        /// Whether our Close told the peer so; none was sent before.
        told: bool,
    },
    /// The peer closed with a code that reports an error.
    Closed {
        /// Host and port.
        authority: String,
        /// The peer's Close.
        close: Close,
        /// The circumstances, of a client.
        context: Option<Box<SessionContext>>,
    },
    /// No message was sent or received for this long.
    Idle {
        /// Host and port.
        authority: String,
        /// The limit.
        limit: Duration,
    },
    /// A keepalive ping was not answered in time.
    PongTimeout {
        /// Host and port.
        authority: String,
        /// The limit.
        limit: Duration,
    },
}

impl SessionError {
    /// The error of reading, which may be one of HTTP/2.
    pub(super) fn receive(
        authority: String,
        cause: io::Error,
        inside_message: bool,
        quiet: Option<QuietPeriod>,
    ) -> Self {
        match cause.downcast() {
            Ok(fault) => Self::Http2 { authority, fault, inside_message },
            Err(cause) => Self::Receive { authority, cause, quiet },
        }
    }

    /// The quiet before a loss.
    pub fn quiet_mut(&mut self) -> Option<&mut QuietPeriod> {
        match self {
            Self::NoClose { quiet, .. } | Self::Receive { quiet, .. } => quiet.as_mut(),
            _ => None,
        }
    }
}
