//! A pipe with a peer in memory, kernel pipes for stdio, and virtual time.

use super::*;
use crate::{
    error::UnmetExpectation,
    job::wait::{EndRules, Wait},
    proto::{Close, CloseCode, Kind, Settings},
    redact::Secrets,
    render::{dialogue::Dialogue, renderer::Renderer},
    report::Verbosity,
    script::{action::Action, goals::Goals, input::Framing, matcher::Matcher, runner::Script},
    session::testbed::{self, Bed, OwnedEvent, Player, SETTINGS, Wire},
    sys::stdio::Stdout,
};
use clock::ClockRules;
use rustix::fs::{OFlags, fcntl_setfl};
use std::{
    io::{PipeReader, PipeWriter, Read as _, Write as _},
    os::fd::AsFd as _,
    time::Duration,
};
use tokio::sync::mpsc;

mod deadlines;
mod faults;
mod reopening;
mod talk;

const S: Duration = Duration::from_secs(1);

fn options() -> Options {
    Options {
        decoding: None,
        script: Script::new(Vec::new(), 10 * S, Goals::default()),
        rules: ClockRules::default(),
        echo: false,
        reads_stdin: true,
        kind: Kind::Text,
        framing: Framing::Lines(b'\n'),
        append: Vec::new(),
        typed: false,
        max_line: usize::MAX,
        max_time: None,
        close_timeout: 5 * S,
        close: Close::new(CloseCode::NORMAL),
        settings: SETTINGS,
    }
}

/// Options of a script that is not followed by stdin.
fn scripted(actions: Vec<Action>, goals: Goals) -> Options {
    let end = EndRules { until_met: goals.is_some(), ..EndRules::default() };
    Options {
        rules: ClockRules { end, has_script: !actions.is_empty(), send_only: false },
        script: Script::new(actions, 10 * S, goals),
        reads_stdin: false,
        ..options()
    }
}

/// Options of a script of one message that is followed by stdin.
fn scripted_then_stdin(wait: Option<Wait>) -> Options {
    let script = scripted(vec![say("a")], Goals::default());
    let end = EndRules { wait, ..script.rules.end };
    Options { rules: ClockRules { end, ..script.rules }, reads_stdin: true, ..script }
}

fn say(text: &str) -> Action {
    Action::message(Kind::Text, text)
}

fn expect(pattern: &str) -> Action {
    Action::Expect(Matcher::parse(pattern).unwrap())
}

/// The environment of a pipe.
struct World {
    peer: Player,
    wire: Wire,
    stdin: Option<PipeWriter>,
    stdout: Option<PipeReader>,
    kill: mpsc::Sender<i32>,
    signals: Signals,
    started: Instant,
}

fn pipe(options: Options) -> (Pipe, World) {
    pipe_over(options, &Bed::default())
}

/// The streams and signals of a pipe.
struct PipeStreams {
    stdin: PipeWriter,
    stdout: PipeReader,
    kill: mpsc::Sender<i32>,
    signals: Signals,
}

fn pipe_over(options: Options, bed: &Bed) -> (Pipe, World) {
    let started = now();
    let (opened, server, wire) = bed.connection();
    let session = Session::client(opened, options.settings, testbed::entropy());
    let (pipe, PipeStreams { stdin, stdout, kill, signals }) = pipe_of(options, session);
    let (stdin, stdout) = (Some(stdin), Some(stdout));
    (pipe, World { peer: Player::new(server), wire, stdin, stdout, kill, signals, started })
}

fn pipe_of(options: Options, session: Session) -> (Pipe, PipeStreams) {
    let (stdin_reader, stdin) = io::pipe().unwrap();
    let (stdout, stdout_writer) = io::pipe().unwrap();
    fcntl_setfl(&stdin, OFlags::NONBLOCK).unwrap();
    let reader = options.reads_stdin.then(|| Stdin::from_stream(stdin_reader.as_fd()).unwrap());
    let renderer = Renderer::new(options.framing, Dialogue::default(), false);
    let output =
        Output::of_messages(Stdout::from_stream(stdout_writer.as_fd()).unwrap(), renderer, true);
    let report = Report { verbosity: Verbosity::Quiet, secrets: Secrets::Hidden, started: now() };
    let sinks = Sinks::new(Vec::new());
    let pipe = Pipe::new(options, session, (reader, output), (report, sinks), None);
    let (kill, received) = mpsc::channel(2);
    (pipe, PipeStreams { stdin, stdout, kill, signals: Signals::from_receiver(received) })
}

