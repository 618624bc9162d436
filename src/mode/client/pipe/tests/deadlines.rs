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
