//! A server over a network that fails at any byte of a client's conversation, from the first one of
//! the opening handshake to the last one of the closing handshake.

use super::*;
use crate::session::testbed::{
    PlannedFault,
    network::{
        Carrier, Closer, GUARDED, Network, Phase, Steps, assert_all, faults, messages, speak,
        stride,
    },
};
use tokio::time::timeout;

/// The state of a server after a conversation over a faulty network.
#[derive(Debug)]
struct Served {
    hangs: bool,
    /// The bytes of unfinished messages, and the HTTP/2 connections, that are still counted.
    left: [usize; 2],
    stdout: String,
    notes: Vec<String>,
}

/// Serves a client that sends messages. Also returns the steps up to the fault.
fn serve(
    network: &Network,
    (carrier, closer): (Carrier, Closer),
    fault: Option<PlannedFault>,
) -> (Served, Steps) {
    testbed::run(async {
        let mut job = job(Service::Talk, SlowClients::Drop);
        (job.session, job.choices) = (GUARDED, carrier.choices());
        let tls = carrier.is_secure().then(|| network.tls.clone());
        let server = Bench::with_tls(job, tls);
        let (near, far, wire) = wire(64 << 10);
        if let Some(fault) = fault {
            wire.plan(fault);
        }
        let (ends, stdout) = (Mutex::new(Vec::new()), Mutex::new(String::new()));
        let client = async {
            if let Ok(opened) = network.dial(carrier, near).await {
                let session = Session::client(opened, GUARDED, testbed::entropy());
                let mark = || ends.lock().unwrap().push(wire.written().0);
                speak(session, &["welcome"], closer, mark).await;
            }
            std::future::pending::<()>().await;
        };
        let (transport, address) = (Box::new(far), "client.example".to_owned());
        let accepted = Accepted { transport, address, handle: None };
        let shared = Arc::clone(&server.shared);
        let serving = tokio::spawn(connection::serve(Arc::clone(&shared), accepted, None));
        let greeting = async {
            while shared.hub.count() == 0 {
                sleep(S / 10).await;
            }
            server.send("welcome");
            if closer == Closer::Tested {
                loop {
                    sleep(S / 10).await;
                    let mut stdout = stdout.lock().unwrap();
                    *stdout += &shared.output.take_text();
                    if stdout.lines().count() == messages().len() {
                        shared.hub.close_all(&Close::new(CloseCode::GOING_AWAY));
                        break;
                    }
                }
            }
            std::future::pending::<()>().await;
        };
        let leaving = async {
            serving.await.expect("no panic");
            // Sessions over HTTP/2 have tasks of their own.
            while shared.hub.count() > 0 {
                sleep(S / 10).await;
            }
            // The client takes note of its last step.
            sleep(S / 10).await;
        };
        let is_gone = timeout(SERVER_LIMITS, async {
            tokio::select! { () = greeting => {}, () = client => {}, () = leaving => {} }
        });
        let hangs = Box::pin(is_gone).await.is_err();
        let left =
            [shared.unfinished.load(Ordering::Relaxed), shared.connections.load(Ordering::Relaxed)];
        let stdout = stdout.into_inner().unwrap() + &shared.output.take_text();
        let notes = server.notes();
        let steps = Steps { ends: ends.into_inner().unwrap(), written: wire.deliverable() };
        (Served { hangs, left, stdout, notes }, steps)
    })
}

/// Serves a conversation that the client closes, with each fault at every `step`th byte, and one that the
/// server closes, with a quarter of them. Reports the faults with another outcome than expected.
fn play(carrier: Carrier, step: usize) {
    let network = Network::new();
    let conversations = [(Closer::Speaker, step), (Closer::Tested, stride(4 * step))];
    for (closer, stride) in conversations {
        let conversation = (carrier, closer);
        let (served, steps) = serve(&network, conversation, None);
        assert_eq!(steps.ends.len(), messages().len() + 2, "{conversation:?}: {served:?}");
        assert_all(
            conversation,
            faults(steps.written, stride).map(|fault| {
                let (served, until) = serve(&network, conversation, Some(fault));
                judge(closer, fault, (&served, until.written.0), &steps)
            }),
        );
    }
}

/// Compares what a server wrote with what it could read: `received` bytes.
fn judge(
    closer: Closer,
    fault: PlannedFault,
    (served, received): (&Served, u64),
    steps: &Steps,
) -> Result<(), String> {
    let received = if fault.kind.is_harmless() { u64::MAX } else { received };
    let (whole, phase) = steps.until(received);
    let all = messages().map(|message| format!("1\t{message}\n"));
    let is_foreign = !all.concat().starts_with(&served.stdout);
    let is_lost = !served.stdout.starts_with(&all[..whole].concat());
    let last = served.notes.last().map(String::as_str).unwrap_or_default();
    let is_connected = served.notes.iter().any(|note| note.starts_with("client 1 connected "));
    let is_closed = last
        == match closer {
            Closer::Speaker => "client 1 disconnected: 1000 (normal closure)",
            Closer::Tested => "client 1 disconnected: closed by the server with 1001 (going away)",
        };
    let is_told = match phase {
        Phase::Closed => is_closed,
        _ if is_connected => {
            let may_be_closed = closer == Closer::Tested && whole == messages().len();
            last.starts_with("client 1 disconnected: ") && (may_be_closed || !is_closed)
        }
        // The answer could not be written, or the request was not received.
        _ => whole == 0,
    };
    if served.hangs || served.left != [0, 0] || is_foreign || is_lost || !is_told {
        return Err(format!("{fault:?}: {phase:?}, {whole} messages: {served:?}"));
    }
    Ok(())
}

/// The virtual time within which everything must have ended: the keepalive, a Close and its timeout,
/// then the minute for which an HTTP/2 connection may have no stream.
const SERVER_LIMITS: Duration = Duration::from_secs(80);

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
