//! The bodies of HTTP/1.1 messages that are passed on: where one ends, and its content without the
//! coding of the transfer (RFC 9112, 6 and 7).

use super::{
    handshake::{Response, Version},
    headers::Headers,
    slice::Within as _,
};
use std::ops::Range;

/// The delimitation of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// It has this many bytes.
    Length(u64),
    /// It is chunked.
    Chunked,
    /// It ends with the connection.
    UntilEnd,
}

/// A body that breaks the rules of its framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedBody;

/// Finds the content in the bytes of a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyDecoder(State);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// This many bytes of content are left, and nothing follows them.
    Length(u64),
    UntilEnd,
    /// In the line with the size of a chunk.
    Size {
        size: u64,
        digits: u8,
        /// After the size, where extensions may be.
        is_after: bool,
    },
    /// In a chunk.
    Chunk(u64),
    /// In the end of the line after a chunk.
    ChunkEnd,
    /// In the trailer section, whose last line is empty.
    Trailer {
        is_empty: bool,
    },
    Done,
}

impl BodyFraming {
    /// Returns the framing of the body of a request. Fails for one that a server might read in
    /// another way (RFC 9112, 6.3).
    pub fn of_request(headers: &Headers) -> Result<Self, MalformedBody> {
        if headers.get("Transfer-Encoding").is_some() {
            let is_clear = headers.get("Content-Length").is_none() && is_chunked(headers);
            return if is_clear { Ok(Self::Chunked) } else { Err(MalformedBody) };
        }
        Ok(Self::Length(length(headers)?.unwrap_or(0)))
    }

    /// Returns the framing of the body of an answer to a request with this method.
    pub fn of_response(response: &Response, method: &str) -> Result<Self, MalformedBody> {
        let headers = &response.headers;
        if method == "HEAD" || response.status < 200 || matches!(response.status, 204 | 304) {
            return Ok(Self::Length(0));
        }
        if headers.get("Transfer-Encoding").is_some() && response.version != Version::Http2 {
            return Ok(if is_chunked(headers) { Self::Chunked } else { Self::UntilEnd });
        }
        Ok(length(headers)?.map_or(Self::UntilEnd, Self::Length))
    }
}

/// Reports whether a body is chunked and has no other coding.
fn is_chunked(headers: &Headers) -> bool {
    let mut codings = headers.list("Transfer-Encoding");
    let is_chunked = codings.next().is_some_and(|it| it.eq_ignore_ascii_case("chunked"));
    is_chunked && codings.next().is_none()
}

/// Returns the length of a body. Several fields must agree.
fn length(headers: &Headers) -> Result<Option<u64>, MalformedBody> {
    let mut found = None;
    for value in headers.list("Content-Length") {
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let length = value.parse().ok().filter(|_| is_number).ok_or(MalformedBody)?;
        if found.is_some_and(|other| other != length) {
            return Err(MalformedBody);
        }
        found = Some(length);
    }
    Ok(found)
}

impl BodyDecoder {
    /// Creates a decoder for a body with this framing.
    pub fn new(framing: BodyFraming) -> Self {
        Self(match framing {
            BodyFraming::Length(0) => State::Done,
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => SIZE,
            BodyFraming::UntilEnd => State::UntilEnd,
        })
    }

    /// Reports whether the body is complete.
    pub fn is_done(&self) -> bool {
        self.0 == State::Done
    }

    /// Reports whether the body may end with the connection here.
    pub fn may_end(&self) -> bool {
        matches!(self.0, State::Done | State::UntilEnd)
    }

    /// Reads bytes of the body. Returns how many were used, and the range of those that are content.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(usize, Range<usize>), MalformedBody> {
        let mut at = 0;
        loop {
            match &mut self.0 {
                State::Done => return Ok((at, at..at)),
                State::UntilEnd => return Ok((bytes.len(), at..bytes.len())),
                State::Length(left) | State::Chunk(left) if at < bytes.len() => {
                    let room = bytes.len() - at;
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(room);
                    *left -= taken as u64;
                    let (is_over, end) = (*left == 0, at + taken);
                    if is_over {
                        let in_chunk = matches!(self.0, State::Chunk(_));
                        self.0 = if in_chunk { State::ChunkEnd } else { State::Done };
                    }
                    return Ok((end, at..end));
                }
                _ => {}
            }
            let Some(byte) = bytes.within(at..).first() else { return Ok((at, at..at)) };
            self.0 = self.0.after(*byte)?;
            at += 1;
        }
    }
}

