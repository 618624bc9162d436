//! HTTP/2 with h2: a stream of a connection as a [`Transport`](super::Transport).
//!
//! A client's connection has a single stream and no background task. Reads, writes and flushes of
//! the stream drive the connection, including PINGs and window updates. A server's connection has
//! many streams; the task that accepts them drives it.

mod client;
mod fault;
mod link;
mod preface;
mod server;
mod server_stream;
mod stream;
mod unsent;

pub use client::{Http2Client, SentRequest};
pub use fault::{ErrorCode, Http2Fault};
pub use preface::PeerSettings;
#[cfg(any(test, fuzzing))]
pub(crate) use preface::receive_first_frame;
pub use server::{Http2Server, ServerRequest};
pub use server_stream::{ServerStream, StreamHandle};
pub use stream::Http2Stream;
