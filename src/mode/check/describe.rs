//! The words of evidence.

use super::{
    frames::{AFTER, SeenFrame},
    wire::{Wire, WireEnd},
};

/// Describes what was received.
pub(crate) fn describe(wire: &Wire) -> String {
    let frames = wire.frames();
    let describe = |frame: &SeenFrame| {
        if frame.is_pong(AFTER) && frame.is_plain() {
            "a Pong to the next ping".to_owned()
        } else {
            frame.to_string()
        }
    };
    let mut words: Vec<String> = frames.iter().take(DESCRIBED).map(describe).collect();
    match frames.len().saturating_sub(DESCRIBED) {
        0 => {}
        1 => words.extend(frames.last().map(describe)),
        more => {
            words.push(format!("{more} more frames"));
            // The end of a session matters most.
            words.extend(frames.last().filter(|last| last.is_close()).map(describe));
        }
    }
    match wire.unparsed().len() {
        0 => {}
        1 => words.push("1 byte of an incomplete frame".to_owned()),
        length => words.push(format!("{length} bytes of an incomplete frame")),
    }
    words.push(match wire.end() {
        Some(WireEnd::Closed) => "the end of the connection".to_owned(),
        Some(WireEnd::Lost(kind)) => format!("the loss of the connection ({kind})"),
        Some(WireEnd::Flood) => "more than is kept".to_owned(),
        None if words.is_empty() => {
            return format!("received nothing within {:.1} s", wire.age().as_secs_f64());
        }
        None => "the connection stays open".to_owned(),
    });
    format!("received {}", words.join(", "))
}

/// The frames that evidence describes.
const DESCRIBED: usize = 4;
