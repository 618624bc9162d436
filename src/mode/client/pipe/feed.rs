//! Sending: the script, then the messages of stdin, limited by the network.

use super::{FeedPhase, Pipe, end_cause::EndCause};
use crate::{
    error::{Error, StdinPosition},
    proto::{Kind, utf8},
    script::{
        action::{Action, Outgoing},
        input::{Framing, LONG_BYTES, Next},
        jsonl::{self, LineFault},
    },
    session::{clock::now, limits::QUEUE_LIMIT_BYTES},
};
use std::{
    ops::Range,
    pin::pin,
    task::{Context, Poll, Waker},
};

impl Pipe {
    /// Sends pending messages until the queue of the session is full.
    pub(super) fn feed(&mut self) {
        // A message that compresses to almost nothing never fills the queue, so sending it would
        // delay everything else until its end.
        let mut budget = PARTS_PER_TURN;
        self.more = false;
        while self.has_room() {
            if self.end_cause.is_some() || !self.session.is_open() {
                return;
            }
            if self.long.has_rest() {
                self.more = budget == 0;
                if self.more {
                    return;
                }
                budget -= 1;
                self.send_rest();
                continue;
            }
            self.send_aside();
            let goes_on = self.run_script() && !self.is_paused();
            if self.long.has_rest() {
                continue;
            }
            if !goes_on {
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
                && !self.input.is_inside()
                && let Some(line) = self.input.next_line(terminator)
            {
                // The fast path of most messages.
                let mut goes_on = self.send(line);
                while goes_on
                    && self.session.queued() < BATCH_BYTES
                    && let Some(line) = self.input.next_line(terminator)
                {
                    goes_on = self.send(line);
                }
                continue;
            }
            let Some(next) = self.input.take() else {
                if self.options.typed
                    && let Err(fault) = jsonl::check_start(self.input.unfinished())
                {
                    self.reject_line(self.input.number() + 1, fault);
                }
                break;
            };
            match next {
                Next::Message(range) if self.options.typed => self.perform_line(range),
                Next::Message(range) => {
                    self.send(range);
                }
                Next::Part { range, last } => self.send_part(range, last),
                Next::TooLong(limit) => {
                    let line = self.input.number();
                    self.finish(EndCause::Failed(Error::InputLineTooLong { line, limit }));
                }
                Next::Truncated(missing) => {
                    let message = self.input.number();
                    self.finish(EndCause::Failed(Error::InputTruncated { message, missing }));
                }
            }
        }
        let done = self.input.is_done() && !self.long.has_rest() && !self.is_paused();
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
        while !self.long.has_rest()
            && let Some(outgoing) = self.options.script.next(now())
        {
            self.perform(outgoing, false);
        }
        if self.long.has_rest() {
            return false;
        }
        if self.options.script.lacks_value()
            && let Some(unmet) = self.options.script.unmet(false)
        {
            self.finish(EndCause::Failed(Error::Unmet(unmet)));
            return false;
        }
        if self.options.script.deadline().is_some() {
            return false;
        }
        self.phase = FeedPhase::Stdin;
        self.options.script.begin_ticks(now());
        self.send_aside();
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
            match jsonl::parse(self.input.bytes(range)) {
                Ok(None | Some(Action::Wait(_) | Action::Expect(_))) => {}
                Ok(Some(Action::Send(Outgoing::Close(_)))) => {
                    // The session has ended, and nothing after this line is sent.
                    self.stdin = None;
                    break;
                }
                Ok(Some(Action::Send(_) | Action::Expand(_))) | Err(_) => waiting += 1,
            }
        }
        waiting
    }

    /// Reports whether the rest of jsonl input, as far as it can be read without waiting, contains
    /// a line that would be sent.
    pub(super) fn has_unsent_lines(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        while self.waiting() == 0 {
            if self.input.is_done() {
                return false;
            }
            let Some(stdin) = &self.stdin else { return false };
            let read = {
                let read = stdin.read(self.input.room());
                pin!(tokio::task::unconstrained(read)).poll(&mut cx)
            };
            match read {
                Poll::Ready(Ok(n)) if !self.input.has_ended() => self.input.filled(n),
                _ => return !self.input.unfinished().trim_ascii().is_empty(),
            }
        }
        true
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
        let end = from + bytes.len();
        let bytes = if self.options.append.is_empty() {
            bytes
        } else {
            self.appended.clear();
            self.appended.extend_from_slice(bytes);
            self.appended.extend_from_slice(&self.options.append);
            &self.appended
        };
        self.clock.sent();
        if let Some(resend) = &mut self.resend {
            resend.sent(kind, bytes);
        }
        // `feed` has checked that the session is open.
        if bytes.len() <= QUEUE_LIMIT_BYTES {
            return self.session.send(kind, bytes).is_ok();
        }
        let length = bytes.len() as u64;
        self.appended = Vec::new();
        self.long.whole(from..end);
        let _ = self.session.begin(kind, Some(length));
        false
    }

