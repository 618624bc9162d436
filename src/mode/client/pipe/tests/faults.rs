//! A pipe over a network that fails at any byte of a conversation, from the first one of the opening
//! handshake to the last one of the closing handshake.

use super::*;
use crate::{
    proto::Role,
    session::testbed::{
        End, FaultKind, PlannedFault,
        network::{
            Carrier, Closer, GUARDED, Network, Phase, Steps, assert_all, faults, messages, speak,
            stride,
        },
    },
};
use std::sync::{Arc, Mutex};

const LINES: [&str; 2] = ["one", "two"];

/// The outcome of a run over a faulty network.
#[derive(Debug)]
struct FaultyRun {
    hangs: bool,
    status: u8,
    /// Error and hint.
    words: String,
    stdout: String,
}

/// Runs a client with a server that sends messages. Also returns the steps up to the fault.
fn run_over(
    network: &Arc<Network>,
    (carrier, closer): (Carrier, Closer),
    fault: Option<PlannedFault>,
) -> (FaultyRun, Steps) {
    testbed::run(async {
        let (near, far, wire) = testbed::wire(64 << 10);
        if let Some(fault) = fault {
            wire.plan(fault);
        }
        let (wire, ends) = (Arc::new(wire), Arc::new(Mutex::new(Vec::new())));
        let mut server = tokio::spawn({
            let (network, wire) = (Arc::clone(network), Arc::clone(&wire));
            let ends = Arc::clone(&ends);
            async move {
                if let Some(session) = network.accept(carrier, far).await {
                    let mark = || ends.lock().unwrap().push(wire.written().1);
                    speak(session, &LINES, closer, mark).await;
                }
            }
        });
        let run =
            tokio::time::timeout(CLIENT_LIMITS, converse(network, (carrier, closer), near)).await;
        let hangs = run.is_err();
        let (ended, stdout) = run.unwrap_or_else(|_| (Ok(RunOutcome::Done), String::new()));
        // It may still have to take note of its last steps.
        let done = tokio::time::timeout(S, &mut server).await;
        server.abort();
        if let Err(failure) = done.unwrap_or(Ok(())) {
            assert!(failure.is_cancelled(), "{carrier:?}, {fault:?}: the server: {failure}");
        }
        let status = ended.as_ref().map_or_else(Error::code, |_| 0);
        let words = ended.err().map(|error| {
            let hint = error.shown_hint().map(|hint| hint.to_string());
            format!("{}; {}", error.shown(), hint.unwrap_or_default())
        });
        let ends = ends.lock().unwrap().clone();
        let run = FaultyRun { hangs, status, words: words.unwrap_or_default(), stdout };
        (run, Steps { ends, written: wire.deliverable() })
    })
}

/// Runs the client until it ends. Returns its outcome and its stdout.
async fn converse(
    network: &Network,
    (carrier, closer): (Carrier, Closer),
    end: End,
) -> (Result<RunOutcome, Error>, String) {
    let opened = match network.dial(carrier, end).await {
        Ok(opened) => opened,
        Err(error) => return (Err(error.into()), String::new()),
    };
    let count = messages().len() as u64;
    let (end, goals) = match closer {
        Closer::Speaker => {
            let wait = Some(Wait::UntilClosed);
            (EndRules { wait, ..EndRules::default() }, Goals::default())
        }
        Closer::Tested => {
            let goals = Goals { count: Some(count), until: None };
            (EndRules { until_met: true, ..EndRules::default() }, goals)
        }
    };
    let rules = ClockRules { end, ..ClockRules::default() };
    let script = Script::new(Vec::new(), 10 * S, goals);
    let options = Options { rules, script, settings: GUARDED, ..options() };
    let session = Session::client(opened, GUARDED, testbed::entropy());
    let (mut pipe, streams) = pipe_of(options, session);
    let PipeStreams { mut stdin, mut stdout, kill: _kill, mut signals } = streams;
    stdin.write_all((LINES.join("\n") + "\n").as_bytes()).unwrap();
    drop(stdin);
    let ended = pipe.converse(&mut signals).await;
    drop(pipe);
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    (ended, text)
}

