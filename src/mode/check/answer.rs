//! Answers to requests of an opening handshake over HTTP/1.1.

use super::draft::{ACCEPT, RequestDraft};
use crate::{
    escape::Escaped,
    net::Transport,
    proto::{
        excerpt::Excerpt,
        handshake::{Response, Version},
        upgrade::{is_worth_parsing, parse_response},
    },
};
use std::{fmt, io, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep, timeout_at},
};

/// What a server answered to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The head of a response, and the stream that it came from.
    Response(Box<Response>, Vec<u8>, Box<dyn Transport>),
    /// Bytes that are not a response.
    NotHttp(Vec<u8>),
    /// HTTP/2 failed, in these words.
    Http2(String),
    /// The connection ended before a response.
    Cut {
        /// The server reset the connection.
        reset: bool,
    },
    /// Nothing arrived within this time.
    Silence(Duration),
}

impl Answer {
    /// Sends a request and reads the answer until the deadline.
    pub(crate) async fn to(
        draft: &RequestDraft,
        mut transport: Box<dyn Transport>,
        patience: Duration,
    ) -> Self {
        let bytes = draft.encode();
        let parts = bytes.chunks(bytes.len().div_ceil(draft.parts.max(1)).max(1));
        let pauses = u32::try_from(parts.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let pauses = draft.pause.saturating_mul(pauses);
        let deadline = Instant::now() + patience.saturating_add(pauses);
        for (number, part) in parts.enumerate() {
            if number > 0 {
                sleep(draft.pause).await;
            }
            let sent = async {
                transport.write_all(part).await?;
                transport.flush().await
            };
            // The server may have answered before it closed the connection.
            if !matches!(timeout_at(deadline, sent).await, Ok(Ok(()))) {
                break;
            }
        }
        let mut received = Vec::new();
        loop {
            let mut before = received.len();
            match timeout_at(deadline, transport.read_buf(&mut received)).await {
                Err(_) if received.is_empty() => return Self::Silence(patience),
                Ok(Ok(0)) if received.is_empty() => return Self::Cut { reset: false },
                Err(_) | Ok(Ok(0)) => return Self::NotHttp(received),
                Ok(Err(cause)) => {
                    return Self::Cut { reset: cause.kind() == io::ErrorKind::ConnectionReset };
                }
                Ok(Ok(_)) => {}
            }
            while is_worth_parsing(&received, before) {
                match parse_response(&received) {
                    Ok(None) if received.len() < HEAD_BYTES => break,
                    Ok(None) | Err(_) => return Self::NotHttp(received),
                    Ok(Some((response, length))) => {
                        let rest = received.split_off(length.min(received.len()));
                        if response.status >= 200 || response.status == 101 {
                            return Self::Response(Box::new(response), rest, transport);
                        }
                        // An interim response precedes the final one.
                        (received, before) = (rest, 0);
                    }
                }
            }
        }
    }

    /// Returns the status of the response, if it is one.
    pub(crate) fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// Returns the head of the response, if it is one.
    pub(crate) fn response(&self) -> Option<&Response> {
        match self {
            Self::Response(response, ..) => Some(response),
            _ => None,
        }
    }

    /// Reports whether the answer says that the server has too many clients or requests.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(self.status(), Some(429 | 503))
    }
}

/// Reports whether a response opens a session, rather than switching to another protocol.
pub(crate) fn opens_session(response: &Response) -> bool {
    if response.version == Version::Http2 {
        return (200..300).contains(&response.status);
    }
    response.status == 101
        && response.headers.get("Upgrade").is_none_or(|upgrade| {
            upgrade.split(',').any(|name| name.trim().eq_ignore_ascii_case("websocket"))
        })
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response(response, ..) => {
                let Response { version, status, reason, headers } = &**response;
                write!(f, "{version} {status} {}", Escaped(&Excerpt(reason).to_string()))?;
                let shown = [ACCEPT, "Sec-WebSocket-Version", "Upgrade", "Location", "Server"];
                for name in shown {
                    if let Some(value) = headers.get(name) {
                        write!(f, ", {name}: {}", Escaped(&Excerpt(value).to_string()))?;
                    }
                }
                Ok(())
            }
            Self::Http2(words) => f.write_str(words),
            Self::NotHttp(bytes) => {
                let start = String::from_utf8_lossy(bytes);
                write!(f, "not a response: '{}'", Escaped(&Excerpt(&start).to_string()))
            }
            Self::Cut { reset: true } => f.write_str("the connection was reset without a response"),
            Self::Cut { reset: false } => f.write_str("the connection ended without a response"),
            Self::Silence(time) => write!(f, "no response within {:.1} s", time.as_secs_f64()),
        }
    }
}

/// The greatest head of a response that is read.
const HEAD_BYTES: usize = 64 << 10;
