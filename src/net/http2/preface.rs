//! The stream below h2. It parses the server's connection preface, its SETTINGS, whose arrival and
//! values h2 does not report, and withholds the end of the connection from h2.

use crate::{net::transport::EXCERPT_BYTES, proto::slice::Within};
use bytes::{Buf as _, Bytes};
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
    /// Returns true if the peer supports extended CONNECT (RFC 8441, 3).
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

/// Names the settings that concern a client with a single stream (RFC 9113, 6.5.2; RFC 8441, 3).
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

/// State of the transport and of the peer's preface, shared by [`InspectedStream`] and
/// [`Link`](super::link::Link).
#[derive(Debug, Default)]
pub(super) struct PeerState {
    /// The first bytes received: one frame, or [`EXCERPT_BYTES`] of anything else.
    prefix: Vec<u8>,
    /// The first frame, once it is complete.
    pub(super) first_frame: Option<FirstFrame>,
    pub(super) end: TransportEnd,
    /// A write failed, so nothing more will be received.
    pub(super) has_failed: bool,
    /// The last write was not accepted completely.
    pub(super) is_write_blocked: bool,
    /// The error that ended reading or writing. h2 sees a plain end of the stream instead: after an
    /// I/O error it would discard the GOAWAY that gives the peer's reason.
    pub(super) error: Option<io::Error>,
}

/// The end of the received bytes, as h2 may know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TransportEnd {
    /// The transport is open.
    #[default]
    Open,
    /// The transport has ended, which is withheld from h2: it would discard received frames that
    /// were not read yet, `END_STREAM` among them.
    Withheld,
    /// The transport has ended, and h2 may see it.
    Released,
}

/// A peer's first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FirstFrame {
    /// SETTINGS, as RFC 9113, 3.4 requires.
    Settings(PeerSettings),
    Other,
}

impl PeerState {
    /// Creates the state of a client, whose preface h2 reads.
    pub(super) fn of_client() -> Self {
        Self { first_frame: Some(FirstFrame::Other), ..Self::default() }
    }

    /// Lets h2 see the end of the transport. Returns true if it was withheld until now, in which case
    /// the connection has to be driven again.
    pub(super) fn release_end(&mut self) -> bool {
        let is_withheld = self.end == TransportEnd::Withheld;
        if is_withheld {
            self.end = TransportEnd::Released;
        }
        is_withheld
    }

    /// Returns the first bytes of a peer that does not speak HTTP/2: one whose first frame would be
    /// larger than the 16 KiB allowed before SETTINGS.
    pub(super) fn other_protocol(&self) -> Option<&[u8]> {
        self.prefix.first().is_some_and(|byte| *byte != 0).then_some(&*self.prefix)
    }

    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Appends received bytes until the first frame is complete, and returns that frame.
    fn receive(&mut self, bytes: &[u8]) -> Option<&FirstFrame> {
        if self.first_frame.is_none() {
            let room = MAX_FIRST_FRAME_BYTES - self.prefix.len().min(MAX_FIRST_FRAME_BYTES);
            self.prefix.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            self.first_frame = parse_first_frame(&self.prefix);
            if self.first_frame == Some(FirstFrame::Other) {
                self.prefix.truncate(EXCERPT_BYTES);
            }
        }
        self.first_frame.as_ref()
    }
}

/// Receives the first bytes of a peer in chunks. Returns what is known after each of them.
#[cfg(any(test, fuzzing))]
pub(crate) fn receive_first_frame(chunks: &[&[u8]]) -> Option<String> {
    let mut state = PeerState::default();
    for chunk in chunks {
        let before = state.first_frame.clone();
        let found = state.receive(chunk).cloned();
        assert!(before.is_none() || before == found, "{before:?} became {found:?}");
        assert!(state.prefix.len() <= MAX_FIRST_FRAME_BYTES);
    }
    state.first_frame.map(|frame| match frame {
        FirstFrame::Settings(settings) => {
            format!("{settings} {}", settings.enables_connect_protocol())
        }
        FirstFrame::Other => "other".to_owned(),
    })
}

/// Parses the first frame; `None` if it is incomplete.
fn parse_first_frame(bytes: &[u8]) -> Option<FirstFrame> {
    let (header, rest) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>()?;
    let [a, b, c, kind, flags, stream @ ..] = *header;
    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    let is_settings = kind == SETTINGS && flags & ACK == 0 && u32::from_be_bytes(stream) == 0;
    if !is_settings || length % 6 != 0 || length > MAX_FIRST_FRAME_BYTES - FRAME_HEADER_BYTES {
        return Some(FirstFrame::Other);
    }
    let payload = rest.get(..length)?;
    let pairs = payload
        .as_chunks::<6>()
        .0
        .iter()
        .map(|[a, b, value @ ..]| (u16::from_be_bytes([*a, *b]), u32::from_be_bytes(*value)));
    Some(FirstFrame::Settings(PeerSettings(pairs.collect())))
}

/// A stream between h2 and the transport that parses the peer's preface and withholds the end.
#[derive(Debug)]
pub(super) struct InspectedStream<S> {
    stream: S,
    /// Bytes that were received before, and are read first.
    received: Bytes,
    peer: Arc<Mutex<PeerState>>,
    /// The first frame was received, so the bytes need no further inspection.
    is_inspected: bool,
    has_ended: bool,
}

