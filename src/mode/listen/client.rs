//! The task that serves one client.

use super::{
    admit::{self, Admitted},
    announce::{self, SessionEnd},
    budget::WorkBudget,
    client_record::ClientRecord,
    exec::Exec,
    faults::{ClientFaults, Origin},
    hub::{Delivery, MESSAGE_OVERHEAD_BYTES, Mailbox, QueueRoom, Recipients, Sender, too_slow},
    outgoing::{LONG_BYTES, Outgoing},
    plain_wait::PlainWait,
    reply::ClientReplies,
    shared::Shared,
    waits::{Reading, changed, command_room, is_shown, progress, replies_room, woken},
};
use crate::{
    connect::incoming::Incoming,
    job::listen::Service,
    net::{TransportHandle, tls::server::TlsSummary},
    proto::{Assembler, Close, CloseCode, Event, Kind, Piece, SharedMessage, buffers},
    script::awaited::AwaitedKind,
    session::{Session, clock, limits::QUEUE_LIMIT_BYTES},
    sink::{Print, sinks::Sinks},
};
use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::time::{sleep, sleep_until};

/// Answers a request, and starts the task that serves the client until its session is over.
pub(super) async fn answer(
    shared: Arc<Shared>,
    incoming: Incoming,
    (handle, tls): (Option<TransportHandle>, Option<Arc<TlsSummary>>),
    print: Option<Print>,
) {
    if let Some(admitted) = admit::admit(&shared, incoming, handle, tls.as_deref()).await {
        // A task of its own, so that the future of the handshake is not kept.
        tokio::spawn(run(shared, admitted, print.as_ref()));
    }
}

/// Serves an admitted client until its session is over.
///
/// The future of an idle client is most of its memory. That of an async function would keep the
/// arguments beside what is made of them.
pub(super) fn run(
    shared: Arc<Shared>,
    admitted: Admitted,
    print: Option<&Print>,
) -> impl Future<Output = ()> + Send + use<> {
    let Admitted { session, mailbox, environment, conversation, subprotocol, faults } = admitted;
    let common = &shared.job.common;
    let (report, events) = (shared.notes.report, shared.output.events.as_ref());
    let sinks = Sinks::of_peer(common.frames, report, mailbox.id, events, &shared.recorders);
    sinks.print_with(print);
    let exec = match &shared.job.service {
        Service::Exec(command) => Exec::start(command, &environment, &shared, &mailbox),
        _ => None,
    };
    let replies = conversation.map(|conversation| {
        ClientReplies::new(&mailbox, conversation, subprotocol.as_deref(), &shared)
    });
    let session = Box::new(sinks.observe(session));
    shared.served.fetch_add(1, Ordering::Relaxed);
    let mut client = Client {
        sinks,
        assembler: Assembler::default(),
        held: 0,
        message: Vec::new(),
        current: None,
        exec,
        replies: replies.map(Box::new),
        faults,
        is_dropped: false,
        is_finishing: false,
        has_turn: false,
        budget: WorkBudget::new(),
        mailbox,
        shared,
    };
    async move { client.serve(session).await }
}

struct Client {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    sinks: Sinks,
    assembler: Assembler,
    /// The bytes of the assembler that are counted in [`Shared::unfinished`].
    held: usize,
    /// A received message that is sent back.
    message: Vec<u8>,
    /// The message that is being sent.
    current: Option<Outgoing>,
    exec: Option<Exec>,
    replies: Option<Box<ClientReplies>>,
    faults: Option<Box<ClientFaults>>,
    /// True if the session was closed because the client was too slow.
    is_dropped: bool,
    /// True once what is under way was told that the server is ending.
    is_finishing: bool,
    /// True if other clients wait for this one to complete a message.
    has_turn: bool,
    budget: WorkBudget,
}

/// The reason why no more messages of a client are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stall {
    Nothing,
    /// Its own session has much to send.
    Session,
    Output,
    Recipients,
    Command,
    Replies,
    /// Other clients, which are served first.
    Budget,
}

/// The result of taking a piece of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TakeOutcome {
    /// Part of a message.
    Part,
    /// The rest of a message that is ignored: the server is ending.
    Nothing,
    /// The rest of a message of this kind, and whether it is the goal of the run.
    Whole(Kind, bool),
}

impl Drop for Client {
    /// Tells an ending server that the client is no longer served.
    fn drop(&mut self) {
        self.shared.served.fetch_sub(1, Ordering::Relaxed);
        self.shared.hub.room().notify_waiters();
    }
}

