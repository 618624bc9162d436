//! Whether a request opens a session that works.

use crate::mode::check::{
    answer::{Answer, opens_session},
    draft::RequestDraft,
    frames::{CLOSE, PING, SeenFrame, close_body, frame},
    server::Server,
    sessions::NoSession,
    wire::Wire,
};
use crate::proto::handshake::validate;
use tokio::time::Instant;

/// The outcome of a request whose session is tried out.
pub(crate) enum Trial {
    /// The session works, which a Pong shows; the evidence.
    Works(String),
    /// The session stays open, but the server answers no pings; the evidence.
    StaysOpen(String),
    /// The server opens no session, or one that a client must fail; the evidence.
    Fails(String),
}

/// Sends a request, and a ping in the session that it opens. Failures count while the server serves
/// the sessions that it has accepted.
pub(crate) async fn attempt(server: &Server, draft: &RequestDraft) -> Result<Trial, NoSession> {
    let was_slowed = server.pace.is_slowed();
    let trial = attempt_once(server, draft).await?;
    if let Trial::Fails(_) = trial {
        server.prove().await?;
        if server.pace.is_slowed() && !was_slowed {
            return attempt_once(server, draft).await;
        }
    }
    Ok(trial)
}

async fn attempt_once(server: &Server, draft: &RequestDraft) -> Result<Trial, NoSession> {
    let answer = server.request(draft).await?;
    let words = answer.to_string();
    let Answer::Response(response, rest, transport) = answer else {
        return Ok(Trial::Fails(words));
    };
    if !opens_session(&response) {
        return Ok(Trial::Fails(words));
    }
    if !draft.is_accepted_by(&response) {
        return Ok(Trial::Fails(format!("{words}, which does not match the key")));
    }
    if let Err(fault) = validate(&draft.headers(), &response.headers) {
        return Ok(Trial::Fails(format!("{words}: {fault}")));
    }
    let mut wire = Wire::new(transport, rest);
    let has_pongs = server.facts.no_pong.is_none();
    let limit = if has_pongs { server.patience() } else { server.impatience() };
    let deadline = Instant::now() + limit;
    wire.send(&frame(PING, TRIAL), deadline).await;
    let is_over =
        |frames: &[SeenFrame]| frames.iter().any(|frame| frame.is_pong(TRIAL) || frame.is_close());
    wire.wait(deadline, is_over).await;
    if let Some(close) = wire.frames().iter().find(|frame| frame.is_close()) {
        return Ok(Trial::Fails(format!("{words}, then {close}")));
    }
    if wire.end().is_some() {
        return Ok(Trial::Fails(format!("{words}, then the end of the connection")));
    }
    let has_pong = wire.frames().iter().any(|frame| frame.is_pong(TRIAL));
    let deadline = Instant::now() + server.grace();
    wire.send(&frame(CLOSE, close_body(1000, b"")), deadline).await;
    Ok(if has_pong {
        Trial::Works(format!("{words}, and a Pong"))
    } else {
        Trial::StaysOpen(words)
    })
}

/// The payload of the ping that tries out a session.
const TRIAL: &[u8] = b"sockeye-trial";
