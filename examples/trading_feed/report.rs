//! The figures of a run, and whether they reach the goals.

use super::{
    Plan,
    ways::{Measured, Ordered, failed},
};
use std::{fmt, io, time::Duration};

pub struct Report {
    plan: Plan,
    changes: usize,
    pub rows: Vec<Row>,
    orders: [Ordered; 3],
    /// The share of polls that found nothing new.
    empty: f64,
    /// The delays of polling like a browser and of push, sorted.
    pub delays: [Vec<Duration>; 2],
}

/// A figure of each way of the feed.
pub struct Row {
    pub name: &'static str,
    pub unit: &'static str,
    /// The values of polling like a browser, polling with the shortest heads, and push.
    pub values: [f64; 3],
    /// The least saving of push, compared with polling like a browser: from 0 to 1.
    goal: f64,
    is_time: bool,
}

impl Row {
    /// Returns how much less push needs than another way, from 0 to 1.
    pub fn saving(&self, way: usize) -> f64 {
        let other = self.values.get(way).copied().unwrap_or_default();
        1.0 - self.push() / other
    }

    pub fn push(&self) -> f64 {
        let [_, _, push] = self.values;
        push
    }
}

impl Report {
    /// Fails if a client of push missed a price.
    pub fn new(plan: Plan, mut feed: [Measured; 3], orders: [Ordered; 3]) -> io::Result<Self> {
        for way in &mut feed {
            way.seen.delays.sort_unstable();
        }
        let [browser, _, push] = &feed;
        let changes = push.seen.delays.len() / plan.clients;
        let prices = super::prices::Feed { start: std::time::Instant::now(), plan }.changes();
        if push.seen.delays.len() as u64 != prices * plan.clients as u64 {
            return Err(failed("a client of push has missed a price"));
        }
        let empty = browser.seen.empty as f64 / browser.seen.requests as f64;
        let delays = [browser.seen.delays.clone(), push.seen.delays.clone()];
        let row = |name, unit, goal, is_time, value: &dyn Fn(&Measured) -> f64| {
            let [a, b, c] = &feed;
            Row { name, unit, values: [value(a), value(b), value(c)], goal, is_time }
        };
        let rows = vec![
            row("requests", "", 0.95, false, &|it| it.seen.requests as f64),
            row("bytes on the wire", "", 0.80, false, &|it| it.bytes as f64),
            row("update seen, median", "ms", 0.90, true, &|it| at(&it.seen.delays, 0.5)),
            row("update seen, p99", "ms", 0.90, true, &|it| at(&it.seen.delays, 0.99)),
            row("CPU of the server", "ms", 0.0, true, &|it| it.cpu.as_secs_f64() * 1000.0),
        ];
        Ok(Self { plan, changes, rows, orders, empty, delays })
    }

    /// Returns the goals that were not reached.
    pub fn missed(&self, counts_only: bool) -> Vec<String> {
        let judged = self.rows.iter().filter(|row| !(row.is_time && counts_only));
        let mut missed: Vec<_> = judged
            .filter(|row| row.saving(0) < row.goal)
            .map(|row| format!("{}: {:.0} % less than polling", row.name, row.goal * 100.0))
            .collect();
        let [_, push] = &self.delays;
        if !counts_only && at(push, 0.5) >= MAX_MEDIAN_MS {
            missed.push(format!("an update within {MAX_MEDIAN_MS} ms at the median"));
        }
        missed
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { clients, length, poll, orders } = self.plan;
        let (seconds, changes, poll) = (length.as_secs_f64(), self.changes, poll.as_millis());
        writeln!(f, "{clients} clients, {seconds} s, {changes} price changes")?;
        let empty = self.empty * 100.0;
        writeln!(f, "polling: every {poll} ms; {empty:.0} % of the polls find nothing new\n")?;
        writeln!(
            f,
            "{:<24}{:>12}{:>16}{:>12}{:>10}",
            "", "polling", "shortest heads", "push", "saved"
        )?;
        for row in &self.rows {
            let [browser, shortest, push] = row.values.map(|value| shown(value, row.unit));
            let saved = row.saving(0) * 100.0;
            let name = row.name;
            writeln!(f, "{name:<24}{browser:>12}{shortest:>16}{push:>12}{saved:>8.1} %")?;
        }
        writeln!(
            f,
            "\n{:<24}{:>12}{:>16}{:>12}",
            format!("{orders} orders"),
            "median",
            "p99",
            "bytes"
        )?;
        for (name, Ordered { times, bytes }) in ORDERS.iter().zip(&self.orders) {
            let mut times = times.clone();
            times.sort_unstable();
            let [median, p99] = [0.5, 0.99].map(|share| shown(at(&times, share), "ms"));
            let bytes = bytes / u64::from(orders);
            writeln!(f, "{name:<24}{median:>12}{p99:>16}{bytes:>12}")?;
        }
        if cfg!(debug_assertions) {
            writeln!(f, "\nbuilt without optimization: the CPU figures are too high")?;
        }
        Ok(())
    }
}

/// Returns the value below which this share of the sorted times lies, in milliseconds.
pub fn at(sorted: &[Duration], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    let found = sorted.get(index.min(sorted.len().saturating_sub(1)));
    found.map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

/// Writes a figure: times with two digits, counts with separators.
pub fn shown(value: f64, unit: &str) -> String {
    if unit == "ms" {
        return format!("{value:.2} ms");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const ORDERS: [&str; 3] = ["POST, new connections", "POST, kept alive", "WebSocket"];
const MAX_MEDIAN_MS: f64 = 10.0;
