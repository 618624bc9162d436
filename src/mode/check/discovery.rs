//! What is found out before the checks: whether the server opens a session, answers pings and sends
//! messages back.

use super::{
    describe::describe,
    echo::{Echo, EchoForm},
    frames::{BINARY, CLOSE, PING, SeenFrame, TEXT, close_body, frame, messages},
    server::Server,
    wire::{Wire, WireEnd},
};
use crate::{
    connect::{ClientConnection, Dialer, OpenError, Progress},
    error::Error,
    job::check::CheckJob,
    proto::{
        Close, CloseCode,
        excerpt::Excerpt,
        handshake::{Request, Version},
    },
    random::nonce,
    report::Report,
    session::SessionError,
};
use data_encoding::HEXLOWER;
use std::{io, time::Duration};
use tokio::time::Instant;

/// Opens a session, as a client does, and finds out what the checks need to know. Fails as a client
/// does.
pub(crate) async fn discover(job: &CheckJob, report: Report) -> Result<Server, Error> {
    let dialer = Dialer::new(job.dialing.clone());
    let mut accepted: Option<Request> = None;
    let mut observer = |progress: Progress<'_>| {
        if let Progress::Request(request, _) = &progress {
            accepted = Some((*request).clone());
        }
        report.progress(&progress);
    };
    let ClientConnection { established, report: opened } =
        dialer.open(&job.opening, &mut observer).await?;
    let authority = established.authority.clone();
    let request = accepted.ok_or_else(|| OpenError::Other {
        operation: "open a session",
        cause: io::Error::other("no request was sent"),
    })?;
    let carrier = established.carrier;
    let mut server = Server::new(
        dialer,
        &job.opening,
        (&opened.url, &request),
        (carrier, job.echo_path.as_deref()),
    )?;
    server.has_socket = job.dialing.socket.is_some();
    server.facts.round_trip = opened.timing.handshake;
    let wire = Wire::new(established.transport, established.rest);
    answers_pings(&mut server, wire, &authority).await?;
    server.limit_opening();
    tries_messages(&mut server).await;
    if job.echo_path.is_some() {
        tries_path(&mut server).await;
    }
    repeats_request(&mut server).await;
    Ok(server)
}

/// Waits in a new session, and then for the answer to a ping.
async fn answers_pings(server: &mut Server, mut wire: Wire, authority: &str) -> Result<(), Error> {
    let is_closed = |frames: &[SeenFrame]| frames.iter().any(SeenFrame::is_close);
    wire.wait(Instant::now() + server.grace(), is_closed).await;
    ended(&wire, authority, server.carrier)?;
    let sent = Instant::now();
    let deadline = sent + server.patience();
    wire.send(&frame(PING, PROBE), deadline).await;
    let is_answered = |frames: &[SeenFrame]| frames.iter().any(|frame| frame.is_pong(PROBE));
    wire.wait(deadline, |frames| is_closed(frames) || is_answered(frames)).await;
    server.observe(&wire, false);
    ended(&wire, authority, server.carrier)?;
    if is_answered(wire.frames()) {
        // The first handshake may have taken longer than others will.
        server.facts.round_trip = sent.elapsed();
    } else {
        let limit = server.patience();
        let no_pong =
            format!("the server did not answer a ping within {:.1} s", limit.as_secs_f64());
        server.facts.no_pong = Some(no_pong);
        let deadline = Instant::now() + limit;
        wire.send(&frame(CLOSE, close_body(1000, b"")), deadline).await;
        let is_alive =
            wire.wait(deadline, |frames| !frames.is_empty()).await || wire.end().is_some();
        if !is_alive {
            let authority = authority.to_owned();
            return Err(SessionError::PongTimeout { authority, limit }.into());
        }
    }
    leave(wire, server).await;
    Ok(())
}

/// Fails if the server has ended a session in which nothing illegal was sent.
fn ended(wire: &Wire, authority: &str, carrier: Version) -> Result<(), Error> {
    let authority = authority.to_owned();
    if let Some(frame) = wire.frames().iter().find(|frame| frame.is_close()) {
        let close =
            Close::parse(&frame.payload).unwrap_or_else(|_| Close::new(CloseCode::NO_STATUS));
        return Err(SessionError::Closed { authority, close, context: None }.into());
    }
    match wire.end() {
        None => Ok(()),
        Some(WireEnd::Flood) => Err(Error::Other {
            operation: "check the server",
            cause: io::Error::other("it sends more than 4 MiB that nobody asked for"),
        }),
        Some(WireEnd::Closed) => Err(SessionError::NoClose {
            authority,
            carrier,
            inside_message: false,
            quiet: None,
            context: None,
        }
        .into()),
        Some(WireEnd::Lost(kind)) => {
            Err(SessionError::Receive { authority, cause: kind.into(), quiet: None, context: None }
                .into())
        }
    }
}

/// Finds out which messages come back, and which end a session.
async fn tries_messages(server: &mut Server) {
    let (text, copies) = match tries_message(server, TEXT).await {
        Err(reason) => (Err(reason), 0),
        Ok(Reply::Back(form, copies)) => (Ok(form), copies),
        Ok(Reply::Ended(words)) => {
            server.facts.no_text = Some(words.clone());
            (Err(words), 0)
        }
        Ok(Reply::Other(words)) => (Err(words), 0),
    };
    let binary = match tries_message(server, BINARY).await {
        Err(reason) => Err(reason),
        Ok(Reply::Back(form, _)) => Ok(form),
        Ok(Reply::Ended(words)) => {
            server.facts.no_binary = Some(words.clone());
            Err(words)
        }
        Ok(Reply::Other(words)) => Err(words),
    };
    server.facts.echo = Echo { text, binary, copies };
}

