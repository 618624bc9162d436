//! Close codes (RFC 6455, 7.4). Their registered names and meanings are in [`codes`](super::codes).

use std::fmt;

/// A close code: any 16-bit number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

#[allow(missing_docs, reason = "the names are those of the registry")]
impl CloseCode {
    pub const NORMAL: Self = Self(1000);
    pub const GOING_AWAY: Self = Self(1001);
    pub const PROTOCOL_ERROR: Self = Self(1002);
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Reported for a Close without a code; never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// Reported when the connection ends without a Close; never sent.
    pub const ABNORMAL: Self = Self(1006);
    pub const INVALID_PAYLOAD: Self = Self(1007);
    pub const POLICY_VIOLATION: Self = Self(1008);
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    pub const INTERNAL_ERROR: Self = Self(1011);
    pub const SERVICE_RESTART: Self = Self(1012);
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    pub const BAD_GATEWAY: Self = Self(1014);
    /// Reported for a failed TLS handshake; never sent.
    pub const TLS_HANDSHAKE: Self = Self(1015);
}

impl CloseCode {
    /// Creates a code from any number, sendable or not.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Returns the code as it is written on the wire.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Reports whether a Close may carry the code (7.4.2). 1005, 1006 and 1015 only describe how a
    /// connection ended; 1004 and 1016 to 2999 are undefined.
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Reports whether the code signals an error: any code but 1000, 1001 (going away) and 1005.
    pub const fn is_error(self) -> bool {
        !matches!(self, Self::NORMAL | Self::GOING_AWAY | Self::NO_STATUS)
    }
}

impl From<u16> for CloseCode {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_defined_codes_are_sendable() {
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            assert!(CloseCode(code).is_sendable(), "{code}");
        }
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
            assert!(!CloseCode(code).is_sendable(), "{code}");
        }
    }
}