impl<S> InspectedStream<S> {
    pub(super) fn new(stream: S, peer: Arc<Mutex<PeerState>>) -> Self {
        Self { stream, received: Bytes::new(), peer, is_inspected: false, has_ended: false }
    }

    /// Creates the stream of a client from which these bytes were received.
    pub(super) fn of_client(stream: S, received: Bytes, peer: Arc<Mutex<PeerState>>) -> Self {
        Self { stream, received, peer, is_inspected: true, has_ended: false }
    }

    fn peer(&self) -> MutexGuard<'_, PeerState> {
        self.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the result of a write. A failed write counts as a complete one and returns `all`;
    /// the next read reports the error.
    fn record_write<T>(&self, done: Poll<io::Result<T>>, all: T) -> Poll<io::Result<T>> {
        let mut peer = self.peer();
        match done {
            Poll::Ready(Err(error)) => {
                peer.error.get_or_insert(error);
                peer.has_failed = true;
                Poll::Ready(Ok(all))
            }
            done => {
                peer.is_write_blocked = done.is_pending();
                done
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for InspectedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.received.is_empty() {
            let n = self.received.len().min(buf.remaining());
            buf.put_slice(self.received.within(..n));
            self.received.advance(n);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let done = if self.has_ended {
            Poll::Ready(Ok(()))
        } else {
            Pin::new(&mut self.stream).poll_read(cx, buf)
        };
        let new = buf.filled().within(before..);
        let is_empty = new.is_empty();
        if !is_empty && self.is_inspected {
            return done;
        }
        let mut peer = self.peer();
        if done.is_pending() && !peer.has_failed {
            return Poll::Pending;
        }
        let is_inspected = peer.receive(new).is_some();
        if let Poll::Ready(Err(error)) = done {
            peer.error.get_or_insert(error);
        }
        if is_empty && peer.end == TransportEnd::Open {
            peer.end = TransportEnd::Withheld;
        }
        let is_withheld = is_empty && peer.end == TransportEnd::Withheld;
        drop(peer);
        self.is_inspected = is_inspected;
        self.has_ended |= is_empty;
        if is_withheld { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for InspectedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.record_write(done, buf.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.record_write(done, bufs.iter().map(|buf| buf.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.record_write(done, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.record_write(done, ())
    }
}

/// The size of a frame header (RFC 9113, 4.1).
const FRAME_HEADER_BYTES: usize = 9;
/// The type of a SETTINGS frame (RFC 9113, 6.5).
const SETTINGS: u8 = 4;
/// The flag of a SETTINGS frame that acknowledges one of the client.
const ACK: u8 = 1;
const ENABLE_CONNECT_PROTOCOL: u16 = 8;
/// The size of the largest first frame: its header and the initial `SETTINGS_MAX_FRAME_SIZE`.
const MAX_FIRST_FRAME_BYTES: usize = FRAME_HEADER_BYTES + (16 << 10);

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn settings_may_be_split_anywhere() {
        let frame = hex!("000012 04 00 00000000 0003 00000064 0008 00000001 4242 00000007");
        let settings = PeerSettings(vec![(3, 100), (8, 1), (0x4242, 7)]);
        for cut in 0..frame.len() {
            let mut peer = PeerState::default();
            let (a, b) = frame.split_at(cut);
            assert_eq!(peer.receive(a), None, "{cut}");
            let rest = [b, b"the next frame"].concat();
            assert_eq!(peer.receive(&rest), Some(&FirstFrame::Settings(settings.clone())));
            assert_eq!(peer.other_protocol(), None);
        }
        assert!(settings.enables_connect_protocol());
        let words = "MAX_CONCURRENT_STREAMS=100, ENABLE_CONNECT_PROTOCOL=1";
        assert_eq!(settings.to_string(), words);
    }

    #[test]
    fn extended_connect_may_be_absent_or_disabled_again() {
        let none = parse_first_frame(&hex!("000000 04 00 00000000")).unwrap();
        assert_eq!(none, FirstFrame::Settings(PeerSettings::default()));
        assert!(!PeerSettings(vec![(8, 1), (8, 0)]).enables_connect_protocol());
        assert!(!PeerSettings(vec![(8, 2)]).enables_connect_protocol());
        assert!(!PeerSettings::default().enables_connect_protocol());
    }

    #[test]
    fn recognizes_other_frames_and_other_protocols() {
        for bytes in [
            &hex!("000000 04 01 00000000")[..],
            &hex!("000000 04 00 00000001"),
            &hex!("000005 04 00 00000000 0000000000"),
            &hex!("000008 07 00 00000000 0000000000000000"),
        ] {
            let mut peer = PeerState::default();
            assert_eq!(peer.receive(bytes), Some(&FirstFrame::Other));
            assert_eq!(peer.other_protocol(), None);
        }
        for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-x\r\n", b"\x15\x03"] {
            let mut peer = PeerState::default();
            peer.receive(bytes);
            assert_eq!(peer.other_protocol(), Some(bytes));
        }
        let mut peer = PeerState::default();
        peer.receive(&[b'x'; 10_000]);
        assert_eq!(peer.other_protocol().unwrap().len(), EXCERPT_BYTES);
    }
}
