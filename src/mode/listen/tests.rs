//! Clients and the hub on the test bed.

use super::{
    admit::Admitted,
    client_record::ClientRecord,
    faults::ClientFaults,
    hub::{Delivery, Recipients},
    *,
};
use crate::{
    connect::DialOptions,
    job::{
        ColorMode,
        listen::{
            AdmissionRules, LifeRules, ListenAddress, ListenFormat, ServerRecordOptions,
            SlowClients,
        },
        prompt_habits::PromptHabits,
    },
    net::{listener::Accepted, tls::TlsOptions},
    proto::{
        Close, CloseCode, Kind, Settings, SharedMessage,
        handshake::{Choices, Headers},
    },
    redact::Secrets,
    script::{
        goals::Goals,
        input::Framing,
        reply::{conversation::Conversation, file::ReplyFile},
    },
    session::{
        Session,
        testbed::{self, Bed, End, OwnedEvent, Pair, Player, SETTINGS, Wire, wire},
    },
};
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

mod faults;
mod plain_wait;

const S: Duration = Duration::from_secs(1);
const MAX_QUEUE: usize = 100_000;

/// A server without listening sockets.
struct Bench {
    shared: Arc<Shared>,
    notes: Arc<Mutex<Vec<String>>>,
}

fn job(service: Service, slow: SlowClients) -> ListenJob {
    ListenJob {
        address: ListenAddress::Loopback(0),
        tls: None,
        choices: Choices::default(),
        service,
        reply_file: None,
        faults: [].into(),
        seed: 0,
        dialing: DialOptions::default(),
        forward_tls: TlsOptions::default(),
        forward_edits: Vec::new(),
        admission: AdmissionRules::default(),
        headers: Headers::default(),
        life: LifeRules::default(),
        goals: Goals::default(),
        max_queue: MAX_QUEUE,
        slow,
        format: ListenFormat {
            framing: Framing::Lines(b'\n'),
            jsonl_input: false,
            jsonl_output: false,
            labels: Some(true),
        },
        habits: PromptHabits::default(),
        recording: ServerRecordOptions::default(),
        session: SETTINGS,
        common: CommonOptions {
            settings: SETTINGS,
            max_line: 1 << 20,
            echo: false,
            verbosity: Verbosity::Normal,
            frames: false,
            secrets: Secrets::default(),
            color: ColorMode::Never,
        },
    }
}

impl Bench {
    fn new(job: ListenJob) -> Self {
        Self::with_tls(job, None)
    }

    fn with_tls(job: ListenJob, tls: Option<ServerTls>) -> Self {
        let started = clock::now();
        let report = Report { verbosity: Verbosity::Normal, secrets: Secrets::default(), started };
        let notes: Arc<Mutex<Vec<String>>> = Arc::default();
        let print: Print = Arc::new({
            let notes = Arc::clone(&notes);
            // Notes are folded for the screen.
            move |text: &str| {
                let text = text.replace("sockeye: ", "").replace('\n', " ");
                notes.lock().unwrap().push(text);
            }
        });
        let shared = Arc::new(Shared {
            hub: Hub::new(job.max_queue, job.slow),
            output: Output::new(job.format, report, None),
            notes: Notes::new(report, Some(print)),
            gate: Gate::new(job.admission.clone(), started),
            ending: Ending::default(),
            unfinished: <_>::default(),
            received: <_>::default(),
            left: <_>::default(),
            connections: <_>::default(),
            served: <_>::default(),
            commands: <_>::default(),
            replies: CurrentReplies::new(&job),
            refusals: Mutex::new(RefusalSchedule::new(&job.faults, job.seed)),
            opener: Openings::new(Dialer::new(job.dialing.clone())).0,
            traffic: <_>::default(),
            log: EventLog::new(false),
            recorders: ServerRecorders::open(&job.recording, report).unwrap(),
            tls,
            job,
        });
        Self { shared, notes }
    }

    fn talk(slow: SlowClients) -> Self {
        Self::new(job(Service::Talk, slow))
    }

    /// Connects a client whose handshake is done, and returns the client's end.
    fn join(&self, bed: Bed) -> (Player, Wire) {
        let Pair { client, server, wire } = bed.pair();
        let admitted = self.admitted(server);
        tokio::spawn(client::run(Arc::clone(&self.shared), admitted, None));
        (Player::new(client), wire)
    }

