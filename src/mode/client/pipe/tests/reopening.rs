//! A pipe whose session is lost, with `--reconnect`.

use super::*;
use crate::{connect::OpenError, mode::client::reconnect::tests::PreparedOpener};

/// Makes a pipe reconnect with these attempts.
fn reconnecting(pipe: &mut Pipe, opener: PreparedOpener, attempts: Option<u32>) {
    pipe.reconnector = Some(opener.reconnector(attempts));
    pipe.resend = Some(ResendBuffer::default());
}

#[test]
fn the_next_session_repeats_the_script_and_continues_stdin() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(scripted_then_stdin(Some(Wait::UntilClosed)));
        let (opened, server, _wire) = Bed::default().connection();
        reconnecting(&mut pipe, PreparedOpener::default().fails().opens(opened), None);
        let World { peer, signals, stdin, wire, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            peer.say("one");
            peer.idle(S).await;
            wire.cut();
            let mut peer = Player::new(server);
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            stdin.take().unwrap().write_all(b"b\n").unwrap();
            assert_eq!(peer.next().await, Some(OwnedEvent::text("b")));
            // Silence does not end it.
            assert_eq!(peer.idle(3600 * S).await, []);
            peer.say("two");
            peer.close(1000);
            peer.finish().await;
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.written(pipe), "one\ntwo\n");
    });
}

#[test]
fn the_last_error_ends_the_run_when_the_attempts_are_used_up() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        reconnecting(&mut pipe, PreparedOpener::default().fails().fails(), Some(1));
        world.wire.cut();
        let ended = pipe.converse(&mut world.signals).await;
        assert!(matches!(ended, Err(Error::Open(_))), "{ended:?}");
    });
}

#[test]
fn a_signal_ends_the_wait_for_the_next_attempt() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(options());
        // The delays of this many attempts add up to minutes.
        let opener = (0..40).fold(PreparedOpener::default(), |opener, _| opener.fails());
        reconnecting(&mut pipe, opener, None);
        world.wire.cut();
        let World { signals, kill, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            tokio::time::sleep(S).await;
            kill.send(15).await.unwrap();
        });
        assert_eq!(ended.unwrap(), RunOutcome::Signal(15));
        assert!(world.elapsed() < 2 * S, "{:?}", world.elapsed());
    });
}

#[test]
fn the_time_of_a_wait_goes_on_across_sessions() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(scripted_then_stdin(Some(Wait::For(10 * S))));
        let (opened, server, _wire) = Bed::default().connection();
        reconnecting(&mut pipe, PreparedOpener::default().opens(opened), None);
        let World { peer, signals, wire, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            peer.idle(6 * S).await;
            wire.cut();
            let mut peer = Player::new(server);
            assert_eq!(peer.finish().await, [OwnedEvent::text("a"), closed(1000)]);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
        assert_eq!(world.elapsed(), 10 * S);
    });
}

#[test]
fn the_time_of_a_wait_ends_a_run_without_a_session_with_the_last_failure() {
    testbed::run(async {
        let (mut pipe, mut world) = pipe(scripted_then_stdin(Some(Wait::For(10 * S))));
        // The delays of this many attempts add up to minutes.
        let opener = (0..40).fold(PreparedOpener::default(), |opener, _| opener.fails());
        reconnecting(&mut pipe, opener, None);
        let World { peer, signals, wire, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            assert_eq!(peer.next().await, Some(OwnedEvent::text("a")));
            wire.cut();
        });
        assert!(matches!(ended, Err(Error::Open(OpenError::Socket { .. }))), "{ended:?}");
        assert_eq!(world.elapsed(), 10 * S);
    });
}

#[test]
fn unsent_messages_wait_for_the_next_session_longer_than_a_wait() {
    testbed::run(async {
        let mut options = scripted_then_stdin(Some(Wait::For(S)));
        options.settings.close_timeout = 60 * S;
        let bed = Bed { buffer: 100, ..Bed::default() };
        let (mut pipe, mut world) = pipe_over(options, &bed);
        let (opened, server, _wire) = bed.connection();
        let failures = (0..4).fold(PreparedOpener::default(), |opener, _| opener.fails());
        reconnecting(&mut pipe, failures.opens(opened), None);
        world.type_all(&format!("{}\n", "x".repeat(200)));
        world.end_stdin();
        let World { signals, wire, .. } = &mut world;
        let (ended, ()) = tokio::join!(pipe.converse(signals), async {
            tokio::time::sleep(S / 2).await;
            wire.reset();
            let heard = Player::new(server).finish().await;
            let sent = [OwnedEvent::text("a"), OwnedEvent::text(&"x".repeat(200)), closed(1000)];
            assert_eq!(heard, sent);
        });
        assert_eq!(ended.unwrap(), RunOutcome::Done);
    });
}
