//! The session with a real server, to which a reply script forwards messages of one client
//! (`forward`).
//!
//! A task drives it. Messages of the client wait in a bounded queue, and while it is full the client
//! is not read; messages of the server go to the client's mailbox, and while that is full the server is
//! not read.

use super::{
    hub::{Delivery, MESSAGE_OVERHEAD_BYTES, Mailbox},
    shared::Shared,
};
use crate::{
    connect::{ConnectOptions, Http, Limits, credentials::Credentials},
    error::Error,
    proto::{
        Assembler, Close, CloseCode, Event, Kind, SharedMessage, extension::Offers,
        handshake::Headers,
    },
    random::entropy,
    session::{Session, clock, limits::QUEUE_LIMIT_BYTES},
    target::Target,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep_until, timeout},
};

/// The forwarding of one client's messages.
pub(super) struct Forward {
    queue: Arc<ForwardQueue>,
    task: JoinHandle<()>,
}

/// The messages that wait for the server.
#[derive(Default)]
struct ForwardQueue {
    state: Mutex<QueueState>,
    /// Notified when something was added, or the client has left.
    added: Notify,
    /// Notified when the server was sent something.
    taken: Notify,
}

#[derive(Default)]
struct QueueState {
    messages: VecDeque<(Kind, Vec<u8>)>,
    bytes: usize,
    /// The Close for the server, once the client has left.
    close: Option<Close>,
    /// The Close for the server once it has answered, because ours is ending.
    farewell: Option<Close>,
    /// True once the server takes nothing more.
    is_over: bool,
}

impl Forward {
    /// Opens a session with the server. If that fails, the client's session is closed with 1014.
    pub(super) fn start(
        target: Target,
        subprotocol: Option<&str>,
        shared: &Arc<Shared>,
        mailbox: &Arc<Mailbox>,
    ) -> Self {
        let queue = Arc::<ForwardQueue>::default();
        let options = options(target, subprotocol, shared);
        let client = ForwardedClient {
            shared: Arc::clone(shared),
            mailbox: Arc::clone(mailbox),
            queue: Arc::clone(&queue),
        };
        Self { queue, task: tokio::spawn(client.run(options)) }
    }

    /// Queues a message for the server.
    pub(super) fn send(&self, kind: Kind, payload: Vec<u8>) {
        let mut state = self.queue.lock();
        if !state.is_over {
            state.bytes += payload.len() + MESSAGE_OVERHEAD_BYTES;
            state.messages.push_back((kind, payload));
            drop(state);
            self.queue.added.notify_one();
        }
    }

    /// Reports whether the queue is full, so that the client is not read.
    pub(super) fn is_full(&self) -> bool {
        self.queue.lock().bytes >= QUEUE_LIMIT_BYTES
    }

    /// Waits until the server has been sent what waited.
    pub(super) async fn has_room(&self) {
        while self.is_full() {
            self.queue.taken.notified().await;
        }
    }

    /// Closes the session with the server once it has answered what waits for it, and then that of
    /// the client. An answer is assumed to be complete after [`SILENCE`].
    pub(super) fn end(&self, close: Close) {
        self.queue.lock().farewell.get_or_insert(close);
        self.queue.added.notify_one();
    }

    /// Closes the session with the server, after what waits for it, within `limit`.
    pub(super) async fn finish(mut self, close: Option<Close>, limit: Duration) {
        let close = close.unwrap_or_else(|| Close::new(CloseCode::GOING_AWAY));
        self.queue.lock().close.get_or_insert(close);
        self.queue.added.notify_one();
        if timeout(limit, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl ForwardQueue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nothing more, so that nobody waits for room.
    fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.messages.clear();
        state.bytes = 0;
        drop(state);
        self.taken.notify_one();
    }
}

/// The other end of a [`Forward`].
struct ForwardedClient {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    queue: Arc<ForwardQueue>,
}

impl ForwardedClient {
    async fn run(self, options: ConnectOptions) {
        let close = match self.open(options).await {
            Some(session) => self.serve(session).await,
            None => Close::new(CloseCode::BAD_GATEWAY),
        };
        self.queue.end();
        self.mailbox.push(Delivery::Close(close));
    }

    /// Opens the session. A failure is told.
    async fn open(&self, options: ConnectOptions) -> Option<Session> {
        let shared = &self.shared;
        let opened = shared.opener.open(options).await?;
        let id = self.mailbox.id;
        match opened {
            Ok(opened) => {
                shared.notes.detail(&format!(
                    "client {id}: messages are forwarded to {}",
                    shared.notes.report.secrets.url(&opened.report.url)
                ));
                Some(Session::client(opened, shared.job.session, entropy()))
            }
            Err(error) => {
                let error = Error::from(error);
                shared.notes.note(&format!("client {id}: cannot forward messages: {error}"));
                None
            }
        }
    }