impl World {
    /// Writes as much as possible to stdin without blocking. Returns the number of bytes written.
    fn type_some(&mut self, bytes: &[u8]) -> usize {
        let stdin = self.stdin.as_mut().unwrap();
        match stdin.write(bytes) {
            Ok(n) => n,
            Err(cause) => {
                assert_eq!(cause.kind(), io::ErrorKind::WouldBlock);
                0
            }
        }
    }

    fn type_all(&mut self, text: &str) {
        assert_eq!(self.type_some(text.as_bytes()), text.len());
    }

    fn end_stdin(&mut self) {
        self.stdin = None;
    }

    /// Virtual time since the session opened.
    fn elapsed(&self) -> Duration {
        now() - self.started
    }

    /// Returns all of stdout once the pipe has released it.
    fn written(&mut self, pipe: Pipe) -> String {
        drop(pipe);
        let mut text = String::new();
        self.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

/// Runs a pipe to its end with a peer that only receives.
async fn run(pipe: &mut Pipe, world: &mut World) -> (Result<RunOutcome, Error>, Vec<OwnedEvent>) {
    let World { peer, signals, .. } = world;
    tokio::join!(pipe.converse(signals), peer.finish())
}

fn closed(code: u16) -> OwnedEvent {
    OwnedEvent::Close(Close::new(code.into()))
}

#[test]
fn each_line_is_a_message_and_its_answer_is_awaited() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        world.type_all("a\n\nb");
        world.end_stdin();
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        let messages = ["a", "", "b"].map(OwnedEvent::text);
        assert_eq!(heard, [&messages[..], &[closed(1000)]].concat());
        assert_eq!(world.elapsed(), 5 * S);
    });
}

#[test]
fn a_second_of_silence_after_an_answer_ends_the_session() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        world.type_all("a\n");
        world.end_stdin();
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            peer.idle(3 * S).await;
            peer.say("1");
            peer.say("2");
            assert_eq!(peer.finish().await, [closed(1000)]);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.elapsed(), 4 * S);
        assert_eq!(world.written(pipe), "1\n2\n");
    });
}

#[test]
fn a_greeting_does_not_count_as_an_answer() {
    testbed::run(async {
        let rest = [b"\x81\x07", &b"welcome"[..]].concat();
        let (mut pipe, mut world) = pipe_over(options(), &Bed { rest, ..Bed::default() });
        let World { peer, signals, stdin, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            peer.say("ready");
            assert_eq!(peer.idle(S).await, []);
            stdin.take().unwrap().write_all(b"a\n").unwrap();
            assert_eq!(peer.finish().await, [OwnedEvent::text("a"), closed(1000)]);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.elapsed(), 6 * S);
        assert_eq!(world.written(pipe), "welcome\nready\n");
    });
}

#[test]
fn any_received_byte_restarts_the_silence() {
    testbed::run(async {
        // The Close passes byte by byte too.
        let settings = Settings { close_timeout: 60 * S, ..SETTINGS };
        let bed = Bed { buffer: 1, client: settings, server: settings, ..Bed::default() };
        let (mut pipe, mut world) = pipe_over(Options { settings, ..options() }, &bed);
        world.type_all("a\n");
        world.end_stdin();
        let start = world.started;
        let World { peer, signals, wire, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            // Six bytes of a message and two of a ping, each after 0.9 s.
            wire.delay(Duration::from_millis(900));
            peer.say("slow");
            peer.session.ping(b"").unwrap();
            let rest = peer.finish().await;
            assert_eq!(rest, [OwnedEvent::Pong(Vec::new()), closed(1000)]);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert!(now() - start > 8 * S, "{:?}", now() - start);
        assert_eq!(world.written(pipe), "slow\n");
    });
}

#[test]
fn silence_does_not_end_a_session_while_stdin_is_open() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        let World { peer, signals, stdin, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.idle(3600 * S).await, []);
            *stdin = None;
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.elapsed(), 3605 * S);
    });
}

