//! The body of a Close frame (RFC 6455, 5.5.1).

use super::{close_code::CloseCode, violation::Violation};

/// The code and reason of a Close. An empty body is represented by the code 1005 (7.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The close code.
    pub code: CloseCode,
    /// The reason, at most [`MAX_REASON_BYTES`]; often empty.
    pub reason: String,
}

impl Close {
    /// Creates a Close without a reason.
    pub fn new(code: CloseCode) -> Self {
        Self { code, reason: String::new() }
    }

    /// Parses a received payload. Fails with the rule that it breaks.
    pub fn parse(payload: &[u8]) -> Result<Self, Violation> {
        let (code, reason) = match payload {
            [] => return Ok(Self::new(CloseCode::NO_STATUS)),
            [_] => return Err(Violation::CloseTooShort),
            [a, b, reason @ ..] => (CloseCode::new(u16::from_be_bytes([*a, *b])), reason),
        };
        if !code.is_sendable() {
            return Err(Violation::CloseCodeInvalid(code));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
        Ok(Self { code, reason: reason.to_owned() })
    }

    /// Encodes the payload; with the code 1005 it is empty.
    pub fn payload(&self) -> Vec<u8> {
        if self.code == CloseCode::NO_STATUS {
            return Vec::new();
        }
        let mut payload = self.code.number().to_be_bytes().to_vec();
        payload.extend_from_slice(self.reason.as_bytes());
        payload
    }
}

/// The longest reason, in bytes: 125 of a control frame minus two for the code.
pub const MAX_REASON_BYTES: usize = 123;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_encodes_payloads() {
        assert_eq!(Close::parse(b""), Ok(Close::new(CloseCode::NO_STATUS)));
        assert_eq!(Close::new(CloseCode::NO_STATUS).payload(), b"");
        assert_eq!(Close::parse(b"\x03"), Err(Violation::CloseTooShort));
        assert_eq!(Close::parse(b"\x03\xe8"), Ok(Close::new(CloseCode::NORMAL)));
        assert_eq!(
            Close::parse(b"\x03\xed"),
            Err(Violation::CloseCodeInvalid(CloseCode::NO_STATUS))
        );
        assert_eq!(Close::parse(b"\x03\xe8\xff"), Err(Violation::CloseReasonNotUtf8));
        let close = Close { code: CloseCode::new(4001), reason: "schlo\u{df}".into() };
        assert_eq!(Close::parse(&close.payload()), Ok(close));
    }
}
