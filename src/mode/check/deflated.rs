//! Sessions with permessage-deflate (RFC 7692): their agreement, what is sent in them, and what
//! comes back.

use super::{
    answer::Answer,
    describe::describe,
    draft::EXTENSIONS,
    echo::Echo,
    frames::{AFTER, PING, SeenFrame, SeenMessage, frame},
    haste::Haste,
    judgement::Judgement,
    server::Server,
    sessions::NoSession,
    wire::{Wire, WireEnd},
};
use crate::proto::{Role, extension::Deflate, handshake::validate};
use flate2::{Decompress, FlushDecompress, Status};
use tokio::time::Instant;

/// An offer of permessage-deflate, what is sent once it is agreed, and what is expected.
pub(crate) struct DeflateProbe {
    /// The value of `Sec-WebSocket-Extensions`.
    pub(crate) offer: &'static str,
    /// Bytes to send.
    pub(crate) bytes: Vec<u8>,
    pub(crate) expects: DeflateReaction,
}

/// The expected reaction to compressed frames.
pub(crate) enum DeflateReaction {
    /// These messages come back, compressed or not.
    Echo(Vec<SeenMessage>),
    /// The server fails the connection.
    Failure,
    /// The server compresses within its window, and these messages come back.
    Window(Vec<SeenMessage>),
}

/// The answer to an offer.
enum Negotiation {
    Agreed(Wire, Deflate),
    /// The session was opened without the extension, or not at all.
    Declined(String),
    /// The answer breaks a rule.
    Invalid(String),
}

/// Makes an offer and judges the reaction to what is sent then.
pub(crate) async fn judge(server: &Server, probe: &DeflateProbe, haste: Haste) -> Judgement {
    let has_pongs = server.facts.no_pong.is_none();
    let (judgement, is_admitted) = match attempt(server, probe, Wire::admission(), haste).await {
        Err(missing) => return Judgement::Unknown(missing.reason),
        Ok(attempt) => attempt,
    };
    if is_admitted || !has_pongs || matches!(judgement, Judgement::Unknown(_)) {
        return judgement;
    }
    // The server may have ended the session because it has too many.
    let again = match server.prove().await {
        Ok(()) => attempt(server, probe, Vec::new(), haste).await,
        Err(missing) => Err(missing),
    };
    again.map_or_else(|missing| Judgement::Unknown(missing.reason), |(judgement, _)| judgement)
}

/// Makes an offer, and sends the frames of the check after those of `before`. Returns the judgement
/// and whether the server answered a ping of [`Wire::admission`].
async fn attempt(
    server: &Server,
    probe: &DeflateProbe,
    mut before: Vec<u8>,
    haste: Haste,
) -> Result<(Judgement, bool), NoSession> {
    let (mut wire, deflate) = match negotiate(server, probe.offer).await? {
        Negotiation::Declined(words) => {
            let words = format!("permessage-deflate is declined: {words}");
            return Ok((Judgement::Unknown(words), true));
        }
        Negotiation::Invalid(words) => return Ok((Judgement::Proven(words), true)),
        Negotiation::Agreed(wire, deflate) => (wire, deflate),
    };
    let deadline = Instant::now() + server.limit(haste);
    before.extend_from_slice(&probe.bytes);
    wire.send(&before, deadline).await;
    let of = (&server.facts.echo, deflate);
    let judgement = match &probe.expects {
        DeflateReaction::Failure => failure(&mut wire, server, deadline).await,
        DeflateReaction::Echo(expected) => echo(&mut wire, expected, of, deadline).await,
        DeflateReaction::Window(expected) => {
            let judgement = echo(&mut wire, expected, of, deadline).await;
            match (judgement, inflate(wire.frames(), deflate, true)) {
                (Judgement::Holds(_), Err(fault)) => {
                    let bits = deflate.side(Role::Server).window_bits;
                    let words = describe(&wire);
                    Judgement::Proven(format!(
                        "{fault} with the agreed window of {bits} bits: {words}"
                    ))
                }
                (judgement, _) => judgement,
            }
        }
    };
    if !matches!(probe.expects, DeflateReaction::Failure) {
        server.observe(&wire, true);
    }
    let judgement = match (wire.end(), judgement) {
        (Some(WireEnd::Flood), Judgement::Broken(_) | Judgement::Proven(_)) => {
            Judgement::Unknown("the server sends more than can be kept".to_owned())
        }
        (_, judgement) => judgement,
    };
    Ok((judgement, wire.is_admitted()))
}

async fn negotiate(server: &Server, offer: &str) -> Result<Negotiation, NoSession> {
    let mut draft = server.echo_draft();
    draft.set(EXTENSIONS, offer);
    let answer = server.request(&draft).await?;
    let words = answer.to_string();
    let Answer::Response(response, rest, transport) = answer else {
        return Ok(Negotiation::Declined(words));
    };
    if !draft.is_accepted_by(&response) {
        return Ok(Negotiation::Declined(words));
    }
    Ok(match validate(&draft.headers(), &response.headers) {
        Err(fault) => {
            Negotiation::Invalid(format!("the offer '{offer}' was answered wrongly: {fault}"))
        }
        Ok(agreement) => match agreement.deflate {
            Some(deflate) => Negotiation::Agreed(Wire::new(transport, rest), deflate),
            None => Negotiation::Declined("the session was opened without it".to_owned()),
        },
    })
}

