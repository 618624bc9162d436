//! A line of `--input jsonl`, before validation.

use super::scalar::Scalar;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The fields of a line of `--input jsonl`. Unknown fields are ignored, so the events that one run
/// wrote can be the input of another.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct InputLine<'a> {
    /// `type`: the action to perform.
    #[serde(rename = "type", borrow)]
    pub kind: Scalar<'a>,
    /// `direction`, which is `in` for an event that another run received.
    #[serde(borrow)]
    pub direction: Scalar<'a>,
    /// Content as text.
    #[serde(borrow)]
    pub data: Scalar<'a>,
    /// Content in base64.
    #[serde(borrow)]
    pub base64: Scalar<'a>,
    /// Close code.
    #[serde(borrow)]
    pub code: Scalar<'a>,
    /// Reason of a Close frame.
    #[serde(borrow)]
    pub reason: Scalar<'a>,
    /// Duration of a wait.
    #[serde(borrow)]
    pub seconds: Scalar<'a>,
}

impl<'a> InputLine<'a> {
    /// Parses a line. Fails if it is not a JSON object.
    pub fn read(line: &'a [u8]) -> Result<Self, serde_json::Error> {
        if !line.trim_ascii_start().starts_with(b"{") {
            // Serde would also read a sequence as a struct. Parsing it as an object fails with an
            // error.
            serde_json::from_slice::<Map<String, Value>>(line)?;
        }
        serde_json::from_slice(line)
    }
}
