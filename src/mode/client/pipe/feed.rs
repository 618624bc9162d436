//! Sending: the script, then the messages of stdin, limited by the network.

use super::{FeedPhase, Pipe, end_cause::EndCause};
use crate::{
    error::{Error, StdinPosition},
    proto::{Kind, utf8},
    script::{
        action::{Action, Outgoing},
        input::{Framing, Next},
        jsonl,
    },
    session::{clock::now, limits::QUEUE_LIMIT_BYTES},
};
use std::ops::Range;

impl Pipe {
    /// Sends pending messages until the queue of the session is full.
    pub(super) fn feed(&mut self) {
        // A message that compresses to almost nothing never fills the queue, and would delay
        // everything else until its end.
        let mut budget = PARTS_PER_TURN;
        self.more = false;
        while self.session.queued() < QUEUE_LIMIT_BYTES {
            if self.session.is_frame_open() {
                self.more = budget == 0;
                if self.more {
                    return;
                }
                budget -= 1;
                let end = self.long.rest.end.min(self.long.rest.start + PART_BYTES);
                let part = self.long.rest.start..end;
                self.long.rest.start = end;
                self.session.payload(self.input.bytes(part));
                continue;
            }
            if self.end_cause.is_some()
                || !self.session.is_open()
                || !self.run_script()
                || self.is_paused()
            {
                return;
            }
            if self.resend.is_some() {
                self.send_again();
                if self.session.queued() >= QUEUE_LIMIT_BYTES {
                    return;
                }
            }
            if let Framing::Lines(terminator) = self.options.framing
                && !self.options.typed
            {
                // The fast path of most messages.
                let Some(line) = self.input.next_line(terminator) else { break };
                let mut goes_on = self.send(line);
                while goes_on
                    && self.session.queued() < BATCH_BYTES
                    && let Some(line) = self.input.next_line(terminator)
                {
                    goes_on = self.send(line);
                }
                continue;
            }
            let Some(next) = self.input.take() else { break };
            match next {
                Next::Message(range) if self.options.typed => self.perform_line(range),
                Next::Message(range) => {
                    self.send(range);
                }
                Next::Part { range, last } => self.send_part(range, last),
                Next::Truncated(missing) => {
                    let message = self.input.number();
                    self.finish(EndCause::Failed(Error::InputTruncated { message, missing }));
                }
            }
        }
        let done = self.input.is_done() && !self.session.is_frame_open() && !self.is_paused();
        if self.stdin.is_some() && done {
            self.stdin = None;
            self.clock.stdin_ended(now());
        }
    }

    /// Reports whether a `wait` of jsonl input is in progress.
    fn is_paused(&mut self) -> bool {
        self.options.script.wait_until().is_some() && self.options.script.is_waiting(now())
    }

    /// Performs the script's own actions. Returns false while they wait.
    fn run_script(&mut self) -> bool {
        if self.phase == FeedPhase::Stdin {
            return true;
        }
        while let Some(outgoing) = self.options.script.next(now()) {
            self.perform(outgoing, false);
        }
        if self.options.script.deadline().is_some() {
            return false;
        }
        self.phase = FeedPhase::Stdin;
        self.clock.script_ended(now());
        true
    }

    /// Counts the messages of stdin that were read and not sent.
    pub(super) fn waiting(&mut self) -> usize {
        if matches!(self.end_cause, Some(EndCause::Requested(_))) {
            return 0;
        }
        if !self.options.typed {
            return self.input.waiting();
        }
        let mut waiting = 0;
        while let Some(Next::Message(range)) = self.input.take() {
            let action = jsonl::parse(self.input.bytes(range));
            waiting += usize::from(!matches!(action, Ok(None | Some(Action::Wait(_)))));
        }
        waiting
    }

