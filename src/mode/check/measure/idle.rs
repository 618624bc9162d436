//! Measures when and by whom idle sessions are ended.

use super::{meter::Meter, words};
use crate::mode::check::{
    frames::{CLOSE, PING, TEXT, close_body, frame},
    judgement::Judgement,
    server::Server,
    wire::WireEnd,
};
use tokio::{
    task::JoinSet,
    time::{Duration, Instant},
};

/// The traffic in a session during the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Traffic {
    Pings,
    Messages,
}

/// The end of a session, if it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// It is open after the whole time.
    Open,
    /// It was ended after this time, in this way.
    Ended(Duration, String),
    /// It seemed open, but a ping after this time was not answered.
    Lost(Duration),
}

/// Judges when silent sessions end.
pub(crate) async fn silent(server: &Server) -> Judgement {
    let Some(most) = server.extent.idle else { return not_asked() };
    let mut watched = JoinSet::new();
    let mut last_failure = None;
    for candidate in candidates(most) {
        match server.open(false).await {
            Ok(wire) => {
                let patience = server.facts.no_pong.is_none().then(|| server.patience());
                watched.spawn_local(watch_silence(Meter::new(wire), candidate, patience));
            }
            Err(missing) => last_failure = Some(missing.reason),
        }
    }
    let mut fates = watched.join_all().await;
    fates.sort_by_key(|(candidate, ..)| *candidate);
    if fates.last().is_none_or(|(longest, ..)| *longest < most) {
        return Judgement::Unknown(last_failure.unwrap_or_else(|| "no session".to_owned()));
    }
    let pings = fates.iter().map(|(_, _, pings)| *pings).max().unwrap_or_default();
    judge_silence(&fates, most, pings)
}

/// Judges whether pings keep a session open.
pub(crate) async fn with_pings(server: &Server) -> Judgement {
    if let Some(reason) = &server.facts.no_pong {
        return Judgement::Unknown(reason.clone());
    }
    busy(server, Traffic::Pings).await
}

/// Judges whether messages keep a session open.
pub(crate) async fn with_messages(server: &Server) -> Judgement {
    if let Some(reason) = &server.facts.no_text {
        return Judgement::Unknown(reason.clone());
    }
    busy(server, Traffic::Messages).await
}

