//! Measures how much a server keeps for a client that does not read.

use super::{meter::Meter, words};
use crate::mode::check::{
    frames::{TEXT, frame},
    judgement::Judgement,
    server::Server,
};
use tokio::time::{Duration, Instant, sleep};

/// Sends messages that come back, without reading, until the server takes no more.
pub(crate) async fn slow_reader(server: &Server) -> Judgement {
    if let Some(reason) = server.facts.echo.missing(TEXT) {
        return Judgement::Unknown(reason.to_owned());
    }
    let mut meter = match server.open_admitted(true).await {
        Ok(wire) => Meter::new(wire),
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let (most, limit, patience) = if server.extent.is_aggressive {
        (AGGRESSIVE_BYTES, AGGRESSIVE_LIMIT, server.patience())
    } else {
        (MOST_BYTES, WRITE_LIMIT, server.grace().saturating_mul(2))
    };
    let message = frame(TEXT, "x".repeat(MESSAGE_BYTES));
    let started = Instant::now();
    let (mut messages, mut cut) = (0, 0);
    let (mut is_open, mut has_waited) = (true, false);
    while messages * MESSAGE_BYTES < most && started.elapsed() < limit {
        let rest = message.get(cut..).unwrap_or_default();
        let (sent, open) = meter.send_unread(rest, patience).await;
        cut += sent;
        if !open {
            is_open = false;
            break;
        }
        if sent == rest.len() {
            messages += 1;
            cut = 0;
        } else if has_waited && sent == 0 {
            break;
        } else {
            // A busy server reads on after some time, another may drop the client.
            sleep(HOLD).await;
        }
        has_waited = sent < rest.len();
    }
    let is_held = is_open && has_waited;
    let taken = words::about(messages * MESSAGE_BYTES);
    let deadline = Instant::now() + READ_LIMIT;
    if is_open && cut > 0 {
        let rest = message.get(cut..).unwrap_or_default();
        is_open = meter.send(rest, deadline, server.patience()).await;
        messages += 1;
    }
    let are_back = |meter: &Meter| meter.is_over() || meter.messages >= messages;
    meter.wait_patiently(deadline, server.patience(), are_back).await;
    let back = match meter.messages {
        all if all >= messages => "all messages come back later".to_owned(),
        some => format!("{some} of {messages} messages come back later"),
    };
    if meter.messages < messages && (!is_open || meter.is_over()) {
        let end = meter.end_words();
        return Judgement::Holds(format!(
            "the server ends the session of a client that does not read, with {end}; it took {taken}"
        ));
    }
    if is_held {
        return Judgement::Holds(format!("the server stops reading, and {back}; it took {taken}"));
    }
    let text = format!("the server does not stop reading, and {back}; it took {taken}");
    if messages * MESSAGE_BYTES < most {
        Judgement::Holds(format!("{text}, and more takes too long to send"))
    } else if server.extent.is_aggressive {
        Judgement::Weak(text)
    } else {
        Judgement::Holds(format!("{text}; --aggressive sends more"))
    }
}

/// The payload of a message.
const MESSAGE_BYTES: usize = 16 << 10;
/// The bytes to send. The buffers of the systems on both sides may take ten megabytes.
const MOST_BYTES: usize = 16 << 20;
const AGGRESSIVE_BYTES: usize = 32 << 20;
/// The time to send them.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
const AGGRESSIVE_LIMIT: Duration = Duration::from_secs(20);
/// The time without reading or sending after the server has stopped to read.
const HOLD: Duration = Duration::from_millis(500);
/// The time to receive all messages at the end.
const READ_LIMIT: Duration = Duration::from_secs(10);
