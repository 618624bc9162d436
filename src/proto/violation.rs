//! The protocol rules that a peer can break.

use super::{close_code::CloseCode, opcode::Opcode};
use std::{error, fmt};

/// A rule of RFC 6455 or RFC 7692 that the peer broke, or our message limit exceeded. Every
/// violation fails the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Reserved bits set that no extension defines: the first byte, masked with `0x70` (5.2).
    ReservedBits(u8),
    /// Rsv1 on a control frame or a later fragment (RFC 7692, 6).
    Rsv1Misplaced(Opcode),
    /// A compressed message that is not valid DEFLATE, or is truncated (RFC 7692, 7.2.2).
    InvalidDeflate,
    /// An opcode of 3 to 7 or 11 to 15 (5.2).
    ReservedOpcode(u8),
    /// An unmasked frame from a client (5.1).
    NotMasked,
    /// A masked frame from a server (5.1).
    Masked,
    /// A payload length encoded in more bytes than necessary (5.2).
    LengthNotMinimal(u64),
    /// A 64-bit payload length with its most significant bit set (5.2).
    LengthTopBit,
    /// A control frame with a payload longer than 125 bytes (5.5).
    ControlTooLong(Opcode),
    /// A control frame without fin (5.5).
    ControlFragmented(Opcode),
    /// A continuation frame while no message is open (5.4).
    UnexpectedContinuation,
    /// A text or binary frame before the fragmented message has ended (5.4).
    InterleavedMessage,
    /// A text message that is not UTF-8 (8.1).
    TextNotUtf8,
    /// A Close whose payload is one byte long (5.5.1).
    CloseTooShort,
    /// A Close with a code that must not be sent (7.4).
    CloseCodeInvalid(CloseCode),
    /// A Close whose reason is not UTF-8 (5.5.1).
    CloseReasonNotUtf8,
    /// A message longer than our limit.
    MessageTooLong {
        /// The limit, in bytes.
        limit: u64,
    },
}

impl Violation {
    /// Returns the code of the Close that fails the connection (7.4.1).
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::TextNotUtf8 | Self::CloseReasonNotUtf8 | Self::InvalidDeflate => {
                CloseCode::INVALID_PAYLOAD
            }
            Self::MessageTooLong { .. } => CloseCode::MESSAGE_TOO_BIG,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }

    /// Returns true if a frame breaks the rule with its header, whatever its payload is.
    pub fn is_in_header(self) -> bool {
        !matches!(
            self,
            Self::InvalidDeflate
                | Self::TextNotUtf8
                | Self::CloseTooShort
                | Self::CloseCodeInvalid(_)
                | Self::CloseReasonNotUtf8
                | Self::MessageTooLong { .. }
        )
    }

    /// Returns the RFC and section of the broken rule.
    pub fn section(self) -> &'static str {
        match self {
            Self::Rsv1Misplaced(_) => "RFC 7692, 6",
            Self::InvalidDeflate => "RFC 7692, 7.2.2",
            Self::NotMasked | Self::Masked => "RFC 6455, 5.1",
            Self::ReservedBits(_)
            | Self::ReservedOpcode(_)
            | Self::LengthNotMinimal(_)
            | Self::LengthTopBit => "RFC 6455, 5.2",
            Self::UnexpectedContinuation | Self::InterleavedMessage => "RFC 6455, 5.4",
            Self::ControlTooLong(_) | Self::ControlFragmented(_) => "RFC 6455, 5.5",
            Self::CloseTooShort | Self::CloseReasonNotUtf8 => "RFC 6455, 5.5.1",
            Self::CloseCodeInvalid(_) => "RFC 6455, 7.4",
            Self::TextNotUtf8 => "RFC 6455, 8.1",
            Self::MessageTooLong { .. } => "RFC 6455, 7.4.1",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits(bits) => {
                let names = [(0x40, "rsv1"), (0x20, "rsv2"), (0x10, "rsv3")];
                let set: Vec<_> = names
                    .iter()
                    .filter(|(bit, _)| bits & bit != 0)
                    .map(|(_, name)| *name)
                    .collect();
                write!(f, "reserved bit {} set without an extension", set.join(", "))
            }
            Self::Rsv1Misplaced(opcode) => {
                write!(
                    f,
                    "rsv1 set on a {opcode} frame, allowed only on the first frame of a message"
                )
            }
            Self::InvalidDeflate => f.write_str("invalid DEFLATE data in a compressed message"),
            Self::ReservedOpcode(opcode) => write!(f, "reserved opcode {opcode}"),
            Self::NotMasked => f.write_str("unmasked frame from a client"),
            Self::Masked => f.write_str("masked frame from a server"),
            Self::LengthNotMinimal(length) => {
                write!(f, "payload length {length} not minimally encoded")
            }
            Self::LengthTopBit => f.write_str("payload length with the most significant bit set"),
            Self::ControlTooLong(opcode) => write!(f, "{opcode} frame longer than 125 bytes"),
            Self::ControlFragmented(opcode) => write!(f, "fragmented {opcode} frame"),
            Self::UnexpectedContinuation => {
                f.write_str("continuation frame while no message is open")
            }
            Self::InterleavedMessage => {
                f.write_str("new message before the fragmented one has ended")
            }
            Self::TextNotUtf8 => f.write_str("text message that is not UTF-8"),
            Self::CloseTooShort => f.write_str("Close with a payload of one byte"),
            Self::CloseCodeInvalid(code) => {
                write!(f, "Close with the code {code}, which must not be sent")
            }
            Self::CloseReasonNotUtf8 => f.write_str("Close with a reason that is not UTF-8"),
            Self::MessageTooLong { limit } => write!(f, "message over {limit} bytes"),
        }
    }
}

impl error::Error for Violation {}