impl State {
    /// Returns the state after a byte of the chunked coding.
    fn after(self, byte: u8) -> Result<Self, MalformedBody> {
        Ok(match (self, byte) {
            (Self::Size { digits: 0, .. }, b'\n') => return Err(MalformedBody),
            (Self::Size { size: 0, .. }, b'\n') => Self::Trailer { is_empty: true },
            (Self::Size { size, .. }, b'\n') => Self::Chunk(size),
            (Self::Size { size, digits, is_after: false }, byte) => {
                match (byte as char).to_digit(16) {
                    Some(digit) if digits < MAX_SIZE_DIGITS => {
                        let size = (size << 4) | u64::from(digit);
                        Self::Size { size, digits: digits + 1, is_after: false }
                    }
                    None if digits > 0 && matches!(byte, b'\r' | b';' | b' ' | b'\t') => {
                        Self::Size { size, digits, is_after: true }
                    }
                    _ => return Err(MalformedBody),
                }
            }
            (Self::ChunkEnd, b'\n') => SIZE,
            (Self::ChunkEnd, b'\r') => Self::ChunkEnd,
            (Self::ChunkEnd, _) => return Err(MalformedBody),
            (Self::Trailer { is_empty: true }, b'\n') => Self::Done,
            (Self::Trailer { .. }, b'\n') => Self::Trailer { is_empty: true },
            (Self::Trailer { is_empty }, b'\r') => Self::Trailer { is_empty },
            (Self::Trailer { .. }, _) => Self::Trailer { is_empty: false },
            (other, _) => other,
        })
    }
}

/// Returns the line before a chunk with this many bytes.
pub fn chunk_head(length: usize) -> Vec<u8> {
    format!("{length:x}\r\n").into_bytes()
}

/// The end of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";
/// The last chunk, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// The start of the line before a chunk.
const SIZE: State = State::Size { size: 0, digits: 0, is_after: false };
/// The greatest number of digits of a size.
const MAX_SIZE_DIGITS: u8 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes a body that arrives in parts of this many bytes. Returns its content and the number of
    /// bytes used.
    fn decode(
        framing: BodyFraming,
        bytes: &[u8],
        part: usize,
    ) -> Result<(Vec<u8>, usize), MalformedBody> {
        let (mut decoder, mut content, mut used) = (BodyDecoder::new(framing), Vec::new(), 0);
        for mut bytes in bytes.chunks(part) {
            while !bytes.is_empty() && !decoder.is_done() {
                let (taken, range) = decoder.decode(bytes)?;
                content.extend_from_slice(&bytes[range]);
                bytes = &bytes[taken..];
                used += taken;
            }
        }
        Ok((content, used))
    }

    #[test]
    fn content_is_found_whatever_parts_arrive() {
        let chunked = b"5\r\nhello\r\n06 ; a=b\r\n world\r\n0\r\nX: y\r\n\r\nnext";
        for part in 1..chunked.len() {
            let decoded = decode(BodyFraming::Chunked, chunked, part).unwrap();
            assert_eq!(decoded, (b"hello world".to_vec(), chunked.len() - 4), "{part}");
            let decoded = decode(BodyFraming::Length(5), b"hello next", part).unwrap();
            assert_eq!(decoded, (b"hello".to_vec(), 5));
            let decoded = decode(BodyFraming::UntilEnd, b"all", part).unwrap();
            assert_eq!(decoded, (b"all".to_vec(), 3));
        }
    }

    #[test]
    fn malformed_chunks_are_rejected() {
        for bytes in
            [&b"x\r\n"[..], b"\r\n", b";a\r\n", b"5\r\nhellox", b"-1\r\n", b"1111111111111111\r\n"]
        {
            assert_eq!(decode(BodyFraming::Chunked, bytes, 1), Err(MalformedBody));
        }
    }

    /// Prevents that a request hides another one in its body.
    #[test]
    fn a_request_has_one_clear_framing() {
        let of = |fields: &[(&str, &str)]| BodyFraming::of_request(&Headers::of(fields));
        assert_eq!(of(&[]), Ok(BodyFraming::Length(0)));
        assert_eq!(of(&[("Content-Length", "7")]), Ok(BodyFraming::Length(7)));
        assert_eq!(of(&[("content-length", "7"), ("Content-Length", "7")]).unwrap(), {
            BodyFraming::Length(7)
        });
        assert_eq!(of(&[("transfer-encoding", "Chunked")]), Ok(BodyFraming::Chunked));
        for fields in [
            &[("Content-Length", "7"), ("Transfer-Encoding", "chunked")][..],
            &[("Content-Length", "7"), ("Content-Length", "8")],
            &[("Content-Length", "+7")],
            &[("Content-Length", "")],
            &[("Transfer-Encoding", "gzip, chunked")],
            &[("Transfer-Encoding", "chunked, identity")],
        ] {
            // An empty list has no elements, and is no length.
            let expected = if fields == [("Content-Length", "")] {
                Ok(BodyFraming::Length(0))
            } else {
                Err(MalformedBody)
            };
            assert_eq!(of(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn some_answers_have_no_body() {
        let of = |status: u16, method: &str, fields: &[(&str, &str)]| {
            let (version, reason) = (Version::Http11, String::new());
            let response = Response { version, status, reason, headers: Headers::of(fields) };
            BodyFraming::of_response(&response, method).unwrap()
        };
        assert_eq!(of(200, "HEAD", &[("Content-Length", "9")]), BodyFraming::Length(0));
        assert_eq!(of(304, "GET", &[("Content-Length", "9")]), BodyFraming::Length(0));
        assert_eq!(of(200, "GET", &[("Content-Length", "9")]), BodyFraming::Length(9));
        assert_eq!(of(401, "GET", &[("Transfer-Encoding", "chunked")]), BodyFraming::Chunked);
        assert_eq!(of(200, "GET", &[]), BodyFraming::UntilEnd);
    }
}
