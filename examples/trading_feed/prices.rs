//! The prices: when they change, and what a client is told.

use super::Plan;
use sockeye::random::Seeded;
use std::time::{Duration, Instant};
use tokio::{sync::watch, time::sleep_until};

/// A price that is in force.
#[derive(Clone, Debug, Default)]
pub struct Price {
    /// The number of the change, from 1; 0 before the first.
    pub number: u64,
    /// The message that says so: the body of a response, or the payload of a frame.
    pub message: String,
}

/// When and how often the price changes: the same for all ways.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    /// The time from which all times count.
    pub start: Instant,
    pub plan: Plan,
}

impl Feed {
    /// Returns the number of changes: one for each ten polls, so that nine of ten find nothing.
    pub fn changes(&self) -> u64 {
        (self.plan.length.as_secs_f64() / self.plan.poll.as_secs_f64() / 10.0).floor() as u64
    }

    /// Changes the price as planned. A change is somewhere in the middle of its ten polls.
    pub async fn publish(self, prices: watch::Sender<Price>) {
        let mut chance = Seeded::new(1, 0);
        for number in 1..=self.changes() {
            let [random, cents, ..] = chance.bytes();
            let polls = 10.0 * (number - 1) as f64 + 3.0 + 4.0 * f64::from(random) / 256.0;
            sleep_until((self.start + self.plan.poll.mul_f64(polls)).into()).await;
            let at = self.start.elapsed().as_micros();
            let message =
                format!(r#"{{"symbol":"FISH","price":"101.{:02}","at":{at}}}"#, cents % 100);
            prices.send_replace(Price { number, message });
        }
    }

    /// Returns how long ago the price in this message changed.
    pub fn age(&self, message: &[u8]) -> Option<Duration> {
        let message: serde_json::Value = serde_json::from_slice(message).ok()?;
        let at = Duration::from_micros(message.get("at")?.as_u64()?);
        self.start.elapsed().checked_sub(at)
    }

    /// Returns the time at which the clients leave.
    pub fn end(&self) -> Instant {
        self.start + self.plan.length
    }
}
