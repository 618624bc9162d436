//! `sockeye listen`: a WebSocket server. Lines typed or piped in are sent to every client, and
//! messages of the clients are shown; with `--echo`, each message is sent back instead.
//!
//! Each client has its own task; one more task connects them with the console. Both directions are
//! bounded: a client that does not read blocks stdin, and a stdout that is not read blocks the
//! clients.

mod client_task;
mod console;
mod hub;

use super::echo::echo;
use crate::{
    connect::incoming::Incoming,
    console::prompt::BRIEF_LIMIT,
    error::Error,
    escape::Escaped,
    job::{CommonOptions, ListenJob, run_outcome::RunOutcome},
    random::entropy,
    redact::quoted,
    report::Report,
    session::Session,
    sink::{Print, sinks::Sinks},
    sys::{resources::look_up, signals::Signals, unix::end_by_signal},
};
use client_task::{ClientEvent, ClientTask};
use console::{Console, ConsoleEvent};
use hub::Hub;
use std::{
    cell::Cell,
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
pub(super) async fn run(listen: ListenJob, started: Instant) -> Result<RunOutcome, Error> {
    let fail = |cause| Error::Listen { address: listen.address.clone(), cause };
    let (host, port) = address(&listen.address)?;
    let addresses = look_up(&host, port).await.map_err(fail)?;
    let listener = TcpListener::bind(&*addresses).await.map_err(fail)?;
    let local = listener.local_addr().map_err(fail)?;
    let CommonOptions { verbosity, secrets, color, .. } = listen.common;
    let report = Report { verbosity, secrets, started };
    color.apply();
    let first = format!("listening on ws://{local}");
    if listen.common.echo {
        report.line(&first);
        return serve_echo(listener, listen, report).await;
    }
    let console = Console::open(&first, report, listen.common.max_line)?;
    let hub = Hub::new(listen.common.settings.close_timeout);
    let printer = console.printer();
    let is_noted = Cell::new(false);
    Server { listener, listen, console, printer, is_noted, report, hub }.run().await
}

/// Parses `PORT`, `HOST:PORT` or `[IPv6]:PORT`. The default host is 127.0.0.1.
fn address(text: &str) -> Result<(String, u16), Error> {
    let text = text.strip_prefix("ws://").unwrap_or(text).trim_end_matches('/');
    let (host, port) = match text.rsplit_once(':') {
        None => ("127.0.0.1", text),
        Some(("", port)) => ("127.0.0.1", port),
        Some((host, port)) => (host, port),
    };
    let usage_error = || Error::Usage {
        fault: format!("'{}' is not a listen address", Escaped(&quoted(text))),
        hint: Some("use PORT, HOST:PORT or [IPv6]:PORT; port 0 is any free port".to_owned()),
    };
    if text.starts_with("unix:") {
        return Err(Error::NotBuilt("listening on a Unix socket".to_owned()));
    }
    let port: u16 = port.parse().map_err(|_| usage_error())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.is_empty() || (bare.contains(':') && bare == host) {
        return Err(usage_error());
    }
    Ok((bare.to_owned(), port))
}

async fn serve_echo(
    listener: TcpListener,
    listen: ListenJob,
    report: Report,
) -> Result<RunOutcome, Error> {
    let mut signals =
        Signals::new().map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
    let mut clients = JoinSet::new();
    let is_noted = Cell::new(false);
    let (shutdown_sender, shutdown) = watch::channel(());
    let signal = loop {
        tokio::select! {
            (stream, peer) = accept(&listener, &is_noted, |text| report.note(text)) => {
                clients.spawn(echo_client(stream, peer, listen.clone(), report, shutdown.clone()));
            }
            Some(_) = clients.join_next() => {}
            signal = signals.recv() => break signal,
        }
    };
    // Dropping the sender closes every session with 1001.
    drop((shutdown_sender, listener));
    let all_left = async { while clients.join_next().await.is_some() {} };
    tokio::select! {
        () = all_left => {}
        () = sleep(listen.common.settings.close_timeout) => {}
        _ = signals.recv() => {}
    }
    Ok(RunOutcome::Signal(signal))
}

async fn echo_client(
    stream: TcpStream,
    peer: SocketAddr,
    listen: ListenJob,
    report: Report,
    shutdown: watch::Receiver<()>,
) {
    let established =
        async { Incoming::over_tcp(stream, peer).await?.answer(&listen.choices).await };
    match established.await {
        Ok(established) => {
            report.detail(&format!("{peer} connected"));
            let sinks = Sinks::of_peer(listen.common.frames, report, format!("{peer} "));
            let session = Session::server(established, listen.common.settings, entropy());
            echo(sinks.observe(session), shutdown).await;
            report.detail(&format!("{peer} disconnected"));
        }
        Err(fault) => report.detail(&format!("{peer} rejected: {fault}")),
    }
}

/// Accepts the next connection. If that fails, for example because the process is out of file
/// descriptors, it tries again after [`ACCEPT_RETRY_DELAY`]. The first failure of a run is passed to
/// `note`.
async fn accept(
    listener: &TcpListener,
    is_noted: &Cell<bool>,
    note: impl Fn(&str),
) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(cause) => {
                if !is_noted.replace(true) {
                    note(&Error::Other { operation: "accept a connection", cause }.to_string());
                }
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

/// A server that connects its clients with the console.
struct Server {
    listener: TcpListener,
    listen: ListenJob,
    console: Console,
    /// Prints above the prompt, if there is one.
    printer: Option<Print>,
    /// True once a failure to accept a connection was reported.
    is_noted: Cell<bool>,
    report: Report,
    hub: Hub,
}

enum ServerEvent {
    Client(TcpStream, SocketAddr),
    Hub(Option<ClientEvent>),
    Console(ConsoleEvent),
    Signal(i32),
}

impl Server {
    async fn run(mut self) -> Result<RunOutcome, Error> {
        let mut signals = Signals::new()
            .map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
        loop {
            if let Some(outcome) = self.hub.outcome() {
                self.console.close(BRIEF_LIMIT).await;
                return outcome;
            }
            let event = self.console.flush();
            self.handle_console(event);
            match self.wait(&mut signals).await {
                ServerEvent::Client(stream, peer) => self.start_client(stream, peer),
                ServerEvent::Hub(event) => self.show(event),
                ServerEvent::Console(event) => self.handle_console(event),
                ServerEvent::Signal(signal) => self.handle_signal(signal).await,
            }
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> ServerEvent {
        let (has_room, shutting_down) = (self.hub.has_room(), self.hub.is_shutting_down());
        let full = self.console.is_full();
        let note = |text: &str| match &self.printer {
            Some(print) => print(text),
            None => self.report.note(text),
        };
        tokio::select! {
            (stream, peer) = accept(&self.listener, &self.is_noted, note), if !shutting_down => ServerEvent::Client(stream, peer),
            event = self.hub.next(!full) => ServerEvent::Hub(event),
            event = self.console.next(has_room, full) => ServerEvent::Console(event),
            signal = signals.recv() => ServerEvent::Signal(signal),
        }
    }

    fn start_client(&mut self, stream: TcpStream, peer: SocketAddr) {
        let link = self.hub.new_link();
        let frames = self.listen.common.frames;
        let sinks = Sinks::of_peer(frames, self.report, format!("client {} ", link.id));
        sinks.print_with(self.console.printer().as_ref());
        let (choices, settings) = (self.listen.choices.clone(), self.listen.common.settings);
        tokio::spawn(ClientTask { link, sinks }.serve(stream, peer, choices, settings));
    }

    fn show(&mut self, event: Option<ClientEvent>) {
        let Some(event) = event.filter(|event| self.hub.record(event)) else { return };
        match event {
            ClientEvent::Joined { id, peer, resource, .. } => {
                let resource = self.report.secrets.location(&resource);
                let text = format!("client {id} connected from {peer} for {resource}");
                self.console.note(&text, self.report);
            }
            ClientEvent::Message { id, kind, payload } => self.console.show(id, kind, &payload),
            ClientEvent::Left { id, description } => {
                let description = description.unwrap_or_default();
                self.console.note(&format!("client {id} {description}"), self.report);
            }
        }
    }

    fn handle_console(&mut self, event: ConsoleEvent) {
        match event {
            // There is room: a line is read only if `Hub::has_room`.
            ConsoleEvent::Line(line) => self.hub.broadcast(&line),
            ConsoleEvent::Quit(ended) => self.hub.shut_down(Ok(ended)),
            ConsoleEvent::Failed(error) => self.hub.shut_down(Err(error)),
            ConsoleEvent::Nothing => {}
        }
    }

    async fn handle_signal(&mut self, signal: i32) {
        if self.hub.is_shutting_down() {
            self.console.close(Duration::ZERO).await;
            end_by_signal(signal);
        }
        self.hub.shut_down(Ok(RunOutcome::Signal(signal)));
    }
}

/// Delay before the next attempt if a connection cannot be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_addresses_with_a_loopback_default() {
        let cases = [
            ("9000", ("127.0.0.1", 9000)),
            (":9000", ("127.0.0.1", 9000)),
            ("0", ("127.0.0.1", 0)),
            ("0.0.0.0:9000", ("0.0.0.0", 9000)),
            ("localhost:9000", ("localhost", 9000)),
            ("[::1]:9000", ("::1", 9000)),
            ("ws://127.0.0.1:9000/", ("127.0.0.1", 9000)),
        ];
        for (text, (host, port)) in cases {
            assert_eq!(address(text).ok(), Some((host.to_owned(), port)), "{text}");
        }
        for text in ["", "x", "99999", "host", "::1:9000", "h:", "-1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
