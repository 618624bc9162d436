//! The readers of checks, for the fuzzers: what a server answers, and its frames.

use super::{
    answer::Answer,
    describe::describe,
    draft::RequestDraft,
    frames::messages,
    observed::{Observed, ServerRule},
    wire::{Wire, WireEnd},
};
use crate::{net::Transport, proto::headers::Headers};
use std::time::Duration;
use tokio::time::Instant;

/// The bytes that checks have read from a server that ended its side.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The status, if a response was read.
    pub(crate) status: Option<u16>,
    /// Descriptions for people: of the answer, the frames and each violation.
    pub(crate) words: Vec<String>,
    /// The bytes of complete frames, and those after them.
    pub(crate) sizes: (usize, usize),
    /// The payloads of complete messages.
    pub(crate) messages: Vec<(u8, Vec<u8>)>,
}

/// Reads the answer to a request, and after a status of 101 frames until the end.
pub(crate) async fn read(transport: Box<dyn Transport>) -> Reading {
    let draft = RequestDraft::new("/", &Headers::default());
    let limit = Duration::from_mins(1);
    let answer = Answer::to(&draft, transport, limit).await;
    let mut reading = Reading { status: answer.status(), ..Reading::default() };
    reading.words.push(answer.to_string());
    let Answer::Response(response, rest, transport) = answer else { return reading };
    let _ = draft.is_accepted_by(&response);
    if response.status != 101 {
        return reading;
    }
    let mut wire = Wire::new(transport, rest);
    wire.wait(Instant::now() + limit, |_| false).await;
    assert!(matches!(wire.end(), Some(WireEnd::Closed | WireEnd::Flood)));
    for is_compressed in [false, true] {
        let mut observed = Observed::default();
        observed.add(wire.frames(), is_compressed);
        for rule in RULES {
            reading.words.extend(observed.judge(rule).1.map(ToOwned::to_owned));
        }
    }
    reading.words.push(describe(&wire));
    let size = wire.frames().iter().map(|frame| frame.header.size + frame.payload.len()).sum();
    reading.sizes = (size, wire.unparsed().len());
    let messages = messages(wire.frames()).into_iter();
    reading.messages = messages.map(|it| (it.opcode, it.payload)).collect();
    reading
}

const RULES: [ServerRule; 8] = [
    ServerRule::Unmasked,
    ServerRule::ReservedBits,
    ServerRule::Opcodes,
    ServerRule::ShortestLength,
    ServerRule::ControlFrames,
    ServerRule::Fragments,
    ServerRule::Utf8,
    ServerRule::CloseBody,
];
