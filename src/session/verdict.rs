//! The outcome of a finished session.

use super::{
    Session,
    context::{SentMessages, SessionContext},
    error::SessionError,
};
use crate::{
    net::http2::Http2Fault,
    proto::{Cause, Close, CloseCode, handshake::Version, slice::Within as _},
};
use std::io;

impl Session {
    /// Returns the error for a Close of the peer.
    pub fn close_error(&self, close: Close) -> SessionError {
        let context = self.context();
        SessionError::Closed { authority: self.authority.clone(), close, context }
    }

    /// Returns the error for a Close without a code with which the peer ended the session. It is not a
    /// failure, but often means one.
    pub fn empty_close(&self) -> Option<SessionError> {
        let close = self.remote_close().filter(|close| close.code == CloseCode::NO_STATUS)?;
        (!self.is_closed_by_us()).then(|| self.close_error(close.clone()))
    }

    fn context(&self) -> Option<Box<SessionContext>> {
        let context = self.context.clone()?;
        let (received, sent) = self.connection.tallies();
        let (text, binary) = (sent.text.messages, sent.binary.messages);
        // HTTP/2 takes bytes that flow control does not let it send yet.
        let is_sending = self.connection.unsent_messages() > 0
            || self.carrier == Version::Http2
            || matches!(self.connection.cause(), Some(Cause::SendFailed));
        Some(Box::new(SessionContext {
            lasted: self.received_at.saturating_duration_since(self.opened),
            received: received.messages(),
            sent: SentMessages { text, binary },
            // The peer cannot have reacted to a message that it did not get.
            unanswered: self.unanswered.filter(|_| !is_sending),
            ..*context
        }))
    }

    fn judge(&self, close: Close) -> Result<(), SessionError> {
        if close.code.is_error() { Err(self.close_error(close)) } else { Ok(()) }
    }

    /// Returns the bytes received of a message that did not end, if there is one.
    pub fn incomplete_message(&self) -> Option<u64> {
        self.connection.incomplete_message().map(|(received, _)| received)
    }

    /// Returns the error for a message that did not end.
    pub fn incomplete_error(&self) -> SessionError {
        let received = self.incomplete_message().unwrap_or_default();
        let by_peer = matches!(self.connection.cause(), Some(Cause::RemoteClose(_)));
        SessionError::Incomplete { authority: self.authority.clone(), by_peer, received }
    }

    /// Fails if a message did not end. A message that began after our Close does not belong to the
    /// session.
    pub fn ensure_complete(&self) -> Result<(), SessionError> {
        let rest = self.buffer.within(self.start..self.end);
        let start = if self.connection.is_inside_message() {
            self.message_start
        } else if self.connection.is_inside_data_header(rest) {
            self.bytes_received - rest.len() as u64
        } else {
            return Ok(());
        };
        let belongs = self.our_close.as_ref().is_none_or(|ours| start < ours.received);
        if belongs { Err(self.incomplete_error()) } else { Ok(()) }
    }

    /// Reports whether the transport failed after our Close, and the peer had sent nothing since our
    /// last message. It may not have read that message.
    fn is_lost_after_close(&self) -> bool {
        let (messages, at) = self.written;
        let failure = self.receive_error.as_ref().or(self.send_error.as_ref());
        // An RST_STREAM may be the answer to the end of our side of the stream.
        let is_reset_stream = |cause: &io::Error| {
            let fault = cause.get_ref().and_then(|inner| inner.downcast_ref());
            matches!(fault, Some(Http2Fault::Reset(_)))
        };
        let is_lost = failure.is_some_and(|cause| !is_reset_stream(cause));
        is_lost && messages > 0 && self.last_heard() <= at
    }

    /// Returns the outcome of a session that is over. `waiting` is the number of messages that the
    /// caller had yet to send.
    ///
    /// The first cause decides. A violation by the peer is an error even if we were already
    /// closing, as is a message that did not end.
    pub fn verdict(&mut self, waiting: usize) -> Result<(), SessionError> {
        self.first_cause(waiting)?;
        self.ensure_complete()
    }

