//! The replies of a script to one client (`--reply`).

use super::{
    faults::{ClientFaults, Origin},
    forward::Forward,
    hub::{Delivery, Mailbox, QueueRoom, Recipients, Sender},
    shared::Shared,
};
use crate::{
    escape::Escaped,
    proto::{Close, CloseCode, Kind, SharedMessage},
    script::{
        fault::{CutPlace, FaultEnding},
        reply::{
            conversation::{Conversation, ReplyAction},
            rule::Audience,
        },
    },
    session::{Session, clock, limits::QUEUE_LIMIT_BYTES},
};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// The replies to one client.
pub(super) struct ClientReplies {
    client: u64,
    conversation: Conversation,
    /// A message for which other clients have no room.
    waiting: Option<ReplyAction>,
    /// The server that messages are forwarded to, if there is one.
    forward: Option<Forward>,
}

impl ClientReplies {
    /// Creates the replies to a client, and begins the one to its connection.
    pub(super) fn new(
        mailbox: &Arc<Mailbox>,
        conversation: Conversation,
        subprotocol: Option<&str>,
        shared: &Arc<Shared>,
    ) -> Self {
        let forward = conversation.forward().cloned();
        let forward = forward.map(|target| Forward::start(target, subprotocol, shared, mailbox));
        let mut replies = Self { client: mailbox.id, conversation, waiting: None, forward };
        let line = replies.conversation.opened(clock::now());
        replies.tell(line, "the connection", shared);
        replies
    }

    /// Begins the reply to a message.
    pub(super) fn received(&mut self, kind: Kind, payload: &[u8], shared: &Shared) {
        let line = self.conversation.received(kind, payload, clock::now());
        self.tell(line, "a message", shared);
        if let Some(forward) = self.forward.as_ref().filter(|_| line.is_none()) {
            forward.send(kind, payload.to_vec());
        }
    }

    fn tell(&self, line: Option<usize>, event: &str, shared: &Shared) {
        if shared.notes.is_verbose() {
            let client = self.client;
            shared.notes.detail(&match line {
                Some(line) => format!("client {client}: the rule in line {line} is for {event}"),
                None if self.forward.is_some() && event == "a message" => {
                    format!("client {client}: a message is forwarded")
                }
                None => format!("client {client}: no rule is for {event}"),
            });
        }
    }

    /// Reports whether no more messages may be taken.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.is_some() || self.conversation.is_full() || self.is_forward_full()
    }

    fn is_forward_full(&self) -> bool {
        self.forward.as_ref().is_some_and(Forward::is_full)
    }

    /// Waits until the server that messages are forwarded to has taken some, if it has to.
    pub(super) async fn has_room(&self) {
        match self.forward.as_ref().filter(|forward| forward.is_full()) {
            Some(forward) => forward.has_room().await,
            None => std::future::pending().await,
        }
    }

    /// Performs the actions that are due while there is room. Returns true if other clients have no
    /// room for a message.
    pub(super) fn act(
        &mut self,
        session: &mut Session,
        faults: &mut ClientFaults,
        shared: &Shared,
    ) -> bool {
        while has_room(session) && !faults.is_pending() && !self.is_forward_full() {
            let now = clock::now();
            let next = self.waiting.take();
            let next = next.or_else(|| self.conversation.next(now, SystemTime::now()));
            let Some(action) = next else { return false };
            let ending = match action {
                ReplyAction::Send { kind, payload, to, faults: of_message } => {
                    let sender = Sender::Client(self.client);
                    if to != Audience::Sender && shared.hub.ask(sender) != QueueRoom::Free {
                        let faults = of_message;
                        self.waiting = Some(ReplyAction::Send { kind, payload, to, faults });
                        return true;
                    }
                    if to != Audience::Others && session.send(kind, &payload).is_ok() {
                        faults.add_once(session, &of_message);
                    }
                    self.send_to_others(shared, (kind, payload), to);
                    continue;
                }
                ReplyAction::Forward(kind, payload) => {
                    if let Some(forward) = &self.forward {
                        forward.send(kind, payload);
                    }
                    continue;
                }
                ReplyAction::Swallow(kind) => {
                    faults.swallow(kind);
                    continue;
                }
                ReplyAction::Close(close) => {
                    // Fails only if the session is closing.
                    let _ = session.close(&close);
                    continue;
                }
                ReplyAction::Missing { line, value } => {
                    let (client, value) = (self.client, Escaped(&value.0));
                    shared.notes.note(&format!(
                        "client {client}: the rule in line {line} sent nothing: {value} has no value"
                    ));
                    continue;
                }
                ReplyAction::Cut => FaultEnding::Cut(CutPlace::Boundary),
                ReplyAction::Reset => FaultEnding::Reset,
                ReplyAction::Stall(time) => FaultEnding::Stall(time),
            };
            faults.begin(ending, Origin::Reply, shared.job.common.settings.close_timeout);
        }
        false
    }

    fn send_to_others(&self, shared: &Shared, (kind, payload): (Kind, Vec<u8>), to: Audience) {
        if to != Audience::Sender {
            let message = SharedMessage::new(kind, payload, shared.job.common.settings);
            let others = Recipients::Except(vec![self.client]);
            shared.hub.send(&others, &Delivery::Message(Arc::new(message)));
        }
    }

    /// Returns the time at which there is something to do, if any.
    pub(super) fn deadline(&self, session: &Session) -> Option<Instant> {
        if self.waiting.is_some() || !has_room(session) || self.is_forward_full() {
            return None;
        }
        self.conversation.deadline()
    }

    /// Reports whether no reply is under way, apart from those that have no end.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_none() && self.conversation.is_done()
    }

    /// Queues the Close of a server that is ending, after the answers to forwarded messages.
    pub(super) fn end(&self, mailbox: &Mailbox) {
        let close = Close::new(CloseCode::GOING_AWAY);
        match &self.forward {
            Some(forward) => forward.end(close),
            None => mailbox.push(Delivery::Close(close)),
        }
    }

    /// Ends the session with the server that messages are forwarded to, with the Close of the client
    /// if there was one.
    pub(super) async fn finish(self, close: Option<Close>, limit: Duration) {
        if let Some(forward) = self.forward {
            forward.finish(close, limit).await;
        }
    }
}

/// Reports whether the session has room for a reply.
fn has_room(session: &Session) -> bool {
    session.is_open() && session.queued() < QUEUE_LIMIT_BYTES
}