#[test]
fn wait_sets_the_time_after_stdin_ends() {
    let rules = |wait, quiet_for| EndRules { wait, quiet_for, until_met: false };
    for (rules, seconds) in [
        (rules(Some(Wait::For(Duration::ZERO)), None), 0),
        (rules(Some(Wait::For(30 * S)), None), 30),
        (rules(None, Some(7 * S)), 7),
    ] {
        testbed::run(async {
            let rules = ClockRules { end: rules, ..ClockRules::default() };
            let (mut pipe, mut world) = pipe(Options { rules, ..options() });
            world.type_all("a\n");
            world.end_stdin();
            let (ended, heard) = run(&mut pipe, &mut world).await;
            assert_eq!(ended.unwrap(), RunOutcome::Done);
            assert_eq!(heard, [OwnedEvent::text("a"), closed(1000)]);
            assert_eq!(world.elapsed(), seconds * S, "{rules:?}");
        });
    }
}

#[test]
fn the_clock_of_the_script_runs_while_stdin_is_silent() {
    for (wait, seconds) in
        [(None, 5), (Some(Wait::For(10 * S)), 10), (Some(Wait::For(Duration::ZERO)), 0)]
    {
        testbed::run(async {
            let (mut pipe, mut world) = pipe(scripted_then_stdin(wait));
            let (ended, heard) = run(&mut pipe, &mut world).await;
            assert_eq!(ended.unwrap(), RunOutcome::Done);
            assert_eq!(heard, [OwnedEvent::text("a"), closed(1000)]);
            assert_eq!(world.elapsed(), seconds * S, "{wait:?}");
        });
    }
}

#[test]
fn a_line_after_the_script_makes_the_clock_wait_for_the_end_of_stdin() {
    for (wait, seconds) in [(None, 5), (Some(Wait::For(10 * S)), 10), (Some(Wait::For(S)), 1)] {
        for first in ["b\n", "b"] {
            testbed::run(async {
                let (mut pipe, mut world) = pipe(scripted_then_stdin(wait));
                world.type_all(first);
                let World { peer, signals, stdin, .. } = &mut world;
                let (ended, ()) = tokio::join!(pipe.converse(signals), async {
                    assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
                    peer.say("answer");
                    let lines = peer.idle(3600 * S).await;
                    assert_eq!(lines.is_empty(), first == "b");
                    let mut stdin = stdin.take().unwrap();
                    stdin.write_all(b"\nc\n").unwrap();
                    drop(stdin);
                    let heard = peer.finish().await;
                    assert_eq!(heard[heard.len() - 2..], [OwnedEvent::text("c"), closed(1000)]);
                });
                assert_eq!(ended.unwrap(), RunOutcome::Done);
                assert_eq!(world.elapsed(), (3600 + seconds) * S, "{wait:?}");
            });
        }
    }
}

#[test]
fn with_send_only_the_clock_waits_for_stdin_before_its_first_byte() {
    for wait in [Duration::ZERO, 2 * S] {
        testbed::run(async {
            let mut options = scripted_then_stdin(Some(Wait::For(wait)));
            options.rules.send_only = true;
            let (mut pipe, mut world) = pipe(options);
            let World { peer, signals, stdin, .. } = &mut world;
            let (ended, ()) = tokio::join!(pipe.converse(signals), async {
                assert_eq!(peer.idle(60 * S).await, [OwnedEvent::text("a")]);
                stdin.take().unwrap().write_all(b"m\n").unwrap();
                assert_eq!(peer.finish().await, [OwnedEvent::text("m"), closed(1000)]);
            });
            assert_eq!(ended.unwrap(), RunOutcome::Done);
            assert_eq!(world.elapsed(), 60 * S + wait);
        });
    }
}

