//! Bodies of responses that do not open a session or a tunnel, for error messages.

use super::transport::Transport;
use crate::proto::{handshake::Response, slice::Within};
use flate2::read::{GzDecoder, ZlibDecoder};
use std::{io::Read as _, time::Duration};
use tokio::{io::AsyncReadExt as _, time::timeout};

/// Reads a response body up to its end, [`MAX_BODY_BYTES`] or [`BODY_LIMIT`], whichever is first.
/// `bytes` is the part of it that was received with the head. The content codings gzip and deflate
/// are decoded; with another one, the result is empty.
pub(crate) async fn read(
    transport: &mut dyn Transport,
    response: &Response,
    mut bytes: Vec<u8>,
) -> Vec<u8> {
    let is_encoded = |name: &&str| !name.eq_ignore_ascii_case("identity");
    let mut codings = response.headers.list("Content-Encoding").filter(is_encoded);
    let coding = match (codings.next(), codings.next()) {
        (None, _) => None,
        (Some(coding), None) if Coding::parse(coding).is_some() => Coding::parse(coding),
        _ => return Vec::new(),
    };
    if matches!(response.status, 204 | 304) {
        return Vec::new();
    }
    let chunked = response.headers.has_token("Transfer-Encoding", "chunked");
    let length = response.headers.get("Content-Length").and_then(|n| n.trim().parse().ok());
    let wanted = match length {
        Some(length) if !chunked => MAX_BODY_BYTES.min(length),
        _ => MAX_BODY_BYTES,
    };
    let read = async {
        let mut buffer = vec![0; MAX_BODY_BYTES];
        while bytes.len() < wanted && !(chunked && bytes.ends_with(b"0\r\n\r\n")) {
            match transport.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => bytes.extend_from_slice(buffer.within(..n)),
            }
        }
    };
    // If the body is late, the part received so far is shown.
    let _ = timeout(BODY_LIMIT, read).await;
    bytes.truncate(wanted);
    let bytes = if chunked { decode_chunked(&bytes) } else { bytes };
    match coding {
        Some(coding) => coding.decode(&bytes),
        None => bytes,
    }
}

/// A content coding that can be decoded (RFC 9110, 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    /// Decodes the first [`MAX_BODY_BYTES`] of a body, which may be cut off anywhere.
    fn decode(self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let limit = MAX_BODY_BYTES as u64;
        // The text before a fault is kept.
        let _ = match self {
            Self::Gzip => GzDecoder::new(bytes).take(limit).read_to_end(&mut text),
            Self::Deflate => ZlibDecoder::new(bytes).take(limit).read_to_end(&mut text),
        };
        text
    }
}

/// Decodes a chunked body, which may be cut off anywhere (RFC 9112, 7.1).
fn decode_chunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let (size, rest) = bytes.split_at(end);
        let size = String::from_utf8_lossy(size);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let rest = rest.within(2..);
        if size == 0 {
            break;
        }
        body.extend_from_slice(rest.get(..size).unwrap_or(rest));
        bytes = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

/// The largest part of a body that is read.
pub const MAX_BODY_BYTES: usize = 4 << 10;
/// The time limit for receiving a body.
pub const BODY_LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    #[test]
    fn decodes_the_start_of_a_compressed_body() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&b"Access denied. ".repeat(10_000)).unwrap();
        let body = gzip.finish().unwrap();
        for end in [body.len(), body.len() - 8, body.len() / 2] {
            let text = Coding::Gzip.decode(&body[..end]);
            assert!(text.starts_with(b"Access denied. Access"), "{end}");
            assert!(text.len() <= MAX_BODY_BYTES, "{end}");
        }
        assert_eq!(Coding::parse("br"), None);
        assert_eq!(Coding::Gzip.decode(b"not gzip"), b"");
        assert_eq!(Coding::Deflate.decode(b""), b"");
    }

    #[test]
    fn joins_chunks_of_incomplete_bodies() {
        assert_eq!(decode_chunked(b"5\r\nhello\r\n4;x=y\r\n you\r\n0\r\n\r\n"), b"hello you");
        assert_eq!(decode_chunked(b"5\r\nhel"), b"hel");
        assert_eq!(decode_chunked(b"zz\r\nhel"), b"");
        assert_eq!(decode_chunked(b"ffffffffffffffff\r\nhel"), b"hel");
        assert_eq!(decode_chunked(b""), b"");
    }
}
