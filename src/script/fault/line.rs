//! The lines of `--input jsonl` by which a server ends or stalls the connections of clients.

use super::{decide::FaultEnding, rule::CutPlace};
use crate::{
    schema::{input::InputLine, scalar::Scalar},
    script::jsonl::LineFault,
};
use std::time::Duration;

impl FaultEnding {
    /// Parses a line that is a JSON object. Returns `None` for a line of another type.
    pub fn parse_line(line: &[u8]) -> Result<Option<Self>, LineFault> {
        let Ok(line) = InputLine::read(line) else { return Ok(None) };
        // An event of another run, of a type that this version does not know.
        if line.direction.as_text().is_some() {
            return Ok(None);
        }
        match line.kind.as_text() {
            Some("cut") => Ok(Some(Self::Cut(CutPlace::Boundary))),
            Some("reset") => Ok(Some(Self::Reset)),
            Some("stall") => stall_time(&line.seconds).map(Self::Stall).map(Some),
            _ => Ok(None),
        }
    }
}

fn stall_time(seconds: &Scalar<'_>) -> Result<Option<Duration>, LineFault> {
    if matches!(seconds, Scalar::Absent | Scalar::Null) {
        return Ok(None);
    }
    let number = seconds.as_number().filter(|seconds| (0.0..=1e9).contains(seconds));
    let number = number.ok_or_else(|| LineFault {
        column: None,
        words: "\"seconds\" must be a number from 0 to 1000000000".to_owned(),
    })?;
    Ok(Some(Duration::from_secs_f64(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::jsonl;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Returns the line of a fault, as docs/jsonl.md describes it.
    fn line(ending: &FaultEnding, conn: Option<u64>) -> Option<Value> {
        let mut line = match ending {
            FaultEnding::Cut(_) => json!({"type": "cut"}),
            FaultEnding::Reset => json!({"type": "reset"}),
            FaultEnding::Stall(None) => json!({"type": "stall"}),
            FaultEnding::Stall(Some(time)) => {
                json!({"type": "stall", "seconds": time.as_secs_f64()})
            }
            FaultEnding::Close(_) => return None,
        };
        if let Some(conn) = conn {
            line.as_object_mut()?.insert("conn".to_owned(), conn.into());
        }
        Some(line)
    }

    fn ending() -> impl Strategy<Value = FaultEnding> {
        prop_oneof![
            Just(FaultEnding::Cut(CutPlace::Boundary)),
            Just(FaultEnding::Reset),
            Just(FaultEnding::Stall(None)),
            (0..1u64 << 40).prop_map(|n| FaultEnding::Stall(Some(Duration::from_micros(n)))),
        ]
    }

    proptest! {
        #[test]
        fn each_fault_is_read_from_its_line(ending in ending(), conn: Option<u64>) {
            let line = line(&ending, conn).unwrap().to_string();
            let read = FaultEnding::parse_line(line.as_bytes()).unwrap().unwrap();
            match (&read, &ending) {
                // A time in seconds is exact to the microsecond.
                (FaultEnding::Stall(Some(read)), FaultEnding::Stall(Some(time))) => {
                    prop_assert!(read.abs_diff(*time) < Duration::from_micros(1));
                }
                _ => prop_assert_eq!(&read, &ending),
            }
            // The lines of a client have no such action.
            prop_assert_eq!(jsonl::parse(line.as_bytes()), Ok(None));
        }
    }

    #[test]
    fn other_lines_are_no_faults() {
        for line in [
            r#"{"type":"text","data":"a"}"#,
            r#"{"type":"delay","seconds":1}"#,
            r#"{"type":"cut","direction":"in"}"#,
            r#"{"seconds":1}"#,
            "[]",
        ] {
            assert_eq!(FaultEnding::parse_line(line.as_bytes()), Ok(None), "{line}");
        }
        for line in [
            r#"{"type":"stall","seconds":"1"}"#,
            r#"{"type":"stall","seconds":-1}"#,
            r#"{"type":"stall","seconds":true}"#,
        ] {
            let fault = FaultEnding::parse_line(line.as_bytes()).unwrap_err();
            assert!(fault.words.contains("\"seconds\" must be"), "{line}: {fault:?}");
        }
    }
}
