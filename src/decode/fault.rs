//! Faults of messages that cannot be decoded.

use super::encoding::Encoding;

/// The reason why a message could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeFault {
    /// The message does not have this encoding.
    Encoding(Encoding),
    /// The decoded message is longer than this limit, in bytes.
    TooLong(usize),
}
