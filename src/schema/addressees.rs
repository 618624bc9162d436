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
    /// Reports whether clients may have these numbers, which start at 1.
    fn is_valid(&self) -> bool {
        match self {
            Self::One(number) => *number > 0,
            Self::Several(numbers) => !numbers.contains(&0),
        }
    }

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
        let all: Option<Self> = serde_json::from_slice(line).ok();
        let is_valid = |numbers: &Option<Numbers>| numbers.as_ref().is_none_or(Numbers::is_valid);
        let all = all.filter(|all| is_valid(&all.conn) && is_valid(&all.except));
        let all =
            all.ok_or("\"conn\" and \"except\" must be a number from 1, or an array of such")?;
        if all.conn.is_some() && all.except.is_some() {
            return Err("\"conn\" and \"except\" cannot be combined".to_owned());
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_numbers_or_arrays() {
        let read = |line: &str| Addressees::read(line.as_bytes());
        assert_eq!(read(r#"{"type":"text"}"#), Ok(Addressees::default()));
        let conn = read(r#"{"conn":1}"#).unwrap().conn;
        assert_eq!(conn.map(Numbers::into_vec), Some(vec![1]));
        let except = read(r#"{"except":[2,3]}"#).unwrap().except;
        assert_eq!(except.map(Numbers::into_vec), Some(vec![2, 3]));
        for bad in [
            r#"{"conn":"1"}"#,
            r#"{"conn":-1}"#,
            r#"{"conn":0}"#,
            r#"{"except":[1,0]}"#,
            r#"{"except":[1,"x"]}"#,
            r#"{"conn":1,"except":[2]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
