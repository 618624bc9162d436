//! A session whose messages are counted, and not kept.

use crate::{
    mode::check::{
        frames::{CLOSE, PING, PONG, SeenFrame, frame},
        wire::{Wire, WireEnd},
    },
    net::Transport,
    proto::raw_message::RawHeader,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split},
    select,
    time::{Duration, Instant, timeout, timeout_at},
};

/// A session of which control frames, and the lengths of messages, are kept. Pings are answered.
pub(crate) struct Meter {
    reader: ReadHalf<Box<dyn Transport>>,
    writer: WriteHalf<Box<dyn Transport>>,
    /// Received bytes that are not used yet.
    buffer: Vec<u8>,
    /// The rest of the payload of a data frame that has begun, and whether it is the last of its
    /// message.
    rest: u64,
    is_last: bool,
    /// The payload bytes of the message that has begun.
    length: u64,
    /// Payloads of pings that are not answered yet.
    pings: Vec<Vec<u8>>,
    /// The complete messages.
    pub(crate) messages: usize,
    /// The length of the last complete message.
    pub(crate) last_message: Option<u64>,
    /// All pongs, with the time of each.
    pub(crate) pongs: Vec<(Instant, SeenFrame)>,
    /// The number of pings of the server.
    pub(crate) pinged: usize,
    /// All bytes received.
    pub(crate) received: u64,
    /// The Close of the server.
    pub(crate) close: Option<SeenFrame>,
    /// The end of the connection.
    pub(crate) end: Option<WireEnd>,
}

impl Meter {
    /// Takes over a session.
    pub(crate) fn new(wire: Wire) -> Self {
        let end = wire.end();
        let (stream, buffer) = wire.into_stream();
        let (reader, writer) = split(stream);
        let mut meter = Self {
            reader,
            writer,
            buffer,
            rest: 0,
            is_last: false,
            length: 0,
            pings: Vec::new(),
            messages: 0,
            last_message: None,
            pongs: Vec::new(),
            pinged: 0,
            received: 0,
            close: None,
            end,
        };
        meter.take_frames();
        meter
    }

    /// Reports whether the server has ended the session or the connection.
    pub(crate) fn is_over(&self) -> bool {
        self.close.is_some() || self.end.is_some()
    }

    /// Describes how the session ended.
    pub(crate) fn end_words(&self) -> String {
        match (&self.close, self.end) {
            (Some(close), _) => close.to_string(),
            (None, Some(WireEnd::Lost(kind))) => format!("the loss of the connection ({kind})"),
            (None, Some(_)) => "the end of the connection, without a Close".to_owned(),
            (None, None) => "nothing".to_owned(),
        }
    }