impl Client {
    async fn serve(&mut self, mut session: Box<Session>) {
        self.exchange(&mut session).await;
        self.end_turn();
        self.shared.unfinished.fetch_sub(self.held, Ordering::Relaxed);
        self.shared.hub.leave(&self.mailbox);
        self.sinks.left(&mut session);
        let skipped = self.mailbox.skipped();
        let fault = self.faults.as_ref().and_then(|faults| faults.ended());
        let by_prompt = self.mailbox.record().and_then(ClientRecord::ended);
        let id = self.mailbox.id;
        let how = SessionEnd {
            is_dropped: self.is_dropped,
            skipped,
            fault: fault.or(by_prompt),
            is_corrupted: self.faults.as_ref().is_some_and(|faults| faults.has_corrupted()),
        };
        announce::ended(&self.shared, &mut session, id, &how);
        let close = session.remote_close().cloned();
        if by_prompt.is_some() || self.faults.as_ref().is_some_and(|faults| faults.is_cut()) {
            Box::pin(session.cut()).await;
        } else {
            drop(session);
        }
        self.shared.count_left();
        if let Some(exec) = self.exec.take() {
            exec.finish(self.shared.work_limit()).await;
        }
        if let Some(replies) = self.replies.take() {
            replies.finish(close, self.shared.work_limit()).await;
        }
    }

    async fn exchange(&mut self, session: &mut Session) {
        let mailbox = Arc::clone(&self.mailbox);
        let mut wake_up = pin!(mailbox.wake.notified());
        loop {
            if self.mailbox.record().is_some_and(|record| record.obey(session)) {
                return;
            }
            if !self.is_dropped && self.mailbox.is_dropped() {
                self.is_dropped = true;
                // Fails only if the session is closing.
                let _ = session.close(&too_slow());
            }
            let faults = self.faults.as_mut();
            let fault = faults.and_then(|it| it.begin_queued(&self.mailbox, session));
            if self.is_stalled() {
                if self.wait_stalled(fault, woken(wake_up.as_mut(), &mailbox.wake)).await {
                    return;
                }
                continue;
            }
            let stall = self.take_events(session);
            let replies_wait = self.act(session);
            self.finish_work();
            self.take_deliveries(session);
            if self.faults.as_mut().is_some_and(|it| it.perform(session, &self.shared)) {
                return;
            }
            if self.is_stalled() {
                continue;
            }
            self.budget.spend(session.queued(), 0);
            if self.budget.is_spent() {
                session.write().await;
                // Each client that waits for its next turn would hold a read buffer.
                session.release_memory();
                self.budget.renew().await;
                continue;
            }
            if self.write(session).await {
                continue;
            }
            let ordered = self.mailbox.record().and_then(|record| {
                record.note_traffic(session);
                record.deadline()
            });
            let due = self.deadline(session);
            let deadline = due.into_iter().chain(ordered).chain(fault).min();
            let is_over = session.is_over();
            if is_over && !self.keeps_received(session, stall) {
                return;
            }
            if stall != Stall::Nothing || !session.is_inside_message() {
                self.end_turn();
            }
            let shared = &self.shared;
            let reading = match stall {
                Stall::Nothing => Reading::All,
                Stall::Output if shared.output.takes_controls() => Reading::Controls,
                _ => Reading::Nothing,
            };
            let id = self.mailbox.id;
            // A command that is full may wait for its client, which does not read.
            let is_unread = session.queued() >= QUEUE_LIMIT_BYTES;
            session.set_stalled(stall == Stall::Session || (stall == Stall::Command && is_unread));
            let is_plain = reading == Reading::All
                && self.faults.is_none()
                && self.replies.is_none()
                && self.mailbox.record().is_none()
                && !(is_over || self.has_turn || replies_wait);
            if is_plain {
                let sends_back = self.sends_back();
                let (client, budget) = (id, &mut self.budget);
                let wait = PlainWait { shared, client, session, budget, sends_back };
                wait.wait(wake_up.as_mut(), &mailbox.wake).await;
                continue;
            }
            let wake = deadline.unwrap_or_else(clock::now);
            tokio::select! {
                // Usually the first one is ready, and the others need not be asked. Timers are made only
                // if they are needed.
                biased;
                () = progress(session, (shared, id), reading, &mut self.budget), if !is_over => {}
                () = woken(wake_up.as_mut(), &mailbox.wake) => {}
                () = shared.output.has_room(id), if stall == Stall::Output => self.has_turn = true,
                () = async { sleep(TURN).await }, if self.has_turn => self.end_turn(),
                () = shared.hub.has_room(Sender::Client(id)), if stall == Stall::Recipients || replies_wait => {}
                () = async { sleep_until(wake.into()).await }, if deadline.is_some() => {}
                () = changed(self.faults.as_deref()), if self.faults.is_some() => {}
                () = replies_room(self.replies.as_deref()), if self.replies.is_some() => {}
                () = command_room(self.exec.as_ref()), if stall == Stall::Command => {}
            }
        }
    }

