//! Decoding of received binary messages (`--decode`), with a note about the first that fails.

use crate::{
    decode::{ContentDecoder, DecodeFault, Encoding},
    job::ClientJob,
    proto::{Kind, Piece},
};

/// Decodes the messages of a run.
#[derive(Debug)]
pub(crate) struct Decoding {
    decoder: ContentDecoder,
    noted: bool,
}

/// A whole message to show.
pub(super) struct ShownMessage<'a> {
    /// The message, decoded if possible.
    pub(super) piece: Piece<'a>,
    /// True if it was decoded.
    pub(super) is_decoded: bool,
    /// A note about the message.
    pub(super) note: Option<String>,
}

impl Decoding {
    /// Returns the decoder of a client, if it has one.
    pub(crate) fn of(client: &ClientJob) -> Option<Self> {
        client.decoder().map(|decoder| Self { decoder, noted: false })
    }

    /// Prepares for another session.
    pub(super) fn restart(&mut self) {
        self.decoder.restart();
    }

    /// Adds a piece of a binary message. Returns the message once it is complete.
    pub(super) fn push<'a>(&'a mut self, piece: &Piece<'a>) -> Option<ShownMessage<'a>> {
        let decoded = self.decoder.push(piece)?;
        let note = decoded.result.err().filter(|_| !self.noted).and_then(note);
        self.noted |= note.is_some();
        let is_decoded = decoded.result.is_ok();
        Some(ShownMessage { piece: decoded.piece, is_decoded, note })
    }
}

/// Decodes a piece if it belongs to a binary message and messages are decoded. Returns `None` for a
/// message that is not complete.
pub(super) fn shown<'a>(
    decoding: Option<&'a mut Decoding>,
    piece: Piece<'a>,
) -> Option<ShownMessage<'a>> {
    match decoding {
        Some(decoding) if piece.kind == Kind::Binary => decoding.push(&piece),
        _ => Some(ShownMessage { piece, is_decoded: false, note: None }),
    }
}

fn note(fault: DecodeFault) -> Option<String> {
    let fault = match fault {
        DecodeFault::Encoding(Encoding::Auto) => return None,
        DecodeFault::Encoding(encoding) => format!("is not {}", encoding.name()),
        DecodeFault::TooLong(limit) => {
            format!("decodes to more than {limit} bytes, the limit of --max-message")
        }
    };
    Some(format!("a binary message {fault}: such messages are shown as received (--decode)"))
}