    /// Connects a client whose handshake is done, and returns the client's end of the connection.
    fn join_raw(&self) -> (End, Wire) {
        let (session, end, wire) = Bed::default().server();
        tokio::spawn(client::run(Arc::clone(&self.shared), self.admitted(session), None));
        (end, wire)
    }

    fn admitted(&self, session: Session) -> Admitted {
        let mailbox = self.shared.hub.join();
        let replies = self.shared.replies.get();
        let conversation = replies.map(|replies| {
            let route = replies.route("/").expect("a route");
            Conversation::new(&replies, route, mailbox.id, &Headers::default())
        });
        let (environment, subprotocol) = (Vec::new(), None);
        let faults =
            conversation.is_some().then(|| Box::new(ClientFaults::new(mailbox.id, None, None)));
        Admitted { session, mailbox, environment, conversation, subprotocol, faults }
    }

    fn send(&self, text: &str) {
        let message = SharedMessage::new(Kind::Text, text.into(), SETTINGS);
        self.shared.hub.send(&Recipients::All, &Delivery::Message(Arc::new(message)));
    }

    fn ask(&self) -> QueueRoom {
        self.shared.hub.ask(Sender::Stdin)
    }

    fn notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.lock().unwrap())
    }
}

fn text(text: &str) -> OwnedEvent {
    OwnedEvent::text(text)
}

fn closed(code: CloseCode) -> OwnedEvent {
    OwnedEvent::Close(Close::new(code))
}

#[test]
fn clients_are_numbered_and_exchange_messages_with_the_server() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let ((mut one, _a), (mut two, _b)) =
            (server.join(Bed::default()), server.join(Bed::default()));
        one.say("from one");
        tokio::join!(one.idle(S), two.idle(S));
        two.say("from two");
        tokio::join!(one.idle(S), two.idle(S));
        assert_eq!(server.shared.output.take_text(), "1\tfrom one\n2\tfrom two\n");
        server.send("to all");
        let (to_one, to_two) = tokio::join!(one.idle(S), two.idle(S));
        assert_eq!((to_one, to_two), (vec![text("to all")], vec![text("to all")]));
        one.close(1000);
        one.finish().await;
        sleep(S).await;
        assert_eq!(server.notes(), ["client 1 disconnected: 1000 (normal closure)"]);
        // Numbers are not used again.
        let (_three, _wire) = server.join(Bed::default());
        assert_eq!(server.shared.hub.join().id, 4);
    });
}

#[test]
fn the_end_of_each_session_is_told() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let (mut badly, _wire) = server.join(Bed::default());
        badly.close(1011);
        badly.finish().await;
        let (_cut, wire) = server.join(Bed::default());
        wire.cut();
        sleep(S).await;
        let notes = server.notes();
        assert!(notes[0].contains("1 disconnected: the client closed the connection: 1011"));
        assert!(notes[1].starts_with("client 2 disconnected: "), "{notes:?}");
        assert_eq!(server.shared.hub.count(), 0);
    });
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_the_others_receive_everything() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let (mut slow, _wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
        let (mut quick, _wire) = server.join(Bed::default());
        let line = "x".repeat(10_000);
        let (mut lines, mut heard) = (0, 0);
        let start = clock::now();
        while lines < 100 {
            match server.ask() {
                QueueRoom::Free => {
                    server.send(&line);
                    lines += 1;
                }
                room @ QueueRoom::Wait(_) => {
                    assert!(matches!(room, QueueRoom::Wait(Some(_))), "{room:?}");
                }
            }
            // The slow client is not driven.
            heard += quick.idle(S / 100).await.len();
        }
        heard += quick.idle(S).await.len();
        assert_eq!(heard, 100);
        assert!(clock::now() - start < 3 * S);
        let events = slow.finish().await;
        // It still has what was in its session.
        assert!(events.len() < 20);
        sleep(10 * S).await;
        let notes = server.notes();
        let words = "client 1 disconnected: closed by the server with 1013 (try again later), since \
                     it was too slow";
        assert!(notes[0].starts_with(words), "{notes:?}");
        assert_eq!(server.shared.hub.count(), 1);
    });
}

