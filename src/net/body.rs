//! Limits on the body of a response that refuses, from a server or a proxy.

use std::time::Duration;

/// The largest part of a body that is read.
pub const MAX_BODY_BYTES: usize = 4 << 10;
/// The time limit for receiving a body.
pub const BODY_LIMIT: Duration = Duration::from_secs(1);
