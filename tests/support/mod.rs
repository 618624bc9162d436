//! What every test needs: a run of the binary, a scripted peer, frames, certificates.

pub mod child;
mod chromium;
mod expected;
mod front;
pub mod peer;
mod programs;
mod test;
mod tls;
pub mod wire;

pub use chromium::{Chromium, Site};
pub use expected::Expected;
pub use peer::Peer;
pub use programs::{EchoServer, Zlib};
pub use rustix::process::Signal;
pub use test::{Stdin, Test};
pub use tls::{Authority, Identity};

use std::time::Duration;

/// How long a step of a conversation may take, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(10);