#[test]
fn the_only_client_sets_the_pace_of_stdin_and_is_not_dropped() {
    testbed::run(async {
        for policy in [SlowClients::Drop, SlowClients::Skip, SlowClients::Wait] {
            let server = Bench::talk(policy);
            assert_eq!(server.ask(), QueueRoom::Wait(None), "nobody is there to read it");
            let (mut client, _wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
            let line = "x".repeat(10_000);
            let mut lines = 0;
            while server.ask() == QueueRoom::Free {
                server.send(&line);
                lines += 1;
                tokio::task::yield_now().await;
            }
            assert!(lines < 30, "{lines}");
            sleep(60 * S).await;
            assert_eq!(server.ask(), QueueRoom::Wait(None));
            assert_eq!(client.idle(S).await, vec![text(&line); lines]);
            assert_eq!(server.ask(), QueueRoom::Free);
        }
    });
}

#[test]
fn a_slow_client_may_set_the_pace_or_miss_messages() {
    testbed::run(async {
        for (policy, waits) in [(SlowClients::Wait, true), (SlowClients::Skip, false)] {
            let server = Bench::talk(policy);
            let (mut slow, _wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
            let (mut quick, _wire) = server.join(Bed::default());
            let line = "x".repeat(10_000);
            let mut sent = 0;
            while sent < 100 && server.ask() == QueueRoom::Free {
                server.send(&line);
                sent += 1;
                assert_eq!(quick.idle(S / 100).await.len(), 1);
            }
            assert_eq!(sent < 100, waits);
            let received = slow.idle(S).await.len();
            assert_eq!(received < sent, !waits);
            // It goes on.
            assert_eq!(server.ask(), QueueRoom::Free);
            server.send("more");
            let (to_slow, _) = tokio::join!(slow.idle(S), quick.idle(S));
            assert_eq!(to_slow, [text("more")]);
        }
    });
}

#[test]
fn messages_are_broadcast_to_the_others() {
    testbed::run(async {
        let server = Bench::new(job(Service::Broadcast, SlowClients::Drop));
        let (mut one, _a) = server.join(Bed::default());
        let (mut two, _b) = server.join(Bed::default());
        let (mut three, _c) = server.join(Bed::default());
        one.say("hello");
        let (to_one, to_two, to_three) = tokio::join!(one.idle(S), two.idle(S), three.idle(S));
        assert_eq!((to_one, to_two), (vec![], vec![text("hello")]));
        assert_eq!(to_three, [text("hello")]);
    });
}

#[test]
fn a_flood_is_broadcast_at_the_pace_of_a_reader_and_without_who_does_not_read() {
    testbed::run(async {
        let server = Bench::new(job(Service::Broadcast, SlowClients::Drop));
        let (mut flood, _a) = server.join(Bed::default());
        let (mut reader, _b) = server.join(Bed { buffer: 5000, ..Bed::default() });
        let (_silent, _c) = server.join(Bed { buffer: 1000, ..Bed::default() });
        let line = "x".repeat(5000);
        for _ in 0..200 {
            flood.say(&line);
        }
        let (_, received) = tokio::join!(flood.idle(5 * S), reader.idle(5 * S));
        assert_eq!(received.len(), 200);
        sleep(10 * S).await;
        assert_eq!(server.shared.hub.count(), 2);
        assert!(server.notes()[0].starts_with("client 3 disconnected: closed by the server"));
    });
}

#[test]
fn clients_wait_while_the_output_is_full() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let (mut client, wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
        for i in 0..5000 {
            client.say(&format!("{i:0100}"));
        }
        client.idle(60 * S).await;
        // Nobody takes the output: the rest of the bytes stays with the client.
        assert!(wire.written().0 < 200_000, "{:?}", wire.written());
        assert!(client.session.queued() > 100_000);
        let mut lines = 0;
        for _ in 0..100 {
            lines += server.shared.output.take_text().lines().count();
            client.idle(S / 10).await;
        }
        assert_eq!(lines, 5000);
    });
}