/// Runs a conversation that the server closes, with each fault at every `step`th byte, and one that the
/// client closes, with a quarter of them. Reports the faults with another outcome than expected.
fn play(carrier: Carrier, step: usize) {
    let network = Arc::new(Network::new());
    let conversations = [(Closer::Speaker, step), (Closer::Tested, stride(4 * step))];
    for (closer, stride) in conversations {
        let conversation = (carrier, closer);
        let (run, steps) = run_over(&network, conversation, None);
        let found = (run.status, steps.ends.len());
        assert_eq!(found, (0, messages().len() + 2), "{conversation:?}: {run:?}");
        assert_all(
            conversation,
            faults(steps.written, stride).map(|fault| {
                let (run, until) = run_over(&network, conversation, Some(fault));
                judge(conversation, fault, (&run, until.written.1), &steps)
            }),
        );
    }
}

/// Compares a run with what its client could read: `received` bytes.
fn judge(
    (carrier, closer): (Carrier, Closer),
    fault: PlannedFault,
    (run, received): (&FaultyRun, u64),
    steps: &Steps,
) -> Result<(), String> {
    let received = if fault.kind.is_harmless() { u64::MAX } else { received };
    let (whole, phase) = steps.until(received);
    let all = messages().map(|message| message + "\n");
    let is_foreign = !all.concat().starts_with(&run.stdout);
    let is_lost = !run.stdout.starts_with(&all[..whole].concat());
    let is_mute = (run.status == 0) != run.words.is_empty();
    let statuses = match closer {
        // It has met its goal, and its Close need not be answered.
        Closer::Tested if whole == messages().len() => &[0],
        _ => statuses(carrier, fault, phase, received),
    };
    if run.hangs || is_mute || is_foreign || is_lost || !statuses.contains(&run.status) {
        return Err(format!("{fault:?}: {phase:?}, {whole} messages, {statuses:?}: {run:?}"));
    }
    Ok(())
}

/// Returns the statuses that a client may end with.
fn statuses(carrier: Carrier, fault: PlannedFault, phase: Phase, received: u64) -> &'static [u8] {
    // Whether the end is noticed by writing or by reading depends on who was active.
    let may_send = fault.writer == Role::Client || fault.kind == FaultKind::Reset;
    match (phase, carrier) {
        (Phase::Closed, _) => &[0],
        _ if fault.kind == FaultKind::Stall => &[28],
        (Phase::Opening, Carrier::Http1 | Carrier::Deflate) if received > 0 => &[56],
        (Phase::Opening, Carrier::Http1 | Carrier::Deflate) if may_send => &[52, 55],
        (Phase::Opening, Carrier::Http1 | Carrier::Deflate) => &[52],
        (Phase::Opening, Carrier::Tls) if may_send => &[35, 52, 55],
        (Phase::Opening, Carrier::Tls) => &[35, 52],
        (Phase::Opening, Carrier::Http2Tls) => &[16, 35],
        (Phase::Open, Carrier::Http2 | Carrier::Http2Tls) if may_send => &[16, 55],
        (Phase::Opening, Carrier::Http2) | (Phase::Open, Carrier::Http2 | Carrier::Http2Tls) => {
            &[16]
        }
        (Phase::Open, _) if may_send => &[55, 56],
        (Phase::Open, _) => &[56],
    }
}

/// The virtual time within which everything must have ended: that of opening, or the keepalive, a
/// Close and its timeout.
const CLIENT_LIMITS: Duration = Duration::from_secs(31);

#[test]
fn faults_over_http_1() {
    play(Carrier::Http1, 1);
    play(Carrier::Deflate, stride(4));
}

#[test]
fn faults_over_tls() {
    play(Carrier::Tls, stride(20));
}

#[test]
fn faults_over_http_2() {
    play(Carrier::Http2, stride(2));
}

#[test]
fn faults_over_http_2_and_tls() {
    play(Carrier::Http2Tls, stride(20));
}