    fn first_cause(&mut self, waiting: usize) -> Result<(), SessionError> {
        let (authority, carrier, quiet) = (self.authority.clone(), self.carrier, self.last_quiet);
        if self.idle.expired {
            let limit = self.connection.settings().idle_timeout.unwrap_or_default();
            return Err(SessionError::Idle { authority, limit });
        }
        self.offending.keep(self.buffer.within(..self.end));
        let inside_message = self.connection.is_inside_message();
        let context = self.context();
        let answered = self.connection.remote_close().cloned();
        match (self.connection.cause(), answered) {
            (Some(Cause::RemoteClose(_) | Cause::SendFailed), Some(close)) => {
                let messages = self.connection.unsent_messages() + waiting;
                if messages > 0 {
                    return Err(SessionError::Unsent { authority, messages, close, context });
                }
                self.judge(close)
            }
            (Some(Cause::LocalClose), Some(close)) => {
                if self.our_close.as_ref().is_some_and(|ours| ours.close.code == close.code) {
                    Ok(())
                } else {
                    self.judge(close)
                }
            }
            (Some(Cause::LocalClose), None) if self.connection.unsent_messages() + waiting > 0 => {
                let messages = self.connection.unsent_messages() + waiting;
                Err(SessionError::Unread { authority, carrier, messages })
            }
            (Some(Cause::LocalClose), None) if self.is_lost_after_close() => {
                let cause = self.receive_error.take().or_else(|| self.send_error.take());
                let cause = cause.unwrap_or_else(|| io::ErrorKind::Other.into());
                Err(SessionError::receive(authority, cause, inside_message, quiet, context))
            }
            (None | Some(Cause::LocalClose | Cause::RemoteClose(_)), None) => Ok(()),
            (None, Some(close)) => self.judge(close),
            (Some(Cause::SendFailed), None) | (Some(Cause::TransportEnded), _) => {
                Err(self.transport_error(waiting))
            }
            (Some(Cause::Violation(violation)), _) => {
                let told = self.our_close.is_none();
                let (violation, bytes) = (*violation, self.offending.take());
                Err(SessionError::Protocol { authority, violation, told, bytes, context })
            }
            (Some(Cause::PongTimeout), _) => {
                let limit = self.connection.settings().ping_timeout.unwrap_or_default();
                Err(SessionError::PongTimeout { authority, limit })
            }
        }
    }

    /// Returns the error for a transport that ended or failed before the peer's Close.
    ///
    /// Only the first call after a reset reports it. The error is the same whether that call was a
    /// read or a write: a lost connection could not send if messages wait, and could not receive
    /// otherwise.
    fn transport_error(&mut self, waiting: usize) -> SessionError {
        let (authority, carrier, quiet) = (self.authority.clone(), self.carrier, self.last_quiet);
        let inside_message = self.connection.is_inside_message();
        let context = self.context();
        let received = self.receive_error.take();
        // A pipe is broken because the other direction has ended, which was read then.
        let is_consequence =
            |cause: &io::Error| self.eof && cause.kind() == io::ErrorKind::BrokenPipe;
        let sent = self.send_error.take().filter(|cause| !is_consequence(cause));
        let is_unsent = self.connection.unsent_messages() + waiting > 0;
        match (received, sent) {
            (Some(cause), _) if is_loss(&cause) && is_unsent => {
                SessionError::Send { authority, cause: without_fault(cause), context }
            }
            (None, Some(cause)) if is_loss(&cause) && !is_unsent => {
                SessionError::receive(authority, cause, inside_message, quiet, context)
            }
            // On an HTTP/2 stream, reading gives the reason.
            (received, Some(cause)) if received.is_none() || carrier != Version::Http2 => {
                SessionError::Send { authority, cause, context }
            }
            (Some(cause), _) => {
                SessionError::receive(authority, cause, inside_message, quiet, context)
            }
            (None, _) => {
                SessionError::NoClose { authority, carrier, inside_message, quiet, context }
            }
        }
    }
}

/// Reports whether the network or the peer's system dropped the connection.
fn is_loss(cause: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable, TimedOut,
    };
    if let Some(fault) = cause.get_ref().and_then(|inner| inner.downcast_ref::<Http2Fault>()) {
        return matches!(fault, Http2Fault::Lost(Some(cause)) if is_loss(cause));
    }
    matches!(
        cause.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

/// Returns the system's error below an HTTP/2 connection that was lost.
fn without_fault(cause: io::Error) -> io::Error {
    let fault = match cause.downcast() {
        Ok(fault) => fault,
        Err(cause) => return cause,
    };
    match fault {
        Http2Fault::Lost(Some(cause)) => cause,
        fault => fault.into(),
    }
}