#[test]
fn messages_that_a_lost_client_has_sent_wait_for_the_output() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let keepalive = Settings { ping_interval: Some(S), ..SETTINGS };
        let (mut client, wire) = server.join(Bed { server: keepalive, ..Bed::default() });
        for i in 0..5000 {
            client.say(&format!("{i:0100}"));
        }
        client.idle(10 * S).await;
        wire.reset();
        // The loss is noticed by a ping, which cannot be sent.
        sleep(60 * S).await;
        assert_eq!(server.shared.hub.count(), 1);
        let mut lines = Vec::new();
        for _ in 0..100 {
            lines.extend(server.shared.output.take_text().lines().map(ToOwned::to_owned));
            sleep(S / 10).await;
        }
        assert!(lines.len() > 1000, "{}", lines.len());
        for (i, line) in lines.iter().enumerate() {
            assert_eq!(*line, format!("1\t{i:0100}"));
        }
        assert_eq!(server.shared.hub.count(), 0);
        assert!(!server.notes().concat().contains("discarded"));
    });
}

#[test]
fn a_request_that_is_not_completed_in_time_is_answered_and_told() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let (mut client, end, _wire) = wire(1 << 10);
        client.write_all(b"GET / HTTP/1.1\r\nHost").await.unwrap();
        let (transport, address) = (Box::new(end), "peer.example".to_owned());
        let accepted = Accepted { transport, address, handle: None };
        let mut answer = String::new();
        let (arrival, read) = tokio::join!(
            admit::receive(&server.shared, accepted),
            client.read_to_string(&mut answer)
        );
        assert!(arrival.is_none() && read.is_ok());
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
        let note = "refused peer.example with 408: no complete request within 10 s";
        assert_eq!(server.notes(), [note]);
    });
}

/// A client that does not end the connection has a second to read the answer.
#[test]
fn a_rejected_connection_is_told_before_its_end_is_waited_for() {
    testbed::run(async {
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(70_000));
        let head = format!("GET / HTTP/1.1\r\n{}", "X-A: b\r\n".repeat(9_000));
        for (bytes, status, at) in [
            ("garbage\r\n\r\n", 400, 0),
            (&long, 414, 0),
            (&head, 431, 0),
            ("GET / HTTP/1.1\r\nHost", 408, 10),
        ] {
            let headers = Headers::of(&[("X-From", "the test")]);
            let server = Bench::new(ListenJob { headers, ..job(Service::Talk, SlowClients::Drop) });
            let (client, end, _wire) = wire(1 << 20);
            let (mut reading, mut writing) = tokio::io::split(client);
            writing.write_all(bytes.as_bytes()).await.unwrap();
            let accepted =
                Accepted { transport: Box::new(end), address: "peer".to_owned(), handle: None };
            let shared = Arc::clone(&server.shared);
            let received = tokio::spawn(async move { admit::receive(&shared, accepted).await });
            sleep(at * S + S / 2).await;
            let notes = server.notes();
            assert!(notes[0].starts_with(&format!("refused peer with {status}: ")), "{notes:?}");
            assert!(!received.is_finished());
            let mut answer = String::new();
            reading.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("\r\nX-From: the test\r\n"), "{answer}");
            assert!(received.await.unwrap().is_none());
            assert!(server.notes().is_empty());
        }
    });
}

#[test]
fn incomplete_messages_of_all_clients_are_limited_together() {
    testbed::run(async {
        let server = Bench::new(job(Service::Echo, SlowClients::Drop));
        // The incomplete messages of other clients.
        server.shared.unfinished.store((256 << 20) - 100_000, Ordering::Relaxed);
        let (mut patient, _a) = server.join_raw();
        let (mut greedy, _b) = server.join_raw();
        // Binary frames without FIN, masked with zeros.
        patient.write_all(b"\x02\x8a\0\0\0\0not all of").await.unwrap();
        let head = b"\x02\xff\0\0\0\0\0\x03\0\0\0\0\0\0";
        greedy.write_all(&[&head[..], &vec![b'x'; 3 << 16]].concat()).await.unwrap();
        let mut close = [0; 4];
        greedy.read_exact(&mut close).await.unwrap();
        assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (0x88, 1013));
        assert_eq!(
            server.notes()[0],
            "client 2: incomplete messages of all clients exceed 256 MiB"
        );
        // The memory of the client that was dropped is free again.
        let left = (256 << 20) - 100_000 + 10;
        assert_eq!(server.shared.unfinished.load(Ordering::Relaxed), left);
    });
}

