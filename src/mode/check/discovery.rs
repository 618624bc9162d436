//! What is found out before the checks: whether the server opens a session, answers pings and sends
//! messages back.

use super::{
    describe::describe,
    frames::{CLOSE, PING, SeenFrame, TEXT, close_body, frame, messages},
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
    server.facts.round_trip = opened.timing.handshake;
    let wire = Wire::new(established.transport, established.rest);
    answers_pings(&mut server, wire, &authority).await?;
    sends_back(&mut server).await;
    if job.echo_path.is_some() {
        server.facts.no_data = takes_messages(&server).await.err();
    }
    if carrier == Version::Http2 {
        server.facts.no_request = Some("the session runs over HTTP/2".to_owned());
    } else {
        repeats_request(&mut server).await;
    }
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
    ended(&wire, authority, server.carrier)?;
    if is_answered(wire.frames()) {
        server.facts.round_trip = server.facts.round_trip.max(sent.elapsed());
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

/// Sends a message and waits for it to come back.
async fn sends_back(server: &mut Server) {
    let mut wire = match server.open(true).await {
        Ok(wire) => wire,
        Err(missing) => {
            server.facts.no_echo = Some(missing.reason);
            return;
        }
    };
    let message = format!("sockeye check {}", HEXLOWER.encode(&nonce()));
    let sent = Instant::now();
    let deadline = sent + server.patience();
    wire.send(&frame(TEXT, &message), deadline).await;
    let is_back = |frames: &[SeenFrame]| {
        messages(frames)
            .iter()
            .any(|seen| seen.opcode == TEXT && seen.payload == message.as_bytes())
    };
    let is_closed = |frames: &[SeenFrame]| frames.iter().any(SeenFrame::is_close);
    let limit = sent + ECHO_LIMIT.saturating_add(server.facts.round_trip.saturating_mul(4));
    wire.wait(limit, |frames| is_back(frames) || is_closed(frames)).await;
    let facts = &mut server.facts;
    if is_back(wire.frames()) {
        facts.round_trip = facts.round_trip.max(sent.elapsed());
        leave(wire, server).await;
        return;
    }
    if is_closed(wire.frames()) || wire.end().is_some() {
        let words = ended_after_text(&wire);
        facts.no_echo = Some(words.clone());
        facts.no_data = Some(words);
        return;
    }
    let received = messages(wire.frames());
    facts.no_echo = Some(match received.first() {
        None => "the server does not send messages back".to_owned(),
        Some(message) => {
            let start: Vec<u8> = message.payload.iter().copied().take(60).collect();
            let start = String::from_utf8_lossy(&start);
            format!("the server answers a message with another: '{}'", Excerpt(&start))
        }
    });
    leave(wire, server).await;
}

/// Sends a message to the path of the URL. Returns why no others can be sent, if so.
async fn takes_messages(server: &Server) -> Result<(), String> {
    let mut wire = server.open(false).await.map_err(|missing| missing.reason)?;
    let deadline = Instant::now() + server.grace();
    wire.send(&frame(TEXT, "sockeye check"), deadline).await;
    wire.wait(deadline, |frames| frames.iter().any(SeenFrame::is_close)).await;
    if wire.frames().iter().any(SeenFrame::is_close) || wire.end().is_some() {
        return Err(ended_after_text(&wire));
    }
    leave(wire, server).await;
    Ok(())
}

fn ended_after_text(wire: &Wire) -> String {
    format!("the server ends a session after a text message: {}", describe(wire))
}

/// Sends the accepted request again, with another key.
async fn repeats_request(server: &mut Server) {
    let draft = server.draft();
    match server.request(&draft).await {
        Err(missing) => server.facts.no_request = Some(missing.reason),
        Ok(answer) => {
            let is_accepted =
                answer.response().is_some_and(|response| draft.is_accepted_by(response));
            if !is_accepted {
                let words = format!("the server refuses a request that it has accepted: {answer}");
                server.facts.no_request = Some(words);
            }
        }
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
