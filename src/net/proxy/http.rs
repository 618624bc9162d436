//! Tunnels by HTTP CONNECT (RFC 9110, 9.3.6).

use super::fault::ProxyFault;
use crate::{
    known,
    net::{
        body,
        transport::{EXCERPT_BYTES, Transport, read_answer},
    },
    proto::{
        handshake::{MAX_HEAD_BYTES, ResponseFault},
        slice::Within,
        upgrade::{is_worth_parsing, parse_response},
    },
};
use bytes::{Buf as _, Bytes};
use std::{
    fmt::Write as _,
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// Requests a tunnel to the authority `to`.
pub(super) async fn connect(
    mut stream: Box<dyn Transport>,
    to: &str,
    user: Option<(&str, &str)>,
) -> Result<Box<dyn Transport>, ProxyFault> {
    let mut head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some((user, password)) = user {
        let credentials = data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes());
        let _ = write!(head, "Proxy-Authorization: Basic {credentials}\r\n");
        known::add(&credentials);
        known::add_user(user, password);
    }
    head += concat!("User-Agent: sockeye/", env!("CARGO_PKG_VERSION"), "\r\n\r\n");
    let sent = async {
        stream.write_all(head.as_bytes()).await?;
        stream.flush().await
    };
    // The proxy may have answered before it closed the connection, and its answer gives the reason
    // for a write error.
    let mut unsent = sent.await.err();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    // The length of the head that was parsed last.
    let mut before = 0;
    let (response, rest) = loop {
        let start = bytes.get(..HTTP_PREFIX.len()).unwrap_or(&bytes);
        if !HTTP_PREFIX.starts_with(start) {
            let mut start = known::redact_bytes(bytes);
            start.truncate(EXCERPT_BYTES);
            return Err(ProxyFault::Answer(ResponseFault::NotHttp(start)));
        }
        let due = is_worth_parsing(&bytes, before);
        before = bytes.len();
        if due
            && let Some((response, length)) = parse_response(&bytes).map_err(ProxyFault::Answer)?
        {
            let rest = bytes.split_off(length);
            // Any number of 1xx responses may precede the final one (RFC 9110, 15.2).
            if response.status >= 200 {
                break (response, rest);
            }
            (bytes, before) = (rest, 0);
            continue;
        }
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(ProxyFault::Answer(ResponseFault::HeadsTooLong));
        }
        match read_answer(&mut *stream, &mut buffer, unsent.is_some()).await {
            Some(Ok(n)) if n > 0 => bytes.extend_from_slice(buffer.within(..n)),
            Some(Err(cause)) if bytes.is_empty() => return Err(ProxyFault::Network(cause)),
            answer => match (answer, unsent.take()) {
                (None, Some(cause)) => return Err(ProxyFault::Network(cause)),
                _ => return Err(ProxyFault::Cut),
            },
        }
    };
    if response.status < 300 && rest.is_empty() {
        return Ok(stream);
    }
    if response.status < 300 {
        return Ok(Box::new(Prefixed { prefix: rest.into(), stream }));
    }
    let body = body::read(&mut stream, &response, rest).await;
    let body = known::redact_bytes(body);
    Err(ProxyFault::Status { response: Box::new(response), body, authorized: user.is_some() })
}

/// A stream preceded by bytes that were read from it already.
struct Prefixed<S> {
    prefix: Bytes,
    stream: S,
}

impl Transport for Prefixed<Box<dyn Transport>> {
    fn reset_at_end(&mut self) {
        self.stream.reset_at_end();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let n = self.prefix.len().min(buf.remaining());
        buf.put_slice(self.prefix.within(..n));
        self.prefix.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

const HTTP_PREFIX: &[u8] = b"HTTP/1.";
const READ_BUFFER_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Refusing;

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_accepts_no_request_is_reported_without_waiting_for_an_answer() {
        let done = connect(Box::new(Refusing), "h:80", None).await;
        let Err(ProxyFault::Network(cause)) = done else { panic!("{done:?}") };
        assert_eq!(cause.kind(), io::ErrorKind::BrokenPipe);
    }
}