    /// Writes what is queued, as far as the client takes it at once, so that the loop need not turn once
    /// more before it waits. Returns true if that made room for more, or a fault may depend on it.
    async fn write(&self, session: &mut Session) -> bool {
        let queued = session.queued();
        if queued == 0 {
            return false;
        }
        session.write().await;
        let left = session.queued();
        left < queued
            && (self.faults.is_some() || (queued >= QUEUE_LIMIT_BYTES && left < QUEUE_LIMIT_BYTES))
    }

    /// Reports whether received messages of a lost connection still wait for stdout or for other
    /// clients, which may take them later. A command or a reply script had --close-timeout for them:
    /// what it did not take is discarded, and a note tells so.
    fn keeps_received(&self, session: &Session, stall: Stall) -> bool {
        if !session.has_undecoded() || self.is_dropped || !self.shared.takes_messages() {
            return false;
        }
        let what = match stall {
            Stall::Output | Stall::Recipients => return true,
            Stall::Nothing | Stall::Session | Stall::Budget => return false,
            Stall::Command => "the command",
            Stall::Replies => "the reply script",
        };
        let id = self.mailbox.id;
        self.shared.notes.note(&format!(
            "client {id}: messages that {what} did not take in time were discarded"
        ));
        false
    }

    /// Performs replies that are due. Returns true if other clients have no room for one.
    fn act(&mut self, session: &mut Session) -> bool {
        match (&mut self.replies, &mut self.faults) {
            (Some(replies), Some(faults)) if self.current.is_none() => {
                replies.act(session, faults, &self.shared)
            }
            _ => false,
        }
    }

    /// Returns the time at which there is a reply or a fault, if any.
    fn deadline(&self, session: &Session) -> Option<Instant> {
        let faults = self.faults.as_deref();
        let is_pending = faults.is_some_and(ClientFaults::is_pending);
        let replies = self.replies.as_ref().filter(|_| self.current.is_none() && !is_pending);
        let reply = replies.and_then(|replies| replies.deadline(session));
        reply.into_iter().chain(faults.and_then(ClientFaults::deadline)).min()
    }

    /// Lets another client use the room of the output.
    fn end_turn(&mut self) {
        if std::mem::take(&mut self.has_turn) {
            self.shared.output.pass_turn();
        }
    }

    /// Reports whether a fault has the server neither read nor write, until the session is
    /// closed for another reason.
    fn is_stalled(&mut self) -> bool {
        let Some(faults) = &mut self.faults else { return false };
        if !faults.is_stalled() {
            return false;
        }
        if self.is_dropped || self.shared.is_ending() {
            faults.resume();
        }
        faults.is_stalled()
    }

    /// Waits until something changes, or a fault is due at `fault`. Returns true if the client has left
    /// meanwhile.
    async fn wait_stalled(
        &mut self,
        fault: Option<Instant>,
        woken: impl Future<Output = ()>,
    ) -> bool {
        let Some(faults) = &mut self.faults else { return false };
        let wake = fault.unwrap_or_else(clock::now);
        tokio::select! {
            () = faults.stalled() => {}
            () = async { sleep_until(wake.into()).await }, if fault.is_some() => {}
            () = woken => {}
        }
        faults.ended().is_some()
    }

