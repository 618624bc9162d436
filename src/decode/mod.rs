//! Decoding of binary messages for display (`--decode`).

mod encoding;
mod fault;
mod inflate;
mod msgpack;

pub use encoding::Encoding;
pub use fault::DecodeFault;

use crate::proto::{Assembler, Kind, Piece};
use inflate::ContentInflater;

/// Decodes the binary messages of a session. A message and its decoded form are held in memory, each
/// up to a limit.
#[derive(Debug)]
pub struct ContentDecoder {
    encoding: Encoding,
    /// The greatest length of a decoded message, in bytes.
    limit: usize,
    assembler: Assembler,
    inflater: ContentInflater,
    decoded: Vec<u8>,
}

impl ContentDecoder {
    /// Creates a decoder whose messages have at most `limit` bytes.
    pub fn new(encoding: Encoding, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(MAX_DECODED_BYTES);
        let (assembler, inflater) = (Assembler::default(), ContentInflater::default());
        Self { encoding, limit, assembler, inflater, decoded: Vec::new() }
    }

    /// Prepares for another session, whose messages do not continue those of the last one.
    pub fn restart(&mut self) {
        self.assembler = Assembler::default();
        self.inflater = ContentInflater::default();
    }

    /// Adds a piece of a received binary message. Returns the message once it is complete, as one
    /// piece: decoded, or as received if it cannot be decoded.
    pub fn push<'a>(&'a mut self, piece: &Piece<'a>) -> Option<DecodedPiece<'a>> {
        let Self { encoding, limit, assembler, inflater, decoded } = self;
        let message = assembler.push(piece)?;
        let result = decode(*encoding, message, *limit, inflater, decoded);
        let (kind, payload) = match &result {
            Ok(()) => (kind_of(decoded), decoded.as_slice()),
            Err(_) => (Kind::Binary, message),
        };
        let piece = Piece { kind, payload, first: true, ..*piece };
        Some(DecodedPiece { piece, result })
    }

    /// Decodes a whole message. Returns its type and content.
    pub fn decode(&mut self, message: &[u8]) -> Result<(Kind, &[u8]), DecodeFault> {
        let Self { encoding, limit, inflater, decoded, .. } = self;
        decode(*encoding, message, *limit, inflater, decoded)?;
        Ok((kind_of(decoded), decoded))
    }
}

/// A whole message after decoding.
#[derive(Debug)]
pub struct DecodedPiece<'a> {
    /// The decoded message, or the received one after a fault.
    pub piece: Piece<'a>,
    /// The reason why it could not be decoded.
    pub result: Result<(), DecodeFault>,
}

fn decode(
    encoding: Encoding,
    message: &[u8],
    limit: usize,
    inflater: &mut ContentInflater,
    decoded: &mut Vec<u8>,
) -> Result<(), DecodeFault> {
    if decoded.capacity() > KEPT_CAPACITY_BYTES {
        *decoded = Vec::new();
    }
    decoded.clear();
    match encoding {
        Encoding::Gzip => inflate::gunzip(message, limit, decoded),
        Encoding::Zlib => inflater.inflate(inflate::ZLIB, message, limit, decoded),
        Encoding::Deflate if inflate::looks_like_zlib(message) => {
            inflater.inflate(inflate::ZLIB_OR_RAW, message, limit, decoded)
        }
        Encoding::Deflate => inflater.inflate(inflate::RAW, message, limit, decoded),
        Encoding::Msgpack => msgpack::to_json(message, limit, decoded),
        Encoding::Auto if inflate::looks_like_gzip(message) => {
            inflate::gunzip(message, limit, decoded)
        }
        Encoding::Auto if inflater.is_begun() || inflate::looks_like_zlib(message) => {
            inflater.inflate(inflate::ZLIB, message, limit, decoded)
        }
        Encoding::Auto if msgpack::is_collection(message) => {
            msgpack::to_json(message, limit, decoded)
        }
        Encoding::Auto => Err(DecodeFault::Encoding(encoding)),
    }
    .map_err(|fault| match fault {
        // The first bytes may be those of another format by chance.
        DecodeFault::Encoding(_) => DecodeFault::Encoding(encoding),
        fault @ DecodeFault::TooLong(_) => fault,
    })
}

fn kind_of(decoded: &[u8]) -> Kind {
    if std::str::from_utf8(decoded).is_ok() { Kind::Text } else { Kind::Binary }
}

/// The capacity that is kept between messages.
const KEPT_CAPACITY_BYTES: usize = 1 << 20;
/// The greatest length of a decoded message if messages have no limit.
const MAX_DECODED_BYTES: usize = 100 << 20;

#[cfg(test)]
mod tests;