#[test]
fn an_echo_is_sent_back_at_the_pace_of_its_client() {
    testbed::run(async {
        let server = Bench::new(job(Service::Echo, SlowClients::Drop));
        let (mut client, wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
        for i in 0..2000 {
            client.say(&format!("{i:0100}"));
        }
        let echoes = client.idle(60 * S).await;
        assert_eq!(echoes.len(), 2000);
        assert_eq!(echoes[1999], text(&format!("{:0100}", 1999)));
        drop(wire);
    });
}

#[test]
fn messages_after_the_last_one_of_a_run_are_not_sent_back() {
    testbed::run(async {
        let goals = Goals { count: Some(2), until: None };
        let server = Bench::new(ListenJob { goals, ..job(Service::Echo, SlowClients::Drop) });
        let (mut client, _wire) = server.join(Bed::default());
        for word in ["one", "two", "three"] {
            client.say(word);
        }
        let expected = [text("one"), text("two"), closed(CloseCode::GOING_AWAY)];
        assert_eq!(client.finish().await, expected);
        assert!(matches!(server.shared.take_outcome(), Ok(RunOutcome::Done)));
    });
}

#[test]
fn the_end_closes_every_session_with_1001() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let (mut one, _a) = server.join(Bed::default());
        let (mut two, slow) = server.join(Bed::default());
        tokio::join!(one.idle(S), two.idle(S));
        slow.delay(S);
        server.send("last");
        server.shared.end(Ok(RunOutcome::Done));
        // The first outcome stays.
        server.shared.end(Ok(RunOutcome::Signal(2)));
        let (mut late, _c) = server.join(Bed::default());
        let (to_one, to_two, to_late) = tokio::join!(one.finish(), two.finish(), late.finish());
        let expected = [text("last"), closed(CloseCode::GOING_AWAY)];
        assert_eq!((to_one.as_slice(), to_two.as_slice()), (&expected[..], &expected[..]));
        assert_eq!(to_late, [closed(CloseCode::GOING_AWAY)]);
        assert!(matches!(server.shared.take_outcome(), Ok(RunOutcome::Done)));
    });
}

#[test]
fn the_server_ends_after_a_number_of_clients_or_messages() {
    testbed::run(async {
        let life = LifeRules { clients: Some(2), max_time: None };
        let server = Bench::new(ListenJob { life, ..job(Service::Talk, SlowClients::Drop) });
        for is_last in [false, true] {
            let (mut client, _wire) = server.join(Bed::default());
            client.close(1000);
            client.finish().await;
            sleep(S).await;
            assert_eq!(server.shared.is_ending(), is_last);
        }
        let goals = Goals { count: Some(2), until: None };
        let server = Bench::new(ListenJob {
            goals,
            life: LifeRules { clients: Some(1), max_time: None },
            ..job(Service::Talk, SlowClients::Drop)
        });
        let (mut client, _wire) = server.join(Bed::default());
        for message in ["one", "two", "three"] {
            client.say(message);
        }
        client.finish().await;
        assert_eq!(server.shared.output.take_text(), "1\tone\n1\ttwo\n");
        assert!(matches!(server.shared.take_outcome(), Ok(RunOutcome::Done)));
    });
}

#[test]
fn a_goal_that_no_client_met_is_an_error() {
    testbed::run(async {
        let goals = Goals { count: Some(2), until: None };
        let life = LifeRules { clients: Some(1), max_time: None };
        let server = Bench::new(ListenJob { life, goals, ..job(Service::Talk, SlowClients::Drop) });
        let (mut client, _wire) = server.join(Bed::default());
        client.say("one");
        client.close(1000);
        client.finish().await;
        sleep(S).await;
        let outcome = server.shared.take_outcome();
        assert!(matches!(outcome, Err(Error::Unmet(_))), "{outcome:?}");
    });
}

