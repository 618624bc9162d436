//! The same price changes to the same number of clients, by HTTP polling and by WebSocket push, and
//! orders by POST and by WebSocket: requests, bytes, latency and CPU of the server.
//!
//! ```sh
//! cargo run --example trading_feed -- [--seconds N] [--poll-ms N] [--counts-only] [--svg FILE]
//! ```
//!
//! It fails unless push needs at least 95 % fewer requests and 80 % fewer bytes, its updates arrive
//! at least 90 % sooner and, at the median, within 10 ms. `--counts-only` does not judge times.
//! `ways.rs` lists what is compared; docs/protocol.md shows a run.

#![allow(unreachable_pub, reason = "all of it is private to this example")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "all figures are positive, and far below 2^52"
)]

mod plot;
mod polling;
mod prices;
mod push;
mod report;
mod traffic;
mod ways;

pub use plot::svg;
use report::Report;
use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

/// The size of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of clients of each way.
    pub clients: usize,
    /// The duration of the feed.
    pub length: Duration,
    /// The interval at which a client polls.
    pub poll: Duration,
    /// The number of orders of each way.
    pub orders: u32,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut plan = Plan {
        clients: 20,
        length: Duration::from_secs(10),
        poll: Duration::from_millis(100),
        orders: 300,
    };
    let (mut drawing, mut counts_only) = (None, false);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--seconds" => plan.length = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--poll-ms" => plan.poll = Duration::from_millis(value()?.parse()?),
            "--svg" => drawing = Some(value()?),
            "--counts-only" => counts_only = true,
            _ => return Err(format!("unknown argument: {argument}").into()),
        }
    }
    let report = measure(plan)?;
    write!(io::stdout(), "{report}")?;
    if let Some(path) = drawing {
        fs::write(path, svg(&report))?;
    }
    let missed = report.missed(counts_only);
    for goal in &missed {
        eprintln!("not reached: {goal}");
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the feed, then the orders.
pub fn measure(plan: Plan) -> io::Result<Report> {
    Report::new(plan, ways::feed(plan)?, ways::orders(plan)?)
}
