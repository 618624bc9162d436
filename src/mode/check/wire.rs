//! An open session without a protocol: any bytes can be sent, and all that is received is kept.

use super::frames::{PING, SeenFrame, frame};
use crate::net::Transport;
use std::io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split},
    select,
    time::{Instant, timeout_at},
};

/// A session whose frames are written and read as bytes.
pub(crate) struct Wire {
    reader: ReadHalf<Box<dyn Transport>>,
    writer: WriteHalf<Box<dyn Transport>>,
    /// Received bytes that do not form a frame yet.
    buffer: Vec<u8>,
    frames: Vec<SeenFrame>,
    received: usize,
    limit: usize,
    end: Option<WireEnd>,
    /// The server has answered a ping of [`Self::admission`].
    is_admitted: bool,
    opened: Instant,
}

/// The end of a connection, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireEnd {
    /// The peer ended its direction of the stream.
    Closed,
    /// The connection was reset or lost.
    Lost(io::ErrorKind),
    /// More bytes arrived than are kept, and the rest was not read.
    Flood,
}

impl Wire {
    /// Takes over an established session, of which `rest` has been received.
    pub(crate) fn new(transport: Box<dyn Transport>, rest: Vec<u8>) -> Self {
        let (reader, writer) = split(transport);
        let mut wire = Self {
            reader,
            writer,
            buffer: rest,
            frames: Vec::new(),
            received: 0,
            limit: KEPT_BYTES,
            end: None,
            is_admitted: false,
            opened: Instant::now(),
        };
        let fresh = wire.buffer.len();
        wire.take_frames(fresh);
        wire
    }

    /// Returns the stream, and the bytes received after the last complete frame.
    pub(crate) fn into_stream(self) -> (Box<dyn Transport>, Vec<u8>) {
        (self.reader.unsplit(self.writer), self.buffer)
    }

    /// Returns a ping whose answer shows that the server serves this session, rather than ending it
    /// because of a limit. The answer is not among [`Self::frames`].
    pub(crate) fn admission() -> Vec<u8> {
        frame(PING, ADMISSION)
    }

    /// Reports whether the server has answered a ping of [`Self::admission`].
    pub(crate) fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// Sends a ping and waits for the answer. Returns true if it arrives.
    pub(crate) async fn admit(&mut self, deadline: Instant) -> bool {
        self.send(&Self::admission(), deadline).await;
        while !self.is_admitted && self.end.is_none() {
            if self.frames.iter().any(SeenFrame::is_close) || !self.read(deadline).await {
                break;
            }
        }
        self.is_admitted
    }

    /// Reports whether the session is as good as new: it is open, and no message is incomplete.
    pub(crate) fn is_reusable(&self) -> bool {
        let is_close = self.frames.iter().any(SeenFrame::is_close);
        let mut data = self.frames.iter().filter(|frame| !frame.header.is_control());
        let is_complete = data.next_back().is_none_or(|last| last.header.fin());
        self.end.is_none() && self.buffer.is_empty() && is_complete && !is_close
    }

    /// Forgets what was received.
    pub(crate) fn forget(&mut self) {
        self.frames.clear();
        (self.received, self.opened) = (0, Instant::now());
    }

    /// Returns the complete frames received so far.
    pub(crate) fn frames(&self) -> &[SeenFrame] {
        &self.frames
    }

    /// Returns the bytes received after the last complete frame.
    pub(crate) fn unparsed(&self) -> &[u8] {
        &self.buffer
    }

    /// Returns the end of the connection, if it was seen.
    pub(crate) fn end(&self) -> Option<WireEnd> {
        self.end
    }

    /// Returns the time since the session was opened.
    pub(crate) fn age(&self) -> std::time::Duration {
        self.opened.elapsed()
    }

    /// Sends bytes, and keeps what is received meanwhile. Stops at the end of the connection and at
    /// the deadline.
    pub(crate) async fn send(&mut self, bytes: &[u8], deadline: Instant) {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..)
            && !rest.is_empty()
            && self.end.is_none()
        {
            select! {
                written = timeout_at(deadline, self.writer.write(rest)) => match written {
                    Ok(Ok(n)) => done += n,
                    // What the peer sent before it closed the connection can still be read.
                    Ok(Err(_)) | Err(_) => return,
                },
                n = self.reader.read_buf(&mut self.buffer) => self.received(&n),
            }
        }
        let _ = timeout_at(deadline, self.writer.flush()).await;
    }

    /// Reads until `is_done`, the end of the connection or the deadline. Returns true in the first
    /// case.
    pub(crate) async fn wait(
        &mut self,
        deadline: Instant,
        mut is_done: impl FnMut(&[SeenFrame]) -> bool,
    ) -> bool {
        loop {
            if is_done(&self.frames) {
                return true;
            }
            if self.end.is_some() {
                return false;
            }
            if !self.read(deadline).await {
                return false;
            }
        }
    }

    /// Reads once. Returns false at the deadline.
    async fn read(&mut self, deadline: Instant) -> bool {
        match timeout_at(deadline, self.reader.read_buf(&mut self.buffer)).await {
            Ok(n) => self.received(&n),
            Err(_) => return false,
        }
        true
    }

    /// Takes the bytes that were read into the buffer.
    fn received(&mut self, n: &io::Result<usize>) {
        match n {
            Ok(0) => self.end = Some(WireEnd::Closed),
            Ok(n) => self.take_frames(*n),
            Err(cause) => self.end = Some(WireEnd::Lost(cause.kind())),
        }
    }

    /// Takes the frames that `fresh` new bytes in the buffer complete.
    fn take_frames(&mut self, fresh: usize) {
        self.received += fresh;
        let mut used = 0;
        while let Some((frame, length)) =
            SeenFrame::read(self.buffer.get(used..).unwrap_or_default())
        {
            used += length;
            if frame.is_pong(ADMISSION) {
                self.is_admitted = true;
                if frame.is_plain() {
                    continue;
                }
            }
            self.frames.push(frame);
        }
        self.buffer.drain(..used);
        if self.received > self.limit || self.frames.len() > KEPT_FRAMES {
            self.end = Some(WireEnd::Flood);
        }
    }
}

/// The payload of the ping before the frames of a check.
const ADMISSION: &[u8] = b"sockeye-before";
/// The bytes of a server that are kept; one that sends more floods its clients.
const KEPT_BYTES: usize = 4 << 20;
/// The frames of a server that are kept.
const KEPT_FRAMES: usize = 20_000;
