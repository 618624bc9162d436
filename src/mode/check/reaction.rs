//! What a server does with frames, and whether that is what a check expects.

use super::{
    case::{CloseRule, FrameProbe, Reaction},
    describe::describe,
    frames::{BINARY, PING, SeenFrame, SeenMessage, TEXT, frame, messages},
    judgement::Judgement,
    server::Server,
    wire::{Wire, WireEnd},
};
use crate::proto::excerpt::Excerpt;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Sends the frames of a check in a new session and judges the reaction.
pub(crate) async fn judge(server: &Server, probe: &FrameProbe, needs_echo: bool) -> Judgement {
    let mut wire = match server.open(needs_echo).await {
        Ok(wire) => wire,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let deadline = Instant::now() + server.patience();
    for (number, part) in probe.parts.iter().enumerate() {
        if number > 0 && probe.parts.len() > 1 {
            sleep(PART_PAUSE).await;
        }
        wire.send(part, deadline).await;
    }
    let judgement = match &probe.expects {
        Reaction::Echo(expected) => echo(&mut wire, expected, deadline).await,
        Reaction::Pong(payload) => {
            let is_answered = wire.wait(deadline, |frames| has_pong(frames, payload)).await;
            verdict(is_answered, &wire)
        }
        Reaction::Failure => failure(&mut wire, server, deadline).await,
        Reaction::FailureCode(codes) => {
            let _ = failure(&mut wire, server, deadline).await;
            let sent = close(wire.frames()).and_then(SeenFrame::close_code);
            verdict(sent.is_some_and(|code| codes.contains(&code)), &wire)
        }
        Reaction::Tolerance => {
            wire.send(&frame(PING, AFTER), deadline).await;
            let is_answered = wire.wait(deadline, |frames| has_pong(frames, AFTER)).await;
            verdict(is_answered, &wire)
        }
        Reaction::Close(rule) => closing(&mut wire, server, rule, deadline).await,
    };
    if is_legal(&probe.expects) {
        server.observe(&wire, false);
    }
    match (wire.end(), judgement) {
        (Some(WireEnd::Flood), Judgement::Broken(_)) => {
            Judgement::Unknown("the server sends more than can be kept".to_owned())
        }
        (_, judgement) => judgement,
    }
}

/// Reports whether all that such a check sends is legal.
fn is_legal(expected: &Reaction) -> bool {
    match expected {
        Reaction::Echo(_) | Reaction::Pong(_) | Reaction::Tolerance => true,
        Reaction::Failure | Reaction::FailureCode(_) => false,
        Reaction::Close(rule) => {
            !matches!(rule, CloseRule::NotRepeated(_) | CloseRule::BodyNotRepeated(_))
        }
    }
}

/// Waits for messages to come back.
async fn echo(wire: &mut Wire, expected: &[SeenMessage], deadline: Instant) -> Judgement {
    let has_come_back = |frames: &[SeenFrame]| {
        let received = messages(frames);
        let mut received = received.iter();
        expected.iter().all(|wanted| received.any(|message| message == wanted))
    };
    wire.wait(deadline, |frames| close(frames).is_some() || has_come_back(frames)).await;
    let is_limit = close(wire.frames()).and_then(SeenFrame::close_code) == Some(TOO_BIG);
    if is_limit {
        return Judgement::Unknown(format!("the server has a limit: {}", describe(wire)));
    }
    let received = messages(wire.frames());
    let mut rest = received.iter();
    let missing = expected.iter().find(|wanted| !rest.any(|message| message == *wanted));
    match missing {
        None => Judgement::Holds(describe(wire)),
        Some(missing) => {
            let missing = words(missing);
            Judgement::Broken(format!("{}; {missing} did not come back", describe(wire)))
        }
    }
}

/// Waits for the server to fail the connection. A ping is sent after what it must not accept.
async fn failure(wire: &mut Wire, server: &Server, deadline: Instant) -> Judgement {
    wire.send(&frame(PING, AFTER), deadline).await;
    let has_reacted = |frames: &[SeenFrame]| close(frames).is_some() || has_pong(frames, AFTER);
    wire.wait(deadline, has_reacted).await;
    if close(wire.frames()).is_none() && wire.end().is_none() {
        // The layer that answers pings may be another than the one that fails the connection.
        let deadline = Instant::now() + server.grace();
        wire.wait(deadline, |frames| close(frames).is_some()).await;
    }
    verdict(close(wire.frames()).is_some() || has_ended(wire), wire)
}

/// Judges the closing handshake.
async fn closing(
    wire: &mut Wire,
    server: &Server,
    rule: &CloseRule,
    deadline: Instant,
) -> Judgement {
    let is_closed = |frames: &[SeenFrame]| close(frames).is_some();
    let started = Instant::now();
    wire.wait(deadline, is_closed).await;
    let waited = started.elapsed();
    let code = || close(wire.frames()).and_then(SeenFrame::close_code);
    let has_close = is_closed(wire.frames());
    match rule {
        CloseRule::Answered => verdict(has_close, wire),
        CloseRule::SameCode(expected) => verdict(has_close && code() == *expected, wire),
        CloseRule::NotRepeated(invalid) => {
            let is_refused = has_close || has_ended(wire);
            verdict(is_refused && code() != Some(*invalid), wire)
        }
        CloseRule::BodyNotRepeated(body) => {
            let is_refused = has_close || has_ended(wire);
            let is_repeated = close(wire.frames()).is_some_and(|close| close.payload == *body);
            verdict(is_refused && !is_repeated, wire)
        }
        CloseRule::NoDataAfter => {
            wire.wait(Instant::now() + server.grace(), |_| false).await;
            let after = wire.frames().iter().skip_while(|frame| !frame.is_close()).skip(1);
            let has_data = after.clone().any(|frame| !frame.header.is_control());
            judged_if(has_close, !has_data, wire)
        }
        CloseRule::Once => {
            wire.wait(Instant::now() + server.grace(), |_| false).await;
            let closes = wire.frames().iter().filter(|frame| frame.is_close()).count();
            judged_if(has_close, closes == 1, wire)
        }
        CloseRule::EndsConnection => {
            wire.wait(deadline, |_| false).await;
            judged_if(has_close, has_ended(wire), wire)
        }
        CloseRule::Soon => {
            let limit = SOON.saturating_add(server.facts.round_trip.saturating_mul(2));
            let is_soon = has_close && waited <= limit;
            let words = format!("{}, after {} ms", describe(wire), waited.as_millis());
            match (has_close, is_soon) {
                (false, _) => Judgement::Unknown(no_close(wire)),
                (true, true) => Judgement::Holds(words),
                (true, false) => Judgement::Broken(words),
            }
        }
    }
}

fn verdict(holds: bool, wire: &Wire) -> Judgement {
    let words = describe(wire);
    if holds { Judgement::Holds(words) } else { Judgement::Broken(words) }
}

/// Judges a rule about the server's Close, if there was one.
fn judged_if(has_close: bool, holds: bool, wire: &Wire) -> Judgement {
    if has_close { verdict(holds, wire) } else { Judgement::Unknown(no_close(wire)) }
}

fn no_close(wire: &Wire) -> String {
    format!("the server sent no Close: {}", describe(wire))
}

fn close(frames: &[SeenFrame]) -> Option<&SeenFrame> {
    frames.iter().find(|frame| frame.is_close())
}

fn has_pong(frames: &[SeenFrame], payload: &[u8]) -> bool {
    frames.iter().any(|frame| frame.is_pong(payload))
}

/// Reports whether the server ended the connection.
fn has_ended(wire: &Wire) -> bool {
    matches!(wire.end(), Some(WireEnd::Closed | WireEnd::Lost(_)))
}

fn words(message: &SeenMessage) -> String {
    let kind = match message.opcode {
        TEXT => "text",
        BINARY => "binary message",
        _ => "message",
    };
    let start: Vec<u8> = message.payload.iter().copied().take(24).collect();
    let start = start.escape_ascii().to_string();
    format!("the {kind} of {} bytes '{}'", message.payload.len(), Excerpt(&start))
}

/// The payload of the ping that is sent after the frames of a check.
const AFTER: &[u8] = b"sockeye-after";
/// The time between the parts that a check sends.
const PART_PAUSE: Duration = Duration::from_millis(3);
/// The code of a message that is too long for the server.
const TOO_BIG: u16 = 1009;
/// The time within which a Close is answered soon.
const SOON: Duration = Duration::from_secs(1);
