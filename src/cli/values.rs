//! What an option's value may be. A fault is said by clap, which names the option.

use crate::{
    mode::clock::Wait,
    proto::{
        Close,
        close::is_sendable,
        extension::Offers,
        handshake::{HeaderEdit, is_token},
    },
};
use regex::bytes::Regex;
use std::time::Duration;

/// Seconds, with a fraction.
pub fn seconds(s: &str) -> Result<Duration, String> {
    let seconds: f64 = s.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.0..=1e9).contains(&seconds) {
        return Err("not between 0 and 1000000000 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Seconds, or -1 for ever.
pub fn wait(s: &str) -> Result<Wait, String> {
    if s.parse() == Ok(-1.0) {
        return Ok(Wait::UntilClosed);
    }
    seconds(s).map(Wait::For).map_err(|fault| format!("{fault}, nor -1 for ever"))
}

/// Bytes, with K, M or G for powers of 1024; 0 for no limit.
pub fn bytes(s: &str) -> Result<u64, String> {
    let (digits, factor) = match s.as_bytes().last() {
        Some(b'k' | b'K') => (s.get(..s.len() - 1), 1 << 10),
        Some(b'm' | b'M') => (s.get(..s.len() - 1), 1 << 20),
        Some(b'g' | b'G') => (s.get(..s.len() - 1), 1 << 30),
        _ => (Some(s), 1),
    };
    let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "not a number of bytes (K, M, G stand for powers of 1024)".to_owned())
}

/// `Name: value`, `Name:` (removes it) or `Name;` (sends it empty), as in curl.
pub fn header(s: &str) -> Result<HeaderEdit, String> {
    if s.contains(['\r', '\n', '\0']) {
        return Err("a header must not contain line ends or NUL".to_owned());
    }
    let (name, edit) = match s.split_once(':') {
        Some((name, value)) if value.trim().is_empty() => {
            (name, HeaderEdit::Remove(name.trim().to_owned()))
        }
        Some((name, value)) => {
            (name, HeaderEdit::Set(name.trim().to_owned(), value.trim().to_owned()))
        }
        None => match s.strip_suffix(';') {
            Some(name) => (name, HeaderEdit::Set(name.trim().to_owned(), String::new())),
            None => return Err("not NAME:VALUE, NAME: or NAME;".to_owned()),
        },
    };
    if !is_token(name.trim()) {
        return Err(format!("'{}' is not a header name", name.trim().escape_debug()));
    }
    Ok(edit)
}

/// A subprotocol's name; several in one, separated by commas, as in a header.
pub fn subprotocol(s: &str) -> Result<String, String> {
    if s.split(',').all(|name| is_token(name.trim())) {
        return Ok(s.to_owned());
    }
    Err("not a subprotocol's name".to_owned())
}

/// A regular expression.
pub fn pattern(s: &str) -> Result<Regex, String> {
    Regex::new(s).map_err(|fault| match fault {
        // It draws the place over several lines; the last says what is wrong.
        regex::Error::Syntax(words) => {
            words.lines().last().unwrap_or_default().replace("error: ", "")
        }
        other => other.to_string(),
    })
}

/// `CODE` or `CODE:REASON`.
pub fn close(s: &str) -> Result<Close, String> {
    let (code, reason) = s.split_once(':').unwrap_or((s, ""));
    let code: u16 = code.parse().map_err(|_| "not a close code".to_owned())?;
    if !is_sendable(code) {
        return Err(format!("the close code {code} must not be sent (RFC 6455, 7.4)"));
    }
    if reason.len() > 123 {
        return Err("a reason has at most 123 bytes (RFC 6455, 5.5)".to_owned());
    }
    Ok(Close { code: code.into(), reason: reason.to_owned() })
}

/// What is offered of permessage-deflate.
pub fn offers(s: &str) -> Result<Offers, String> {
    Offers::parse(s).map_err(|fault| fault.to_string())
}

/// The value of a header: one line.
pub fn line(s: &str) -> Result<String, String> {
    if s.chars().any(|c| c.is_control() && c != '\t') {
        return Err("must not contain control characters".to_owned());
    }
    Ok(s.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for bad in ["", "x", "-1", "-0.5", "nan", "inf", "1e99", "1s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(wait("-1"), Ok(Wait::UntilClosed));
        assert_eq!(wait("2"), Ok(Wait::For(Duration::from_secs(2))));
        assert!(wait("-2").is_err());
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("64k"), Ok(65_536));
        assert_eq!(bytes("100M"), Ok(100 << 20));
        for bad in ["", "k", "-1", "1.5", "99999999999999999999", "99999999999G", "1KB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers() {
        let set = |name: &str, value: &str| Ok(HeaderEdit::Set(name.into(), value.into()));
        assert_eq!(header("X-A: b: c"), set("X-A", "b: c"));
        assert_eq!(header("x-a:b"), set("x-a", "b"));
        assert_eq!(header("X-A;"), set("X-A", ""));
        assert_eq!(header("Origin:"), Ok(HeaderEdit::Remove("Origin".into())));
        for bad in ["", "X-A", ":x", "X A: b", "X\u{e9}: b", "A: b\r\nC: d", "A\n: b", ";", "(): b"]
        {
            assert!(header(bad).is_err(), "{bad:?}");
        }
    }
}
