//! What goes out: the script, then what stdin gives, as far as the network takes it.

use super::{Pipe, Turn, end_cause::EndCause, options::InputSource};
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
    /// Sends what there is to send, as far as the network takes it.
    pub(super) fn feed(&mut self) {
        let mut sent = false;
        // What is compressed to nearly nothing would keep everything else waiting for its end.
        let mut budget = BUDGET;
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
                || !self.play()
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
                // The short way of most messages.
                let Some(line) = self.input.next_line(terminator) else { break };
                sent = true;
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
                Next::Message(range) if self.options.typed => self.obey(range),
                Next::Message(range) => {
                    self.send(range);
                }
                Next::Part { range, last } => self.stream(range, last),
                Next::Truncated(missing) => {
                    let message = self.input.number();
                    self.finish(EndCause::Failed(Error::InputTruncated { message, missing }));
                }
            }
            sent = true;
        }
        if sent && self.clock.expiry(false).is_some() {
            // After -x a line of stdin winds the clock up again.
            self.clock.input_ended(now());
        }
        let done = self.input.is_done() && !self.session.is_frame_open() && !self.is_paused();
        if self.stdin.is_some() && done {
            self.stdin = None;
            self.clock.input_ended(now());
        }
    }

    /// Whether a `wait` of jsonl input is under way.
    fn is_paused(&mut self) -> bool {
        self.options.script.wait_until().is_some() && self.options.script.is_waiting(now())
    }

    /// Performs the script's own actions; false while they wait.
    fn play(&mut self) -> bool {
        if self.turn == Turn::Stdin {
            return true;
        }
        while let Some(outgoing) = self.options.script.next(now()) {
            self.perform(outgoing, false);
        }
        let script = &self.options.script;
        if script.deadline().is_some() {
            return false;
        }
        self.turn = Turn::Stdin;
        if !script.is_empty() || self.options.input == InputSource::Nothing {
            self.clock.input_ended(now());
        }
        true
    }

    /// How many messages of stdin were read and not sent.
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

    /// A message of stdin; false if it must be seen to before the next.
    #[inline]
    fn send(&mut self, range: Range<usize>) -> bool {
        let (kind, from) = (self.options.kind, range.start);
        let bytes = self.input.bytes(range);
        if kind == Kind::Text && !utf8::is_valid(bytes) {
            let good = utf8::valid_up_to(bytes) as u64;
            self.refuse(good);
            return false;
        }
        self.clock.sent();
        if let Some(resend) = &mut self.resend {
            resend.sent(kind, bytes);
        }
        // The session is open: `feed` looked.
        if bytes.len() <= QUEUE_LIMIT_BYTES {
            return self.session.send(kind, bytes).is_ok();
        }
        self.long.rest = from..from + bytes.len();
        let _ = self.session.begin(kind, bytes.len() as u64, true);
        false
    }

    /// The message taken last is no text behind so many good bytes.
    #[cold]
    fn refuse(&mut self, good: u64) {
        let number = self.input.number();
        let position = match self.options.framing {
            Framing::Lines(b'\n') => StdinPosition::Line(number),
            _ => StdinPosition::Message(number),
        };
        self.finish(EndCause::Failed(Error::input_encoding(position, good)));
    }

    /// Part of the message that all of stdin is.
    fn stream(&mut self, range: Range<usize>, last: bool) {
        let kind = self.options.kind;
        let bytes = self.input.bytes(range.clone());
        if kind == Kind::Text {
            let begun = self.long.utf8.character().len() as u64;
            let partial = self.long.utf8.is_partial();
            let start = self.long.read - if partial { begun } else { 0 };
            let fault = match self.long.utf8.push_all(bytes) {
                // A bad byte in the character that was begun: it is the character that is bad.
                Err(fault) if partial && fault.valid == 0 => Some(start),
                Err(fault) => Some(self.long.read + fault.valid as u64),
                Ok(()) if last && self.long.utf8.is_partial() => {
                    let cut = self.long.utf8.character().len() as u64;
                    Some(self.long.read + bytes.len() as u64 - cut)
                }
                Ok(()) => None,
            };
            if let Some(good) = fault {
                return self
                    .finish(EndCause::Failed(Error::input_encoding(StdinPosition::Stream, good)));
            }
        }
        self.long.read += bytes.len() as u64;
        self.long.begun = !last;
        // The session is open: `feed` looked.
        let _ = self.session.begin(kind, bytes.len() as u64, last);
        self.long.rest = range;
        self.clock.sent();
    }

    /// Performs a line of jsonl input.
    fn obey(&mut self, range: Range<usize>) {
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

    /// Sends something; `kept`: it is sent again if it does not leave this session.
    fn perform(&mut self, outgoing: Outgoing, kept: bool) {
        match outgoing {
            Outgoing::Message(kind, bytes) => {
                if self.session.send(kind, &bytes).is_err() {
                    return;
                }
                if let Some(resend) = &mut self.resend
                    && kept
                {
                    resend.sent(kind, &bytes);
                }
            }
            // Refused only when closing, and `feed` has seen to it that it is not.
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

/// Parts of a long message that are sent before anything else has its turn.
const BUDGET: usize = 4;
/// Bytes of a long message that are framed, and then written, at once. Each write wakes the
/// receiver: in parts of 64 KiB a long message costs half as much again.
const PART_BYTES: usize = 256 << 10;
/// Bytes of short messages that are written at once: what a block of stdin comes to when framed.
const BATCH_BYTES: usize = 192 << 10;
