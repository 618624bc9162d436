//! Close codes and reasons (RFC 6455, 5.5.1 and 7.4).

use super::{codes, violation::Violation};
pub use tungstenite::protocol::frame::coding::CloseCode;

/// What a Close says. An empty one has the code 1005, which stands for having none (7.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Why the connection closes.
    pub code: CloseCode,
    /// The same in words, at most 123 bytes; often empty.
    pub reason: String,
}

impl Close {
    /// A Close that says no more than its code.
    pub fn new(code: CloseCode) -> Self {
        Self { code, reason: String::new() }
    }

    /// What a received payload says, or which rule it breaks.
    pub fn parse(payload: &[u8]) -> Result<Self, Violation> {
        let (code, reason) = match payload {
            [] => return Ok(Self::new(CloseCode::Status)),
            [_] => return Err(Violation::CloseTooShort),
            [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
        };
        if !is_sendable(code) {
            return Err(Violation::CloseCodeInvalid(code));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
        Ok(Self { code: code.into(), reason: reason.to_owned() })
    }

    /// The payload to send.
    pub fn payload(&self) -> Vec<u8> {
        if self.code == CloseCode::Status {
            return Vec::new();
        }
        let mut payload = u16::from(self.code).to_be_bytes().to_vec();
        payload.extend_from_slice(self.reason.as_bytes());
        payload
    }

    /// Whether the code tells of an error: all but 1000 (normal), 1001 (going away) and none.
    pub fn is_error(&self) -> bool {
        !matches!(self.code, CloseCode::Normal | CloseCode::Away | CloseCode::Status)
    }
}

/// Whether a Close may carry this code (7.4.2). 1005, 1006 and 1015 only ever describe a close
/// that was not sent; 1004 and 1016 to 2999 have no meaning yet. 1014 was registered after
/// tungstenite's table was made.
pub fn is_sendable(code: u16) -> bool {
    code == 1014 || (code >= 1000 && CloseCode::from(code).is_allowed())
}

/// The registered name of a code, for people; empty where there is none.
pub fn name(code: u16) -> &'static str {
    match (codes::find(code), code) {
        (Some(found), _) => found.name,
        (None, 3000..=3999) => "registered by a library",
        (None, 4000..=4999) => "private use",
        _ => "",
    }
}

/// What a code means, in a few words; empty where nothing is known. What a private code means is
/// for the application to say: this tells no more than that, and [`codes::Dialect`] knows some.
pub fn meaning(code: u16) -> &'static str {
    match (codes::find(code), code) {
        (Some(found), _) => found.meaning,
        (None, 3000..=3999) => "what a library registered it for",
        (None, 4000..=4999) => "what the application says",
        _ => "",
    }
}

/// The longest reason, in bytes: a control frame holds 125, the code takes two.
pub const MAX_REASON: usize = 123;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_may_be_sent() {
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            assert!(is_sendable(code), "{code}");
        }
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
            assert!(!is_sendable(code), "{code}");
        }
    }

    #[test]
    fn names_are_those_registered() {
        assert_eq!(
            (name(1008), meaning(1008)),
            ("policy violation", "a message or a client is against its rules")
        );
        assert_eq!((name(3001), name(4401)), ("registered by a library", "private use"));
        assert_eq!((name(1004), name(2000), name(5000), meaning(999)), ("", "", "", ""));
    }

    #[test]
    fn payloads() {
        assert_eq!(Close::parse(b""), Ok(Close::new(CloseCode::Status)));
        assert_eq!(Close::new(CloseCode::Status).payload(), b"");
        assert_eq!(Close::parse(b"\x03"), Err(Violation::CloseTooShort));
        assert_eq!(Close::parse(b"\x03\xe8"), Ok(Close::new(CloseCode::Normal)));
        assert_eq!(Close::parse(b"\x03\xed"), Err(Violation::CloseCodeInvalid(1005)));
        assert_eq!(Close::parse(b"\x03\xe8\xff"), Err(Violation::CloseReasonNotUtf8));
        let close = Close { code: CloseCode::Library(4001), reason: "schlo\u{df}".into() };
        assert_eq!(Close::parse(&close.payload()), Ok(close));
    }
}
