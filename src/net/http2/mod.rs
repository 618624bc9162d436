//! HTTP/2 by h2: one stream of a connection as a [`Transport`](super::Transport).
//!
//! No task runs beside it: whoever reads, writes or flushes drives the connection with all that
//! belongs to it, PINGs and window updates included.

mod client;
mod fault;
mod link;
mod preface;
mod stream;

pub use client::Http2Client;
pub use fault::{ErrorCode, Http2Fault};
pub use preface::PeerSettings;
pub use stream::Http2Stream;
