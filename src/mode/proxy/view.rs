//! The messages that pass, as they are shown above a prompt.

use super::who::SessionRow;
use crate::{
    console::{prompt::Prompt, view::View},
    job::prompt_habits::PromptHabits,
    proto::trace::Direction,
    render::{buffer::OutputBuffer, dialogue::Dialogue},
    script::addressee::Addressee,
    session::limits::QUEUE_LIMIT_BYTES,
    sink::leg_text::LegMessage,
};
use colored::Colorize as _;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::Notify;

/// The display of messages, and what waits for the prompt.
pub(super) struct LiveView {
    state: Mutex<State>,
    appended: Notify,
}

struct State {
    view: View,
    buffer: OutputBuffer,
    sessions: BTreeMap<u64, SessionRow>,
}

impl LiveView {
    pub(super) fn new(habits: PromptHabits) -> Self {
        let mut view = View::new(Dialogue::default(), habits);
        view.fit();
        let buffer = OutputBuffer::default();
        let state = State { view, buffer, sessions: BTreeMap::new() };
        Self { state: Mutex::new(state), appended: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a message.
    pub(super) fn show(&self, message: &LegMessage<'_>) {
        let mut state = self.lock();
        let State { view, buffer, sessions } = &mut *state;
        if let Some(session) = sessions.get_mut(&message.conn) {
            let (up, down) = &mut session.messages;
            *if message.direction == Direction::Out { up } else { down } += 1;
        }
        view.set_peer(Addressee::Client(message.conn));
        let (kind, content) = (message.kind, message.content);
        if !view.admits(kind, content) {
            return;
        }
        if let Some(mut text) = view.passed(message.direction, kind, content) {
            if message.is_ours {
                text.push_str(&" (injected)".dimmed().to_string());
            }
            buffer.bytes().extend_from_slice(text.as_bytes());
            buffer.bytes().push(b'\n');
            buffer.release();
        }
        drop(state);
        self.appended.notify_one();
    }

    /// Adds a session.
    pub(super) fn joined(&self, conn: u64, address: &str, target: &str) {
        let (address, target) = (address.to_owned(), target.to_owned());
        let row = SessionRow { conn, address, since: SystemTime::now(), target, messages: (0, 0) };
        self.lock().sessions.insert(conn, row);
    }

    /// Removes a session that is over.
    pub(super) fn left(&self, conn: u64) {
        self.lock().sessions.remove(&conn);
    }

    /// Returns the sessions.
    pub(super) fn sessions(&self) -> Vec<SessionRow> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Returns the path of a session.
    pub(super) fn target(&self, conn: u64) -> Option<String> {
        self.lock().sessions.get(&conn).map(|session| session.target.clone())
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
