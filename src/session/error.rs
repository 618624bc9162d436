//! Failures of an open session, as plain data; `error` adds messages, hints and exit codes.

use super::{context::SessionContext, quiet::QuietPeriod};
use crate::{
    net::http2::Http2Fault,
    proto::{Close, Violation, handshake::Version},
};
use std::{io, time::Duration};

/// The failure that ended a session.
///
/// In every variant `authority` is the peer's host and port, and `carrier` the HTTP version of the
/// opening handshake.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of most fields say enough")]
pub enum SessionError {
    /// Writing to the transport failed.
    Send {
        authority: String,
        cause: io::Error,
        /// The context of a client's session; `None` for a server.
        context: Option<Box<SessionContext>>,
    },
    /// The peer closed the connection before all messages were sent.
    Unsent {
        authority: String,
        /// The number of unsent messages.
        messages: usize,
        close: Close,
        /// The context of a client's session; `None` for a server.
        context: Option<Box<SessionContext>>,
    },
    /// The peer stopped reading: messages queued before our Close were not sent.
    Unread {
        authority: String,
        carrier: Version,
        /// The number of unsent messages.
        messages: usize,
    },
    /// Reading from the transport failed.
    Receive {
        authority: String,
        cause: io::Error,
        /// The quiet period before the failure, if it was long enough to be the cause.
        quiet: Option<QuietPeriod>,
        /// The context of a client's session; `None` for a server.
        context: Option<Box<SessionContext>>,
    },
    /// The HTTP/2 stream or connection that carries the session failed.
    Http2 {
        authority: String,
        fault: Http2Fault,
        /// True if a message was only partly received.
        inside_message: bool,
    },
    /// The transport ended without a Close (1006; RFC 6455, 7.1.5).
    NoClose {
        authority: String,
        carrier: Version,
        /// True if a message was only partly received.
        inside_message: bool,
        /// The quiet period before the end, if it was long enough to be the cause.
        quiet: Option<QuietPeriod>,
        /// The context of a client's session; `None` for a server.
        context: Option<Box<SessionContext>>,
    },
    /// The session was closed in the middle of a message from the peer.
    Incomplete {
        authority: String,
        /// True if the peer closed the session first.
        by_peer: bool,
        /// The bytes of the message that were received.
        received: u64,
    },
    /// The peer violated the protocol.
    Protocol {
        authority: String,
        violation: Violation,
        /// True if our Close reported the violation; false if we had already sent a Close.
        told: bool,
        /// The first bytes of the frame that breaks a rule of frame headers; at most
        /// [`OFFENDING_BYTES`](super::limits::OFFENDING_BYTES).
        bytes: Box<[u8]>,
        /// The context of a client's session; `None` for a server.
        context: Option<Box<SessionContext>>,
    },
    /// The peer closed the connection with a code that reports an error.
    Closed {
        authority: String,
        close: Close,
        /// The context of a client's session; `None` for a server.
        context: Option<Box<SessionContext>>,
    },
    /// No message was sent or received within the idle timeout.
    Idle { authority: String, limit: Duration },
    /// A keepalive ping was not answered within the ping timeout.
    PongTimeout { authority: String, limit: Duration },
}

impl SessionError {
    /// Converts a read error: an `Http2Fault` inside it becomes [`Self::Http2`].
    pub(super) fn receive(
        authority: String,
        cause: io::Error,
        inside_message: bool,
        quiet: Option<QuietPeriod>,
        context: Option<Box<SessionContext>>,
    ) -> Self {
        match cause.downcast() {
            Ok(fault) => Self::Http2 { authority, fault, inside_message },
            Err(cause) => Self::Receive { authority, cause, quiet, context },
        }
    }

    /// Returns the peer's host and port, as the sentence of the error names it.
    pub fn authority_mut(&mut self) -> &mut String {
        match self {
            Self::Send { authority, .. }
            | Self::Unsent { authority, .. }
            | Self::Unread { authority, .. }
            | Self::Receive { authority, .. }
            | Self::Http2 { authority, .. }
            | Self::NoClose { authority, .. }
            | Self::Incomplete { authority, .. }
            | Self::Protocol { authority, .. }
            | Self::Closed { authority, .. }
            | Self::Idle { authority, .. }
            | Self::PongTimeout { authority, .. } => authority,
        }
    }

    /// Returns the quiet period before a lost connection, if one was noticed.
    pub fn quiet_mut(&mut self) -> Option<&mut QuietPeriod> {
        match self {
            Self::NoClose { quiet, .. } | Self::Receive { quiet, .. } => quiet.as_mut(),
            _ => None,
        }
    }
}