async fn failure(wire: &mut Wire, server: &Server, deadline: Instant) -> Judgement {
    wire.send(&frame(PING, AFTER), deadline).await;
    let is_closed = |frames: &[SeenFrame]| frames.iter().any(SeenFrame::is_close);
    let has_pong = |frames: &[SeenFrame]| frames.iter().any(|frame| frame.is_pong(AFTER));
    wire.wait(deadline, |frames| is_closed(frames) || has_pong(frames)).await;
    wire.wait(Instant::now() + server.grace(), is_closed).await;
    let has_ended = matches!(wire.end(), Some(WireEnd::Closed | WireEnd::Lost(_)));
    let words = describe(wire);
    if is_closed(wire.frames()) || has_ended {
        Judgement::Holds(words)
    } else if has_pong(wire.frames()) {
        Judgement::Proven(words)
    } else {
        Judgement::Broken(words)
    }
}

async fn echo(
    wire: &mut Wire,
    expected: &[SeenMessage],
    (echo, deflate): (&Echo, Deflate),
    deadline: Instant,
) -> Judgement {
    let is_over = |frames: &[SeenFrame]| {
        let data = frames.iter().filter(|frame| !frame.header.is_control() && frame.header.fin());
        let is_back = || match inflate(frames, deflate, false) {
            Ok(received) => echo.first_lost(expected, &received).is_none(),
            Err(_) => true,
        };
        frames.iter().any(SeenFrame::is_close) || data.count() >= expected.len() && is_back()
    };
    wire.wait(deadline, is_over).await;
    let words = describe(wire);
    if wire.frames().iter().any(SeenFrame::is_limit) {
        return Judgement::Unknown(format!("the server has a limit: {words}"));
    }
    match inflate(wire.frames(), deflate, false) {
        Err(fault) => Judgement::Broken(format!("{fault}: {words}")),
        Ok(received) => {
            let is_back = echo.first_lost(expected, &received).is_none();
            if is_back { Judgement::Holds(words) } else { Judgement::Broken(words) }
        }
    }
}

/// Returns the complete messages in these frames, inflated with the agreed parameters. With
/// `is_strict`, the window is not larger than agreed.
fn inflate(
    frames: &[SeenFrame],
    deflate: Deflate,
    is_strict: bool,
) -> Result<Vec<SeenMessage>, String> {
    let side = deflate.side(Role::Server);
    let bits = if is_strict { side.window_bits.clamp(9, 15) } else { 15 };
    let mut state = Decompress::new_with_window_bits(false, bits);
    let mut messages = Vec::new();
    let mut open: Option<(u8, bool, Vec<u8>)> = None;
    for frame in frames.iter().filter(|frame| !frame.header.is_control()) {
        let is_compressed = frame.header.first & 0x40 != 0;
        let (opcode, is_compressed, mut payload) = match (frame.header.opcode(), open.take()) {
            (0, Some(open)) => open,
            (opcode, _) => (opcode, is_compressed, Vec::new()),
        };
        payload.extend_from_slice(&frame.payload);
        if !frame.header.fin() {
            open = Some((opcode, is_compressed, payload));
            continue;
        }
        if is_compressed {
            payload.extend_from_slice(&[0, 0, 0xff, 0xff]);
            if !side.keeps_context {
                state.reset(false);
            }
            payload = inflate_message(&mut state, &payload)?;
        }
        messages.push(SeenMessage { opcode, payload });
    }
    Ok(messages)
}

fn inflate_message(state: &mut Decompress, mut bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut inflated = Vec::new();
    loop {
        inflated.reserve(INFLATED_BYTES);
        let before = (state.total_in(), inflated.len());
        let status = state.decompress_vec(bytes, &mut inflated, FlushDecompress::Sync);
        let status =
            status.map_err(|fault| format!("a message cannot be decompressed ({fault})"))?;
        let used = usize::try_from(state.total_in() - before.0).unwrap_or(usize::MAX);
        bytes = bytes.get(used..).unwrap_or_default();
        if status == Status::StreamEnd {
            // The message ended with its final block.
            state.reset(false);
            return Ok(inflated);
        }
        if bytes.is_empty() && inflated.len() < inflated.capacity() {
            return Ok(inflated);
        }
        if used == 0 && inflated.len() == before.1 {
            return Err("a message cannot be decompressed".to_owned());
        }
        if inflated.len() > MOST_BYTES {
            return Err("a message is longer than what was sent".to_owned());
        }
    }
}

/// The room for the next part of a message.
const INFLATED_BYTES: usize = 64 << 10;
/// The longest message that is inflated.
const MOST_BYTES: usize = 16 << 20;
