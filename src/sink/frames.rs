//! `--frames`: frames on stderr, or above the input line.

use super::{Interest, Print, Sink};
use crate::{
    proto::trace::Direction,
    redact::Shown,
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
    /// Time of the latest frame.
    last: Instant,
    waiting: String,
    print: Option<Print>,
}

impl FrameLines {
    /// Creates the sink if frames are shown. Each line is prefixed with `name`.
    pub(super) fn wanted(frames: bool, report: Report, name: String) -> Option<Box<dyn Sink>> {
        let wanted = frames || report.verbosity >= Verbosity::Detailed;
        if !wanted {
            return None;
        }
        let (last, waiting) = (Instant::now(), String::new());
        Some(Box::new(Self { report, name, last, waiting, print: None }))
    }

    /// Returns the time since the latest frame. Frames are reported when they are decoded, so one
    /// may be older than the latest of the other direction.
    fn since(&mut self, at: Instant) -> Duration {
        let since = at.saturating_duration_since(self.last);
        self.last = self.last.max(at);
        since
    }

    fn line(&mut self, text: &str, at: Instant) {
        let line = self.report.dated(&Shown::formatted(format!("{}{text}", self.name)), at);
        self.waiting.push_str(line.as_str());
        self.waiting.push('\n');
    }

    fn dump(&mut self, direction: Direction, bytes: &[u8], at: Instant) {
        self.line(&frames::bytes(direction, bytes.len()), at);
        // Writing to a String cannot fail.
        let _ = hexdump(&self.report.secrets.dump(bytes), ROW, &mut self.waiting);
        self.waiting.push('\n');
    }
}

impl Sink for FrameLines {
    fn interest(&self) -> Interest {
        Interest::Wire
    }

    fn begin(&mut self) {
        self.last = Instant::now();
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        match seen {
            SessionEvent::Frame(direction, frame) => {
                let since = self.since(at);
                let header = self.report.verbosity >= Verbosity::Detailed;
                let secrets = self.report.secrets;
                self.line(&frames::line(*direction, frame, since, header, secrets), at);
            }
            SessionEvent::Broken(violation) => self.line(&frames::broken(*violation), at),
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
