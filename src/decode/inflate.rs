//! gzip, zlib and deflate, with a limit for their output.

use super::{encoding::Encoding, fault::DecodeFault};
use crate::proto::slice::Within;
use flate2::{Decompress, FlushDecompress, Status, read::MultiGzDecoder};
use std::io::Read as _;

/// Decompresses all members of a gzip file.
pub(super) fn gunzip(message: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), DecodeFault> {
    let fault = DecodeFault::Encoding(Encoding::Gzip);
    if message.is_empty() {
        return Err(fault);
    }
    let mut limited = MultiGzDecoder::new(message).take(limit as u64 + 1);
    limited.read_to_end(out).map_err(|_| fault)?;
    if out.len() > limit { Err(DecodeFault::TooLong(limit)) } else { Ok(()) }
}

/// Decompresses zlib and raw deflate. A stream that is flushed at the end of a message continues in
/// the next one, as in the gateway of Discord.
#[derive(Debug, Default)]
pub(super) struct ContentInflater {
    begun: Option<Decompress>,
}

impl ContentInflater {
    /// Reports whether the last message began a stream that it did not end.
    pub(super) fn is_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Decompresses a message: the continuation of a stream, or a new one with or without the header
    /// of zlib, in the order of `headers`.
    pub(super) fn inflate(
        &mut self,
        headers: &[bool],
        message: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeFault> {
        let new = headers.iter().map(|has_header| Decompress::new(*has_header));
        for mut stream in self.begun.take().into_iter().chain(new) {
            out.clear();
            match run(&mut stream, message, limit, out) {
                Ok(StreamState::Ended) => return Ok(()),
                Ok(StreamState::Flushed) => {
                    self.begun = Some(stream);
                    return Ok(());
                }
                Err(DecodeFault::Encoding(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(DecodeFault::Encoding(Encoding::Zlib))
    }
}

enum StreamState {
    Ended,
    /// Everything was decompressed, and more may follow.
    Flushed,
}

fn run(
    stream: &mut Decompress,
    message: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<StreamState, DecodeFault> {
    let fault = DecodeFault::Encoding(Encoding::Zlib);
    let mut rest = message;
    loop {
        out.reserve(STEP_BYTES);
        let before = stream.total_in();
        let status = stream.decompress_vec(rest, out, FlushDecompress::Sync).map_err(|_| fault)?;
        let used = usize::try_from(stream.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.within(used..);
        if out.len() > limit {
            return Err(DecodeFault::TooLong(limit));
        }
        if status == Status::StreamEnd {
            return if rest.is_empty() { Ok(StreamState::Ended) } else { Err(fault) };
        }
        if out.len() < out.capacity() {
            // With room left, only more input could continue.
            let is_flushed = rest.is_empty() && message.ends_with(&FLUSH);
            return if is_flushed { Ok(StreamState::Flushed) } else { Err(fault) };
        }
    }
}

/// Reports whether a message begins like gzip (RFC 1952, 2.3.1).
pub(super) fn looks_like_gzip(message: &[u8]) -> bool {
    message.starts_with(&[0x1f, 0x8b, 8])
}

/// Reports whether a message begins with a header of zlib without a dictionary (RFC 1950, 2.2).
pub(super) fn looks_like_zlib(message: &[u8]) -> bool {
    let &[method, flags, _, ..] = message else { return false };
    let is_deflate = method & 0x0f == 8 && method >> 4 <= 7;
    is_deflate && flags & 0x20 == 0 && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}

/// The headers to try for a new stream: that of zlib if true, none if false.
pub(super) const ZLIB: &[bool] = &[true];
pub(super) const RAW: &[bool] = &[false];
pub(super) const ZLIB_OR_RAW: &[bool] = &[true, false];
/// The end of a stream that was flushed but not ended.
const FLUSH: [u8; 4] = [0, 0, 0xff, 0xff];
/// The room for output of each step.
const STEP_BYTES: usize = 32 << 10;
