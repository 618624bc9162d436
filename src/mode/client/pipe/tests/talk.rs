//! Answers, messages at an interval, templates and end marks in a pipe.

use super::*;
use crate::{
    mode::client::reconnect::tests::PreparedOpener,
    script::{
        draft::{Ambient, Answer, Content, Draft, Tick},
        template::{Scope, Template},
    },
    session::SessionError,
};
use tokio::time::sleep;

fn draft(template: &str) -> Draft {
    let scope = Scope {
        names: &["id"],
        has_message: true,
        variable: &|_| Err(std::env::VarError::NotPresent),
    };
    let template = Template::parse(template.as_bytes(), &scope).unwrap();
    Draft { kind: Kind::Text, content: Content::Template(template) }
}

fn answer(pattern: &str, template: &str) -> Answer {
    Answer { matcher: Matcher::parse(pattern).unwrap(), draft: draft(template) }
}

fn tick(interval: Duration, template: &str) -> Tick {
    Tick { interval, draft: draft(template) }
}

/// Options of a script that is not followed by stdin and waits for the peer to close.
fn talking(actions: Vec<Action>, answers: Vec<Answer>, ticks: Vec<Tick>) -> Options {
    let mut options = scripted(actions, Goals::default());
    options.rules.end.wait = Some(Wait::UntilClosed);
    options.rules.has_script = true;
    options.script = options.script.beside(answers, ticks, Ambient::default());
    options
}

fn texts(texts: &[&str]) -> Vec<OwnedEvent> {
    texts.iter().map(|text| OwnedEvent::text(text)).collect()
}

#[test]
fn each_rule_answers_before_the_next_message_is_judged() {
    testbed::run(async {
        let answers = vec![
            answer("^2$", "3"),
            answer(r"^ping (?<id>\d+)$", "pong ${id}"),
            answer("^ping 2", "${json:/x}"),
            answer("ping", "again ${id} ${n}"),
        ];
        // The script waits meanwhile.
        let actions = vec![expect("^end$"), Action::Expand(draft("last ${id}"))];
        let (mut pipe, mut world) = pipe(talking(actions, answers, Vec::new()));
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            for text in ["2", "22", "ping 1", "ping 2", "2", "end"] {
                peer.say(text);
            }
            let heard = peer.idle(S).await;
            let answers = ["3", "pong 1", "again 1 1", "pong 2", "again 2 2", "3", "last 2"];
            assert_eq!(heard, texts(&answers));
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.written(pipe), "2\n22\nping 1\nping 2\n2\nend\n");
    });
}

#[test]
fn the_message_that_meets_a_goal_is_answered_first() {
    testbed::run(async {
        let goals = Goals { count: Some(1), until: None };
        let mut options = scripted(Vec::new(), goals);
        let answers = vec![answer("a", "b")];
        options.script = options.script.beside(answers, Vec::new(), Ambient::default());
        let (mut pipe, mut world) = pipe(options);
        world.peer.say("a");
        world.peer.say("a");
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(heard, [OwnedEvent::text("b"), closed(1000)]);
    });
}

