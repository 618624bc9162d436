//! The hub and its clients' tasks on the test bed.

use super::*;
use crate::{
    mode::listen::client_task::{ClientTask, LINE_QUEUE_CAPACITY},
    proto::{Close, Kind, Settings},
    redact::Secrets,
    report::{Report, Verbosity},
    session::testbed::{self, Bed, OwnedEvent, Pair, Player, SETTINGS, Wire},
    sink::sinks::Sinks,
};

const S: Duration = Duration::from_secs(1);

/// A hub in a loop like that of the server.
struct HubLoop {
    hub: Hub,
    /// Descriptions of the events to show.
    shown: Vec<String>,
}

impl HubLoop {
    fn new() -> Self {
        Self { hub: Hub::new(SETTINGS.close_timeout), shown: Vec::new() }
    }

    /// Connects a client whose handshake is done, and returns the client's end.
    fn join(&mut self, bed: Bed) -> (Player, Wire) {
        let Pair { client, server, wire } = bed.pair();
        let report = Report {
            verbosity: Verbosity::Quiet,
            secrets: Secrets::default(),
            started: clock::now(),
        };
        let sinks = Sinks::of_peer(false, report, String::new());
        let task = ClientTask { link: self.hub.new_link(), sinks };
        tokio::spawn(task.run_session(server, "/".to_owned()));
        (Player::new(client), wire)
    }

    /// Runs for this long, or until the hub returns an outcome.
    async fn run(&mut self, time: Duration) -> Option<Result<RunOutcome, Error>> {
        let until = clock::now() + time;
        let all = async {
            loop {
                if let Some(outcome) = self.hub.outcome() {
                    return outcome;
                }
                let event = self.hub.next(true).await;
                if let Some(event) = event.filter(|event| self.hub.record(event)) {
                    self.shown.push(match event {
                        ClientEvent::Joined { id, .. } => format!("{id} joined"),
                        ClientEvent::Message { id, payload, .. } => {
                            format!("{id} < {}", String::from_utf8_lossy(&payload))
                        }
                        ClientEvent::Left { id, description } => {
                            format!("{id} {}", description.unwrap())
                        }
                    });
                }
            }
        };
        tokio::time::timeout_at(until.into(), all).await.ok()
    }

    fn shown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.shown)
    }
}

fn text(text: &str) -> OwnedEvent {
    OwnedEvent::text(text)
}

#[test]
fn clients_are_numbered_and_exchange_messages_with_the_server() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let (mut one, _wire) = server.join(Bed::default());
        let (mut two, _wire) = server.join(Bed::default());
        one.say("from one");
        two.say("from two");
        assert!(tokio::join!(server.run(S), one.idle(S), two.idle(S)).0.is_none());
        let mut shown = server.shown();
        shown.sort();
        assert_eq!(shown, ["1 < from one", "1 joined", "2 < from two", "2 joined"]);

        server.hub.broadcast("to all");
        let (_, to_one, to_two) = tokio::join!(server.run(S), one.idle(S), two.idle(S));
        assert_eq!((to_one, to_two), (vec![text("to all")], vec![text("to all")]));

        one.close(1000);
        tokio::join!(server.run(S), one.finish());
        assert_eq!(server.shown(), ["1 disconnected"]);
        // Numbers are not reused.
        let (mut three, _wire) = server.join(Bed::default());
        tokio::join!(server.run(S), three.idle(S));
        assert_eq!(server.shown(), ["3 joined"]);
        server.hub.broadcast("to the rest");
        let (_, to_two, to_three) = tokio::join!(server.run(S), two.idle(S), three.idle(S));
        assert_eq!(to_two, to_three);
        assert_eq!(to_two.len(), 1);
    });
}

#[test]
fn describes_the_end_of_each_session() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let (mut well, _wire) = server.join(Bed::default());
        let (mut badly, _wire) = server.join(Bed::default());
        let (_cut, wire) = server.join(Bed::default());
        well.close(1000);
        badly.close(1011);
        wire.cut();
        tokio::join!(server.run(S), well.finish(), badly.finish());
        let shown = server.shown().join("\n");
        assert!(shown.contains("1 disconnected\n") || shown.ends_with("1 disconnected"), "{shown}");
        assert!(
            shown.contains("2 disconnected: peer.example closed the connection: 1011"),
            "{shown}"
        );
        assert!(shown.contains("3 disconnected: "), "{shown}");
        assert!(server.hub.clients.is_empty());
    });
}

