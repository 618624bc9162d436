//! A request over HTTP/2 in which everything can be wrong. The library sends only what is right.

use crate::{
    net::{Transport, http2::ErrorCode},
    proto::headers::Headers,
};
use std::{fmt, io};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Duration, timeout},
};

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Http2Answer {
    /// A response with this status.
    Status(u16),
    /// The stream was reset, for this reason.
    Reset(u32),
    /// The connection was ended with a GOAWAY, for this reason.
    GoAway(u32),
    /// The connection ended.
    End,
    /// Nothing arrived within this time.
    Silence(Duration),
}

impl Http2Answer {
    /// Reports whether the request was accepted.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}

impl fmt::Display for Http2Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP/2 {status}"),
            Self::Reset(code) => write!(f, "RST_STREAM {}", ErrorCode((*code).into())),
            Self::GoAway(code) => write!(f, "GOAWAY {}", ErrorCode((*code).into())),
            Self::End => f.write_str("the end of the connection"),
            Self::Silence(time) => write!(f, "nothing within {:.1} s", time.as_secs_f64()),
        }
    }
}

/// Sends these fields as a request on a new connection, and returns the answer.
pub(crate) async fn ask(
    mut transport: Box<dyn Transport>,
    fields: &Headers,
    patience: Duration,
) -> Http2Answer {
    match timeout(patience, exchange(&mut transport, fields)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Http2Answer::End,
        Err(_) => Http2Answer::Silence(patience),
    }
}

async fn exchange(stream: &mut Box<dyn Transport>, fields: &Headers) -> io::Result<Http2Answer> {
    let preface = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&preface).await?;
    stream.flush().await?;
    let mut received = Vec::new();
    let mut is_sent = false;
    loop {
        while let Some((kind, flags, id, payload)) = take_frame(&mut received) {
            match (kind, id) {
                (SETTINGS, _) if flags & ACK == 0 => {
                    stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?;
                    // A client has to see SETTINGS before it sends an extended CONNECT.
                    if !std::mem::replace(&mut is_sent, true) {
                        let block = encode(fields);
                        stream.write_all(&frame(HEADERS, END_HEADERS, 1, &block)).await?;
                    }
                    stream.flush().await?;
                }
                (PING, _) if flags & ACK == 0 => {
                    stream.write_all(&frame(PING, ACK, 0, &payload)).await?;
                    stream.flush().await?;
                }
                (GOAWAY, _) => return Ok(Http2Answer::GoAway(number(payload.get(4..)))),
                (RST_STREAM, 1) => return Ok(Http2Answer::Reset(number(Some(&payload)))),
                (HEADERS, 1) => {
                    let start = usize::from(flags & PADDED != 0)
                        + if flags & PRIORITY == 0 { 0 } else { 5 };
                    let status = status(payload.get(start..).unwrap_or_default()).unwrap_or(0);
                    if status == 0 || status >= 200 {
                        return Ok(Http2Answer::Status(status));
                    }
                }
                _ => {}
            }
        }
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(Http2Answer::End);
        }
    }
}

fn number(bytes: Option<&[u8]>) -> u32 {
    bytes.and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Returns a frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    let length = length.get(1..).unwrap_or_default();
    [length, &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

type Frame = (u8, u8, u32, Vec<u8>);

/// Removes the first frame, if it is complete.
fn take_frame(bytes: &mut Vec<u8>) -> Option<Frame> {
    let [a, b, c, kind, flags, stream @ ..] = *bytes.first_chunk::<FRAME_HEADER_BYTES>()?;
    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    let payload = bytes.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + length)?.to_vec();
    bytes.drain(..FRAME_HEADER_BYTES + length);
    Some((kind, flags, u32::from_be_bytes(stream) & 0x7fff_ffff, payload))
}

/// Encodes fields as literals without a table and without Huffman codes (RFC 7541, 6.2.2).
fn encode(fields: &Headers) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields.iter() {
        block.push(0);
        for text in [name.as_bytes(), value.as_bytes()] {
            // A length of seven bits, and the rest of a longer one (RFC 7541, 5.1).
            match text.len() {
                short @ 0..127 => block.push(short as u8),
                long => {
                    block.push(127);
                    let mut rest = long - 127;
                    while rest >= 128 {
                        block.push((rest % 128) as u8 | 128);
                        rest /= 128;
                    }
                    block.push(rest as u8);
                }
            }
            block.extend_from_slice(text);
        }
    }
    block
}

