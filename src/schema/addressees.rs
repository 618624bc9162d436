//! The clients that a line of `--input jsonl` of a server is for.

use serde::Deserialize;

/// The fields of a line that select clients. Other fields are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Addressees {
    /// The clients that the action is for; all if absent.
    pub conn: Option<Numbers>,
    /// The clients that it is not for.
    pub except: Option<Numbers>,
}

/// One number or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    /// One number.
    One(u64),
    /// Several numbers.
    Several(Vec<u64>),
}

impl Numbers {
    /// Returns the numbers.
    pub fn into_vec(self) -> Vec<u64> {
        match self {
            Self::One(number) => vec![number],
            Self::Several(numbers) => numbers,
        }
    }
}

impl Addressees {
    /// Reads the fields of a line. Fails with a phrase that names the fault.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|_| {
            "\"conn\" and \"except\" must be a number or an array of numbers".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_numbers_or_arrays() {
        let read = |line: &str| Addressees::read(line.as_bytes());
        assert_eq!(read(r#"{"type":"text"}"#), Ok(Addressees::default()));
        let some = read(r#"{"conn":1,"except":[2,3]}"#).unwrap();
        assert_eq!(some.conn.map(Numbers::into_vec), Some(vec![1]));
        assert_eq!(some.except.map(Numbers::into_vec), Some(vec![2, 3]));
        for bad in [r#"{"conn":"1"}"#, r#"{"conn":-1}"#, r#"{"except":[1,"x"]}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
