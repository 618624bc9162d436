//! The words of evidence.

use super::wire::{Wire, WireEnd};

/// Describes what was received.
pub(crate) fn describe(wire: &Wire) -> String {
    let frames = wire.frames();
    let mut words: Vec<String> = frames.iter().take(DESCRIBED).map(ToString::to_string).collect();
    if frames.len() > DESCRIBED {
        words.push(format!("{} more frames", frames.len() - DESCRIBED));
    }
    if !wire.unparsed().is_empty() {
        words.push(format!("{} bytes of an incomplete frame", wire.unparsed().len()));
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
