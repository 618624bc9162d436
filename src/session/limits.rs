//! Limits that all around a session share.

/// Bytes that may wait on one side, for the network or for stdout, before the other side is no
/// longer read.
pub const QUEUE_LIMIT_BYTES: usize = 64 << 10;
