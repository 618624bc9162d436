//! `sockeye listen`: be the server. What is typed or piped goes to every client, and what they send
//! is shown; or, with `--echo`, every message goes back.
//!
//! One task a client, and this one between them and stdio. Both ways are bounded: a client that
//! does not read stops stdin, a stdout that is not read stops the clients.

mod client;
mod front;

use super::echo::echo;
use crate::{
    connect::incoming::Incoming,
    error::Error,
    job::{Common, Listen, ended::Ended},
    random::entropy,
    report::Report,
    session::Session,
    sink::sinks::Sinks,
    sys::{signals::Signals, unix::end_by_signal},
};
use client::{Client, News};
use front::Front;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc, watch},
    task::JoinSet,
    time::{sleep, sleep_until},
};

/// Serves until a signal ends it.
pub(super) async fn run(listen: Listen, started: Instant) -> Result<Ended, Error> {
    let fail = |cause| Error::Listen { address: listen.address.clone(), cause };
    let address = address(&listen.address)?;
    let listener = TcpListener::bind(&address).await.map_err(fail)?;
    let local = listener.local_addr().map_err(fail)?;
    let Common { verbosity, secrets, color, .. } = listen.common;
    let report = Report { verbosity, secrets, started };
    color.apply();
    let first = format!("listening on ws://{local}");
    if listen.common.echo {
        report.line(&first);
        return serve_echo(listener, listen, report).await;
    }
    let front = Front::open(&first, report)?;
    Hub::new(listener, listen, front, report).run().await
}

/// `PORT`, `HOST:PORT` or `[IPv6]:PORT`; only this machine unless a host is given.
fn address(text: &str) -> Result<String, Error> {
    let text = text.strip_prefix("ws://").unwrap_or(text).trim_end_matches('/');
    let (host, port) = match text.rsplit_once(':') {
        None => ("127.0.0.1", text),
        Some(("", port)) => ("127.0.0.1", port),
        Some((host, port)) => (host, port),
    };
    let wrong = || Error::Usage {
        fault: format!("'{text}' is not an address to listen on"),
        hint: Some("PORT, HOST:PORT or [IPv6]:PORT; 0 is any free port".to_owned()),
    };
    if text.starts_with("unix:") {
        return Err(Error::NotBuilt("listening on a Unix socket".to_owned()));
    }
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.is_empty() || (bare.contains(':') && bare == host) {
        return Err(wrong());
    }
    Ok(format!("{host}:{port}"))
}

async fn serve_echo(listener: TcpListener, listen: Listen, report: Report) -> Result<Ended, Error> {
    let mut signals =
        Signals::new().map_err(|cause| Error::Other { doing: "wait for signals", cause })?;
    let mut clients = JoinSet::new();
    let (leave, leaving) = watch::channel(());
    let signal = loop {
        tokio::select! {
            (stream, peer) = next_client(&listener) => {
                clients.spawn(echo_client(stream, peer, listen.clone(), report, leaving.clone()));
            }
            Some(_) = clients.join_next() => {}
            signal = signals.recv() => break signal,
        }
    };
    // Their sessions are closed with 1001 when the sender goes.
    drop((leave, listener));
    let all_gone = async { while clients.join_next().await.is_some() {} };
    tokio::select! {
        () = all_gone => {}
        () = sleep(listen.common.settings.close_timeout) => {}
        _ = signals.recv() => {}
    }
    Ok(Ended::Signal(signal))
}

async fn echo_client(
    stream: TcpStream,
    peer: SocketAddr,
    listen: Listen,
    report: Report,
    leaving: watch::Receiver<()>,
) {
    let established =
        async { Incoming::over_tcp(stream, peer).await?.answer(&listen.choices).await };
    match established.await {
        Ok(established) => {
            report.detail(&format!("{peer} connected"));
            let sinks = Sinks::of_peer(listen.common.frames, report, format!("{peer} "));
            let session = Session::server(established, listen.common.settings, entropy());
            echo(sinks.observe(session), leaving).await;
            report.detail(&format!("{peer} left"));
        }
        Err(why) => report.detail(&format!("{peer} refused: {why}")),
    }
}

/// The next connection. Running out of descriptors is no reason to end, nor to spin.
async fn next_client(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => sleep(BREATH).await,
        }
    }
}

struct Hub {
    listener: TcpListener,
    listen: Listen,
    front: Front,
    report: Report,
    clients: BTreeMap<u64, mpsc::Sender<Arc<str>>>,
    next_id: u64,
    news_to: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
    /// A client took a message: there may be room for the next.
    taken: Arc<Notify>,
    /// How it is to end, and when the clients are no longer waited for.
    leaving: Option<(Result<Ended, Error>, Instant)>,
}

enum Woken {
    Client(TcpStream, SocketAddr),
    News(News),
    Front(front::Input),
    Room,
    Signal(i32),
    Patience,
}

