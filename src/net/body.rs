//! Bodies of responses that do not open a session or a tunnel, for error messages.

use super::transport::Transport;
use crate::proto::{handshake::Response, slice::Within};
use std::time::Duration;
use tokio::{io::AsyncReadExt as _, time::timeout};

/// Reads a response body up to its end, [`MAX_BODY_BYTES`] or [`BODY_LIMIT`], whichever is first.
/// `bytes` is the part of it that was received with the head. The result is empty if the body is
/// compressed.
pub(crate) async fn read(
    transport: &mut dyn Transport,
    response: &Response,
    mut bytes: Vec<u8>,
) -> Vec<u8> {
    let is_encoded = |name: &str| !name.eq_ignore_ascii_case("identity");
    if matches!(response.status, 204 | 304)
        || response.headers.list("Content-Encoding").any(is_encoded)
    {
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
    if chunked { decode_chunked(&bytes) } else { bytes }
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

    #[test]
    fn joins_chunks_of_incomplete_bodies() {
        assert_eq!(decode_chunked(b"5\r\nhello\r\n4;x=y\r\n you\r\n0\r\n\r\n"), b"hello you");
        assert_eq!(decode_chunked(b"5\r\nhel"), b"hel");
        assert_eq!(decode_chunked(b"zz\r\nhel"), b"");
        assert_eq!(decode_chunked(b"ffffffffffffffff\r\nhel"), b"hel");
        assert_eq!(decode_chunked(b""), b"");
    }
}
