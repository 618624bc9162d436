//! How a server begins in HTTP/2: its SETTINGS, read as they pass by, because nothing else tells
//! when they have come, nor what all of them say.

use crate::proto::slice::Within;
use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The SETTINGS of a peer (RFC 9113, 6.5): pairs of identifier and value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerSettings(Vec<(u16, u32)>);

impl PeerSettings {
    /// Whether it takes an extended CONNECT (RFC 8441, 3).
    pub fn enables_connect_protocol(&self) -> bool {
        self.0.iter().rfind(|(id, _)| *id == ENABLE_CONNECT_PROTOCOL).is_some_and(|(_, v)| *v == 1)
    }
}

impl fmt::Display for PeerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.iter().filter_map(|(id, value)| Some((name(*id)?, value)));
        for (i, (name, value)) in known.enumerate() {
            write!(f, "{}{name}={value}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// Those that matter to a client of one stream (RFC 9113, 6.5.2; RFC 8441, 3).
fn name(id: u16) -> Option<&'static str> {
    Some(match id {
        3 => "MAX_CONCURRENT_STREAMS",
        4 => "INITIAL_WINDOW_SIZE",
        5 => "MAX_FRAME_SIZE",
        6 => "MAX_HEADER_LIST_SIZE",
        ENABLE_CONNECT_PROTOCOL => "ENABLE_CONNECT_PROTOCOL",
        _ => return None,
    })
}

/// What has been seen of a peer.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Its first bytes: one frame, or [`FIRST`] of something else.
    first: Vec<u8>,
    /// What the first frame is, once it has come.
    pub(super) opening: Option<First>,
    /// Whether it has ended.
    pub(super) end: End,
    /// Writing has failed: nothing more will come.
    pub(super) is_broken: bool,
    /// Bytes wait to be taken.
    pub(super) is_stuck: bool,
    /// Why reading or writing failed. The engine above sees a plain end instead: after an error it
    /// would forget why the peer said it ends.
    pub(super) error: Option<io::Error>,
}

/// The end of what a peer sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// There is more.
    #[default]
    None,
    /// It is here, and the engine above is not told yet: it would forget what has come.
    Held,
    /// The engine may be told.
    Told,
}

/// A peer's first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The one it has to be (RFC 9113, 3.4).
    Settings(PeerSettings),
    /// Anything else.
    Other,
}

impl Seen {
    /// The first bytes of a peer that does not speak HTTP/2: read as a frame, they would be one
    /// longer than any it may send.
    pub(super) fn stray(&self) -> Option<&[u8]> {
        self.first.first().is_some_and(|byte| *byte != 0).then_some(&*self.first)
    }

    /// Its first bytes.
    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }

    /// Takes what came, until the first frame is there.
    fn receive(&mut self, bytes: &[u8]) -> Option<&First> {
        if self.opening.is_none() {
            let room = MAX_SETTINGS - self.first.len().min(MAX_SETTINGS);
            self.first.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            self.opening = first(&self.first);
            if self.opening == Some(First::Other) {
                self.first.truncate(FIRST);
            }
        }
        self.opening.as_ref()
    }
}

/// The first frame in these bytes; `None`: more of them are needed.
fn first(bytes: &[u8]) -> Option<First> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let [a, b, c, kind, flags, stream @ ..] = *header;
    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    let is_settings = kind == SETTINGS && flags & ACK == 0 && u32::from_be_bytes(stream) == 0;
    if !is_settings || length % 6 != 0 || length > MAX_SETTINGS - HEADER {
        return Some(First::Other);
    }
    let payload = rest.get(..length)?;
    let pairs = payload
        .as_chunks::<6>()
        .0
        .iter()
        .map(|[a, b, value @ ..]| (u16::from_be_bytes([*a, *b]), u32::from_be_bytes(*value)));
    Some(First::Settings(PeerSettings(pairs.collect())))
}

/// A stream whose peer's beginning is looked at as it comes.
#[derive(Debug)]
pub(super) struct Tap<S> {
    stream: S,
    seen: Arc<Mutex<Seen>>,
    /// The first frame has come: there is nothing more to look at.
    is_done: bool,
    /// So has the last byte.
    has_ended: bool,
}

