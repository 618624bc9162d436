//! The task that serves one client.

use crate::{
    connect::incoming::Incoming,
    escape::Escaped,
    proto::{Assembler, Close, CloseCode, Event, Kind, Settings, handshake::Choices},
    random::entropy,
    session::{Session, SessionError, limits::QUEUE_LIMIT_BYTES},
    sink::sinks::Sinks,
    sys::unix::bound_unsent_bytes,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
};

/// An event that a client's task reports to the hub.
#[derive(Debug)]
pub(super) enum ClientEvent {
    /// The session is open. `queue` takes the lines to send to the client.
    Joined { id: u64, peer: String, resource: String, queue: mpsc::Sender<Arc<str>> },
    /// The client sent a message.
    Message { id: u64, kind: Kind, payload: Vec<u8> },
    /// The task has ended. `description` says how the session ended; `None` if the client had not
    /// joined.
    Left { id: u64, description: Option<String> },
}

/// The connection of a client's task to the hub.
pub(super) struct ClientLink {
    pub(super) id: u64,
    pub(super) events: mpsc::Sender<ClientEvent>,
    /// Notified when the task has taken a line from its queue.
    pub(super) line_taken: Arc<Notify>,
}

/// A task that serves one client.
pub(super) struct ClientTask {
    pub(super) link: ClientLink,
    /// Shows the client's frames with `--frames`.
    pub(super) sinks: Sinks,
}

impl ClientTask {
    /// Answers the opening handshake and serves the client until its session is over.
    pub(super) async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        choices: Choices,
        settings: Settings,
    ) {
        let mut resource = String::new();
        let established = async {
            if settings.ping_timeout.is_some() {
                // The connection also works without it.
                let _ = bound_unsent_bytes(&stream);
            }
            let incoming = Incoming::over_tcp(stream, peer).await?;
            resource = Escaped(&incoming.request().target).to_string();
            incoming.answer(&choices).await
        };
        match established.await {
            Ok(established) => {
                let session = Session::server(established, settings, entropy());
                self.run_session(session, resource).await;
            }
            Err(_) => self.report_left(None).await,
        }
    }

    /// Joins the hub and runs the session until it is over.
    pub(super) async fn run_session(self, session: Session, resource: String) {
        let (queue, lines) = mpsc::channel(LINE_QUEUE_CAPACITY);
        let (id, peer) = (self.link.id, session.authority().to_owned());
        // This fails only if the hub is gone, when the process ends.
        let _ = self.link.events.send(ClientEvent::Joined { id, peer, resource, queue }).await;
        let description = self.exchange(self.sinks.observe(session), lines).await;
        self.report_left(Some(description)).await;
    }

    async fn report_left(&self, description: Option<String>) {
        let _ = self.link.events.send(ClientEvent::Left { id: self.link.id, description }).await;
    }

    /// Sends the lines to the client and its messages to the hub, and returns a description of the
    /// end. The session is closed with 1001 once the sender of `lines` is dropped.
    async fn exchange(&self, mut session: Session, mut lines: mpsc::Receiver<Arc<str>>) -> String {
        let mut assembler = Assembler::default();
        let mut message: Option<ClientEvent> = None;
        let mut sender_gone = false;
        loop {
            let drained = loop {
                if message.is_some() {
                    break false;
                }
                match session.next_event() {
                    None => break true,
                    Some(Event::Message(piece)) => {
                        message = assembler.push(&piece).map(|payload| ClientEvent::Message {
                            id: self.link.id,
                            kind: piece.kind,
                            payload: payload.to_vec(),
                        });
                    }
                    Some(_) => {}
                }
            };
            if drained && session.is_over() {
                session.end();
                return describe_end(session.verdict(0));
            }
            let (over, room) =
                (session.is_over(), session.queued() < QUEUE_LIMIT_BYTES && !sender_gone);
            tokio::select! {
                () = session.progress(drained), if !over => {}
                permit = self.link.events.reserve(), if message.is_some() => {
                    match (permit, message.take()) {
                        (Ok(permit), Some(message)) => permit.send(message),
                        _ => return String::new(),
                    }
                }
                line = lines.recv(), if room => match line {
                    Some(line) => {
                        self.link.line_taken.notify_one();
                        // Fails only if the session is closing.
                        let _ = session.send(Kind::Text, line.as_bytes());
                    }
                    None => {
                        sender_gone = true;
                        let _ = session.close(&Close::new(CloseCode::GOING_AWAY));
                    }
                },
            }
        }
    }
}

fn describe_end(verdict: Result<(), SessionError>) -> String {
    match verdict {
        Ok(()) => "disconnected".to_owned(),
        Err(error) => format!("disconnected: {error}"),
    }
}

/// Capacity of a client's queue, in lines.
pub(super) const LINE_QUEUE_CAPACITY: usize = 64;
