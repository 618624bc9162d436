//! How a session ended.

use super::Session;
use crate::{
    error::{Error, Stage, Step},
    proto::{Cause, Close, handshake::Version},
};
use std::io;

impl Session {
    /// How the session ended, when it is over. `waiting`: messages the caller had still to send.
    /// The first cause decides; that we had begun to close does not excuse what came after.
    pub fn verdict(&mut self, waiting: usize) -> Result<(), Error> {
        let (authority, carrier) = (self.authority.clone(), self.carrier);
        if self.idle.for_good {
            let limit = self.settings.idle_timeout.unwrap_or_default();
            return Err(Error::Timeout { authority, step: Step::Idle, limit, own: false });
        }
        let inside_message = self.connection.is_inside_message();
        let stage = if inside_message { Stage::InsideMessage } else { Stage::Open };
        let answered = self.connection.remote_close().cloned();
        match (self.connection.cause(), answered) {
            (Some(Cause::RemoteClose(_) | Cause::SendFailed), Some(close)) => {
                let messages = self.connection.unsent_messages() + waiting;
                if messages > 0 {
                    return Err(Error::Unsent { authority, messages, close });
                }
                judge(authority, close)
            }
            (Some(Cause::LocalClose), Some(close)) => {
                if Some(close.code) == self.our_code {
                    Ok(())
                } else {
                    judge(authority, close)
                }
            }
            (Some(Cause::LocalClose), None) if self.connection.unsent_messages() + waiting > 0 => {
                let messages = self.connection.unsent_messages() + waiting;
                Err(Error::Unread { authority, carrier, messages })
            }
            (None | Some(Cause::LocalClose | Cause::RemoteClose(_)), None) => Ok(()),
            (None, Some(close)) => judge(authority, close),
            (Some(Cause::SendFailed), None) if carrier == Version::Http2 && self.eof => {
                // Why nothing could be sent is known by what was received last.
                Err(match self.receive_error.take() {
                    Some(cause) => Error::receive(authority, cause, stage),
                    None => Error::NoClose { authority, carrier, inside_message },
                })
            }
            (Some(Cause::SendFailed), None) => {
                let cause = self.send_error.take().unwrap_or_else(|| io::ErrorKind::Other.into());
                Err(Error::Send { authority, cause })
            }
            (Some(Cause::Violation(violation)), _) => {
                let told = self.our_code.is_none();
                Err(Error::Protocol { authority, violation: *violation, told })
            }
            (Some(Cause::PongTimeout), _) => {
                let limit = self.settings.ping_timeout.unwrap_or_default();
                Err(Error::Timeout { authority, step: Step::Pong, limit, own: false })
            }
            (Some(Cause::TransportEnded), _) => match self.receive_error.take() {
                Some(cause) => Err(Error::receive(authority, cause, stage)),
                None => Err(Error::NoClose { authority, carrier, inside_message }),
            },
        }
    }
}

fn judge(authority: String, close: Close) -> Result<(), Error> {
    if close.is_error() { Err(Error::Closed { authority, close }) } else { Ok(()) }
}
