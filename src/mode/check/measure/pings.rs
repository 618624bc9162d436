//! The round trips of pings.

use super::{meter::Meter, words};
use crate::mode::check::{
    frames::{PING, frame},
    judgement::Judgement,
    server::Server,
};
use tokio::time::{Duration, Instant};

/// Judges the time that pongs take, and what they are like.
pub(crate) async fn round_trips(server: &Server) -> Judgement {
    if let Some(reason) = &server.facts.no_pong {
        return Judgement::Unknown(reason.clone());
    }
    let mut meter = match server.open_admitted(false).await {
        Ok(wire) => Meter::new(wire),
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let pause = (server.facts.round_trip / 8).clamp(LEAST_PAUSE, MOST_PAUSE);
    let patience = server.patience();
    let mut sent = Vec::new();
    for number in 0..PINGS {
        let now = Instant::now();
        if !meter.send(&frame(PING, payload(number)), now + patience, patience).await {
            break;
        }
        sent.push(now);
        meter.wait(now + pause, Meter::is_over).await;
        if meter.is_over() {
            break;
        }
    }
    let last = payload(sent.len().saturating_sub(1));
    let deadline = Instant::now() + patience;
    let is_last = |meter: &Meter| meter.pongs.last().is_some_and(|(_, pong)| pong.is_pong(&last));
    meter.wait(deadline, |meter| meter.is_over() || is_last(meter)).await;
    judge(&meter, &sent)
}

fn judge(meter: &Meter, sent: &[Instant]) -> Judgement {
    let mut times: Vec<Duration> = Vec::new();
    for (at, pong) in &meter.pongs {
        let number = (0..sent.len()).find(|number| pong.is_pong(&payload(*number)));
        if let Some(start) = number.and_then(|number| sent.get(number)) {
            times.push(at.saturating_duration_since(*start));
        }
    }
    times.sort();
    let (Some((_, first)), Some(middle)) = (meter.pongs.first(), quantile(&times, 50)) else {
        let words = meter.end_words();
        return Judgement::Unknown(format!("no ping was answered with its payload: {words}"));
    };
    let late = quantile(&times, 99).unwrap_or(middle);
    let mut text = format!(
        "{} of {} pings were answered, the first with a {first}: p50 {}, p99 {}",
        times.len(),
        sent.len(),
        words::time(middle),
        words::time(late),
    );
    if meter.is_over() {
        text = format!("{text}; then the server ended the session: {}", meter.end_words());
    }
    if middle > SOON { Judgement::Weak(text) } else { Judgement::Holds(text) }
}

fn payload(number: usize) -> Vec<u8> {
    format!("rtt-{number:03}").into_bytes()
}

/// Returns the value that this percentage of sorted values does not exceed.
fn quantile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

const PINGS: usize = 100;
/// The pause between two pings.
const LEAST_PAUSE: Duration = Duration::from_millis(1);
const MOST_PAUSE: Duration = Duration::from_millis(15);
/// The round trip above which clients may take the connection for lost.
const SOON: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let ms = |percent| quantile(&values, percent).map(|value| value.as_millis());
        assert_eq!((ms(50), ms(99), ms(100)), (Some(50), Some(99), Some(100)));
        assert_eq!(quantile(&values[..1], 99), Some(Duration::from_millis(1)));
        assert_eq!(quantile(&[], 50), None);
    }
}