    /// Takes received events until there are none, or a message would have to wait.
    fn take_events(&mut self, session: &mut Session) -> Stall {
        loop {
            let stall = self.stall(session);
            match stall {
                Stall::Nothing => {}
                Stall::Output if session.has_control() && self.shared.output.takes_controls() => {}
                stall => return stall,
            }
            if self.sends_back()
                && let Some(payload) = session.send_back()
            {
                self.budget.spend(payload.len(), 0);
                if self.shared.count_message(payload) {
                    self.shared.end_at_goal();
                }
                continue;
            }
            let is_open = session.is_open();
            let piece = match session.next_event() {
                None => return stall,
                Some(Event::Message(piece)) if !self.is_dropped => piece,
                Some(Event::Pong { payload, rtt }) => {
                    if self.mailbox.record().is_some_and(|record| record.ponged(payload)) {
                        self.shared.output.pong(self.mailbox.id, payload, rtt);
                    }
                    continue;
                }
                Some(_) => {
                    self.budget.spend(0, 0);
                    continue;
                }
            };
            let recipients = match self.shared.job.service {
                Service::Broadcast if piece.last => self.shared.hub.count(),
                _ => 0,
            };
            self.budget.spend(piece.payload.len(), recipients);
            self.shared.output.count(self.mailbox.id, piece.payload.len() + MESSAGE_OVERHEAD_BYTES);
            match self.take_piece(&piece, is_open) {
                TakeOutcome::Part => self.count_unfinished(session),
                TakeOutcome::Nothing => {}
                TakeOutcome::Whole(kind, is_goal) => {
                    self.reply(session, kind);
                    if is_goal {
                        self.shared.end_at_goal();
                    }
                }
            }
        }
    }

    /// Reports whether messages are sent back as they are.
    fn sends_back(&self) -> bool {
        matches!(self.shared.job.service, Service::Echo)
            && self.faults.is_none()
            && !self.is_dropped
            && !self.shared.is_ending()
    }

    /// Takes a piece of a message, and passes a whole message on. A reply script does not reply if
    /// the session is not open.
    fn take_piece(&mut self, piece: &Piece<'_>, is_open: bool) -> TakeOutcome {
        let Some(payload) = self.assembler.push(piece) else { return TakeOutcome::Part };
        let shared = &*self.shared;
        if self.held > 0 {
            shared.unfinished.fetch_sub(std::mem::take(&mut self.held), Ordering::Relaxed);
        }
        if !shared.takes_messages() {
            self.assembler.release();
            return TakeOutcome::Nothing;
        }
        let is_goal = shared.count_message(payload);
        let (id, kind) = (self.mailbox.id, piece.kind);
        match &shared.job.service {
            Service::Talk => show(shared, id, kind, payload),
            Service::Broadcast => broadcast(shared, id, kind, payload),
            Service::Exec(_) => {
                if let Some(exec) = &self.exec {
                    exec.send(payload);
                }
            }
            Service::Reply(..) => {
                if let Some(replies) = self.replies.as_mut().filter(|_| is_open) {
                    replies.received(kind, payload, shared);
                }
            }
            // A message that came whole is in the session's buffer, another in the assembler.
            Service::Echo if piece.first => {
                self.message = buffers::take();
                self.message.extend_from_slice(payload);
                return TakeOutcome::Whole(kind, is_goal);
            }
            Service::Echo => {
                self.message = self.assembler.take();
                return TakeOutcome::Whole(kind, is_goal);
            }
        }
        self.assembler.release();
        TakeOutcome::Whole(kind, is_goal)
    }

    /// Ends what is under way for the client of a server that is ending. Its Close follows the last
    /// answer.
    fn finish_work(&mut self) {
        if self.is_finishing || !self.shared.is_ending() || !self.mailbox.is_finishing() {
            return;
        }
        match (&self.exec, &self.replies) {
            // Its task queues the Close.
            (Some(exec), _) => exec.end_input(),
            (None, Some(replies)) if !replies.is_done() => return,
            (None, Some(replies)) => replies.end(&self.mailbox),
            (None, None) => self.mailbox.push(Delivery::Close(Close::new(CloseCode::GOING_AWAY))),
        }
        self.is_finishing = true;
    }

    /// Sends what answers the message that was taken.
    fn reply(&mut self, session: &mut Session, kind: Kind) {
        match &self.shared.job.service {
            Service::Echo => {
                // Fails only if the session is closing; no echo is expected then.
                let message = std::mem::take(&mut self.message);
                let fragment = self.shared.job.session.fragment;
                if message.len() > fragment.get().max(LONG_BYTES) {
                    self.current = Outgoing::echo(session, (kind, message), fragment).ok();
                } else {
                    let _ = session.send(kind, &message);
                    buffers::give(message);
                }
            }
            Service::Reply(..) => {
                // Before the answer to a Close that follows the message.
                self.act(session);
            }
            Service::Talk | Service::Broadcast | Service::Exec(_) => {}
        }
    }