impl<S> Tap<S> {
    pub(super) fn new(stream: S, seen: Arc<Mutex<Seen>>) -> Self {
        Self { stream, seen, is_done: false, has_ended: false }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been written: when that fails the end is near, and it is told to who reads.
    fn written<T>(&self, done: Poll<io::Result<T>>, all: T) -> Poll<io::Result<T>> {
        let mut seen = self.seen();
        match done {
            Poll::Ready(Err(error)) => {
                seen.error.get_or_insert(error);
                seen.is_broken = true;
                Poll::Ready(Ok(all))
            }
            done => {
                seen.is_stuck = done.is_pending();
                done
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = if self.has_ended {
            Poll::Ready(Ok(()))
        } else {
            Pin::new(&mut self.stream).poll_read(cx, buf)
        };
        let new = buf.filled().within(before..);
        let is_quiet = new.is_empty();
        if !is_quiet && self.is_done {
            return done;
        }
        let mut seen = self.seen();
        if done.is_pending() && !seen.is_broken {
            return Poll::Pending;
        }
        let is_done = seen.receive(new).is_some();
        if let Poll::Ready(Err(error)) = done {
            seen.error.get_or_insert(error);
        }
        if is_quiet && seen.end == End::None {
            seen.end = End::Held;
        }
        let is_held = is_quiet && seen.end == End::Held;
        drop(seen);
        self.is_done = is_done;
        self.has_ended |= is_quiet;
        if is_held { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(done, buf.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(done, bufs.iter().map(|buf| buf.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(done, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(done, ())
    }
}

/// Bytes of a frame header.
const HEADER: usize = 9;
/// The type of a SETTINGS frame.
const SETTINGS: u8 = 4;
/// The flag of one that acknowledges ours.
const ACK: u8 = 1;
const ENABLE_CONNECT_PROTOCOL: u16 = 8;
/// Bytes of a first frame: more than the default frame size a peer may not send yet.
const MAX_SETTINGS: usize = HEADER + (16 << 10);
/// Bytes kept of something else.
const FIRST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn settings_are_read_in_any_pieces() {
        let frame = hex!("000012 04 00 00000000 0003 00000064 0008 00000001 4242 00000007");
        let settings = PeerSettings(vec![(3, 100), (8, 1), (0x4242, 7)]);
        for cut in 0..frame.len() {
            let mut seen = Seen::default();
            let (a, b) = frame.split_at(cut);
            assert_eq!(seen.receive(a), None, "{cut}");
            let rest = [b, b"the next frame"].concat();
            assert_eq!(seen.receive(&rest), Some(&First::Settings(settings.clone())));
            assert_eq!(seen.stray(), None);
        }
        assert!(settings.enables_connect_protocol());
        let words = "MAX_CONCURRENT_STREAMS=100, ENABLE_CONNECT_PROTOCOL=1";
        assert_eq!(settings.to_string(), words);
    }

    #[test]
    fn a_setting_may_be_absent_or_taken_back() {
        let none = first(&hex!("000000 04 00 00000000")).unwrap();
        assert_eq!(none, First::Settings(PeerSettings::default()));
        assert!(!PeerSettings(vec![(8, 1), (8, 0)]).enables_connect_protocol());
        assert!(!PeerSettings(vec![(8, 2)]).enables_connect_protocol());
        assert!(!PeerSettings::default().enables_connect_protocol());
    }

    #[test]
    fn what_is_no_settings_frame_is_told_apart() {
        for bytes in [
            &hex!("000000 04 01 00000000")[..],
            &hex!("000000 04 00 00000001"),
            &hex!("000005 04 00 00000000 0000000000"),
            &hex!("000008 07 00 00000000 0000000000000000"),
        ] {
            let mut seen = Seen::default();
            assert_eq!(seen.receive(bytes), Some(&First::Other));
            assert_eq!(seen.stray(), None);
        }
        for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-x\r\n", b"\x15\x03"] {
            let mut seen = Seen::default();
            seen.receive(bytes);
            assert_eq!(seen.stray(), Some(bytes));
        }
        let mut seen = Seen::default();
        seen.receive(&[b'x'; 10_000]);
        assert_eq!(seen.stray().unwrap().len(), FIRST);
    }
}
