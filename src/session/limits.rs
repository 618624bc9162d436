//! Limits shared by a session and its callers.

/// The number of bytes that may wait on one side, for the network or for stdout, before the other
/// side is no longer read.
pub const QUEUE_LIMIT_BYTES: usize = 64 << 10;

/// The number of bytes that may wait for a stdout that has been behind for a while. Until then, the
/// network is read, so that pings of the peer are answered.
pub const HELD_LIMIT_BYTES: usize = 8 << 20;

/// The number of bytes kept of a frame that breaks a rule, to tell what was sent instead of a frame.
pub const OFFENDING_BYTES: usize = 64;
