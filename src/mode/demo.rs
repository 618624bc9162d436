//! `sockeye demo`: an echo server inside the process, and a client connected to it.

use super::{Ended, talk};
use crate::{
    cli::config::Client,
    error::Error,
    stdio::{self, Source},
    target::Target,
};
use std::time::Instant;

/// Runs the demonstration. Without a terminal and without input it says something of its own.
pub(super) async fn run(mut client: Client, started: Instant) -> Result<Ended, Error> {
    let target = Target::parse("ws://127.0.0.1:1")
        .map_err(|fault| Error::Url { url: String::new(), fault })?;
    if stdio::source() == Source::Nothing && client.script.is_empty() {
        client.script = OWN.map(str::to_owned).to_vec();
    }
    talk(&client, target, started).await
}

const OWN: [&str; 3] = ["hello", "{\"fish\": \"sockeye\"}", "bye"];