#[test]
fn input_that_arrives_after_the_clock_has_ended_the_run_is_not_lost_with_status_0() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(scripted_then_stdin(Some(Wait::For(S))));
        let World { peer, signals, stdin, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            // The peer does not read until the Close has been sent.
            tokio::time::sleep(2 * S).await;
            stdin.as_mut().unwrap().write_all(b"m\n").unwrap();
            assert_eq!(peer.finish().await, [closed(1000)]);
        });
        assert!(matches!(ended, Err(Error::InputLeft { bytes: 2, close: None })), "{ended:?}");
    });
}

#[test]
fn input_that_waits_when_the_peer_closes_is_not_lost_with_status_0() {
    // Stdin is not read before the expected message.
    for (expects, input, left) in [
        (true, "m\n", Some(2)),
        (true, "m", Some(1)),
        (false, "unfinished", Some(10)),
        (false, "m\n", None),
    ] {
        testbed::run(async {
            let mut options = scripted_then_stdin(Some(Wait::UntilClosed));
            if expects {
                let actions = vec![say("a"), expect("b")];
                options.script = Script::new(actions, 10 * S, Goals::default());
            }
            let (mut pipe, mut world) = pipe(options);
            world.type_all(input);
            let World { peer, signals, .. } = &mut world;
            let (ended, _) = tokio::join!(pipe.converse(signals), async {
                peer.idle(S).await;
                peer.close(1000);
                peer.finish().await
            });
            match ended {
                Err(Error::InputLeft { bytes, close: Some(_) }) => assert_eq!(Some(bytes), left),
                ended => assert_eq!((ended.unwrap(), left), (RunOutcome::Done, None)),
            }
        });
    }
}

#[test]
fn a_pipe_can_wait_until_the_peer_closes() {
    testbed::run(async {
        let end = EndRules { wait: Some(Wait::UntilClosed), ..EndRules::default() };
        let rules = ClockRules { end, ..ClockRules::default() };
        let (mut pipe, mut world) = pipe(Options { rules, ..options() });
        world.end_stdin();
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            peer.idle(3600 * S).await;
            peer.say("late");
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.written(pipe), "late\n");
    });
}

#[test]
fn a_script_waits_for_its_answers() {
    testbed::run(async {
        let actions = vec![say("a"), expect("^1$"), say("b")];
        let (mut pipe, mut world) = pipe(scripted(actions, Goals::default()));
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            peer.say("no");
            assert_eq!(peer.idle(9 * S).await, []);
            peer.say("1");
            assert_eq!(peer.next().await, Some(OwnedEvent::text("b")));
            assert_eq!(peer.finish().await, [closed(1000)]);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.elapsed(), 14 * S);
        assert_eq!(world.written(pipe), "no\n1\n");
    });
}

#[test]
fn a_late_answer_ends_the_session_and_fails_the_run() {
    testbed::run(async {
        let actions = vec![say("a"), expect("1"), say("b")];
        let (mut pipe, mut world) = pipe(scripted(actions, Goals::default()));
        let (ended, heard) = run(&mut pipe, &mut world).await;
        let Err(Error::Unmet(UnmetExpectation::Expect { limit, received: 0, .. })) = ended else {
            panic!("{ended:?}")
        };
        assert_eq!(limit, Some(10 * S));
        assert_eq!(heard, [OwnedEvent::text("a"), closed(1000)]);
        assert_eq!(world.elapsed(), 10 * S);
    });
}

