//! What is found out before the checks: whether the server opens a session, answers pings and sends
//! messages back.

use super::{
    describe::describe,
    echo::EchoForm,
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
use tokio::{join, time::Instant};

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
    let (echo, on_path, no_request) =
        join!(tries_messages(&server), tries_path(&server, job), repeats_request(&server));
    server.facts.no_request = no_request;
    let (text, text_took) = echo.0.unwrap_or_else(|reason| (Reply::Other(reason), None));
    let (binary, binary_took) = echo.1.unwrap_or_else(|reason| (Reply::Other(reason), None));
    let facts = &mut server.facts;
    for took in [text_took, binary_took].into_iter().flatten() {
        facts.round_trip = facts.round_trip.max(took);
    }
    facts.echo.copies = if let Reply::Back(_, copies) = text { copies } else { 0 };
    (facts.echo.text, facts.no_text) = text.facts();
    (facts.echo.binary, facts.no_binary) = binary.facts();
    if let Some((text, binary)) = on_path {
        (facts.no_text, facts.no_binary) = (text, binary);
    }
    Ok(server)
}

/// Waits in a new session, and then for the answer to a ping.
async fn answers_pings(server: &mut Server, mut wire: Wire, authority: &str) -> Result<(), Error> {
    let is_closed = |frames: &[SeenFrame]| frames.iter().any(SeenFrame::is_close);
    let sent = Instant::now();
    let deadline = sent + server.patience();
    wire.send(&frame(PING, PROBE), deadline).await;
    let is_answered = |frames: &[SeenFrame]| frames.iter().any(|frame| frame.is_pong(PROBE));
    wire.wait(deadline, |frames| is_closed(frames) || is_answered(frames)).await;
    let took = sent.elapsed();
    // A server may answer first and then close the session all the same.
    wire.wait(Instant::now() + SETTLING, is_closed).await;
    server.observe(&wire, false);
    ended(&wire, authority, server.carrier)?;
    if is_answered(wire.frames()) {
        // The first handshake may have taken longer than others will.
        server.facts.round_trip = took;
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
async fn tries_messages(server: &Server) -> (TriedMessage, TriedMessage) {
    // One after the other: a server may send messages to all clients.
    (tries_message(server, TEXT).await, tries_message(server, BINARY).await)
}

/// The reply to messages and the time that it took, or why none could be sent.
type TriedMessage = Result<(Reply, Option<Duration>), String>;

/// What a server does with a message.
enum Reply {
    /// The message comes back in this form, so many times.
    Back(EchoForm, usize),
    /// The server ends the session.
    Ended(String),
    /// The server does something else, or nothing.
    Other(String),
}

impl Reply {
    /// Returns the form in which messages come back, or why they do not, and why none can be sent.
    fn facts(self) -> (Result<EchoForm, String>, Option<String>) {
        match self {
            Self::Back(form, _) => (Ok(form), None),
            Self::Ended(words) => (Err(words.clone()), Some(words)),
            Self::Other(words) => (Err(words), None),
        }
    }
}

/// Sends messages, as checks do, and waits for them to come back.
async fn tries_message(server: &Server, opcode: u8) -> TriedMessage {
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
    }
    let are_back =
        |frames: &[SeenFrame]| sent.iter().all(|payload| !copies(frames, payload).is_empty());
    wire.wait(limit, |frames| are_back(frames) || is_closed(frames)).await;
    let took = started.elapsed();
    // What comes after the answer to this ping is not waited for.
    wire.send(&frame(PING, PROBE), limit).await;
    let has_pong = |frames: &[SeenFrame]| frames.iter().any(|frame| frame.is_pong(PROBE));
    let rest = Instant::now() + server.grace();
    wire.wait(rest, |frames| has_pong(frames) || is_closed(frames)).await;
    server.observe(&wire, false);
    let mut in_time = None;
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
                in_time = Some(took);
                Reply::Back(*form, number)
            }
            _ => Reply::Other(other_reply(&wire, name)),
        }
    };
    leave(wire, server).await;
    Ok((reply, in_time))
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

/// Sends a message of each kind to the path of the URL, if the echo has another. Returns why no texts
/// and no binary messages can be sent there.
async fn tries_path(server: &Server, job: &CheckJob) -> Option<(Option<String>, Option<String>)> {
    job.echo_path.as_ref()?;
    let text = takes_message(server, TEXT).await.err();
    Some((text, takes_message(server, BINARY).await.err()))
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

/// Sends the accepted request again, with another key. Returns why requests cannot be judged.
async fn repeats_request(server: &Server) -> Option<String> {
    server.accepts_original().await.err().map(|missing| missing.reason)
}

/// Closes a session.
async fn leave(mut wire: Wire, server: &Server) {
    let deadline = Instant::now() + server.grace();
    wire.send(&frame(CLOSE, close_body(1000, b"")), deadline).await;
    wire.wait(deadline, |frames| frames.iter().any(SeenFrame::is_close)).await;
}

/// The payload of the first ping.
const PROBE: &[u8] = b"sockeye-check";
/// The time after the answer to a ping in which a server may still close the session.
const SETTLING: Duration = Duration::from_millis(200);
/// The time within which a message comes back from a server at no distance.
const ECHO_LIMIT: Duration = Duration::from_millis(1500);
/// The messages of one kind that are sent to find out what comes back: more than the checks that
/// break a rule send, so that these are not made if the server ends sessions after so many.
const TRIED_MESSAGES: u8 = 3;
