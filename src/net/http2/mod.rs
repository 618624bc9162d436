//! HTTP/2 with h2: a single stream of a connection as a [`Transport`](super::Transport).
//!
//! There is no background task. Reads, writes and flushes of the stream drive the connection,
//! including PINGs and window updates.

mod client;
mod fault;
mod link;
mod preface;
mod stream;

pub use client::{Http2Client, SentRequest};
pub use fault::{ErrorCode, Http2Fault};
pub use preface::PeerSettings;
pub use stream::Http2Stream;