async fn busy(server: &Server, traffic: Traffic) -> Judgement {
    let Some(most) = server.extent.idle else { return not_asked() };
    let wire = match server.open(traffic == Traffic::Messages).await {
        Ok(wire) => wire,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let pause = (most / 10).clamp(LEAST_PAUSE, MOST_PAUSE);
    let fate = watch_traffic(Meter::new(wire), traffic, most, pause).await;
    let what = if traffic == Traffic::Pings { "a ping" } else { "a message" };
    let every = format!("{what} every {}", words::time(pause));
    match fate {
        Fate::Ended(after, how) => {
            let after = words::time(after);
            Judgement::Weak(format!("with {every}, the session ends after {after}: {how}"))
        }
        Fate::Open | Fate::Lost(_) => Judgement::Holds(format!(
            "with {every}, the session is open after {}",
            words::time(most)
        )),
    }
}

fn not_asked() -> Judgement {
    Judgement::Unknown("--idle is not given; watching idle sessions takes a while".to_owned())
}

/// Returns the times of silence after which a session is tried. A connection that something on the
/// way has forgotten shows it only then.
fn candidates(most: Duration) -> Vec<Duration> {
    let usual = USUAL_SECONDS.into_iter().map(Duration::from_secs).filter(|time| *time < most);
    usual.chain([most]).collect()
}

/// Waits in silence. Returns the time, what became of the session, and the pings of the server.
async fn watch_silence(
    mut meter: Meter,
    time: Duration,
    patience: Option<Duration>,
) -> (Duration, Fate, usize) {
    let start = Instant::now();
    meter.wait(start + time, Meter::is_over).await;
    let pings = meter.pinged;
    if meter.is_over() {
        let fate = Fate::Ended(start.elapsed(), end_words(&meter));
        return (time, fate, pings);
    }
    let Some(patience) = patience else { return (time, Fate::Open, pings) };
    let deadline = Instant::now() + patience;
    meter.send(&frame(PING, PROBE), deadline, patience).await;
    let is_known = |meter: &Meter| meter.is_over() || !meter.pongs.is_empty();
    meter.wait(deadline, is_known).await;
    let fate = if meter.pongs.is_empty() { Fate::Lost(time) } else { Fate::Open };
    leave(meter).await;
    (time, fate, pings)
}

async fn watch_traffic(
    mut meter: Meter,
    traffic: Traffic,
    time: Duration,
    pause: Duration,
) -> Fate {
    let start = Instant::now();
    let (opcode, payload) = if traffic == Traffic::Pings { (PING, PROBE) } else { (TEXT, PROBE) };
    while start.elapsed() < time {
        let now = Instant::now();
        meter.send(&frame(opcode, payload), now + pause, pause).await;
        meter.wait((now + pause).min(start + time), Meter::is_over).await;
        if meter.is_over() {
            return Fate::Ended(start.elapsed(), end_words(&meter));
        }
    }
    leave(meter).await;
    Fate::Open
}

/// Says who ended a session, and how.
fn end_words(meter: &Meter) -> String {
    match (&meter.close, meter.end) {
        (Some(close), _) => format!("the server sent {close}"),
        (None, Some(WireEnd::Lost(kind))) => {
            format!("the connection was reset ({kind}), as gateways and firewalls do")
        }
        (None, _) => "the connection was ended without a Close, as gateways do".to_owned(),
    }
}

fn judge_silence(fates: &[(Duration, Fate, usize)], most: Duration, pings: usize) -> Judgement {
    let ends: Vec<_> = fates
        .iter()
        .filter_map(|(_, fate, _)| match fate {
            Fate::Ended(after, how) => Some((*after, how)),
            _ => None,
        })
        .collect();
    let forgotten = fates.iter().find_map(|(_, fate, _)| match fate {
        Fate::Lost(after) => Some(*after),
        _ => None,
    });
    let from_server =
        if pings > 0 { format!("; the server sent {pings} pings") } else { String::new() };
    let end = ends.iter().min_by_key(|(after, _)| *after);
    match (end, forgotten) {
        (Some((first, how)), lost) if lost.is_none_or(|lost| lost > *first) => {
            let latest = ends.iter().map(|(after, _)| *after).max().unwrap_or(*first);
            let range = if latest.saturating_sub(*first) > SAME {
                format!("{} to {}", words::time(*first), words::time(latest))
            } else {
                words::time(*first)
            };
            let text = format!("a silent session ends after {range}: {how}{from_server}");
            if *first < USABLE { Judgement::Weak(text) } else { Judgement::Holds(text) }
        }
        (_, Some(lost)) => {
            let open = fates.iter().filter(|(_, fate, _)| *fate == Fate::Open);
            let before = open.map(|(time, ..)| *time).max().unwrap_or_default();
            Judgement::Weak(format!(
                "a silent session is lost between {} and {}, without a sign: a ping after that \
                 gets no answer{from_server}",
                words::time(before),
                words::time(lost)
            ))
        }
        (_, None) => Judgement::Holds(format!(
            "a silent session is open after {}{from_server}",
            words::time(most)
        )),
    }
}

/// Closes a session.
async fn leave(mut meter: Meter) {
    let deadline = Instant::now() + LEAVE_LIMIT;
    meter.send(&frame(CLOSE, close_body(1000, b"")), deadline, LEAVE_LIMIT).await;
}

/// The payload of pings and messages.
const PROBE: &[u8] = b"sockeye-idle";
/// Times after which servers, gateways, firewalls and providers end idle connections.
const USUAL_SECONDS: [u64; 22] = [
    5, 10, 15, 20, 25, 30, 40, 50, 55, 65, 80, 95, 125, 185, 245, 305, 365, 605, 905, 1205, 1805,
    3605,
];
/// The pause between two pings or messages.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
const MOST_PAUSE: Duration = Duration::from_secs(1);
/// Times that differ by less are the same.
const SAME: Duration = Duration::from_millis(500);
/// A session that ends sooner surprises clients, and browsers cannot send pings.
const USABLE: Duration = Duration::from_secs(30);
/// The time to send a Close.
const LEAVE_LIMIT: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(fates: &[(u64, Fate)], pings: usize) -> Judgement {
        let fates: Vec<_> = fates
            .iter()
            .map(|(seconds, fate)| (Duration::from_secs(*seconds), fate.clone(), pings))
            .collect();
        judge_silence(&fates, Duration::from_secs(90), pings)
    }

    fn ended(ms: u64) -> Fate {
        Fate::Ended(Duration::from_millis(ms), "by X".to_owned())
    }

    #[test]
    fn the_end_of_silent_sessions_is_told_in_seconds() {
        let open = judged(&[(30, Fate::Open), (90, Fate::Open)], 4);
        let words = "a silent session is open after 90.0 s; the server sent 4 pings";
        assert_eq!(open, Judgement::Holds(words.to_owned()));
        let cut = judged(&[(30, Fate::Open), (65, ended(60_040)), (90, ended(60_010))], 0);
        let words = "a silent session ends after 60.0 s: by X";
        assert_eq!(cut, Judgement::Holds(words.to_owned()));
        let words = "a silent session ends after 5.0 s to 8.0 s: by X";
        let soon = judged(&[(65, ended(5000)), (90, ended(8000))], 0);
        assert_eq!(soon, Judgement::Weak(words.to_owned()));
    }

    #[test]
    fn a_session_that_is_forgotten_on_the_way_is_lost_between_two_times() {
        let lost = |seconds| Fate::Lost(Duration::from_secs(seconds));
        let Judgement::Weak(words) = judged(&[(30, Fate::Open), (40, lost(40)), (90, lost(90))], 0)
        else {
            panic!("not a finding");
        };
        assert!(words.contains("lost between 30.0 s and 40.0 s"), "{words}");
    }

    #[test]
    fn candidates_end_with_the_longest_time() {
        let times = candidates(Duration::from_secs(12));
        assert_eq!(times.iter().map(Duration::as_secs).collect::<Vec<_>>(), [5, 10, 12]);
        assert_eq!(candidates(Duration::from_secs(1)), [Duration::from_secs(1)]);
    }
}
