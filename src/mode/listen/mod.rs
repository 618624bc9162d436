//! `sockeye listen`: be the server. What is typed or piped goes to every client, and what they send
//! is shown; or, with `--echo`, every message goes back.
//!
//! One task a client, and this one between them and stdio. Both ways are bounded: a client that
//! does not read stops stdin, a stdout that is not read stops the clients.

mod client;
mod front;
mod hub;

use super::echo::echo;
use crate::{
    connect::incoming::Incoming,
    error::Error,
    job::{CommonOptions, ListenJob, ended::Ended},
    random::entropy,
    report::Report,
    session::Session,
    sink::sinks::Sinks,
    sys::{signals::Signals, unix::end_by_signal},
};
use client::{Client, ClientEvent};
use front::Front;
use hub::Hub;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// Serves until a signal ends it.
pub(super) async fn run(listen: ListenJob, started: Instant) -> Result<Ended, Error> {
    let fail = |cause| Error::Listen { address: listen.address.clone(), cause };
    let address = address(&listen.address)?;
    let listener = TcpListener::bind(&address).await.map_err(fail)?;
    let local = listener.local_addr().map_err(fail)?;
    let CommonOptions { verbosity, secrets, color, .. } = listen.common;
    let report = Report { verbosity, secrets, started };
    color.apply();
    let first = format!("listening on ws://{local}");
    if listen.common.echo {
        report.line(&first);
        return serve_echo(listener, listen, report).await;
    }
    let front = Front::open(&first, report)?;
    let hub = Hub::new(listen.common.settings.close_timeout);
    Server { listener, listen, front, report, hub }.run().await
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

async fn serve_echo(
    listener: TcpListener,
    listen: ListenJob,
    report: Report,
) -> Result<Ended, Error> {
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
    listen: ListenJob,
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

/// A server of talking clients, between them and its front.
struct Server {
    listener: TcpListener,
    listen: ListenJob,
    front: Front,
    report: Report,
    hub: Hub,
}

enum Woken {
    Client(TcpStream, SocketAddr),
    Hub(Option<ClientEvent>),
    Front(front::Input),
    Signal(i32),
}

impl Server {
    async fn run(mut self) -> Result<Ended, Error> {
        let mut signals =
            Signals::new().map_err(|cause| Error::Other { doing: "wait for signals", cause })?;
        loop {
            if let Some(outcome) = self.hub.outcome() {
                self.front.close().await;
                return outcome;
            }
            let flushed = self.front.flush();
            self.input(flushed);
            match self.wait(&mut signals).await {
                Woken::Client(stream, peer) => self.welcome(stream, peer),
                Woken::Hub(event) => self.show(event),
                Woken::Front(input) => self.input(input),
                Woken::Signal(signal) => self.interrupt(signal).await,
            }
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let (has_room, leaving) = (self.hub.has_room(), self.hub.is_leaving());
        let full = self.front.is_full();
        tokio::select! {
            (stream, peer) = next_client(&self.listener), if !leaving => Woken::Client(stream, peer),
            event = self.hub.next(!full) => Woken::Hub(event),
            input = self.front.input(has_room, full) => Woken::Front(input),
            signal = signals.recv() => Woken::Signal(signal),
        }
    }

    fn welcome(&mut self, stream: TcpStream, peer: SocketAddr) {
        let link = self.hub.link();
        let frames = self.listen.common.frames;
        let sinks = Sinks::of_peer(frames, self.report, format!("client {} ", link.id));
        sinks.print_with(self.front.printer().as_ref());
        let (choices, settings) = (self.listen.choices.clone(), self.listen.common.settings);
        tokio::spawn(Client { link, sinks }.serve(stream, peer, choices, settings));
    }

    fn show(&mut self, event: Option<ClientEvent>) {
        let Some(event) = event.filter(|event| self.hub.note(event)) else { return };
        match event {
            ClientEvent::Joined { id, peer, resource, .. } => {
                let resource = self.report.secrets.location(&resource);
                let text = format!("client {id} connected from {peer} for {resource}");
                self.front.note(&text, self.report);
            }
            ClientEvent::Message { id, kind, payload } => self.front.show(id, kind, &payload),
            ClientEvent::Left { id, how } => {
                let how = how.unwrap_or_default();
                self.front.note(&format!("client {id} {how}"), self.report);
            }
        }
    }

    fn input(&mut self, input: front::Input) {
        match input {
            // There is room: it was looked at before the line was taken.
            front::Input::Line(line) => self.hub.broadcast(&line),
            front::Input::Leave(how) => self.hub.leave(Ok(how)),
            front::Input::Failed(error) => self.hub.leave(Err(error)),
            front::Input::Nothing => {}
        }
    }

    async fn interrupt(&mut self, signal: i32) {
        if self.hub.is_leaving() {
            self.front.close().await;
            end_by_signal(signal);
        }
        self.hub.leave(Ok(Ended::Signal(signal)));
    }
}

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