#[test]
fn a_goal_ends_the_session_and_later_messages_are_not_shown() {
    let count = Goals { count: Some(2), until: None };
    let until = Goals { count: None, until: Some(Matcher::parse("^2").unwrap()) };
    for goals in [count, until] {
        testbed::run(async {
            let (mut pipe, mut world) = pipe(scripted(Vec::new(), goals.clone()));
            let World { peer, signals, .. } = &mut world;
            let (ended, ()) = tokio::join!(pipe.converse(signals), async {
                peer.idle(60 * S).await;
                for text in ["1", "2", "3"] {
                    peer.say(text);
                }
                assert_eq!(peer.finish().await, [closed(1000)]);
            });
            assert_eq!(ended.unwrap(), RunOutcome::Done);
            assert_eq!(world.elapsed(), 60 * S);
            assert_eq!(world.written(pipe), "1\n2\n");
        });
    }
}

#[test]
fn a_session_that_ends_before_its_goal_fails_the_run() {
    testbed::run(async {
        let goals = Goals { count: Some(2), until: None };
        let (mut pipe, mut world) = pipe(scripted(Vec::new(), goals));
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            peer.say("1");
            peer.close(1000);
            peer.finish().await;
        });
        let unmet = UnmetExpectation::Count { received: 1, expected: 2 };
        assert!(matches!(ended, Err(Error::Unmet(it)) if it == unmet));
    });
}

#[test]
fn jsonl_actions_are_performed_and_a_wait_delays_later_ones() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(Options { typed: true, ..options() });
        world.type_all(concat!(
            "{\"type\":\"text\",\"data\":\"a\"}\n",
            "{\"type\":\"wait\",\"seconds\":20}\n",
            "{\"type\":\"ping\",\"data\":\"p\"}\n",
            "{\"type\":\"binary\",\"base64\":\"/w==\"}\n",
            "{\"type\":\"close\",\"code\":4001,\"reason\":\"bye\"}\n",
            "{\"type\":\"text\",\"data\":\"never\"}\n",
        ));
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            assert_eq!(peer.idle(19 * S).await, []);
            let close = Close { code: 4001.into(), reason: "bye".to_owned() };
            let rest = [
                OwnedEvent::Ping(b"p".to_vec()),
                OwnedEvent::Message(Kind::Binary, vec![255]),
                OwnedEvent::Close(close),
            ];
            assert_eq!(peer.finish().await, rest);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.elapsed(), 20 * S);
    });
}

#[test]
fn only_jsonl_lines_that_would_be_sent_fail_a_run_that_the_peer_closes() {
    const NOTE: &str = "{\"type\":\"note\"}\n";
    const WAIT: &str = "{\"type\":\"wait\",\"seconds\":60}\n";
    const PONG: &str = "{\"type\":\"pong\",\"direction\":\"in\",\"data\":\"\"}\n";
    const TEXT: &str = "{\"type\":\"text\",\"data\":\"a\"}\n";
    const PING: &str = "{\"type\":\"ping\"}\n";
    const CLOSE: &str = "{\"type\":\"close\"}\n";
    // The lines read before the peer closes, and those that are then still in the kernel.
    for (read, unread, is_success) in [
        ([WAIT, NOTE], [NOTE, PONG, WAIT], true),
        ([WAIT, "\n"], ["\n", " ", "\t"], true),
        ([WAIT, NOTE], [NOTE, TEXT, NOTE], false),
        ([WAIT, NOTE], [NOTE, PING, NOTE], false),
        // Nothing after a Close is sent.
        ([WAIT, NOTE], [CLOSE, TEXT, TEXT], true),
        ([WAIT, CLOSE], [TEXT, TEXT, TEXT], true),
        ([WAIT, NOTE], [NOTE, NOTE, "{\"type\":\"te"], false),
        ([WAIT, TEXT], [NOTE, NOTE, NOTE], false),
    ] {
        for ends in [false, true] {
            testbed::run(async {
                let (mut pipe, mut world) = pipe(Options { typed: true, ..options() });
                world.type_all(&read.concat());
                let World { peer, signals, stdin, .. } = &mut world;
                let (ended, ()) = tokio::join!(pipe.converse(signals), async {
                    peer.idle(S).await;
                    stdin.as_mut().unwrap().write_all(unread.concat().as_bytes()).unwrap();
                    if ends {
                        *stdin = None;
                    }
                    peer.close(1000);
                    peer.finish().await;
                });
                assert_eq!(ended.is_ok(), is_success, "{read:?} {unread:?} {ends} {ended:?}");
            });
        }
    }
}

