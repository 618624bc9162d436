//! The replies of a script to one client (`--reply`).

use super::{
    hub::{Delivery, QueueRoom, Recipients, Sender},
    shared::Shared,
};
use crate::{
    escape::Escaped,
    proto::{Kind, SharedMessage},
    script::reply::{
        conversation::{Conversation, ReplyAction},
        rule::Audience,
    },
    session::{Session, clock, limits::QUEUE_LIMIT_BYTES},
    sys::socket_handle::SocketHandle,
};
use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};
use tokio::time::sleep_until;

/// The replies to one client.
pub(super) struct ClientReplies {
    client: u64,
    conversation: Conversation,
    /// A handle of the client's socket, if the script acts on it.
    socket: Option<SocketHandle>,
    /// A message for which other clients have no room.
    waiting: Option<ReplyAction>,
    /// What is done once everything was sent, but at this time at the latest.
    fault: Option<(Fault, Instant)>,
    stall: Option<Stall>,
    /// The fault that ended the connection.
    ended: Option<Fault>,
}

/// A fault of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Cut,
    Reset,
    Stall(Stall),
}

/// A time in which the server neither reads nor writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stall {
    For(std::time::Duration),
    Until(Instant),
    Endless,
}

impl ClientReplies {
    /// Creates the replies to a client, and begins the one to its connection.
    pub(super) fn new(
        client: u64,
        conversation: Conversation,
        socket: Option<SocketHandle>,
        shared: &Shared,
    ) -> Self {
        let (waiting, fault, stall, ended) = (None, None, None, None);
        let mut replies = Self { client, conversation, socket, waiting, fault, stall, ended };
        let line = replies.conversation.opened(clock::now());
        replies.tell(line, "the connection", shared);
        replies
    }

    /// Begins the reply to a message.
    pub(super) fn received(&mut self, kind: Kind, payload: &[u8], shared: &Shared) {
        let line = self.conversation.received(kind, payload, clock::now());
        self.tell(line, "a message", shared);
    }

    fn tell(&self, line: Option<usize>, event: &str, shared: &Shared) {
        if shared.notes.is_verbose() {
            let client = self.client;
            shared.notes.detail(&match line {
                Some(line) => format!("client {client}: the rule in line {line} is for {event}"),
                None => format!("client {client}: no rule is for {event}"),
            });
        }
    }

    /// Reports whether no more messages may be taken.
    pub(super) fn is_full(&self) -> bool {
        self.fault.is_some() || self.waiting.is_some() || self.conversation.is_full()
    }

    /// Performs the actions that are due while there is room. Returns true if other clients have no
    /// room for a message.
    pub(super) fn act(&mut self, session: &mut Session, shared: &Shared) -> bool {
        while self.has_room(session) && self.fault.is_none() {
            let now = clock::now();
            let next = self.waiting.take();
            let next = next.or_else(|| self.conversation.next(now, SystemTime::now()));
            let Some(action) = next else { return false };
            let fault = match action {
                ReplyAction::Send { kind, payload, to } => {
                    let sender = Sender::Client(self.client);
                    if to != Audience::Sender && shared.hub.ask(sender) != QueueRoom::Free {
                        self.waiting = Some(ReplyAction::Send { kind, payload, to });
                        return true;
                    }
                    self.send(session, shared, (kind, payload), to);
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
                ReplyAction::Cut => Fault::Cut,
                ReplyAction::Reset => Fault::Reset,
                ReplyAction::Stall(time) => Fault::Stall(time.map_or(Stall::Endless, Stall::For)),
            };
            self.fault = Some((fault, now + shared.job.common.settings.close_timeout));
        }
        false
    }

    fn send(
        &self,
        session: &mut Session,
        shared: &Shared,
        (kind, payload): (Kind, Vec<u8>),
        to: Audience,
    ) {
        if to != Audience::Others {
            // Fails only if the session is closing.
            let _ = session.send(kind, &payload);
        }
        if to != Audience::Sender {
            let message = SharedMessage::new(kind, payload, shared.job.common.settings);
            let others = Recipients::Except(vec![self.client]);
            shared.hub.send(&others, &Delivery::Message(Arc::new(message)));
        }
    }

    /// Reports whether the session has room for a reply.
    fn has_room(&self, session: &Session) -> bool {
        session.is_open() && session.queued() < QUEUE_LIMIT_BYTES && self.stall.is_none()
    }

    /// Returns the time at which there is something to do, if any.
    pub(super) fn deadline(&self, session: &Session) -> Option<Instant> {
        match &self.fault {
            Some((_, latest)) => Some(*latest),
            None if self.waiting.is_some() || !self.has_room(session) => None,
            None => self.conversation.deadline(),
        }
    }

    /// Performs a fault once everything was sent. Returns true if the connection is to end.
    pub(super) fn perform_fault(&mut self, session: &Session) -> bool {
        let now = clock::now();
        if let Some((fault, latest)) = self.fault
            && (!session.has_unsent_bytes() || latest <= now)
        {
            self.fault = None;
            match fault {
                Fault::Cut => self.ended = Some(fault),
                Fault::Reset => {
                    self.ended = Some(fault);
                    if let Some(socket) = &self.socket {
                        // Otherwise the connection is cut.
                        let _ = socket.reset_at_end();
                    }
                }
                Fault::Stall(Stall::For(time)) => {
                    self.stall = Some(now.checked_add(time).map_or(Stall::Endless, Stall::Until));
                }
                Fault::Stall(stall) => self.stall = Some(stall),
            }
        }
        self.ended.is_some()
    }

    /// Reports whether the server neither reads nor writes.
    pub(super) fn is_stalled(&self) -> bool {
        self.stall.is_some()
    }

    /// Waits for the end of the time in which the server neither reads nor writes, or for that of the
    /// connection if there is no such time.
    pub(super) async fn stalled(&mut self) {
        let gone = async {
            match &self.socket {
                Some(socket) => socket.ended_by_peer().await,
                None => std::future::pending().await,
            }
        };
        match self.stall {
            Some(Stall::Until(time)) => sleep_until(time.into()).await,
            Some(stall) => {
                gone.await;
                self.ended = Some(Fault::Stall(stall));
            }
            None => {}
        }
        self.stall = None;
    }

    /// Ends the time in which the server neither reads nor writes.
    pub(super) fn resume(&mut self) {
        self.stall = None;
    }

    /// Returns how the connection was ended, if it was.
    pub(super) fn ended(&self) -> Option<&'static str> {
        self.ended.map(|fault| match fault {
            Fault::Reset => "reset by the reply script",
            Fault::Cut => "cut by the reply script",
            Fault::Stall(_) => "left while the reply script stalled",
        })
    }
}
