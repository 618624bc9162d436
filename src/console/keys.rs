//! The handlers of keys.

use super::{line_state::LineState, paste::Paste, screen::write};
use rustyline::{
    Cmd, ConditionalEventHandler, EditMode, Event, EventContext, InputMode, RepeatCount,
};
use std::sync::{Arc, atomic::Ordering};

/// The handler of all keys without another one.
pub(super) struct AnyKey(pub(super) Paste, pub(super) Arc<LineState>);

impl ConditionalEventHandler for AnyKey {
    fn handle(
        &self,
        event: &Event,
        n: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let Self(paste, line) = self;
        line.burst.key();
        let is_command_mode = is_vi_command_mode(context);
        paste.take(event, n, is_command_mode).or_else(|| {
            let key = event.get(0).filter(|_| !is_command_mode)?;
            line.unsent.key(*key, context.line())
        })
    }
}

/// A handler of a key. A paste in progress receives the key first.
pub(super) struct OutsidePaste<H>(pub(super) Paste, pub(super) H);

impl<H: ConditionalEventHandler> ConditionalEventHandler for OutsidePaste<H> {
    fn handle(
        &self,
        event: &Event,
        n: RepeatCount,
        positive: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let Self(paste, handler) = self;
        paste
            .take(event, n, is_vi_command_mode(context))
            .or_else(|| handler.handle(event, n, positive, context))
    }
}

fn is_vi_command_mode(context: &EventContext<'_>) -> bool {
    context.mode() == EditMode::Vi && context.input_mode() == InputMode::Command
}

/// The handler of Ctrl-C. It accepts the line as Enter does, since rustyline's own handler discards
/// the input typed ahead.
pub(super) struct InterruptKey(pub(super) Arc<LineState>);

impl ConditionalEventHandler for InterruptKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.interrupted.store(true, Ordering::SeqCst);
        self.0.accept();
        Some(Cmd::AcceptLine)
    }
}

/// The handler of Tab. It erases the hint, which would otherwise remain above the list of
/// candidates as if it had been typed.
pub(super) struct TabKey;

impl ConditionalEventHandler for TabKey {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        if context.has_hint() {
            write("\x1b[J");
        }
        None
    }
}

/// The handler of Ctrl-D. It keeps the default action and records that an empty line is accepted. A
/// line that could not be sent and was not edited does not prevent leaving.
pub(super) struct EofKey(pub(super) Arc<LineState>);

impl ConditionalEventHandler for EofKey {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        if context.line().is_empty() {
            if self.0.burst.is_collecting() {
                // The message has earlier lines, which the key must not discard.
                return Some(Cmd::Noop);
            }
            self.0.accept();
        } else if self.0.unsent.is_untouched(context.line()) {
            self.0.eof_requested.store(true, Ordering::SeqCst);
            self.0.accept();
            return Some(Cmd::AcceptLine);
        }
        None
    }
}

/// The handler of Ctrl-X Ctrl-E, and of `v` in the command mode of vi: opens the external editor.
pub(super) struct EditKey(pub(super) Arc<LineState>);

impl ConditionalEventHandler for EditKey {
    fn handle(
        &self,
        event: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let is_letter = matches!(event, Event::KeySeq(keys) if keys.len() == 1);
        if is_letter && !is_vi_command_mode(context) {
            return None;
        }
        self.0.edit_requested.store(true, Ordering::SeqCst);
        self.0.accept();
        Some(Cmd::AcceptLine)
    }
}
