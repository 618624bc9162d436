//! A client of ours: its task.

use crate::{
    connect::incoming::Incoming,
    escape::Escaped,
    proto::{Assembler, Close, CloseCode, Event, Kind, Settings, handshake::Choices},
    random::entropy,
    session::{Session, SessionError},
    sink::sinks::Sinks,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
};

/// What happened to a client.
#[derive(Debug)]
pub(super) enum News {
    /// Its session is open.
    Joined { id: u64, peer: SocketAddr, resource: String, to: mpsc::Sender<Arc<str>> },
    /// It sent a message.
    Message { id: u64, kind: Kind, payload: Vec<u8> },
    /// It has gone; how, if it had come.
    Left { id: u64, how: Option<String> },
}

/// One client, as its task sees the world.
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    pub(super) news: mpsc::Sender<News>,
    pub(super) taken: Arc<Notify>,
    /// Shows its frames, if they are asked for.
    pub(super) sinks: Sinks,
}

impl Client {
    /// Serves it until it has gone.
    pub(super) async fn serve(self, stream: TcpStream, choices: Choices, settings: Settings) {
        let id = self.id;
        let mut resource = String::new();
        let established = async {
            let incoming = Incoming::over_tcp(stream, self.peer).await?;
            resource = Escaped(&incoming.request().target).to_string();
            incoming.answer(&choices).await
        };
        let how = match established.await {
            Err(_) => None,
            Ok(established) => {
                let (to, from) = mpsc::channel(QUEUE);
                let joined = News::Joined { id, peer: self.peer, resource, to };
                // Nobody listens only when the process ends.
                let _ = self.news.send(joined).await;
                let session = Session::server(established, settings, entropy());
                Some(self.talk(self.sinks.observe(session), from).await)
            }
        };
        let _ = self.news.send(News::Left { id, how }).await;
    }

    /// `from` brings what is to be sent to it; closed: it is to be sent away.
    async fn talk(&self, mut session: Session, mut from: mpsc::Receiver<Arc<str>>) -> String {
        let mut assembler = Assembler::default();
        let mut told: Option<News> = None;
        let mut sender_gone = false;
        loop {
            let drained = loop {
                if told.is_some() {
                    break false;
                }
                match session.next_event() {
                    None => break true,
                    Some(Event::Message(piece)) => {
                        told = assembler.push(&piece).map(|message| News::Message {
                            id: self.id,
                            kind: piece.kind,
                            payload: message.to_vec(),
                        });
                    }
                    Some(_) => {}
                }
            };
            if drained && session.is_over() {
                session.end();
                return how(session.verdict(0));
            }
            let (over, room) = (session.is_over(), session.queued() < FULL && !sender_gone);
            tokio::select! {
                () = session.progress(drained), if !over => {}
                permit = self.news.reserve(), if told.is_some() => match (permit, told.take()) {
                    (Ok(permit), Some(news)) => permit.send(news),
                    _ => return String::new(),
                },
                line = from.recv(), if room => match line {
                    Some(line) => {
                        self.taken.notify_one();
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

/// Messages on their way to a client.
const QUEUE: usize = 64;
/// Bytes waiting for the client at which it is given no more.
const FULL: usize = 64 << 10;
