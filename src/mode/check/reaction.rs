//! What a server does with frames, and whether that is what a check expects.

use super::{
    case::{CloseRule, FrameProbe, Reaction},
    describe::describe,
    echo::Echo,
    frames::{AFTER, BINARY, PING, SeenFrame, SeenMessage, TEXT, frame, messages, opcodes},
    haste::Haste,
    judgement::Judgement,
    server::Server,
    wire::{Wire, WireEnd},
};
use crate::proto::excerpt::Excerpt;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Sends the frames of a check and judges the reaction. A check that leaves the session as it was
/// may use one that another check has left.
pub(crate) async fn judge(
    server: &Server,
    probe: &FrameProbe,
    needs_echo: bool,
    haste: Haste,
) -> Judgement {
    let is_shared = haste == Haste::Quick && leaves_session(probe);
    let mut has_failed = false;
    if is_shared && let Some(mut wire) = server.take_idle(needs_echo) {
        let judgement = react(server, probe, &mut wire, Vec::new(), haste).await;
        if let Judgement::Holds(_) = judgement {
            server.leave_idle(wire, needs_echo);
            return judgement;
        }
        // The reason may be what was sent before.
        has_failed = true;
    }
    let has_pongs = server.facts.no_pong.is_none();
    let is_careful = haste != Haste::Quick || server.pace.is_slowed();
    let opened = if is_careful {
        server.open_admitted(needs_echo).await
    } else {
        server.open(needs_echo).await
    };
    let mut wire = match opened {
        Ok(wire) => wire,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let before = if has_pongs && !is_careful { Wire::admission() } else { Vec::new() };
    let mut judgement = react(server, probe, &mut wire, before, haste).await;
    if has_pongs && !wire.is_admitted() && !has_answered(probe, &wire) {
        // The server may have ended the session because it has too many.
        drop(wire);
        wire = match server.open_admitted(needs_echo).await {
            Ok(wire) => wire,
            Err(missing) => return Judgement::Unknown(missing.reason),
        };
        judgement = react(server, probe, &mut wire, Vec::new(), haste).await;
    }
    let holds = matches!(judgement, Judgement::Holds(_));
    if holds && is_shared && !has_failed {
        server.leave_idle(wire, needs_echo);
    } else if holds && has_failed {
        server.stop_sharing();
    } else if !holds
        && is_legal(&probe.expects)
        && (close(wire.frames()).is_some() || has_ended(&wire))
        && !matches!(probe.expects, Reaction::Close(_))
    {
        drop(wire);
        return limited(server, probe, needs_echo, judgement).await;
    }
    judgement
}

/// Reports whether a Close of the server is an answer to what was sent: it names a broken rule, or
/// repeats our Close.
fn has_answered(probe: &FrameProbe, wire: &Wire) -> bool {
    let Some(close) = close(wire.frames()) else { return false };
    let is_rule = close.close_code().is_some_and(|code| RULE_CODES.contains(&code));
    let is_close = matches!(probe.expects, Reaction::Close(_));
    let is_repeated = || {
        let sent = probe.parts.concat();
        sent_close(&sent).is_some_and(|sent| !sent.is_empty() && sent == close.payload)
    };
    is_rule || is_close && is_repeated()
}

/// Returns the body of the first Close in these bytes.
fn sent_close(mut bytes: &[u8]) -> Option<Vec<u8>> {
    while let Some((frame, length)) = SeenFrame::read(bytes) {
        if frame.is_close() {
            return Some(frame.payload);
        }
        bytes = bytes.get(length..)?;
    }
    None
}

/// Sends the frames of a check after those of `before`, and judges the reaction.
async fn react(
    server: &Server,
    probe: &FrameProbe,
    wire: &mut Wire,
    mut before: Vec<u8>,
    haste: Haste,
) -> Judgement {
    let is_close = matches!(probe.expects, Reaction::Close(_));
    let limit = if is_close { server.patience() } else { server.limit(haste) };
    let pause = haste.stretch(FIRST_PAUSE);
    let is_slow = probe.parts.len() > 1;
    let deadline = Instant::now() + if is_slow { limit.saturating_add(pause) } else { limit };
    if is_slow && !before.is_empty() {
        wire.admit(deadline).await;
        before.clear();
    }
    for (number, part) in probe.parts.iter().enumerate() {
        match number {
            0 => {}
            1 => sleep(pause).await,
            _ => sleep(PART_PAUSE).await,
        }
        before.extend_from_slice(part);
        wire.send(&before, deadline).await;
        before.clear();
    }
    let judgement = match &probe.expects {
        Reaction::Echo(expected) => echo(wire, &server.facts.echo, expected, deadline).await,
        Reaction::Pong(payload) => {
            let is_answered = wire.wait(deadline, |frames| has_pong(frames, payload)).await;
            verdict(is_answered, wire)
        }
        Reaction::Failure => failure(wire, server, haste, deadline).await,
        Reaction::FailureCode(codes) => {
            let _ = failure(wire, server, haste, deadline).await;
            let sent = close(wire.frames()).and_then(SeenFrame::close_code);
            verdict(sent.is_some_and(|code| codes.contains(&code)), wire)
        }
        Reaction::Tolerance => {
            wire.send(&frame(PING, AFTER), deadline).await;
            let is_answered = wire.wait(deadline, |frames| has_pong(frames, AFTER)).await;
            verdict(is_answered, wire)
        }
        Reaction::Close(rule) => closing(wire, server, rule, deadline).await,
    };
    if is_legal(&probe.expects) {
        server.observe(wire, false);
        if let Judgement::Broken(words) = &judgement
            && !matches!(probe.expects, Reaction::Close(_))
            && close(wire.frames()).is_some_and(SeenFrame::is_limit)
        {
            return Judgement::Unknown(format!("the server has a limit: {words}"));
        }
    }
    match (wire.end(), judgement) {
        (Some(WireEnd::Flood), Judgement::Broken(_) | Judgement::Proven(_)) => {
            Judgement::Unknown("the server sends more than can be kept".to_owned())
        }
        (_, judgement) => judgement,
    }
}

/// Judges a session that ended during legal frames: the server may end each session after so many
/// messages, or if they arrive so fast.
async fn limited(
    server: &Server,
    probe: &FrameProbe,
    needs_echo: bool,
    judgement: Judgement,
) -> Judgement {
    let facts = &server.facts;
    let sent = opcodes(&probe.parts.concat());
    let (messages, pings) = if facts.no_text.is_none() && sent.iter().any(|opcode| *opcode < 8) {
        (sent.len(), 0)
    } else {
        (0, sent.len())
    };
    let mut wire = match server.open_admitted(needs_echo).await {
        Ok(wire) => wire,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let plain = frame(TEXT, PLAIN).repeat(messages);
    let deadline = Instant::now() + server.patience();
    wire.send(&[plain, frame(PING, PLAIN).repeat(pings)].concat(), deadline).await;
    wire.send(&frame(PING, AFTER), deadline).await;
    let is_over = |frames: &[SeenFrame]| close(frames).is_some() || has_pong(frames, AFTER);
    wire.wait(deadline, is_over).await;
    if close(wire.frames()).is_none() && !has_ended(&wire) {
        wire.wait(Instant::now() + server.grace(), |frames| close(frames).is_some()).await;
    }
    if close(wire.frames()).is_none() && !has_ended(&wire) {
        return judgement;
    }
    let what = if messages > 0 { "plain texts" } else { "pings" };
    let words = describe(&wire);
    Judgement::Unknown(format!(
        "the server ends a session also after {} {what}: {words}",
        sent.len()
    ))
}

/// Reports whether a check leaves the session as it was, if the server follows the rule.
fn leaves_session(probe: &FrameProbe) -> bool {
    match probe.expects {
        Reaction::Echo(_) | Reaction::Tolerance => true,
        Reaction::Pong(_) => opcodes(&probe.parts.concat()).iter().all(|opcode| *opcode >= 8),
        Reaction::Failure | Reaction::FailureCode(_) | Reaction::Close(_) => false,
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
async fn echo(
    wire: &mut Wire,
    echo: &Echo,
    expected: &[SeenMessage],
    deadline: Instant,
) -> Judgement {
    let is_back = |frames: &[SeenFrame]| echo.first_lost(expected, &messages(frames)).is_none();
    wire.wait(deadline, |frames| close(frames).is_some() || is_back(frames)).await;
    match echo.first_lost(expected, &messages(wire.frames())) {
        None => Judgement::Holds(describe(wire)),
        Some(lost) => {
            let lost = words(lost);
            Judgement::Broken(format!("{}; {lost} did not come back", describe(wire)))
        }
    }
}

/// Waits for the server to fail the connection. A ping is sent after what it must not accept.
async fn failure(wire: &mut Wire, server: &Server, haste: Haste, deadline: Instant) -> Judgement {
    wire.send(&frame(PING, AFTER), deadline).await;
    let has_reacted = |frames: &[SeenFrame]| close(frames).is_some() || has_pong(frames, AFTER);
    wire.wait(deadline, has_reacted).await;
    if close(wire.frames()).is_none() && wire.end().is_none() {
        // The layer that answers pings may be another than the one that fails the connection.
        let grace = if haste == Haste::Patient { server.patience() } else { server.grace() };
        wire.wait(Instant::now() + grace, |frames| close(frames).is_some()).await;
    }
    let is_failed = close(wire.frames()).is_some() || has_ended(wire);
    match verdict(is_failed, wire) {
        Judgement::Broken(words) if has_pong(wire.frames(), AFTER) => Judgement::Proven(words),
        judgement => judgement,
    }
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
        CloseRule::Accepted => verdict(has_close && code() != Some(PROTOCOL_ERROR), wire),
        CloseRule::SameCode(expected) => proof(has_close, code() == *expected, wire),
        CloseRule::NotRepeated(invalid) => {
            let is_refused = has_close || has_ended(wire);
            proof(is_refused, code() != Some(*invalid), wire)
        }
        CloseRule::BodyNotRepeated(body) => {
            let is_refused = has_close || has_ended(wire);
            let is_repeated = close(wire.frames()).is_some_and(|close| close.payload == *body);
            proof(is_refused, !is_repeated, wire)
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

/// Judges a rule that frames of the server can show to be broken, and silence too.
fn proof(has_reacted: bool, holds: bool, wire: &Wire) -> Judgement {
    match verdict(has_reacted && holds, wire) {
        Judgement::Broken(words) if has_reacted => Judgement::Proven(words),
        judgement => judgement,
    }
}

/// Judges a rule about the server's Close, if there was one.
fn judged_if(has_close: bool, holds: bool, wire: &Wire) -> Judgement {
    if has_close { proof(true, holds, wire) } else { Judgement::Unknown(no_close(wire)) }
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
    let length = message.payload.len();
    let unit = if length == 1 { "byte" } else { "bytes" };
    format!("the {kind} of {length} {unit} '{}'", Excerpt(&start))
}

/// The time after the first part that a check sends, in which also a busy server reads it alone.
const FIRST_PAUSE: Duration = Duration::from_millis(80);
/// The time between further parts.
const PART_PAUSE: Duration = Duration::from_millis(3);
/// The codes by which a server tells that a rule is broken.
const RULE_CODES: [u16; 4] = [1002, 1003, 1007, 1010];
/// The payload of messages and pings that are as plain as can be.
const PLAIN: &str = "sockeye";
/// The time within which a Close is answered soon.
const SOON: Duration = Duration::from_secs(1);
/// The code of a peer that broke the protocol.
const PROTOCOL_ERROR: u16 = 1002;
