//! The start of the body of an answer that does not open a session, for a person to read.

use crate::{
    net::Transport,
    proto::{handshake::Response, slice::Within},
};
use std::time::Duration;
use tokio::{io::AsyncReadExt as _, time::timeout};

/// The start of the body of an answer that does not upgrade: what it has, [`BODY`] bytes, or what
/// comes in [`BODY_TIME`].
pub(super) async fn read(
    transport: &mut dyn Transport,
    response: &Response,
    mut bytes: Vec<u8>,
) -> Vec<u8> {
    let is_encoded = |name: &str| !name.eq_ignore_ascii_case("identity");
    if matches!(response.status, 204 | 304)
        || response.headers.list("Content-Encoding").any(is_encoded)
    {
        // There is none, or none that a person could read.
        return Vec::new();
    }
    let chunked = response.headers.has_token("Transfer-Encoding", "chunked");
    let length = response.headers.get("Content-Length").and_then(|n| n.trim().parse().ok());
    let wanted = match length {
        Some(length) if !chunked => BODY.min(length),
        _ => BODY,
    };
    let read = async {
        let mut buffer = vec![0; BODY];
        while bytes.len() < wanted && !(chunked && bytes.ends_with(b"0\r\n\r\n")) {
            match transport.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => bytes.extend_from_slice(buffer.within(..n)),
            }
        }
    };
    // What has come by then is shown.
    let _ = timeout(BODY_TIME, read).await;
    bytes.truncate(wanted);
    if chunked { unchunked(&bytes) } else { bytes }
}

/// The data of a chunked body as far as it goes (RFC 9112, 7.1).
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
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

/// Bytes of a body that are read.
const BODY: usize = 4 << 10;
/// How long a body is waited for.
const BODY_TIME: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_as_far_as_they_go() {
        assert_eq!(unchunked(b"5\r\nhello\r\n4;x=y\r\n you\r\n0\r\n\r\n"), b"hello you");
        assert_eq!(unchunked(b"5\r\nhel"), b"hel");
        assert_eq!(unchunked(b"zz\r\nhel"), b"");
        assert_eq!(unchunked(b"ffffffffffffffff\r\nhel"), b"hel");
        assert_eq!(unchunked(b""), b"");
    }
}