    /// Sends a message of stdin. Returns false if the next one must not be sent yet.
    #[inline]
    fn send(&mut self, range: Range<usize>) -> bool {
        let (kind, from) = (self.options.kind, range.start);
        let bytes = self.input.bytes(range);
        if kind == Kind::Text && !utf8::is_valid(bytes) {
            let valid = utf8::valid_up_to(bytes) as u64;
            self.reject_text(valid);
            return false;
        }
        self.clock.sent();
        if let Some(resend) = &mut self.resend {
            resend.sent(kind, bytes);
        }
        // `feed` has checked that the session is open.
        if bytes.len() <= QUEUE_LIMIT_BYTES {
            return self.session.send(kind, bytes).is_ok();
        }
        self.long.rest = from..from + bytes.len();
        let _ = self.session.begin(kind, bytes.len() as u64, true);
        false
    }

    /// Fails because the last message taken is not UTF-8 after `valid` bytes.
    #[cold]
    fn reject_text(&mut self, valid: u64) {
        let number = self.input.number();
        let position = match self.options.framing {
            Framing::Lines(b'\n') => StdinPosition::Line(number),
            _ => StdinPosition::Message(number),
        };
        self.finish(EndCause::Failed(Error::input_encoding(position, valid)));
    }

    /// Sends a part of the message that consists of all of stdin.
    fn send_part(&mut self, range: Range<usize>, last: bool) {
        let kind = self.options.kind;
        let bytes = self.input.bytes(range.clone());
        if kind == Kind::Text {
            let begun = self.long.utf8.character().len() as u64;
            let partial = self.long.utf8.is_partial();
            let start = self.long.read - if partial { begun } else { 0 };
            let fault = match self.long.utf8.push_all(bytes) {
                // The invalid byte is inside a character that started in the previous part; the
                // error names the start of that character.
                Err(fault) if partial && fault.valid == 0 => Some(start),
                Err(fault) => Some(self.long.read + fault.valid as u64),
                Ok(()) if last && self.long.utf8.is_partial() => {
                    let cut = self.long.utf8.character().len() as u64;
                    Some(self.long.read + bytes.len() as u64 - cut)
                }
                Ok(()) => None,
            };
            if let Some(valid) = fault {
                return self
                    .finish(EndCause::Failed(Error::input_encoding(StdinPosition::Stream, valid)));
            }
        }
        self.long.read += bytes.len() as u64;
        self.long.begun = !last;
        // `feed` has checked that the session is open.
        let _ = self.session.begin(kind, bytes.len() as u64, last);
        self.long.rest = range;
        self.clock.sent();
    }

    /// Performs a line of jsonl input.
    fn perform_line(&mut self, range: Range<usize>) {
        match jsonl::parse(self.input.bytes(range)) {
            Ok(Some(action)) => {
                self.options.script.append(action);
                while let Some(outgoing) = self.options.script.next(now()) {
                    self.perform(outgoing, true);
                }
            }
            Ok(None) => {}
            Err(fault) => {
                let (line, column) = (self.input.number(), fault.column);
                let error = Error::InputJson { line, column, fault: fault.words };
                self.finish(EndCause::Failed(error));
            }
        }
    }

    /// Sends a message or control frame. If `resends`, a message is sent again in the next session
    /// unless it leaves this one.
    fn perform(&mut self, outgoing: Outgoing, resends: bool) {
        match outgoing {
            Outgoing::Message(kind, bytes) => {
                if self.session.send(kind, &bytes).is_err() {
                    return;
                }
                if let Some(resend) = &mut self.resend
                    && resends
                {
                    resend.sent(kind, &bytes);
                }
            }
            // Fails only while closing, and `feed` has checked that the session is open.
            Outgoing::Ping(payload) => {
                let _ = self.session.ping(&payload);
            }
            Outgoing::Pong(payload) => {
                let _ = self.session.pong(&payload);
            }
            Outgoing::Close(close) => return self.finish(EndCause::Requested(close)),
        }
        self.clock.sent();
    }
}

/// Parts of a long message that are sent in one turn of the loop.
const PARTS_PER_TURN: usize = 4;
/// The size of the parts in which a long message is framed and written. Each write wakes the
/// receiver: with parts of 64 KiB, a long message costs 50 % more.
const PART_BYTES: usize = 256 << 10;
/// Bytes of short messages that are written at once, about one block of stdin with frame headers.
const BATCH_BYTES: usize = 192 << 10;
