//! The output of a server: messages of clients, as text with or without labels, above a prompt, or
//! as JSON Lines. Clients append to it; the server's loop writes it.

use crate::{
    console::{prompt::Prompt, view::View},
    job::{listen::ListenFormat, prompt_habits::PromptHabits},
    proto::{Kind, Piece},
    render::{buffer::OutputBuffer, dialogue::Dialogue, jsonl::JsonLines, renderer::Renderer},
    report::Report,
    script::addressee::Addressee,
    session::{
        backlog::Backlog,
        clock::now,
        limits::{HELD_LIMIT_BYTES, QUEUE_LIMIT_BYTES},
    },
    sink::jsonl::EventBuffer,
    stored::Content,
    sys::stdio::Stdout,
};
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::sleep_until};

/// The output of a server.
pub(super) struct Output {
    state: Mutex<State>,
    report: Report,
    /// The lines of `--output jsonl`, if requested.
    pub(super) events: Option<EventBuffer>,
    /// Notified when something was appended.
    appended: Notify,
    /// Notified when there is room again, for one client at a time.
    room: Notify,
    /// Notified when clients have their shares again.
    drained: Notify,
    /// True while clients may be using their shares.
    is_shared: AtomicBool,
}

struct State {
    format: Format,
    buffer: OutputBuffer,
    backlog: Backlog,
    /// False once the output can no longer be written.
    printing: bool,
    labels: Labels,
    /// True if a client may wait for room.
    is_awaited: bool,
    shares: Shares,
}

/// What clients add to a full output while stdout is stuck. A client that sends little is read, so
/// that its pings are answered, while another one floods the server.
#[derive(Default)]
struct Shares {
    by_client: BTreeMap<u64, usize>,
    total: usize,
}

impl Shares {
    fn has_room(&self) -> bool {
        self.total < ALL_SHARES_BYTES
    }

    fn has_room_for(&self, client: u64) -> bool {
        self.has_room() && self.by_client.get(&client).is_none_or(|bytes| *bytes < SHARE_BYTES)
    }

    fn add(&mut self, client: u64, bytes: usize) {
        *self.by_client.entry(client).or_default() += bytes;
        self.total += bytes;
    }
}

enum Format {
    Text(Renderer),
    /// Messages above a prompt.
    Dialogue(Box<View>),
}

impl Format {
    /// Reports whether no more messages can be held since `/pause`.
    fn is_full(&self) -> bool {
        matches!(self, Self::Dialogue(view) if view.is_full())
    }
}

/// Appends a text with a line end.
fn append(buffer: &mut OutputBuffer, text: Option<String>) {
    if let Some(text) = text {
        buffer.bytes().extend_from_slice(text.as_bytes());
        buffer.bytes().push(b'\n');
        buffer.release();
    }
}

/// When messages begin with the client's number.
enum Labels {
    Always,
    Never,
    /// From the second client on; the number of the first one that sent a message.
    Auto(Option<u64>),
}