    /// Sends bytes while it receives. Returns false at the end of the session, at the deadline, and
    /// if no byte moves for the time `patience`.
    pub(crate) async fn send(
        &mut self,
        bytes: &[u8],
        deadline: Instant,
        patience: Duration,
    ) -> bool {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..)
            && !rest.is_empty()
        {
            if self.is_over() {
                return false;
            }
            let limit = deadline.min(Instant::now() + patience);
            self.buffer.reserve(READ_BYTES);
            let n = select! {
                written = self.writer.write(rest) => match written {
                    Ok(n) => {
                        done += n;
                        continue;
                    }
                    // What the peer sent before it closed the connection can still be read.
                    Err(_) => timeout(patience, self.reader.read_buf(&mut self.buffer)).await,
                },
                n = timeout_at(limit, self.reader.read_buf(&mut self.buffer)) => n,
            };
            match n {
                Ok(n) => self.take(&n),
                Err(_) => return false,
            }
        }
        timeout_at(deadline, self.writer.flush()).await.is_ok()
    }

    /// Sends as many of the bytes as the connection takes, without reading, until no byte moves for
    /// the time `patience`. Returns their number, and false if the connection failed.
    pub(crate) async fn send_unread(&mut self, bytes: &[u8], patience: Duration) -> (usize, bool) {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..)
            && !rest.is_empty()
        {
            match timeout(patience, self.writer.write(rest)).await {
                Ok(Ok(n)) if n > 0 => done += n,
                Ok(_) => return (done, false),
                Err(_) => return (done, true),
            }
        }
        // TLS and HTTP/2 take bytes before TCP does.
        let is_open = !matches!(timeout(patience, self.writer.flush()).await, Ok(Err(_)));
        (done, is_open)
    }

    /// Receives until `is_done`, the end of the connection or the deadline. Returns true in the first
    /// case.
    pub(crate) async fn wait(
        &mut self,
        deadline: Instant,
        is_done: impl Fn(&Self) -> bool,
    ) -> bool {
        loop {
            if is_done(self) {
                return true;
            }
            if self.end.is_some() {
                return false;
            }
            self.buffer.reserve(READ_BYTES);
            match timeout_at(deadline, self.reader.read_buf(&mut self.buffer)).await {
                Ok(n) => self.take(&n),
                Err(_) => return false,
            }
            self.answer_pings(deadline).await;
        }
    }

    /// Receives like [`Self::wait`], and also stops if nothing arrives for the time `patience`.
    pub(crate) async fn wait_patiently(
        &mut self,
        deadline: Instant,
        patience: Duration,
        is_done: impl Fn(&Self) -> bool,
    ) -> bool {
        loop {
            let before = self.received;
            let limit = deadline.min(Instant::now() + patience);
            if self.wait(limit, |meter| is_done(meter) || meter.received > before).await {
                if is_done(self) {
                    return true;
                }
            } else {
                return false;
            }
        }
    }

    async fn answer_pings(&mut self, deadline: Instant) {
        for payload in std::mem::take(&mut self.pings) {
            let pong = frame(PONG, payload);
            let sent = async {
                self.writer.write_all(&pong).await?;
                self.writer.flush().await
            };
            let _ = timeout_at(deadline, sent).await;
        }
    }

    /// Takes the bytes that were read into the buffer.
    fn take(&mut self, n: &std::io::Result<usize>) {
        match n {
            Ok(0) => self.end = Some(WireEnd::Closed),
            Ok(n) => {
                self.received += *n as u64;
                self.take_frames();
            }
            Err(cause) => self.end = Some(WireEnd::Lost(cause.kind())),
        }
    }

    fn take_frames(&mut self) {
        let mut used = 0;
        loop {
            let left = self.buffer.get(used..).unwrap_or_default();
            if self.rest > 0 {
                let skipped = left.len().min(usize::try_from(self.rest).unwrap_or(usize::MAX));
                used += skipped;
                self.rest -= skipped as u64;
                if self.rest > 0 {
                    break;
                }
                self.end_frame();
                continue;
            }
            let Some(header) = RawHeader::read(left) else { break };
            if header.is_control() && header.length <= CONTROL_BYTES {
                let Some((frame, length)) = SeenFrame::read(left) else { break };
                used += length;
                self.take_control(frame);
                continue;
            }
            used += header.size;
            self.rest = header.length;
            self.is_last = header.fin();
            if header.opcode() != 0 {
                self.length = 0;
            }
            self.length = self.length.saturating_add(header.length);
            if self.rest == 0 {
                self.end_frame();
            }
        }
        self.buffer.drain(..used.min(self.buffer.len()));
    }

    /// Counts the message that ends with this frame.
    fn end_frame(&mut self) {
        if std::mem::take(&mut self.is_last) {
            self.messages += 1;
            self.last_message = Some(std::mem::take(&mut self.length));
        }
    }

    fn take_control(&mut self, frame: SeenFrame) {
        match frame.header.opcode() {
            CLOSE => _ = self.close.get_or_insert(frame),
            PING => {
                self.pinged += 1;
                self.pings.push(frame.payload);
            }
            PONG => self.pongs.push((Instant::now(), frame)),
            _ => {}
        }
    }
}

/// The greatest payload of a control frame.
const CONTROL_BYTES: u64 = 125;
/// The room for one read.
const READ_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::raw::RawFrame;
    use tokio::io::duplex;

    #[tokio::test]
    async fn messages_are_counted_and_pings_are_answered() {
        let (ours, mut theirs) = duplex(1 << 20);
        let mut meter = Meter::new(Wire::new(Box::new(ours), Vec::new()));
        let long = vec![b'x'; 70_000];
        for frame in [
            RawFrame::new(1).payload(""),
            RawFrame::new(9).payload("are you there"),
            RawFrame::new(2).fin(false).payload(&long),
            RawFrame::new(10).payload("pong"),
            RawFrame::new(0).payload("end"),
        ] {
            theirs.write_all(&frame.encode()).await.unwrap();
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        assert!(meter.wait(deadline, |meter| meter.messages == 2).await);
        assert_eq!(meter.last_message, Some(70_003));
        assert_eq!((meter.pinged, meter.pongs.len()), (1, 1));
        let mut answer = [0; 2 + 4 + 13];
        theirs.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[..2], [0x8a, 0x8d]);
        theirs.write_all(&RawFrame::new(8).payload(b"\x03\xf1").encode()).await.unwrap();
        assert!(meter.wait(deadline, Meter::is_over).await);
        assert!(!meter.send(b"after", deadline, Duration::from_secs(1)).await);
        assert!(meter.end_words().starts_with("Close 1009"), "{}", meter.end_words());
    }
}
