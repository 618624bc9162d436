//! The messages that pass, as they are shown above a prompt.

use crate::{
    console::{prompt::Prompt, view::View},
    job::prompt_habits::PromptHabits,
    render::{buffer::OutputBuffer, dialogue::Dialogue},
    script::addressee::Addressee,
    session::limits::QUEUE_LIMIT_BYTES,
    sink::leg_text::LegMessage,
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The display of messages, and what waits for the prompt.
pub(super) struct LiveView {
    state: Mutex<State>,
    appended: Notify,
}

struct State {
    view: View,
    buffer: OutputBuffer,
}

impl LiveView {
    pub(super) fn new(habits: PromptHabits) -> Self {
        let mut view = View::new(Dialogue::default(), habits);
        view.fit();
        let buffer = OutputBuffer::default();
        Self { state: Mutex::new(State { view, buffer }), appended: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a message.
    pub(super) fn show(&self, message: &LegMessage<'_>) {
        let mut state = self.lock();
        let State { view, buffer } = &mut *state;
        view.set_peer(Addressee::Client(message.conn));
        let (kind, content) = (message.kind, message.content);
        if !view.admits(kind, content) {
            return;
        }
        if let Some(text) = view.passed(message.direction, kind, content) {
            buffer.bytes().extend_from_slice(text.as_bytes());
            buffer.bytes().push(b'\n');
            buffer.release();
        }
        drop(state);
        self.appended.notify_one();
    }

    /// Reads or changes the display.
    pub(super) fn view<T>(&self, act: impl FnOnce(&mut View) -> T) -> T {
        act(&mut self.lock().view)
    }

    /// Reports whether more messages may be shown.
    pub(super) fn has_room(&self) -> bool {
        self.lock().buffer.ready().len() < QUEUE_LIMIT_BYTES
    }

    /// Waits until a message was shown.
    pub(super) async fn appended(&self) {
        self.appended.notified().await;
    }

    /// Moves messages to a prompt while it has room.
    pub(super) fn print(&self, prompt: &Prompt) {
        let mut state = self.lock();
        if prompt.is_full() || state.buffer.ready().is_empty() {
            return;
        }
        state.view.fit();
        let text = String::from_utf8_lossy(state.buffer.ready()).into_owned();
        state.buffer.clear();
        drop(state);
        prompt.print(&text);
    }
}