#[test]
fn an_invalid_jsonl_line_is_reported() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(Options { typed: true, ..options() });
        world.type_all("{\"type\":\"text\",\"data\":\"a\"}\n{\"type\":}\n");
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert!(matches!(ended, Err(Error::InputJson { line: 2, column: Some(9), .. })));
        assert_eq!(heard, [OwnedEvent::text("a"), closed(1000)]);
    });
}

#[test]
fn text_that_is_not_utf8_is_not_sent() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        assert_eq!(world.type_some(b"a\nb\xff\nc\n"), 7);
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert!(matches!(ended, Err(Error::InputEncoding { .. })), "{ended:?}");
        assert_eq!(heard, [OwnedEvent::text("a"), closed(1000)]);
    });
}

#[test]
fn text_with_late_invalid_utf8_closes_with_1007() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(Options { framing: Framing::Whole, ..options() });
        world.type_all("begun");
        let World { peer, signals, stdin, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            peer.idle(60 * S).await;
            stdin.as_mut().unwrap().write_all(b"\xff").unwrap();
            assert_eq!(peer.finish().await, [closed(1007)]);
        });
        assert!(matches!(ended, Err(Error::InputEncoding { .. })), "{ended:?}");
        // An incomplete message does not count as silence.
        assert_eq!(world.elapsed(), 60 * S);
    });
}

#[test]
fn a_line_longer_than_all_buffers_is_one_message() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe_over(options(), &Bed { buffer: 1000, ..Bed::default() });
        let line = "x".repeat(700_000);
        let World { peer, signals, stdin, .. } = &mut world;
        let write = async {
            let mut stdin = stdin.take().unwrap();
            let mut rest = line.as_bytes();
            while !rest.is_empty() {
                match stdin.write(rest) {
                    Ok(n) => rest = &rest[n..],
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        };
        let (ended, heard, ()) = tokio::join!(pipe.converse(signals), peer.finish(), write);
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert!(heard == [OwnedEvent::text(&line), closed(1000)]);
    });
}

#[test]
fn stdin_is_not_read_while_the_peer_reads_nothing() {
    testbed::run(async {
        let mut patient = options();
        patient.rules.end.quiet_for = Some(8 * 3600 * S);
        let (mut pipe, mut world) = pipe_over(patient, &Bed { buffer: 1000, ..Bed::default() });
        let lines = "0123456789abcde\n".repeat(4096);
        world.wire.stall();
        let mut typed = 0;
        let mut last = 1;
        while last > 0 {
            last = world.type_some(lines.as_bytes());
            typed += last;
            let talk = pipe.converse(&mut world.signals);
            assert!(tokio::time::timeout(60 * S, talk).await.is_err());
        }
        // The sum of the session's queue, a block of stdin and the kernel's buffer.
        assert!((1 << 16..1 << 19).contains(&typed), "{typed}");
        assert!(pipe.session.queued() < 1 << 19, "{}", pipe.session.queued());
        world.wire.resume();
        world.end_stdin();
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(heard.len(), typed / 16 + 1);
    });
}

#[test]
fn the_network_is_not_read_while_stdout_is_stuck_but_the_run_still_ends_in_time() {
    testbed::run(async {
        let max_time = Some((30 * S, now() + 30 * S));
        let goals = Goals { count: Some(u64::MAX), until: None };
        let (mut pipe, mut world) = pipe(Options { max_time, ..scripted(Vec::new(), goals) });
        let message = "x".repeat(1000);
        let World { peer, signals, .. } = &mut world;
        let flood = async {
            loop {
                while peer.session.queued() < 1 << 20 && peer.session.is_open() {
                    peer.say(&message);
                }
                if !peer.idle(S).await.is_empty() || peer.session.is_over() {
                    return;
                }
            }
        };
        let ended = tokio::select! {
            ended = pipe.converse(signals) => ended,
            () = async { flood.await; std::future::pending().await } => unreachable!(),
        };
        assert!(matches!(ended, Err(Error::RunTimeout { limit, .. }) if limit == 30 * S));
        let received = pipe.session.bytes_received();
        assert!((8 << 20..9 << 20).contains(&received), "{received}");
        // Output that is not read by then is dropped.
        assert_eq!(world.elapsed(), 30 * S);
    });
}