#[test]
fn a_peer_that_does_not_read_its_answers_is_not_read() {
    testbed::run(async {
        const MESSAGES: usize = 3000;
        let answers = vec![answer("x", &"y".repeat(1000))];
        let (mut pipe, mut world) = pipe(talking(Vec::new(), answers, Vec::new()));
        // Stdout, which nobody reads, must not be the reason.
        pipe.output.hide();
        let World { peer, signals, wire, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            for _ in 0..MESSAGES {
                peer.say(&"x".repeat(1000));
            }
            let writes = async {
                loop {
                    peer.session.progress(false).await;
                }
            };
            let _ = tokio::time::timeout(60 * S, writes).await;
            let (to_server, to_client) = wire.written();
            assert!(to_server < 1 << 20 && to_client < 1 << 20, "{to_server} {to_client}");
            for _ in 0..MESSAGES {
                assert!(matches!(peer.next().await, Some(OwnedEvent::Message(..))));
            }
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}

/// The transport may take all that is queued at once, while other answers wait for their turn.
#[test]
fn answers_go_on_when_the_queue_is_written_at_once() {
    testbed::run(async {
        const MESSAGES: usize = 30_000;
        let bed = Bed { buffer: 1 << 20, ..Bed::default() };
        let answers = vec![answer("x", "yyyy")];
        let (mut pipe, mut world) = pipe_over(talking(vec![say("a")], answers, Vec::new()), &bed);
        pipe.output.hide();
        let World { peer, signals, .. } = &mut world;
        (0..MESSAGES).for_each(|_| peer.say("x"));
        let (ended, heard) = tokio::join!(pipe.converse(signals), async {
            let heard = peer.idle(S).await;
            peer.close(1000);
            peer.finish().await;
            heard
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(heard.len(), MESSAGES + 1);
    });
}

/// Returns the result and the time of a run whose peer sends messages and reads none.
fn run_with_a_peer_that_reads_nothing(options: Options) -> (Result<RunOutcome, Error>, Duration) {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options);
        pipe.output.hide();
        let World { peer, signals, .. } = &mut world;
        (0..3000).for_each(|_| peer.say(&"x".repeat(1000)));
        let ended = tokio::select! {
            ended = pipe.converse(signals) => ended,
            () = async { loop { peer.session.progress(false).await } } => unreachable!(),
        };
        let ended = match ended {
            Err(Error::Truncated { cause, .. }) => Err(*cause),
            ended => ended,
        };
        (ended, world.elapsed())
    })
}

#[test]
fn a_peer_that_reads_no_answers_ends_the_run() {
    let options = |actions, answers: bool| {
        let mut options = scripted(actions, Goals::default());
        let answers = if answers { vec![answer("x", &"y".repeat(1000))] } else { Vec::new() };
        options.script = options.script.beside(answers, Vec::new(), Ambient::default());
        options
    };
    let large = || say(&"z".repeat(1 << 20));
    let quiet = |mut options: Options| {
        options.rules.end.quiet_for = Some(2 * S);
        options
    };
    let close = SETTINGS.close_timeout;
    for (options, time) in [
        (options(vec![say("a")], true), 30 * S),
        (quiet(options(vec![say("a")], true)), close),
        // The script is not at its end.
        (options(vec![expect("x"), say("a")], true), 30 * S),
        (Options { reads_stdin: true, ..options(vec![say("a")], true) }, 30 * S),
        (options(vec![large(), large()], false), 30 * S),
    ] {
        let (ended, elapsed) = run_with_a_peer_that_reads_nothing(options);
        assert!(matches!(ended, Err(Error::Session(SessionError::Unread { .. }))), "{ended:?}");
        assert_eq!(elapsed, time);
    }
    // The message may be among those that were not read.
    let (ended, elapsed) = run_with_a_peer_that_reads_nothing(options(vec![expect("y")], true));
    assert!(matches!(ended, Err(Error::Unmet(UnmetExpectation::Expect { .. }))), "{ended:?}");
    assert_eq!(elapsed, 10 * S + close);
}

#[test]
fn the_limits_on_a_peer_hold_while_its_messages_wait_for_answers() {
    let pings = Settings { ping_interval: Some(2 * S), ping_timeout: Some(3 * S), ..SETTINGS };
    let idle = Settings { idle_timeout: Some(3 * S), ..SETTINGS };
    for echo in [false, true] {
        let options = |settings| {
            let answers = if echo { Vec::new() } else { vec![answer("x", &"y".repeat(1000))] };
            Options { echo, settings, ..talking(Vec::new(), answers, Vec::new()) }
        };
        let run = |settings| run_with_a_peer_that_reads_nothing(options(settings));
        let (ended, elapsed) = run(pings);
        assert!(
            matches!(ended, Err(Error::Session(SessionError::PongTimeout { .. }))),
            "{ended:?}"
        );
        assert_eq!(elapsed, 5 * S);
        let (ended, elapsed) = run(idle);
        assert!(matches!(ended, Err(Error::Session(SessionError::Idle { .. }))), "{ended:?}");
        assert_eq!(elapsed, 3 * S + SETTINGS.close_timeout);
    }
}

/// A server that echoes reads nothing while it cannot write.
#[test]
fn a_peer_that_reads_nothing_before_its_messages_are_read_is_read() {
    testbed::run(async {
        const LINES: usize = 1 << 15;
        let mut options = talking(Vec::new(), vec![answer("^2$", "3")], Vec::new());
        options.reads_stdin = true;
        let (mut pipe, mut world) = pipe_over(options, &Bed { buffer: 4096, ..Bed::default() });
        pipe.output.hide();
        world.type_all(&"x\n".repeat(LINES));
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            sleep(S).await;
            for _ in 0..300 {
                peer.say(&"y".repeat(1000));
            }
            peer.say("2");
            while peer.session.queued() > 0 {
                peer.session.progress(false).await;
            }
            let mut heard = Vec::new();
            while heard.len() <= LINES {
                heard.extend(peer.next().await);
            }
            assert!(heard.contains(&OwnedEvent::text("3")));
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}

#[test]
fn an_answer_waits_for_the_end_of_a_long_message() {
    testbed::run(async {
        let mut options = talking(Vec::new(), vec![answer("2", "3")], vec![tick(S, "tick")]);
        options.reads_stdin = true;
        options.framing = Framing::Whole;
        let (mut pipe, mut world) = pipe(options);
        let World { peer, signals, stdin, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("tick")));
            stdin.as_mut().unwrap().write_all(b"long").unwrap();
            assert_eq!(peer.idle(Duration::from_millis(500)).await, []);
            peer.say("2");
            assert_eq!(peer.idle(5 * S).await, []);
            *stdin = None;
            assert_eq!(peer.idle(S / 10).await, texts(&["long", "3", "tick"]));
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}

#[test]
fn a_message_and_a_close_that_arrive_together_are_both_answered() {
    for code in [1000, 4001] {
        let goes_on = || vec![expect("a"), say("b"), expect("a"), say("c")];
        for (actions, answers, heard) in [
            (Vec::new(), vec![answer("a", "A")], &["A", "A"][..]),
            (goes_on(), Vec::new(), &["b", "c"]),
        ] {
            testbed::run(async {
                let (mut pipe, mut world) = pipe(talking(actions, answers, Vec::new()));
                world.peer.say("a");
                world.peer.say("a");
                world.peer.close(code);
                let (ended, events) = run(&mut pipe, &mut world).await;
                assert_eq!(events, [&texts(heard)[..], &[closed(code)]].concat());
                match code {
                    1000 => assert_eq!(ended.unwrap(), RunOutcome::Done),
                    _ => assert!(
                        matches!(ended, Err(Error::Session(SessionError::Closed { .. }))),
                        "{ended:?}"
                    ),
                }
            });
        }
    }
}

#[test]
fn an_answer_that_never_leaves_is_reported() {
    testbed::run(async {
        let answers = vec![answer("x", &"y".repeat(200_000)), answer("z", "late")];
        let (mut pipe, mut world) = pipe(talking(Vec::new(), answers, Vec::new()));
        world.peer.say("x");
        world.peer.say("z");
        world.peer.close(1000);
        let (ended, _) = run(&mut pipe, &mut world).await;
        let Err(Error::Session(SessionError::Unsent { messages: 1, .. })) = ended else {
            panic!("{ended:?}")
        };
    });
}

#[test]
fn an_answer_without_its_value_is_not_sent() {
    testbed::run(async {
        let answers = vec![answer("id", r#"{"id":${json:/id}}"#)];
        let (mut pipe, mut world) = pipe(talking(Vec::new(), answers, Vec::new()));
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            for text in ["no id", r#"{"id":"a\"b"}"#, r#"{"x":"id"}"#, r#"{"id":1}"#] {
                peer.say(text);
            }
            assert_eq!(peer.idle(S).await, texts(&[r#"{"id":"a\"b"}"#, r#"{"id":1}"#]));
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}

#[test]
fn a_message_without_its_value_fails_the_run() {
    testbed::run(async {
        let actions = vec![say("a"), Action::Expand(draft("${id}")), say("b")];
        let (mut pipe, mut world) = pipe(talking(actions, Vec::new(), Vec::new()));
        let (ended, heard) = run(&mut pipe, &mut world).await;
        let unmet = UnmetExpectation::Value { placeholder: "${id}".to_owned() };
        assert!(matches!(&ended, Err(Error::Unmet(it)) if *it == unmet), "{ended:?}");
        assert_eq!(heard, [OwnedEvent::text("a"), closed(1000)]);
        assert_eq!(world.elapsed(), Duration::ZERO);
    });
}

#[test]
fn messages_at_an_interval_are_sent_until_the_time_is_up() {
    testbed::run(async {
        let mut options = talking(Vec::new(), Vec::new(), vec![tick(S / 2, "${n}"), tick(S, "s")]);
        options.rules.end.wait = Some(Wait::For(S * 22 / 10));
        let (mut pipe, mut world) = pipe(options);
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        let (last, heard) = heard.split_last().unwrap();
        assert_eq!(*last, closed(1000));
        let count = |wanted: &[&str]| heard.iter().filter(|it| texts(wanted).contains(it)).count();
        assert_eq!((count(&["s"]), count(&["1", "2", "3", "4", "5"])), (3, 5), "{heard:?}");
        assert_eq!((heard.len(), world.elapsed()), (8, S * 22 / 10));
    });
}

#[test]
fn the_first_message_at_an_interval_follows_the_script_or_the_interval() {
    for (interval, first) in [(10 * S, 3 * S), (2 * S, 2 * S)] {
        testbed::run(async {
            let actions = vec![say("a"), expect("go")];
            let options = talking(actions, Vec::new(), vec![tick(interval, "tick")]);
            let (mut pipe, mut world) = pipe(options);
            let World { peer, signals, started, .. } = &mut world;
            let (ended, ()) = tokio::join!(pipe.converse(signals), async {
                assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
                let mut ticks = Vec::new();
                ticks.extend(peer.idle(Duration::from_millis(2999)).await);
                assert_eq!(ticks.is_empty(), first == 3 * S);
                sleep(Duration::from_millis(1)).await;
                peer.say("go");
                for _ in ticks.len()..2 {
                    assert_eq!(peer.next().await, Some(OwnedEvent::text("tick")));
                }
                assert_eq!(now() - *started, first + interval);
                peer.close(1000);
                peer.finish().await;
            });
            assert_eq!(ended.unwrap(), RunOutcome::Done);
        });
    }
}

#[test]
fn the_next_session_begins_the_interval_again() {
    testbed::run(async {
        let answers = vec![answer("1", "2")];
        let (mut pipe, mut world) = pipe(talking(vec![say("a")], answers, vec![tick(5 * S, "t")]));
        let (opened, server, _wire) = Bed::default().connection();
        pipe.reconnector = Some(PreparedOpener::default().opens(opened).reconnector(None));
        pipe.resend = Some(ResendBuffer::default());
        let World { peer, signals, wire, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.idle(S).await, texts(&["a", "t"]));
            wire.stall();
            sleep(20 * S).await;
            wire.cut();
            let mut peer = Player::new(server);
            // Nothing that concerned only the lost session is sent.
            peer.say("1");
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            assert_eq!(peer.idle(4 * S).await, texts(&["t", "2"]));
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}

#[test]
fn each_message_of_stdin_has_the_end_mark() {
    for (framing, stdin, expected) in [
        (Framing::Lines(b'\n'), "a\n\nb", &["a\x1e\0", "\x1e\0", "b\x1e\0"][..]),
        (Framing::Whole, "a\nb", &["a\nb\x1e\0"]),
        (Framing::Whole, "", &["\x1e\0"]),
        (Framing::Lengths, "\0\0\0\x01a", &["a\x1e\0"]),
    ] {
        testbed::run(async {
            let append = b"\x1e\0".to_vec();
            let (mut pipe, mut world) = pipe(Options { framing, append, ..options() });
            world.type_all(stdin);
            world.end_stdin();
            let (ended, heard) = run(&mut pipe, &mut world).await;
            assert_eq!(ended.unwrap(), RunOutcome::Done);
            assert_eq!(heard, [&texts(expected)[..], &[closed(1000)]].concat());
        });
    }
}

#[test]
fn a_long_message_of_the_script_is_queued_in_parts_and_before_all_that_follows_it() {
    testbed::run(async {
        let long = "x".repeat(5 << 20);
        let actions = vec![say("a"), say(&long), say("b")];
        let mut options = talking(actions, vec![answer("1", "answer")], Vec::new());
        options.rules.end.wait = Some(Wait::For(9 * S));
        options.typed = true;
        options.reads_stdin = true;
        let (mut pipe, mut world) = pipe(options);
        world.type_all("{\"type\":\"text\",\"data\":\"line\"}\n");
        world.end_stdin();
        // The peer is not driven.
        let talk = pipe.converse(&mut world.signals);
        assert!(tokio::time::timeout(S, talk).await.is_err());
        assert!(pipe.session.queued() < 1 << 20, "{}", pipe.session.queued());
        world.peer.say("1");
        let (ended, mut heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        let answered = heard.iter().position(|event| *event == OwnedEvent::text("answer"));
        heard.remove(answered.unwrap());
        let messages = texts(&["a", &long, "b", "line"]);
        assert!(heard == [&messages[..], &[closed(1000)]].concat());
    });
}

#[test]
fn a_long_line_of_jsonl_is_queued_in_parts() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(Options { typed: true, ..options() });
        let long = "x".repeat(700_000);
        let lines = format!(
            "{{\"type\":\"text\",\"data\":\"{long}\"}}\n{{\"type\":\"text\",\"data\":\"b\"}}\n"
        );
        let World { peer, signals, stdin, .. } = &mut world;
        let write = async {
            let mut stdin = stdin.take().unwrap();
            let mut rest = lines.as_bytes();
            while !rest.is_empty() {
                match stdin.write(rest) {
                    Ok(n) => rest = &rest[n..],
                    Err(_) => sleep(Duration::from_millis(1)).await,
                }
            }
        };
        let (ended, heard, ()) = tokio::join!(pipe.converse(signals), peer.finish(), write);
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert!(heard == [OwnedEvent::text(&long), OwnedEvent::text("b"), closed(1000)]);
    });
}
