//! The limits of a run and of its closing, with messages that are still being written.

use super::*;
use crate::session::SessionError;

/// Options of a run that closes as soon as stdin has ended.
fn closing_at_once(close_timeout: Duration) -> Options {
    let end = EndRules { wait: Some(Wait::For(Duration::ZERO)), ..EndRules::default() };
    let rules = ClockRules { end, ..ClockRules::default() };
    Options { rules, settings: Settings { close_timeout, ..SETTINGS }, ..options() }
}

#[test]
fn the_limit_of_the_run_includes_the_wait_for_the_close_of_the_peer() {
    for goals in [Goals::default(), Goals { count: Some(1), until: None }] {
        testbed::run(async {
            let rest = [b"\x81\x01", &b"a"[..]].concat();
            let max_time = Some((3 * S, now() + 3 * S));
            let settings = Settings { close_timeout: 60 * S, ..SETTINGS };
            let waits = Options { script: Script::new(Vec::new(), S, goals), ..options() };
            let waits = Options { max_time, settings, ..waits };
            let (mut pipe, mut world) = pipe_over(waits, &Bed { rest, ..Bed::default() });
            world.end_stdin();
            // The peer is not driven.
            let ended = pipe.converse(&mut world.signals).await;
            assert!(matches!(ended, Err(Error::RunTimeout { limit, .. }) if limit == 3 * S));
            assert_eq!(world.elapsed(), 3 * S);
            assert_eq!(world.written(pipe), "a\n");
        });
    }
}

#[test]
fn the_limit_of_the_run_does_not_replace_the_close_of_the_peer() {
    testbed::run(async {
        let max_time = Some((3 * S, now() + 3 * S));
        let (mut pipe, mut world) = pipe(Options { max_time, ..options() });
        let World { peer, signals, .. } = &mut world;
        peer.close(4001);
        let (ended, _) = tokio::join!(pipe.converse(signals), peer.idle(S));
        assert!(matches!(ended, Err(Error::Session(SessionError::Closed { .. }))), "{ended:?}");
    });
}

#[test]
fn messages_that_a_slow_peer_takes_are_not_cut_by_the_close_timeout() {
    testbed::run(async {
        let bed = Bed { buffer: 1000, ..Bed::default() };
        let (mut pipe, mut world) = pipe_over(closing_at_once(2 * S), &bed);
        let line = "x".repeat(10_000);
        world.type_all(&format!("{line}\n"));
        world.end_stdin();
        // A thousand bytes a second.
        world.wire.delay(S);
        let (ended, heard) = run(&mut pipe, &mut world).await;
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(heard, [OwnedEvent::text(&line), closed(1000)]);
        assert!(world.elapsed() > 10 * S, "{:?}", world.elapsed());
    });
}

#[test]
fn a_close_that_waits_for_a_message_has_one_close_timeout_if_the_peer_takes_nothing() {
    testbed::run(async {
        let bed = Bed { buffer: 1000, ..Bed::default() };
        let (mut pipe, mut world) = pipe_over(closing_at_once(2 * S), &bed);
        world.type_all(&format!("{}\n", "x".repeat(10_000)));
        world.end_stdin();
        // The peer is not driven.
        let ended = pipe.converse(&mut world.signals).await;
        let Err(Error::Session(SessionError::Unread { messages: 1, .. })) = ended else {
            panic!("{ended:?}")
        };
        assert_eq!(world.elapsed(), 2 * S);
    });
}

#[test]
fn a_peer_that_reads_nothing_of_stdin_ends_the_run_with_the_number_of_unsent_messages() {
    let wait = |seconds: u64| Some(Wait::For(Duration::from_secs(seconds)));
    let until = Goals { count: Some(1), until: None };
    for (wait, goals, ends, limit) in [
        (None, Goals::default(), false, 30),
        (None, Goals::default(), true, 30),
        (None, until.clone(), false, 30),
        (wait(7), Goals::default(), false, 7),
        (wait(7), until, true, 7),
        (wait(0), Goals::default(), true, 5),
    ] {
        testbed::run(async {
            let end = EndRules { wait, until_met: goals.is_some(), ..EndRules::default() };
            let rules = ClockRules { end, ..ClockRules::default() };
            let script = Script::new(Vec::new(), S, goals);
            let options = Options { script, rules, ..options() };
            let (mut pipe, mut world) = pipe_over(options, &Bed { buffer: 1000, ..Bed::default() });
            // An hour without messages is not part of the time in which they wait.
            let talk = pipe.converse(&mut world.signals);
            assert!(tokio::time::timeout(3600 * S, talk).await.is_err());
            world.type_all(&"0123456789abcde\n".repeat(4000));
            if ends {
                world.end_stdin();
            }
            // The peer is not driven.
            let ended = pipe.converse(&mut world.signals).await;
            let Err(Error::Session(SessionError::Unread { messages, .. })) = ended else {
                panic!("{ended:?}")
            };
            assert!((3900..4000).contains(&messages), "{messages}");
            assert_eq!(world.elapsed(), Duration::from_secs(3600 + limit));
        });
    }
}

#[test]
fn a_peer_that_only_sends_for_a_while_does_not_stall_a_run() {
    testbed::run(async {
        let wait = Some(Wait::For(3 * S));
        let rules =
            ClockRules { end: EndRules { wait, ..EndRules::default() }, ..Default::default() };
        let bed = Bed { buffer: 1000, ..Bed::default() };
        let (mut pipe, mut world) = pipe_over(Options { rules, ..options() }, &bed);
        world.type_all(&"0123456789abcde\n".repeat(4000));
        world.end_stdin();
        let World { peer, signals, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            for _ in 0..10 {
                tokio::time::sleep(2 * S).await;
                peer.say("busy");
                peer.session.progress(false).await;
            }
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}
