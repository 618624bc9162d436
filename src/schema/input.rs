//! A line of `--input jsonl`, before it is judged.

use super::scalar::Scalar;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The fields of a line that an order can have. Those that are not known are ignored, so the events
/// that one run wrote are the orders of another.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct InputLine<'a> {
    /// `type`: the order.
    #[serde(rename = "type", borrow)]
    pub kind: Scalar<'a>,
    /// `in` in what another run received.
    #[serde(borrow)]
    pub direction: Scalar<'a>,
    /// Content as text.
    #[serde(borrow)]
    pub data: Scalar<'a>,
    /// Content in base64.
    #[serde(borrow)]
    pub base64: Scalar<'a>,
    /// A close code.
    #[serde(borrow)]
    pub code: Scalar<'a>,
    /// The reason of a Close.
    #[serde(borrow)]
    pub reason: Scalar<'a>,
    /// How long to wait.
    #[serde(borrow)]
    pub seconds: Scalar<'a>,
}

impl<'a> InputLine<'a> {
    /// Reads a line.
    pub fn read(line: &'a [u8]) -> Result<Self, serde_json::Error> {
        if !line.trim_ascii_start().starts_with(b"{") {
            // A sequence could be read as a struct as well. This fails: it is no object.
            serde_json::from_slice::<Map<String, Value>>(line)?;
        }
        serde_json::from_slice(line)
    }
}
