//! Human-readable session statistics.

use crate::{
    proto::{Tally, tally::Count},
    session::Stats,
};
use std::time::Duration;

/// Returns the lines of the summary. `unsent` is the number of messages that were never sent.
pub fn summary(stats: &Stats, unsent: usize) -> Vec<String> {
    let mut lines = vec![traffic("received", &stats.received), traffic("sent", &stats.sent)];
    if unsent > 0
        && let Some(sent) = lines.last_mut()
    {
        *sent = format!("{sent}; {unsent} not sent");
    }
    if let Some(rtt) = stats.round_trips {
        let s = plural(rtt.count);
        lines.push(format!(
            "{} round trip{s}: min {}, avg {}, p99 {}, max {}",
            rtt.count,
            ms(rtt.min),
            ms(rtt.avg),
            ms(rtt.p99),
            ms(rtt.max)
        ));
    }
    if stats.duration >= NOTABLE {
        lines.push(format!(
            "open for {:.1} s, longest silence {:.1} s",
            stats.duration.as_secs_f64(),
            stats.silence.as_secs_f64()
        ));
    }
    lines
}

/// Returns the time to the first message and the total time, or `None` if no message was received.
pub fn times(stats: &Stats, total: Duration) -> Option<String> {
    let first = stats.first_message?;
    Some(format!("first message after {}, total {}", ms(first), ms(total)))
}

/// Returns the statistics of one direction.
fn traffic(what: &str, tally: &Tally) -> String {
    let total = tally.total();
    let mut text = format!("{what} {}", amount(total.messages, total.bytes));
    // Tiny messages grow when they are compressed. Their ratio says nothing.
    if total.carried < total.bytes
        && let Some(mille) = total.carried.saturating_mul(1000).checked_div(total.bytes)
    {
        let (percent, tenths) = (mille / 10, mille % 10);
        text = format!("{text}, compressed to {} ({percent}.{tenths} %)", total.carried);
    }
    if total.frames != total.messages {
        text = format!("{text}, in {} frames", total.frames);
    }
    match (tally.text.messages, tally.binary.messages) {
        (_, 0) => {}
        (0, _) => text.push_str("; all binary"),
        _ => {
            let Count { messages, bytes, .. } = tally.binary;
            text = format!("{text}; {messages} binary, {bytes} byte{}", plural(bytes));
        }
    }
    for (name, count) in [("ping", tally.pings), ("pong", tally.pongs)] {
        if count > 0 {
            text = format!("{text}; {count} {name}{}", plural(count));
        }
    }
    text
}

/// Formats a number of messages and their total size.
pub fn amount(messages: u64, bytes: u64) -> String {
    format!("{messages} message{}, {bytes} byte{}", plural(messages), plural(bytes))
}

/// Formats a duration in milliseconds.
pub fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// Shortest session for which the duration and the longest silence are worth reporting.
const NOTABLE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Kind, ping::RoundTrips};

    #[test]
    fn only_facts_that_apply_are_summarized() {
        let mut tally = Tally::default();
        assert_eq!(traffic("sent", &tally), "sent 0 messages, 0 bytes");
        tally.message(Kind::Text, 1, 1, 1);
        assert_eq!(traffic("sent", &tally), "sent 1 message, 1 byte");
        tally.message(Kind::Text, 999, 99, 3);
        tally.pings = 1;
        let expected =
            "sent 2 messages, 1000 bytes, compressed to 100 (10.0 %), in 4 frames; 1 ping";
        assert_eq!(traffic("sent", &tally), expected);
        let mut tally = Tally::default();
        tally.message(Kind::Text, 5, 7, 1);
        assert_eq!(traffic("sent", &tally), "sent 1 message, 5 bytes");
        let mut tally = Tally::default();
        tally.message(Kind::Binary, 2, 2, 1);
        assert_eq!(traffic("received", &tally), "received 1 message, 2 bytes; all binary");
        tally.message(Kind::Text, 3, 3, 1);
        tally.pongs = 2;
        let expected = "received 2 messages, 5 bytes; 1 binary, 2 bytes; 2 pongs";
        assert_eq!(traffic("received", &tally), expected);
    }

    #[test]
    fn a_session_is_shown_in_lines() {
        let ms = Duration::from_millis;
        let mut stats = Stats {
            duration: ms(12_340),
            received: Tally::default(),
            sent: Tally::default(),
            round_trips: None,
            silence: ms(4000),
            first_message: None,
        };
        let last = "open for 12.3 s, longest silence 4.0 s";
        let lines = summary(&stats, 2);
        assert_eq!(lines[1..], ["sent 0 messages, 0 bytes; 2 not sent", last]);
        stats.round_trips =
            Some(RoundTrips { count: 2, min: ms(1), avg: ms(2), p99: ms(3), max: ms(3) });
        let lines = summary(&stats, 0);
        assert_eq!(times(&stats, ms(13_000)), None);
        stats.first_message = Some(ms(5));
        let first = "first message after 5.0 ms, total 13000.0 ms";
        assert_eq!(times(&stats, ms(13_000)).as_deref(), Some(first));
        assert_eq!(lines[2], "2 round trips: min 1.0 ms, avg 2.0 ms, p99 3.0 ms, max 3.0 ms");
    }
}