/// Returns the status of a response, which is its first field.
fn status(block: &[u8]) -> Option<u16> {
    let mut block = block;
    // Changes of the size of the table may precede it (RFC 7541, 6.3).
    while let [byte @ 0x20..=0x3f, rest @ ..] = block {
        let is_long = byte & 0x1f == 0x1f;
        let length = rest.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        block = rest.get(if is_long { length } else { 0 }..)?;
    }
    match *block {
        [index @ 0x88..=0x8e, ..] => STATUS_TABLE.get(usize::from(index - 0x88)).copied(),
        // A literal with the name in the table.
        [0x08 | 0x18 | 0x48, length, ref value @ ..] => {
            let text = value.get(..usize::from(length & 0x7f))?;
            let digits = if length & 0x80 == 0 { text.to_vec() } else { huffman_digits(text)? };
            std::str::from_utf8(&digits).ok()?.parse().ok()
        }
        // A literal with the name spelled out.
        [0x00 | 0x10 | 0x40, 7, b':', b's', b't', b'a', b't', b'u', b's', 3, a, b, c, ..] => {
            std::str::from_utf8(&[a, b, c]).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// Decodes three digits (RFC 7541, B): 0 to 2 have five bits, the others six.
fn huffman_digits(bytes: &[u8]) -> Option<Vec<u8>> {
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)).collect();
    let mut digits = Vec::new();
    let mut at = 0;
    while digits.len() < 3 {
        let value = |length: usize| {
            let code = bits.get(at..at + length)?;
            Some(code.iter().fold(0, |code, bit| code << 1 | bit))
        };
        match (value(5)?, value(6)) {
            (short @ 0..=2, _) => {
                digits.push(b'0' + short);
                at += 5;
            }
            (_, Some(long @ 0x19..=0x1f)) => {
                digits.push(b'3' + long - 0x19);
                at += 6;
            }
            _ => return None,
        }
    }
    Some(digits)
}

/// The start of a connection (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER_BYTES: usize = 9;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;
/// The values of `:status` in the static table (RFC 7541, A), from index 8 on.
const STATUS_TABLE: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use tokio::io::duplex;

    #[test]
    fn a_status_has_many_forms() {
        for (block, expected) in [
            (&hex!("88")[..], 200),
            (&hex!("20 8d"), 404),
            (&hex!("3f e1 1f 88"), 200),
            (&hex!("48 03 35 30 31"), 501),
            // RFC 7541, C.6.1: 302.
            (&hex!("48 82 64 02"), 302),
            (&hex!("08 83 64 0e ff"), 307),
        ] {
            assert_eq!(status(block), Some(expected), "{block:02x?}");
        }
        assert_eq!(status(b""), None);
    }

    #[test]
    fn fields_are_encoded_as_they_are() {
        let long = "v".repeat(300);
        let fields = Headers::of(&[(":path", "/"), ("X", &long)]);
        let block = encode(&fields);
        assert!(block.starts_with(&hex!("00 05 3a 70 61 74 68 01 2f 00 01 58 7f ad 01")));
        assert_eq!(block.len(), 15 + 300);
    }

    #[tokio::test]
    async fn a_request_follows_the_settings_and_its_answer_is_told() {
        for (answer, expected) in [
            (frame(HEADERS, END_HEADERS, 1, &[0x88]), Http2Answer::Status(200)),
            (frame(RST_STREAM, 0, 1, &[0, 0, 0, 1]), Http2Answer::Reset(1)),
            (frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2]), Http2Answer::GoAway(2)),
            (Vec::new(), Http2Answer::End),
        ] {
            let (ours, mut theirs) = duplex(1 << 16);
            let fields = Headers::of(&[(":method", "CONNECT")]);
            let asked =
                tokio::spawn(
                    async move { ask(Box::new(ours), &fields, Duration::from_secs(5)).await },
                );
            let mut preface = [0; 24 + 9];
            theirs.read_exact(&mut preface).await.unwrap();
            theirs.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
            let mut request = [0; 9 + 9 + 17];
            theirs.read_exact(&mut request).await.unwrap();
            assert!(request.ends_with(b"\x07CONNECT"));
            theirs.write_all(&answer).await.unwrap();
            drop(theirs);
            assert_eq!(asked.await.unwrap(), expected);
        }
        let words = ["RST_STREAM PROTOCOL_ERROR", "GOAWAY INTERNAL_ERROR"];
        let shown =
            [Http2Answer::Reset(1), Http2Answer::GoAway(2)].map(|answer| answer.to_string());
        assert_eq!(shown, words);
    }
}
