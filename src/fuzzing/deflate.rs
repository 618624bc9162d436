//! Compression of messages.

use super::input::{Input, chunks};
use crate::{
    decode::{ContentDecoder, DecodeFault, Encoding},
    proto::{
        Kind,
        deflate::{Deflater, Inflater},
        extension::Side,
    },
};

/// Inflates any bytes with little room: no step produces more than its room, every step makes
/// progress, and the result does not depend on the steps.
pub(super) fn inflater(data: &[u8]) {
    let mut input = Input::new(data);
    let (room, seed) = (usize::from(input.byte()) + 1, input.number());
    let bytes = input.rest();
    let (whole, result) = inflate(&[bytes], 32 << 10);
    let (parts, same) = inflate(&chunks(bytes, seed), room);
    assert_eq!(parts, whole);
    assert_eq!(same, result);
}

/// Inflates a message in chunks, up to [`LIMIT`]. The result is `None` if the limit ended it.
fn inflate(chunks: &[&[u8]], room: usize) -> (Vec<u8>, Option<bool>) {
    let mut inflater = Inflater::new(Side { window_bits: 15, keeps_context: true });
    let mut inflated = Vec::new();
    let mut buffer = Vec::new();
    inflater.begin();
    let empty: [&[u8]; 1] = [&[]];
    let chunks = if chunks.is_empty() { &empty } else { chunks };
    for (number, chunk) in chunks.iter().enumerate() {
        buffer.extend_from_slice(chunk);
        let is_last = number + 1 == chunks.len();
        loop {
            let Ok(used) = inflater.inflate(&buffer, is_last, room) else {
                return (inflated, Some(false));
            };
            let made = inflater.output().len();
            assert!(made <= room);
            let range = inflater.take(made);
            inflated.extend_from_slice(inflater.taken(range));
            buffer.drain(..used);
            if inflated.len() > LIMIT {
                inflated.truncate(LIMIT);
                return (inflated, None);
            }
            if inflater.is_broken() {
                return (inflated, Some(false));
            }
            // With a full output, more may follow.
            if made < room {
                assert!(buffer.is_empty(), "{} bytes are left", buffer.len());
                break;
            }
        }
    }
    (inflated, Some(inflater.has_ended()))
}

/// Compresses messages and inflates them again.
pub(super) fn deflater(data: &[u8]) {
    let mut input = Input::new(data);
    let bits = input.byte();
    let side = Side { window_bits: 9 + bits % 7, keeps_context: bits & 8 != 0 };
    let mut deflater = Deflater::new(side, 1 + u32::from(bits >> 4) % 9, 0);
    let mut inflater = Inflater::new(side);
    while !input.is_empty() {
        let (length, times) = (usize::from(input.byte()), usize::from(input.byte()));
        let message = input.take(length).repeat(times + 1);
        let mut compressed = Vec::new();
        if times % 2 == 0 {
            deflater.message(&message);
        } else {
            deflater.begin();
            for part in message.chunks(17 + length) {
                deflater.push(part);
                let ready = deflater.output().len() / 2;
                compressed.extend_from_slice(&deflater.output()[..ready]);
                deflater.discard(ready);
            }
            deflater.end();
        }
        compressed.extend_from_slice(deflater.output());
        deflater.release();
        inflater.begin();
        let mut inflated = Vec::new();
        let mut rest = &compressed[..];
        loop {
            let used = inflater.inflate(rest, true, 1 + times * 3);
            let used = used.unwrap_or_else(|_| panic!("our own output is valid"));
            rest = &rest[used..];
            let range = inflater.take(inflater.output().len());
            inflated.extend_from_slice(inflater.taken(range));
            if inflater.has_ended() {
                break;
            }
        }
        assert_eq!(inflated, message);
        inflater.release_memory();
    }
}

/// Decodes a binary message for display: within its limit, and `MessagePack` to JSON.
pub(super) fn content(data: &[u8]) {
    let mut input = Input::new(data);
    let encoding = match input.byte() % 5 {
        0 => Encoding::Gzip,
        1 => Encoding::Zlib,
        2 => Encoding::Deflate,
        3 => Encoding::Msgpack,
        _ => Encoding::Auto,
    };
    let message = input.rest();
    let mut decoder = ContentDecoder::new(encoding, LIMIT as u64);
    match decoder.decode(message) {
        Ok((kind, decoded)) => {
            assert!(decoded.len() <= LIMIT);
            if kind == Kind::Text {
                assert!(std::str::from_utf8(decoded).is_ok());
            }
            if matches!(encoding, Encoding::Msgpack) {
                let json = serde_json::from_slice::<&serde_json::value::RawValue>(decoded);
                json.unwrap_or_else(|fault| panic!("not JSON: {fault}"));
            }
        }
        Err(DecodeFault::TooLong(_) | DecodeFault::Encoding(_)) => {}
    }
}

/// The greatest length of a decoded message.
const LIMIT: usize = 64 << 10;