impl Hub {
    fn new(listener: TcpListener, listen: Listen, front: Front, report: Report) -> Self {
        let (news_to, news) = mpsc::channel(QUEUE);
        Self {
            listener,
            listen,
            front,
            report,
            clients: BTreeMap::new(),
            next_id: 1,
            news_to,
            news,
            taken: Arc::default(),
            leaving: None,
        }
    }

    async fn run(mut self) -> Result<Ended, Error> {
        let mut signals =
            Signals::new().map_err(|cause| Error::Other { doing: "wait for signals", cause })?;
        loop {
            if let Some((_, patience)) = &self.leaving
                && (self.clients.is_empty() || *patience <= Instant::now())
                && let Some((how, _)) = self.leaving.take()
            {
                self.front.close().await;
                return how;
            }
            let flushed = self.front.flush();
            self.input(flushed);
            match self.wait(&mut signals).await {
                Woken::Client(stream, peer) => self.welcome(stream, peer),
                Woken::News(news) => self.tell(news),
                Woken::Front(input) => self.input(input),
                Woken::Room | Woken::Patience => {}
                Woken::Signal(signal) => self.interrupt(signal).await,
            }
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let all_have_room = self.clients.values().all(|client| client.capacity() > 0);
        let (open, full) = (self.leaving.is_none(), self.front.is_full());
        let patience = self.leaving.as_ref().map_or_else(Instant::now, |(_, at)| *at);
        tokio::select! {
            (stream, peer) = next_client(&self.listener), if open => Woken::Client(stream, peer),
            Some(news) = self.news.recv(), if !full => Woken::News(news),
            input = self.front.input(all_have_room && open, full) => Woken::Front(input),
            () = self.taken.notified() => Woken::Room,
            signal = signals.recv() => Woken::Signal(signal),
            () = sleep_until(patience.into()), if !open => Woken::Patience,
        }
    }

    fn welcome(&mut self, stream: TcpStream, peer: SocketAddr) {
        let id = self.next_id;
        self.next_id += 1;
        let frames = self.listen.common.frames;
        let sinks = Sinks::of_peer(frames, self.report, format!("client {id} "));
        sinks.print_with(self.front.printer().as_ref());
        let (news, taken) = (self.news_to.clone(), Arc::clone(&self.taken));
        let client = Client { id, peer, news, taken, sinks };
        let (choices, settings) = (self.listen.choices.clone(), self.listen.common.settings);
        tokio::spawn(client.serve(stream, choices, settings));
    }

    fn tell(&mut self, news: News) {
        match news {
            News::Joined { id, peer, resource, to } => {
                if self.leaving.is_some() {
                    // Its sender goes: it is sent away at once.
                    return;
                }
                self.clients.insert(id, to);
                self.front.note(
                    &format!(
                        "client {id} connected from {peer} for {}",
                        self.report.secrets.location(&resource)
                    ),
                    self.report,
                );
            }
            News::Message { id, kind, payload } => self.front.show(id, kind, &payload),
            News::Left { id, how } => {
                self.clients.remove(&id);
                if let Some(how) = how {
                    self.front.note(&format!("client {id} {how}"), self.report);
                }
            }
        }
    }

    fn input(&mut self, input: front::Input) {
        match input {
            front::Input::Line(line) => {
                let line: Arc<str> = line.into();
                for client in self.clients.values() {
                    // There is room: it was looked at before the line was taken. A client that
                    // has just gone needs it no more.
                    let _ = client.try_send(Arc::clone(&line));
                }
            }
            front::Input::Leave(how) => self.leave(Ok(how)),
            front::Input::Failed(error) => self.leave(Err(error)),
            front::Input::Nothing => {}
        }
    }

    async fn interrupt(&mut self, signal: i32) {
        if self.leaving.is_some() {
            self.front.close().await;
            end_by_signal(signal);
        }
        self.leave(Ok(Ended::Signal(signal)));
    }

    /// Closes every session with 1001: their senders go, which tells the tasks.
    fn leave(&mut self, how: Result<Ended, Error>) {
        if self.leaving.is_some() {
            return;
        }
        self.leaving = Some((how, Instant::now() + self.listen.common.settings.close_timeout));
        for client in self.clients.values_mut() {
            // The entry stays until its task has left.
            *client = mpsc::channel(1).0;
        }
    }
}

/// Messages on their way from the clients to the front.
const QUEUE: usize = 64;
/// How long to wait when no connection can be accepted.
const BREATH: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_unless_told_otherwise() {
        let cases = [
            ("9000", "127.0.0.1:9000"),
            (":9000", "127.0.0.1:9000"),
            ("0", "127.0.0.1:0"),
            ("0.0.0.0:9000", "0.0.0.0:9000"),
            ("localhost:9000", "localhost:9000"),
            ("[::1]:9000", "[::1]:9000"),
            ("ws://127.0.0.1:9000/", "127.0.0.1:9000"),
        ];
        for (text, expected) in cases {
            assert_eq!(address(text).ok().as_deref(), Some(expected), "{text}");
        }
        for text in ["", "x", "99999", "host", "::1:9000", "h:", "-1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
