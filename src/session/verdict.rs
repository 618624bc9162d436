//! The outcome of a finished session.

use super::{Session, context::SessionContext, error::SessionError};
use crate::proto::{Cause, Close, handshake::Version};
use std::io;

impl Session {
    /// Returns the error for a Close of the peer.
    pub fn close_error(&self, close: Close) -> SessionError {
        let context = self.context();
        SessionError::Closed { authority: self.authority.clone(), close, context }
    }

    fn context(&self) -> Option<Box<SessionContext>> {
        let received = self.connection.tallies().0.messages();
        self.context.clone().map(|it| Box::new(SessionContext { received, ..it }))
    }

    fn judge(&self, close: Close) -> Result<(), SessionError> {
        if close.code.is_error() { Err(self.close_error(close)) } else { Ok(()) }
    }

    /// Returns the outcome of a session that is over. `waiting` is the number of messages that the
    /// caller had yet to send.
    ///
    /// The first cause decides. A violation by the peer is an error even if we were already
    /// closing.
    pub fn verdict(&mut self, waiting: usize) -> Result<(), SessionError> {
        let (authority, carrier, quiet) = (self.authority.clone(), self.carrier, self.last_quiet);
        if self.idle.expired {
            let limit = self.settings.idle_timeout.unwrap_or_default();
            return Err(SessionError::Idle { authority, limit });
        }
        let inside_message = self.connection.is_inside_message();
        let answered = self.connection.remote_close().cloned();
        match (self.connection.cause(), answered) {
            (Some(Cause::RemoteClose(_) | Cause::SendFailed), Some(close)) => {
                let messages = self.connection.unsent_messages() + waiting;
                if messages > 0 {
                    let context = self.context();
                    return Err(SessionError::Unsent { authority, messages, close, context });
                }
                self.judge(close)
            }
            (Some(Cause::LocalClose), Some(close)) => {
                if Some(close.code) == self.our_code {
                    Ok(())
                } else {
                    self.judge(close)
                }
            }
            (Some(Cause::LocalClose), None) if self.connection.unsent_messages() + waiting > 0 => {
                let messages = self.connection.unsent_messages() + waiting;
                Err(SessionError::Unread { authority, carrier, messages })
            }
            (None | Some(Cause::LocalClose | Cause::RemoteClose(_)), None) => Ok(()),
            (None, Some(close)) => self.judge(close),
            (Some(Cause::SendFailed), None) if carrier == Version::Http2 && self.eof => {
                // The end of the peer's side says why sending failed.
                Err(match self.receive_error.take() {
                    Some(cause) => SessionError::receive(authority, cause, inside_message, quiet),
                    None => SessionError::NoClose { authority, carrier, inside_message, quiet },
                })
            }
            (Some(Cause::SendFailed), None) => {
                let cause = self.send_error.take().unwrap_or_else(|| io::ErrorKind::Other.into());
                Err(SessionError::Send { authority, cause })
            }
            (Some(Cause::Violation(violation)), _) => {
                let told = self.our_code.is_none();
                Err(SessionError::Protocol { authority, violation: *violation, told })
            }
            (Some(Cause::PongTimeout), _) => {
                let limit = self.settings.ping_timeout.unwrap_or_default();
                Err(SessionError::PongTimeout { authority, limit })
            }
            (Some(Cause::TransportEnded), _) => match self.receive_error.take() {
                Some(cause) => Err(SessionError::receive(authority, cause, inside_message, quiet)),
                None => Err(SessionError::NoClose { authority, carrier, inside_message, quiet }),
            },
        }
    }
}