    /// Sends the next part of a long message.
    fn send_rest(&mut self) {
        let (part, last) = self.long.take(self.options.settings.fragment);
        match self.long.own_part(part.clone()) {
            // Fails only while closing, in which case the message remains incomplete.
            Some(bytes) => drop(self.session.part(bytes, last)),
            None => self.pass_part(part, last),
        }
        if last {
            self.long.finish();
        }
    }

    /// Passes a part of a message to the session, and after the last the bytes of `--append`.
    fn pass_part(&mut self, part: Range<usize>, last: bool) {
        let append = &self.options.append;
        let ends = last && append.is_empty();
        // Fails only while closing, in which case the message remains incomplete.
        let _ = self.session.part(self.input.bytes(part), ends);
        if last && !ends {
            let _ = self.session.part(append, true);
        }
    }

    /// Sends the rest of a long message before a Close, if all of it was read.
    pub(super) fn complete_message(&mut self) {
        while self.long.is_complete() {
            self.send_rest();
        }
    }

    /// Ends the session because the last message taken is not valid UTF-8 after `valid` bytes.
    #[cold]
    fn reject_text(&mut self, valid: u64) {
        let number = self.input.number();
        let position = match self.options.framing {
            Framing::Whole => StdinPosition::Stream,
            Framing::Lines(b'\n') => StdinPosition::Line(number),
            _ => StdinPosition::Message(number),
        };
        self.finish(EndCause::Failed(Error::input_encoding(position, valid)));
    }

    /// Sends a part of a message that is read from stdin in parts.
    fn send_part(&mut self, range: Range<usize>, last: bool) {
        let (kind, begins) = (self.options.kind, !self.long.is_begun());
        if self.long.drops(last) {
            return;
        }
        let bytes = self.input.bytes(range.clone());
        if begins {
            self.long.begin();
        }
        if kind == Kind::Text
            && let Err(valid) = self.long.check(bytes, last)
        {
            return self.reject_text(valid);
        }
        // `feed` has checked that the session is open.
        if begins {
            let length = if last { Some(bytes.len() as u64) } else { self.input.announced() };
            let append = self.options.append.len() as u64;
            let _ = self.session.begin(kind, length.map(|length| length + append));
            if let Some(resend) = &mut self.resend {
                resend.sent_long();
            }
        }
        if bytes.is_empty() {
            self.pass_part(range.clone(), last);
        }
        self.long.push(range, last);
        self.clock.sent();
    }

    /// Performs a line of jsonl input.
    fn perform_line(&mut self, range: Range<usize>) {
        match jsonl::parse(self.input.bytes(range)) {
            Ok(Some(action)) => {
                self.options.script.append(action);
                while !self.long.has_rest()
                    && let Some(outgoing) = self.options.script.next(now())
                {
                    self.perform(outgoing, true);
                }
            }
            Ok(None) => {}
            Err(fault) => self.reject_line(self.input.number(), fault),
        }
    }

    /// Ends the session because this line is not an action.
    #[cold]
    fn reject_line(&mut self, line: u64, fault: LineFault) {
        let error = Error::InputJson { line, column: fault.column, fault: fault.words };
        self.finish(EndCause::Failed(error));
    }

    /// Sends a message or control frame. If `resends`, a message is sent again in the next session
    /// unless it leaves this one.
    fn perform(&mut self, outgoing: Outgoing, resends: bool) {
        match outgoing {
            Outgoing::Message(kind, bytes) => {
                let is_long = bytes.len() > QUEUE_LIMIT_BYTES;
                let sent = if is_long {
                    self.session.begin(kind, Some(bytes.len() as u64))
                } else {
                    self.session.send(kind, &bytes)
                };
                if sent.is_err() {
                    return;
                }
                if let Some(resend) = &mut self.resend
                    && resends
                {
                    if bytes.len() > LONG_BYTES {
                        resend.sent_long();
                    } else {
                        resend.sent(kind, &bytes);
                    }
                }
                if is_long {
                    self.long.own(bytes);
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
/// Bytes of short messages that are written at once, about one block of stdin with frame headers.
const BATCH_BYTES: usize = 192 << 10;