#[test]
fn keepalive_pings_detect_a_vanished_client() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Drop);
        let keepalive =
            Settings { ping_interval: Some(10 * S), ping_timeout: Some(5 * S), ..SETTINGS };
        let (mut client, wire) = server.join(Bed { server: keepalive, ..Bed::default() });
        client.session.send(Kind::Text, b"hi").unwrap();
        client.idle(60 * S).await;
        assert_eq!(server.shared.hub.count(), 1);
        wire.stall();
        sleep(16 * S).await;
        assert_eq!(server.shared.hub.count(), 0);
        assert!(server.notes()[0].starts_with("client 1 disconnected: "));
    });
}

#[test]
fn a_reply_script_is_read_again_for_clients_to_come() {
    testbed::run(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("replies.toml");
        let write = |reply: &str| {
            std::fs::write(&path, format!("[[on]]\notherwise = true\n{reply}\n")).unwrap();
        };
        write("send = 'old'");
        let file = ReplyFile::new(&path);
        let service = Service::Reply(Arc::new(file.read().unwrap()), 0);
        let mut job = job(service, SlowClients::Drop);
        job.reply_file = Some(file);
        let server = Bench::new(job);
        let (mut one, _wire) = server.join(Bed::default());
        write("send = 'new'");
        server.shared.reload();
        let (mut two, _wire) = server.join(Bed::default());
        one.say("x");
        two.say("x");
        let (to_one, to_two) = tokio::join!(one.idle(S), two.idle(S));
        assert_eq!((to_one, to_two), (vec![text("old")], vec![text("new")]));
        write("sned = 'newer'");
        server.shared.reload();
        let (mut three, _wire) = server.join(Bed::default());
        three.say("x");
        assert_eq!(three.idle(S).await, [text("new")]);
        let notes = server.notes();
        assert!(notes[0].ends_with("replies.toml was read again, for clients to come"));
        assert!(notes[1].contains("replies.toml:3:1: "), "{notes:?}");
        assert!(notes[1].ends_with("; the earlier rules stay"), "{notes:?}");
        server.shared.end(Ok(RunOutcome::Done));
        tokio::join!(one.finish(), two.finish(), three.finish());
    });
}

#[test]
fn an_echo_does_not_interrupt_a_message_to_all() {
    testbed::run(async {
        let server = Bench::new(job(Service::Echo, SlowClients::Wait));
        let (mut client, _wire) = server.join(Bed { buffer: 10_000, ..Bed::default() });
        let long = "x".repeat(1_000_000);
        server.send(&long);
        client.say("echo me");
        assert_eq!(client.idle(S).await, [text(&long), text("echo me")]);
    });
}

#[test]
fn a_client_that_does_not_read_can_be_closed_and_dropped_at_the_prompt() {
    testbed::run(async {
        let server = Bench::talk(SlowClients::Wait);
        for id in [1, 2] {
            let (_unread, _wire) = server.join(Bed { buffer: 1000, ..Bed::default() });
            let mailbox = server.shared.hub.mailbox(id).unwrap();
            let record = ClientRecord::new(("here".into(), "/".into()), None, Vec::new());
            mailbox.set_record(record);
            server.send(&"x".repeat(1_000_000));
            sleep(S).await;
            let record = mailbox.record().unwrap();
            assert_eq!(server.shared.hub.post(&Recipients::All, &Delivery::Ping([].into())), [id]);
            if id == 1 {
                let close = Close::new(CloseCode::new(4001));
                record.order_close(close.clone(), S);
                mailbox.push(Delivery::Close(close));
            } else {
                record.order_drop();
                mailbox.wake.notify_one();
            }
            sleep(60 * S).await;
            assert_eq!(server.shared.hub.count(), 0);
        }
        let notes = server.notes();
        assert!(notes[0].contains("1 disconnected: closed by the server with 4001"), "{notes:?}");
        assert_eq!(notes[1], "client 2 disconnected: dropped by /drop, 1 message skipped");
    });
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_takes_little_memory() {
    let bench = Bench::talk(SlowClients::Drop);
    let Pair { server, .. } = Bed::default().pair();
    let client = client::run(Arc::clone(&bench.shared), bench.admitted(server), None);
    let size = size_of_val(&client) + size_of::<Session>();
    assert!(size <= 5 << 10, "{size} bytes");
}