    /// Carries messages until the session is over. Returns the Close for the client.
    async fn serve(&self, mut session: Session) -> Close {
        let (mut assembler, settings) = (Assembler::default(), self.shared.job.common.settings);
        loop {
            while !self.mailbox.is_full() {
                let Some(event) = session.next_event() else { break };
                let Event::Message(piece) = event else { continue };
                if let Some(payload) = assembler.push(&piece) {
                    let message = SharedMessage::new(piece.kind, payload.to_vec(), settings);
                    assembler.release();
                    let delivery = Delivery::Message(Arc::new(message));
                    self.shared.hub.deliver_now(&self.mailbox, delivery);
                }
            }
            let is_full = self.mailbox.is_full();
            let silent_at = self.silent_at(&session).filter(|_| !is_full);
            if silent_at.is_some_and(|at| at <= clock::now()) {
                let mut state = self.queue.lock();
                state.close = state.close.take().or_else(|| state.farewell.clone());
            }
            self.send_queued(&mut session);
            if session.is_over() && !is_full {
                break;
            }
            let is_open = session.is_open() && session.queued() < QUEUE_LIMIT_BYTES;
            let is_over = session.is_over();
            tokio::select! {
                () = session.progress(!is_full), if !is_over => {}
                () = self.queue.added.notified(), if is_open => {}
                () = self.shared.hub.has_room_for(&self.mailbox), if is_full => {}
                () = sleep_until(silent_at.unwrap_or_else(clock::now).into()), if silent_at.is_some() => {}
            }
        }
        session.end();
        self.end(&mut session)
    }

    /// Returns the time from which the server is assumed to have answered everything, if our server is
    /// ending. There is none before the first byte after the last message.
    fn silent_at(&self, session: &Session) -> Option<Instant> {
        let state = self.queue.lock();
        if state.farewell.is_none() || state.close.is_some() || !state.messages.is_empty() {
            return None;
        }
        let (sent, heard) = (session.last_sent(), session.last_heard());
        let is_asked = session.tallies().1.messages() > 0;
        let is_answered = heard > sent && !session.has_unsent_message();
        match (is_asked, is_answered) {
            (false, _) => Some(clock::now()),
            (true, true) => Some(heard + SILENCE),
            (true, false) => None,
        }
    }

    /// Sends what waits while there is room, and then the Close of a client that has left.
    fn send_queued(&self, session: &mut Session) {
        let mut has_taken = false;
        while session.is_open() && session.queued() < QUEUE_LIMIT_BYTES {
            let mut state = self.queue.lock();
            let next = state.messages.pop_front();
            let close = state.close.clone();
            if let Some((_, payload)) = &next {
                state.bytes = state.bytes.saturating_sub(payload.len() + MESSAGE_OVERHEAD_BYTES);
            }
            drop(state);
            // Sending fails only if the session is closing.
            match (next, close) {
                (Some((kind, payload)), _) => {
                    has_taken = true;
                    let _ = session.send(kind, &payload);
                }
                (None, Some(close)) => {
                    let _ = session.close(&close);
                }
                (None, None) => break,
            }
        }
        if has_taken {
            self.queue.taken.notify_one();
        }
    }

    /// Returns the Close for the client at the end of the session, and tells a failure.
    fn end(&self, session: &mut Session) -> Close {
        if let Some(close) = &self.queue.lock().close {
            // The client may have left.
            return close.clone();
        }
        if let (Some(close), false) = (session.remote_close(), session.is_closed_by_us()) {
            return close.clone();
        }
        if let Err(error) = session.verdict(0) {
            let id = self.mailbox.id;
            self.shared.notes.note(&format!(
                "client {id}: the server that messages are forwarded to: {}",
                Error::from(error)
            ));
        }
        Close::new(CloseCode::INTERNAL_ERROR)
    }
}

fn options(target: Target, subprotocol: Option<&str>, shared: &Shared) -> ConnectOptions {
    let mut headers = Headers::default();
    headers.push("User-Agent", concat!("sockeye/", env!("CARGO_PKG_VERSION")));
    headers.push("Sec-WebSocket-Version", "13");
    headers.push("Sec-WebSocket-Extensions", Offers::default().header());
    if let Some(subprotocol) = subprotocol {
        headers.push("Sec-WebSocket-Protocol", subprotocol);
    }
    ConnectOptions {
        target,
        host: None,
        headers,
        edits: shared.job.forward_edits.clone(),
        credentials: Credentials::default(),
        redirects: None,
        tls: shared.job.forward_tls.clone(),
        http: Http::One,
        limits: Limits {
            total: OPEN_LIMIT,
            is_run_limit: false,
            resolve: None,
            tls: None,
            handshake: None,
        },
    }
}

/// The time without a byte of the server after which its answers are complete.
const SILENCE: Duration = Duration::from_secs(1);
/// The time limit for opening the session with the server.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
