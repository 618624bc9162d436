//! A client of ours: its task.

use crate::{
    connect::incoming::Incoming,
    escape::Escaped,
    proto::{Assembler, Close, CloseCode, Event, Kind, Settings, handshake::Choices},
    random::entropy,
    session::{Session, SessionError, limits::QUEUE_LIMIT_BYTES},
    sink::sinks::Sinks,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
};

/// What a client did.
#[derive(Debug)]
pub(super) enum ClientEvent {
    /// Its session is open; `queue` takes the lines that it is sent.
    Joined { id: u64, peer: String, resource: String, queue: mpsc::Sender<Arc<str>> },
    /// It sent a message.
    Message { id: u64, kind: Kind, payload: Vec<u8> },
    /// Its task has ended; how, if it had joined.
    Left { id: u64, how: Option<String> },
}

/// What ties a client's task to the hub.
pub(super) struct ClientLink {
    /// The client's number.
    pub(super) id: u64,
    pub(super) events: mpsc::Sender<ClientEvent>,
    /// Notified when the client has taken a line from its queue.
    pub(super) taken: Arc<Notify>,
}

/// The task of one client.
pub(super) struct Client {
    pub(super) link: ClientLink,
    /// Shows its frames, if they are asked for.
    pub(super) sinks: Sinks,
}

impl Client {
    /// Answers the client's handshake and serves it until it has left.
    pub(super) async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        choices: Choices,
        settings: Settings,
    ) {
        let mut resource = String::new();
        let established = async {
            let incoming = Incoming::over_tcp(stream, peer).await?;
            resource = Escaped(&incoming.request().target).to_string();
            incoming.answer(&choices).await
        };
        match established.await {
            Ok(established) => {
                let session = Session::server(established, settings, entropy());
                self.talk(session, resource).await;
            }
            Err(_) => self.left(None).await,
        }
    }

    /// Joins the hub and goes on until the session is over.
    pub(super) async fn talk(self, session: Session, resource: String) {
        let (queue, lines) = mpsc::channel(LINE_QUEUE);
        let (id, peer) = (self.link.id, session.authority().to_owned());
        // Nobody listens only when the process ends.
        let _ = self.link.events.send(ClientEvent::Joined { id, peer, resource, queue }).await;
        let how = self.exchange(self.sinks.observe(session), lines).await;
        self.left(Some(how)).await;
    }

    async fn left(&self, how: Option<String>) {
        let _ = self.link.events.send(ClientEvent::Left { id: self.link.id, how }).await;
    }

    /// Sends the lines and passes on the messages. The session is closed with 1001 when the sender
    /// of the lines is dropped.
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
                return how(session.verdict(0));
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
                        self.link.taken.notify_one();
                        // Refused only when closing.
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

fn how(verdict: Result<(), SessionError>) -> String {
    match verdict {
        Ok(()) => "left".to_owned(),
        Err(error) => format!("left: {error}"),
    }
}

/// Lines on their way to a client.
pub(super) const LINE_QUEUE: usize = 64;