#[test]
fn pings_are_answered_while_stdout_is_stuck() {
    testbed::run(async {
        let goals = Goals { count: Some(u64::MAX), until: None };
        let (mut pipe, mut world) = pipe(scripted(Vec::new(), goals));
        let message = "x".repeat(1000);
        let World { peer, signals, stdout, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            for _ in 0..75 {
                (0..100).for_each(|_| peer.say(&message));
                peer.session.ping(b"there?").unwrap();
                assert_eq!(peer.next().await, Some(OwnedEvent::Pong(b"there?".to_vec())));
            }
            *stdout = None;
            assert_eq!(peer.finish().await, [closed(1001)]);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}

#[test]
fn the_limit_of_the_run_closes_the_session() {
    testbed::run(async {
        let max_time = Some((3 * S, now() + 3 * S));
        let (mut pipe, mut world) = pipe(Options { max_time, ..options() });
        let World { peer, signals, .. } = &mut world;
        // The Close is sent, and the run ends without waiting for the answer.
        let (ended, heard) = tokio::join!(pipe.converse(signals), peer.next());
        assert!(matches!(ended, Err(Error::RunTimeout { limit, .. }) if limit == 3 * S));
        assert_eq!(heard, Some(closed(1000)));
        assert_eq!(world.elapsed(), 3 * S);
    });
}

#[test]
fn a_signal_closes_the_session_and_ends_the_run() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        world.kill.send(15).await.unwrap();
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Signal(15));
        assert_eq!(heard, [closed(1001)]);
    });
}

#[test]
fn a_peer_that_does_not_answer_the_close_after_a_signal_is_abandoned() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        world.kill.send(2).await.unwrap();
        // The peer is not driven.
        let ended = pipe.converse(&mut world.signals).await;
        assert_eq!(ended.unwrap(), RunOutcome::Signal(2));
        assert_eq!(world.elapsed(), 5 * S);
    });
}

#[test]
fn a_closed_stdout_ends_an_idle_session_without_an_error() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        world.stdout = None;
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(heard, [closed(1001)]);
        assert_eq!(world.elapsed(), Duration::ZERO);
    });
}

#[test]
fn every_message_is_echoed() {
    testbed::run(async {
        let echo = Options { echo: true, reads_stdin: false, ..options() };
        let (mut pipe, mut world) = pipe(echo);
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            peer.say("a");
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.written(pipe), "a\n");
    });
}

#[test]
fn a_new_session_gets_the_script_and_then_the_unsent_messages() {
    testbed::run(async {
        let script = Script::new(vec![say("hello")], 10 * S, Goals::default());
        let bed = Bed { buffer: 100, ..Bed::default() };
        let (mut pipe, mut world) = pipe_over(Options { script, ..options() }, &bed);
        pipe.resend = Some(ResendBuffer::default());
        world.wire.stall();
        world.type_all(&format!("{}\nb\n", "a".repeat(200)));
        let talk = pipe.converse(&mut world.signals);
        assert!(tokio::time::timeout(S, talk).await.is_err());
        world.wire.reset();
        pipe.session(&mut world.signals).await;
        let unsent = pipe.session.unsent_messages();
        assert_eq!(unsent, 2);
        assert_eq!(pipe.resend.as_mut().unwrap().lost(unsent).kept, 2);
        let (opened, server, _wire) = bed.connection();
        pipe.resume(opened);
        world.peer = Player::new(server);
        world.type_all("c\n");
        world.end_stdin();
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        let messages = ["hello", &"a".repeat(200), "b", "c"].map(OwnedEvent::text);
        assert_eq!(heard, [&messages[..], &[closed(1000)]].concat());
    });
}
