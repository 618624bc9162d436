//! How a session ended.

use super::Session;
use crate::{
    error::{Circumstances, Error, Stage, Step},
    proto::{Cause, Close, handshake::Version},
};
use std::io;

impl Session {
    /// The error that this Close of the peer is.
    pub fn closed(&self, close: Close) -> Error {
        let circumstances = self.circumstances();
        Error::Closed { authority: self.authority.clone(), close, circumstances }
    }

    fn circumstances(&self) -> Option<Box<Circumstances>> {
        let received = self.connection.tallies().0.messages();
        self.circumstances.clone().map(|it| Box::new(Circumstances { received, ..it }))
    }

    fn judge(&self, close: Close) -> Result<(), Error> {
        if close.code.is_error() { Err(self.closed(close)) } else { Ok(()) }
    }

    /// How the session ended, when it is over. `waiting`: messages the caller had still to send.
    /// The first cause decides; that we had begun to close does not excuse what came after.
    pub fn verdict(&mut self, waiting: usize) -> Result<(), Error> {
        let (authority, carrier, silence) =
            (self.authority.clone(), self.carrier, self.last_silence);
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
                    let circumstances = self.circumstances();
                    return Err(Error::Unsent { authority, messages, close, circumstances });
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
                Err(Error::Unread { authority, carrier, messages })
            }
            (None | Some(Cause::LocalClose | Cause::RemoteClose(_)), None) => Ok(()),
            (None, Some(close)) => self.judge(close),
            (Some(Cause::SendFailed), None) if carrier == Version::Http2 && self.eof => {
                // Why nothing could be sent is known by what was received last.
                Err(match self.receive_error.take() {
                    Some(cause) => Error::receive(authority, cause, stage, silence),
                    None => Error::NoClose { authority, carrier, inside_message, silence },
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
                Some(cause) => Err(Error::receive(authority, cause, stage, silence)),
                None => Err(Error::NoClose { authority, carrier, inside_message, silence }),
            },
        }
    }
}