    /// Counts the bytes of a message that has arrived in part. The session is closed if those of
    /// all clients are too many.
    fn count_unfinished(&mut self, session: &mut Session) {
        let more = self.assembler.held() - self.held;
        self.held += more;
        let all = self.shared.unfinished.fetch_add(more, Ordering::Relaxed) + more;
        if all > UNFINISHED_LIMIT_BYTES {
            self.shared.unfinished.fetch_sub(self.held, Ordering::Relaxed);
            self.held = 0;
            self.assembler.release();
            self.is_dropped = true;
            let id = self.mailbox.id;
            self.shared.notes.note(&format!(
                "client {id}: incomplete messages of all clients exceed {} MiB",
                UNFINISHED_LIMIT_BYTES >> 20
            ));
            let reason = "too many incomplete messages".to_owned();
            // Fails only if the session is closing.
            let _ = session.close(&Close { code: CloseCode::TRY_AGAIN_LATER, reason });
        }
    }

    fn stall(&self, session: &Session) -> Stall {
        let shared = &self.shared;
        if self.budget.is_spent() {
            return Stall::Budget;
        }
        // What these services send is the answer to what is read.
        let answers = matches!(shared.job.service, Service::Echo | Service::Reply(..));
        if answers && session.queued() >= QUEUE_LIMIT_BYTES {
            return Stall::Session;
        }
        if is_shown(shared) && shared.output.is_full(self.mailbox.id) {
            return Stall::Output;
        }
        match &shared.job.service {
            // A message that is sent back must not come between two fragments of another.
            Service::Echo if self.current.is_some() => Stall::Session,
            Service::Broadcast
                if shared.hub.ask(Sender::Client(self.mailbox.id)) != QueueRoom::Free =>
            {
                Stall::Recipients
            }
            Service::Reply(..)
                if session.is_open()
                    && (self.replies.as_ref().is_some_and(|replies| replies.is_full())
                        || self.faults.as_ref().is_some_and(|faults| faults.is_pending())) =>
            {
                Stall::Replies
            }
            Service::Exec(_) if self.exec.as_ref().is_some_and(Exec::is_full) => Stall::Command,
            _ => Stall::Nothing,
        }
    }

    /// Moves deliveries to the session while it has room.
    fn take_deliveries(&mut self, session: &mut Session) {
        while session.queued() < QUEUE_LIMIT_BYTES && session.is_open() {
            if self.current.is_none() && self.faults.as_ref().is_some_and(|it| it.is_pending()) {
                // Nothing is sent after what the fault waits for.
                return;
            }
            if let Some(outgoing) = self.current.take() {
                let queued = outgoing.queued_bytes();
                match (outgoing.advance(session), queued) {
                    (Ok(Some(rest)), _) => self.current = Some(rest),
                    (Ok(None), Some(length)) => {
                        self.mailbox.sent(length, self.shared.job.max_queue);
                    }
                    (Ok(None), None) => {}
                    (Err(_), _) => return,
                }
                continue;
            }
            // Sending fails only if the session is closing.
            let _ = match self.mailbox.take() {
                None => return,
                Some(Delivery::Message(message)) => {
                    self.current = Some(Outgoing::Queued(message, 0));
                    Ok(())
                }
                Some(Delivery::Ping(payload)) => session.ping(&payload),
                Some(Delivery::Pong(payload)) => session.pong(&payload),
                Some(Delivery::Close(close)) => session.close(&close),
                Some(Delivery::Fault(ending, latest)) => {
                    if let Some(faults) = &mut self.faults {
                        let limit = latest.saturating_duration_since(clock::now());
                        faults.begin(ending, Origin::Stdin, limit);
                    }
                    Ok(())
                }
            };
        }
    }
}

/// Writes a message to the output.
fn show(shared: &Shared, from: u64, kind: Kind, payload: &[u8]) {
    shared.log.add(from, AwaitedKind::Message, payload);
    if shared.output.message(from, kind, payload) {
        shared.notes.note(
            "a second client has sent a message: each is now written after the client's number and \
             a tab (--no-label)",
        );
    }
}

/// Sends a message to all other clients.
fn broadcast(shared: &Shared, from: u64, kind: Kind, payload: &[u8]) {
    let message = SharedMessage::new(kind, payload.to_vec(), shared.job.common.settings);
    let others = Recipients::Except(vec![from]);
    shared.hub.send(&others, &Delivery::Message(Arc::new(message)));
}

/// The greatest number of bytes of all messages that have arrived in part.
const UNFINISHED_LIMIT_BYTES: usize = 256 << 20;
/// The time that a client has to complete a message while others wait for the output.
const TURN: Duration = Duration::from_millis(20);