/// What a server does with a message.
enum Reply {
    /// The message comes back in this form, so many times.
    Back(EchoForm, usize),
    /// The server ends the session.
    Ended(String),
    /// The server does something else, or nothing.
    Other(String),
}

/// Sends two messages, as checks do, and waits for them to come back.
async fn tries_message(server: &mut Server, opcode: u8) -> Result<Reply, String> {
    let mut wire = server.open_admitted(true).await.map_err(|missing| missing.reason)?;
    let name = if opcode == TEXT { "text" } else { "binary" };
    let message = |number| {
        let nonce = HEXLOWER.encode(&nonce());
        match opcode {
            TEXT => format!("sockeye check {number} {nonce}").into_bytes(),
            _ => [&[0xff, 0, number][..], nonce.as_bytes()].concat(),
        }
    };
    let sent: Vec<_> = (1..=TRIED_MESSAGES).map(message).collect();
    let started = Instant::now();
    let limit = started + ECHO_LIMIT.saturating_add(server.facts.round_trip.saturating_mul(4));
    let is_closed = |frames: &[SeenFrame]| frames.iter().any(SeenFrame::is_close);
    let copies = |frames: &[SeenFrame], sent: &[u8]| {
        let received = messages(frames);
        let forms = received.iter().filter_map(|message| EchoForm::of(sent, &message.payload));
        forms.collect::<Vec<_>>()
    };
    for payload in &sent {
        wire.send(&frame(opcode, payload), limit).await;
        let is_back = |frames: &[SeenFrame]| !copies(frames, payload).is_empty();
        wire.wait(limit, |frames| is_back(frames) || is_closed(frames)).await;
    }
    let took = started.elapsed();
    // What comes after the answer to this ping is not waited for.
    wire.send(&frame(PING, PROBE), limit).await;
    let has_pong = |frames: &[SeenFrame]| frames.iter().any(|frame| frame.is_pong(PROBE));
    let rest = Instant::now() + server.grace();
    wire.wait(rest, |frames| has_pong(frames) || is_closed(frames)).await;
    server.observe(&wire, false);
    let reply = if is_closed(wire.frames()) || wire.end().is_some() {
        Reply::Ended(format!(
            "the server ends a session after a {name} message: {}",
            describe(&wire)
        ))
    } else {
        let found: Vec<_> = sent.iter().map(|sent| copies(wire.frames(), sent)).collect();
        let number = found.iter().map(Vec::len).min().unwrap_or_default();
        match found.first().and_then(|forms| forms.first()) {
            Some(form) if number > 0 => {
                let facts = &mut server.facts;
                facts.round_trip = facts.round_trip.max(took / u32::from(TRIED_MESSAGES));
                Reply::Back(*form, number)
            }
            _ => Reply::Other(other_reply(&wire, name)),
        }
    };
    leave(wire, server).await;
    Ok(reply)
}

/// Describes a reply to a message that is not the same message.
fn other_reply(wire: &Wire, name: &str) -> String {
    match messages(wire.frames()).first() {
        None => format!("the server does not send {name} messages back"),
        Some(message) => {
            let start: Vec<u8> = message.payload.iter().copied().take(60).collect();
            let start = String::from_utf8_lossy(&start);
            format!("the server answers a {name} message with another: '{}'", Excerpt(&start))
        }
    }
}

/// Sends a message of each kind to the path of the URL.
async fn tries_path(server: &mut Server) {
    for opcode in [TEXT, BINARY] {
        let reason = takes_message(server, opcode).await.err();
        let facts = &mut server.facts;
        let missing = if opcode == TEXT { &mut facts.no_text } else { &mut facts.no_binary };
        *missing = reason;
    }
}

/// Sends a message to the path of the URL. Returns why no others can be sent, if so.
async fn takes_message(server: &Server, opcode: u8) -> Result<(), String> {
    let mut wire = server.open_admitted(false).await.map_err(|missing| missing.reason)?;
    let deadline = Instant::now() + server.grace();
    wire.send(&frame(opcode, "sockeye check"), deadline).await;
    wire.wait(deadline, |frames| frames.iter().any(SeenFrame::is_close)).await;
    server.observe(&wire, false);
    if wire.frames().iter().any(SeenFrame::is_close) || wire.end().is_some() {
        let name = if opcode == TEXT { "text" } else { "binary" };
        let words = describe(&wire);
        return Err(format!("the server ends a session after a {name} message: {words}"));
    }
    leave(wire, server).await;
    Ok(())
}

/// Sends the accepted request again, with another key.
async fn repeats_request(server: &mut Server) {
    if let Err(missing) = server.accepts_original().await {
        server.facts.no_request = Some(missing.reason);
    }
}

/// Closes a session.
async fn leave(mut wire: Wire, server: &Server) {
    let deadline = Instant::now() + server.grace();
    wire.send(&frame(CLOSE, close_body(1000, b"")), deadline).await;
    wire.wait(deadline, |frames| frames.iter().any(SeenFrame::is_close)).await;
}

/// The payload of the first ping.
const PROBE: &[u8] = b"sockeye-check";
/// The time within which a message comes back from a server at no distance.
const ECHO_LIMIT: Duration = Duration::from_millis(1500);
/// The messages of one kind that are sent to find out what comes back: more than the checks that
/// break a rule send, so that these are not made if the server ends sessions after so many.
const TRIED_MESSAGES: u8 = 3;