#[test]
fn a_client_that_does_not_read_blocks_the_input_but_no_other_client() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let (mut slow, _wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
        let (mut quick, _wire) = server.join(Bed::default());
        server.run(S).await;
        let line = "x".repeat(10_000);
        let (mut lines, mut heard) = (0, 0);
        while server.hub.has_room() {
            server.hub.broadcast(&line);
            lines += 1;
            // The slow client is not driven at all.
            heard += tokio::join!(server.run(S), quick.idle(S)).1.len();
        }
        // About 64 KiB fit into its session, and the rest into its queue.
        assert!(lines > LINE_QUEUE_CAPACITY && lines < LINE_QUEUE_CAPACITY + 10, "{lines}");
        assert_eq!(heard, lines);
        // The input waits as long as necessary; the client receives every line once it reads.
        tokio::join!(server.run(600 * S), quick.idle(600 * S));
        assert!(!server.hub.has_room());
        let (_, late) = tokio::join!(server.run(S), slow.idle(S));
        assert_eq!(late, vec![text(&line); lines]);
        assert!(server.hub.has_room());
    });
}

#[test]
fn clients_wait_while_the_hub_accepts_no_events() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let (mut client, wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
        server.run(S).await;
        for i in 0..1000 {
            client.say(&format!("{i:0100}"));
        }
        // Stdout is blocked: no event is accepted, and the remaining bytes stay with the client.
        let blocked = async {
            loop {
                server.hub.next(false).await;
            }
        };
        let blocked = tokio::time::timeout(60 * S, blocked);
        let (blocked, _): (Result<(), _>, _) = tokio::join!(blocked, client.idle(60 * S));
        assert!(blocked.is_err());
        // The client has sent no more than the event queue and the wire hold.
        assert!(wire.written().0 < 20_000, "{:?}", wire.written());
        assert!(client.session.queued() > 80_000);
        let (_, _) = tokio::join!(server.run(S), client.idle(S));
        assert_eq!(server.shown().len(), 1001);
    });
}

#[test]
fn a_shutdown_closes_every_session_with_1001_and_waits_for_the_clients() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let (mut one, _wire) = server.join(Bed::default());
        let (mut two, slow) = server.join(Bed::default());
        tokio::join!(server.run(S), one.idle(S), two.idle(S));
        slow.delay(S);
        server.hub.broadcast("last");
        server.hub.shut_down(Ok(RunOutcome::Done));
        // The first outcome stays.
        server.hub.shut_down(Ok(RunOutcome::Signal(2)));
        assert!(!server.hub.has_room());
        let start = clock::now();
        let (outcome, to_one, to_two) =
            tokio::join!(server.run(60 * S), one.finish(), two.finish());
        let expected = [text("last"), OwnedEvent::Close(Close::new(1001.into()))];
        assert_eq!((to_one.as_slice(), to_two.as_slice()), (&expected[..], &expected[..]));
        assert!(matches!(outcome, Some(Ok(RunOutcome::Done))));
        // A round trip with a delay of 1 s each way.
        assert!(clock::now() - start >= 2 * S);
    });
}

#[test]
fn a_shutdown_waits_at_most_for_the_close_timeout() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let (_silent, _wire) = server.join(Bed::default());
        server.run(S).await;
        let start = clock::now();
        server.hub.shut_down(Ok(RunOutcome::Signal(15)));
        let outcome = server.run(60 * S).await;
        assert!(matches!(outcome, Some(Ok(RunOutcome::Signal(15)))));
        assert_eq!(clock::now() - start, SETTINGS.close_timeout);
    });
}

#[test]
fn a_client_that_joins_during_a_shutdown_is_closed_at_once() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let (mut stays, _wire) = server.join(Bed::default());
        tokio::join!(server.run(S), stays.idle(S));
        server.hub.shut_down(Ok(RunOutcome::Done));
        let (mut late, _wire) = server.join(Bed::default());
        let (_, heard) = tokio::join!(server.run(4 * S), late.finish());
        assert_eq!(heard, [OwnedEvent::Close(Close::new(1001.into()))]);
        assert_eq!(server.shown(), ["1 joined", "2 disconnected"]);
    });
}

#[test]
fn a_hub_without_clients_shuts_down_at_once() {
    testbed::run(async {
        let mut server = HubLoop::new();
        assert!(server.run(S).await.is_none());
        server.hub.shut_down(Ok(RunOutcome::Done));
        assert!(matches!(server.hub.outcome(), Some(Ok(RunOutcome::Done))));
    });
}

#[test]
fn keepalive_pings_detect_a_vanished_client() {
    testbed::run(async {
        let mut server = HubLoop::new();
        let keepalive =
            Settings { ping_interval: Some(10 * S), ping_timeout: Some(5 * S), ..SETTINGS };
        let (mut client, wire) = server.join(Bed { server: keepalive, ..Bed::default() });
        client.session.send(Kind::Text, b"hi").unwrap();
        tokio::join!(server.run(60 * S), client.idle(60 * S));
        assert_eq!(server.shown(), ["1 joined", "1 < hi"]);
        wire.stall();
        server.run(16 * S).await;
        assert!(server.shown()[0].starts_with("1 disconnected: "));
    });
}
