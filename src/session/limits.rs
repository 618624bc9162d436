//! Limits shared by a session and its callers.

/// The number of bytes that may wait on one side, for the network or for stdout, before the other
/// side is no longer read.
pub const QUEUE_LIMIT_BYTES: usize = 64 << 10;

/// The number of bytes kept of a frame that breaks a rule, to tell what was sent instead of a frame.
pub const OFFENDING_BYTES: usize = 64;
