//! `--frames`: frames on stderr, or above the input line.

use super::{Interest, Print, Sink};
use crate::{
    known::{DumpedStream, find_in_part, overwrite},
    proto::{
        Leg,
        slice::Within,
        trace::{Direction, FrameReader},
    },
    redact::{Secrets, Shown},
    render::{
        frames,
        hexdump::{ROW, hexdump},
    },
    report::{Report, Verbosity},
    session::{SessionEvent, limits::QUEUE_LIMIT_BYTES},
    sys::stdio::write_stderr,
};
use std::time::{Duration, Instant};

/// The sink of `--frames`, with the additions of `-vv` and `--trace`.
pub(super) struct FrameLines {
    report: Report,
    /// Prefix of each line.
    name: String,
    /// The connection of a proxy, whose directions are those that its client sees.
    leg: Option<Leg>,
    /// Time of the latest frame.
    last: Instant,
    waiting: String,
    print: Option<Print>,
    incoming: WireDump,
    outgoing: WireDump,
}

/// Removes secrets from the bytes of one direction.
struct WireDump {
    stream: DumpedStream,
    frames: FrameReader,
    /// The stream with its payloads unmasked: the dump contains the masking keys.
    unmasked: DumpedStream,
}

impl WireDump {
    fn new() -> Self {
        let frames = FrameReader::new(false, 0);
        Self { stream: DumpedStream::default(), frames, unmasked: DumpedStream::default() }
    }

    /// Returns the next bytes with all secrets overwritten.
    fn redacted(&mut self, bytes: &[u8]) -> Vec<u8> {
        let unmasked = self.frames.unmasked(bytes);
        let mut dump = bytes.to_vec();
        let mut start = 0;
        // A secret may be cut off at the end of a frame.
        for end in unmasked.ends.into_iter().chain([bytes.len()]) {
            let part = dump.within_mut(start..end);
            let mut found = find_in_part(&mut self.stream, bytes.within(start..end));
            found.extend(find_in_part(&mut self.unmasked, unmasked.bytes.within(start..end)));
            overwrite(part, &found);
            start = end;
        }
        dump
    }
}

impl FrameLines {
    /// Creates the sink if frames are shown. Each line is prefixed with `name`.
    pub(super) fn wanted(
        frames: bool,
        report: Report,
        name: String,
        leg: Option<Leg>,
    ) -> Option<Box<dyn Sink>> {
        let wanted = frames || report.verbosity >= Verbosity::Detailed;
        if !wanted {
            return None;
        }
        let (last, waiting) = (Instant::now(), String::new());
        let (incoming, outgoing) = (WireDump::new(), WireDump::new());
        let print = None;
        Some(Box::new(Self { report, name, leg, last, waiting, print, incoming, outgoing }))
    }

    /// Returns the time since the latest frame. Frames are reported when they are decoded, so one
    /// may be older than the latest of the other direction.
    fn since(&mut self, at: Instant) -> Duration {
        let since = at.saturating_duration_since(self.last);
        self.last = self.last.max(at);
        since
    }

    /// Returns the direction in which an event is shown.
    fn shown(&self, direction: Direction) -> Direction {
        self.leg.map_or(direction, |leg| leg.as_client_sees(direction))
    }

    fn line(&mut self, text: &str, at: Instant) {
        let line = self.report.dated(&Shown::formatted(format!("{}{text}", self.name)), at);
        self.waiting.push_str(line.as_str());
        self.waiting.push('\n');
    }

    fn dump(&mut self, direction: Direction, bytes: &[u8], at: Instant) {
        self.line(&frames::bytes(self.shown(direction), bytes.len()), at);
        let dump = match (self.report.secrets, direction) {
            (Secrets::Shown, _) => bytes.to_vec(),
            (Secrets::Hidden, Direction::In) => self.incoming.redacted(bytes),
            (Secrets::Hidden, Direction::Out) => self.outgoing.redacted(bytes),
        };
        // Writing to a String cannot fail.
        let _ = hexdump(&dump, ROW, &mut self.waiting);
        self.waiting.push('\n');
    }
}

impl Sink for FrameLines {
    fn interest(&self) -> Interest {
        Interest::Wire
    }

    fn begin(&mut self) {
        self.last = Instant::now();
        (self.incoming, self.outgoing) = (WireDump::new(), WireDump::new());
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        match seen {
            SessionEvent::Frame(direction, frame) => {
                let since = self.since(at);
                let header = self.report.verbosity >= Verbosity::Detailed;
                let secrets = self.report.secrets;
                let direction = self.shown(*direction);
                self.line(&frames::line(direction, frame, since, header, secrets), at);
            }
            SessionEvent::Broken(violation) => {
                self.line(&frames::broken(*violation, self.leg), at);
            }
            SessionEvent::Bytes(direction, bytes)
                if self.report.verbosity == Verbosity::Complete =>
            {
                self.dump(*direction, bytes, at);
            }
            _ => {}
        }
        if self.waiting.len() >= QUEUE_LIMIT_BYTES {
            self.rest();
        }
    }

    fn rest(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        match &self.print {
            Some(print) => print(self.waiting.trim_end_matches('\n')),
            None => write_stderr(self.waiting.as_bytes()),
        }
        self.waiting.clear();
    }

    fn print_with(&mut self, print: Option<&Print>) {
        self.rest();
        self.print = print.cloned();
    }
}