impl Output {
    /// Creates the output. `habits` are those of the prompt above which it is shown, if any.
    pub(super) fn new(format: ListenFormat, report: Report, habits: Option<PromptHabits>) -> Self {
        let shown = if let Some(habits) = habits {
            let mut view = View::new(Dialogue::default(), habits);
            view.fit();
            Format::Dialogue(Box::new(view))
        } else {
            let terminal = io::stdout().is_terminal();
            Format::Text(Renderer::new(format.framing, Dialogue::default(), terminal))
        };
        let labels = match format.labels {
            Some(true) => Labels::Always,
            Some(false) => Labels::Never,
            None => Labels::Auto(None),
        };
        let state = State {
            format: shown,
            buffer: OutputBuffer::default(),
            backlog: Backlog::default(),
            printing: true,
            labels,
            is_awaited: false,
            shares: Shares::default(),
        };
        Self {
            state: Mutex::new(state),
            report,
            events: format.jsonl_output.then(|| EventBuffer::new(true)),
            appended: Notify::default(),
            room: Notify::default(),
            drained: Notify::default(),
            is_shared: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a message of a client. With `--output jsonl`, an observer of its session does.
    /// Returns true if labels begin with this message, which is told once.
    pub(super) fn message(&self, client: u64, kind: Kind, payload: &[u8]) -> bool {
        if self.events.is_some() {
            return false;
        }
        let mut state = self.lock();
        if !state.printing {
            return false;
        }
        let State { format, buffer, labels, .. } = &mut *state;
        let mut begins = false;
        match format {
            Format::Dialogue(view) => {
                view.set_peer(Addressee::Client(client));
                let content = Content::Short(payload);
                if view.admits(kind, content) {
                    append(buffer, view.received(kind, content, false));
                }
            }
            Format::Text(renderer) => {
                if let Labels::Auto(first) = labels
                    && *first.get_or_insert(client) != client
                {
                    *labels = Labels::Always;
                    begins = true;
                }
                if matches!(labels, Labels::Always) {
                    // Writing to memory does not fail.
                    let _ = write!(buffer.bytes(), "{client}\t");
                }
                if payload.len() > HEAP_LIMIT_BYTES {
                    // In the allocator's heap a long message would leave a hole.
                    buffer.reserve_for_backlog();
                }
                renderer.piece(&Piece::whole(kind, payload), buffer);
            }
        }
        drop(state);
        self.appended.notify_one();
        begins
    }

    /// Shows a pong that answers a typed ping, above a prompt.
    pub(super) fn pong(&self, client: u64, payload: &[u8], rtt: Option<Duration>) {
        let mut state = self.lock();
        let State { format, buffer, .. } = &mut *state;
        let Format::Dialogue(view) = format else { return };
        view.set_peer(Addressee::Client(client));
        append(buffer, view.control("pong", payload, rtt));
        drop(state);
        self.appended.notify_one();
    }

    /// Returns a message that a command sends, as it is shown above a prompt.
    pub(super) fn sent(&self, to: Addressee, kind: Kind, message: &[u8]) -> Option<String> {
        self.view(|view| {
            view.set_peer(to);
            view.sent(kind, message)
        })
        .flatten()
    }

    /// Reads or changes the display of messages above a prompt. `None` if there is no prompt.
    pub(super) fn view<T>(&self, act: impl FnOnce(&mut View) -> T) -> Option<T> {
        let mut state = self.lock();
        let Format::Dialogue(view) = &mut state.format else { return None };
        let result = act(view);
        drop(state);
        // The end of a pause makes room.
        self.room.notify_one();
        Some(result)
    }

    /// Writes an event of `--output jsonl`, if requested.
    pub(super) fn event(
        &self,
        conn: Option<u64>,
        write: impl FnOnce(&mut JsonLines, &mut OutputBuffer),
    ) {
        let Some(events) = &self.events else { return };
        let Report { started, secrets, .. } = self.report;
        let mut json = JsonLines::new(started, io::stdout().is_terminal(), secrets);
        if let Some(conn) = conn {
            json = json.of_client(conn);
        }
        events.append(|buffer| write(&mut json, buffer));
    }

    /// Reports whether `limit` bytes wait.
    fn holds(&self, state: &State, limit: usize) -> bool {
        match &self.events {
            Some(events) => events.is_full(limit),
            None => state.buffer.ready().len() >= limit || state.format.is_full(),
        }
    }

    fn is_empty(&self, state: &State) -> bool {
        self.events.as_ref().map_or(state.buffer.ready().is_empty(), EventBuffer::is_empty)
    }

    /// Reports whether so much output waits that no more messages of this client may be taken.
    pub(super) fn is_full(&self, client: u64) -> bool {
        let mut state = self.lock();
        if !self.is_beyond_limit(&state) {
            return false;
        }
        let is_sharing = self.is_sharing(&state);
        self.is_shared.fetch_or(is_sharing, Ordering::Relaxed);
        let is_full = !(is_sharing && state.shares.has_room_for(client));
        state.is_awaited |= is_full;
        is_full
    }

    /// Reports whether more output waits than all clients together may cause.
    fn is_beyond_limit(&self, state: &State) -> bool {
        state.printing && self.holds(state, state.backlog.limit().min(HELD_BYTES))
    }

    /// Reports whether stdout has been behind for long enough that clients may use their shares.
    fn is_sharing(&self, state: &State) -> bool {
        state.backlog.limit() >= HELD_BYTES
            && !self.events.as_ref().is_some_and(EventBuffer::has_long)
    }

    /// Counts received bytes as part of the client's share of a full output.
    pub(super) fn count(&self, client: u64, bytes: usize) {
        if self.is_shared.load(Ordering::Relaxed) {
            let mut state = self.lock();
            if self.is_beyond_limit(&state) {
                state.shares.add(client, bytes);
            }
        }
    }

    /// Reports whether events about control frames may be added to a full output.
    pub(super) fn takes_controls(&self) -> bool {
        self.events.as_ref().is_none_or(|events| events.len() < CONTROLS_LIMIT_BYTES)
    }

    /// Waits until the output is not full and it is this client's turn. Clients take turns, so that
    /// few have a message in part: a turn ends with [`Self::pass_turn`].
    pub(super) async fn has_room(&self, client: u64) {
        while self.is_full(client) {
            let has_share = self.lock().shares.has_room_for(client);
            let notify = if has_share { &self.room } else { &self.drained };
            notify.notified().await;
        }
    }

    /// Gives the turn to the next client.
    pub(super) fn pass_turn(&self) {
        let state = self.lock();
        if !self.is_beyond_limit(&state) || self.is_sharing(&state) && state.shares.has_room() {
            self.room.notify_one();
        }
    }

    /// Waits until something was appended.
    pub(super) async fn appended(&self) {
        match &self.events {
            Some(events) => events.appended().await,
            None => self.appended.notified().await,
        }
    }

    /// Reports whether output waits to be written.
    pub(super) fn waits(&self) -> bool {
        !self.is_empty(&self.lock())
    }

    /// Writes to stdout as much as possible without waiting.
    pub(super) fn write(&self, stdout: &Stdout) -> io::Result<()> {
        let mut state = self.lock();
        let keeps_up = match &self.events {
            Some(events) => events.write(stdout, state.backlog.limit())?,
            None => {
                let n = stdout.write(state.buffer.ready())?;
                state.buffer.advance(n);
                state.buffer.ready().is_empty()
            }
        };
        let is_empty = self.is_empty(&state);
        state.backlog.wrote(is_empty);
        if keeps_up && !is_empty {
            state.backlog.progressed();
        }
        if state.is_awaited && !self.holds(&state, QUEUE_LIMIT_BYTES) {
            state.is_awaited = false;
            state.shares = Shares::default();
            self.is_shared.store(false, Ordering::Relaxed);
            drop(state);
            self.room.notify_one();
            self.drained.notify_waiters();
        }
        Ok(())
    }

    /// Moves the output to a prompt while the prompt has room.
    pub(super) fn print(&self, prompt: &Prompt) {
        let mut state = self.lock();
        if prompt.is_full() || state.buffer.ready().is_empty() {
            return;
        }
        if let Format::Dialogue(view) = &mut state.format {
            view.fit();
        }
        let text = String::from_utf8_lossy(state.buffer.ready()).into_owned();
        state.buffer.clear();
        drop(state);
        prompt.print(&text);
        self.room.notify_one();
    }

    /// Waits until more output may wait because stdout has been behind for a while.
    pub(super) async fn extends(&self) {
        let at = {
            let state = self.lock();
            let is_full = self.holds(&state, state.backlog.limit().min(HELD_BYTES));
            state.backlog.extends_at().filter(|_| is_full)
        };
        match at {
            Some(at) => sleep_until(at.max(now()).into()).await,
            None => std::future::pending().await,
        }
        let mut state = self.lock();
        if state.backlog.extend() {
            match &self.events {
                Some(events) => events.reserve_for_backlog(),
                None => state.buffer.reserve_for_backlog(),
            }
        }
        drop(state);
        self.room.notify_one();
    }

    /// Takes all output.
    #[cfg(test)]
    pub(super) fn take_text(&self) -> String {
        let mut state = self.lock();
        let text = String::from_utf8_lossy(state.buffer.ready()).into_owned();
        state.buffer.clear();
        drop(state);
        self.room.notify_one();
        text
    }

    /// Discards all output, because it cannot be written.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.printing = false;
        state.buffer.clear();
        if let Some(events) = &self.events {
            events.abandon();
        }
        drop(state);
        self.room.notify_waiters();
        self.drained.notify_waiters();
    }
}

/// The length from which a message gets memory of its own from the system.
const HEAP_LIMIT_BYTES: usize = 256 << 10;
/// The number of bytes that wait for a stdout that has been behind for a while, whoever sent them.
const HELD_BYTES: usize = 1 << 20;
/// The number of bytes that each client may add then, and that of all clients.
const SHARE_BYTES: usize = 64 << 10;
const ALL_SHARES_BYTES: usize = HELD_LIMIT_BYTES - HELD_BYTES;
/// The number of bytes from which on no events about control frames are added.
const CONTROLS_LIMIT_BYTES: usize = 2 * HELD_LIMIT_BYTES;
