//! While the observer writes a long message, the session holds back messages and nothing else.

use super::*;
use crate::{
    proto::{Event, trace::Direction},
    session::{Observer, SessionEvent},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::time::timeout;

/// An observer that needs this many calls of `rest` for a message in two pieces.
#[derive(Clone, Default)]
struct SlowObserver {
    calls: usize,
    left: Arc<AtomicUsize>,
    /// The number of pieces and pings received before the last message was written.
    early: Arc<AtomicUsize>,
}

impl Observer for SlowObserver {
    fn needs_wire(&self) -> bool {
        false
    }

    fn see(&mut self, _: Instant, seen: &SessionEvent<'_>) {
        let is_received =
            matches!(seen, SessionEvent::Piece(_) | SessionEvent::Control(Direction::In, ..));
        if self.is_behind() && is_received {
            self.early.fetch_add(1, Ordering::Relaxed);
        }
        if let SessionEvent::Piece(piece) = seen
            && piece.last
            && !piece.first
        {
            self.left.store(self.calls, Ordering::Relaxed);
        }
    }

    fn rest(&mut self) {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
    }

    fn is_behind(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }
}

fn observed(calls: usize) -> (Player, End, SlowObserver) {
    let (player, peer, _) = session_with_raw_peer(Bed::default(), Role::Client);
    let observer = SlowObserver { calls, ..SlowObserver::default() };
    let session = player.session.with_observer(Box::new(observer.clone()));
    (Player::new(session), peer, observer)
}

fn text(text: &str) -> OwnedEvent {
    OwnedEvent::Message(Kind::Text, text.as_bytes().to_vec())
}

/// A message in two pieces.
fn long() -> [Vec<u8>; 2] {
    [frame(Role::Client, 0x01, b"lo"), frame(Role::Client, 0x80, b"ng")]
}

#[test]
fn a_ping_behind_a_message_that_is_being_written_is_answered_and_the_next_message_waits() {
    testbed::run(async {
        let (mut player, mut peer, observer) = observed(1_000);
        let next = [frame(Role::Client, 0x89, b"p"), frame(Role::Client, 0x81, b"next")];
        peer.write_all(&[long(), next].concat().concat()).await.unwrap();
        assert_eq!(player.next().await, Some(text("long")));
        assert_eq!(player.next().await, Some(OwnedEvent::Ping(b"p".to_vec())));
        assert!(player.session.next_whole().is_none() && player.session.next_event().is_none());
        for _ in 0..10 {
            player.session.progress(true).await;
        }
        assert!(player.session.is_held());
        let mut pong = [0; 7];
        peer.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong[0], 0x8a);
        player.say("sent");
        player.session.progress(true).await;
        let mut sent = [0; 10];
        peer.read_exact(&mut sent).await.unwrap();
        assert!(player.session.is_held());
        assert_eq!(player.next().await, Some(text("next")));
        assert!(!player.session.is_held());
        assert_eq!(observer.early.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn our_pings_are_sent_while_a_message_is_written() {
    testbed::run(async {
        let settings = Settings { ping_interval: Some(S), ..SETTINGS };
        let (player, mut peer, _) = session_with_raw_peer(bed_with(settings), Role::Client);
        let observer = SlowObserver { calls: usize::MAX, ..SlowObserver::default() };
        let mut player = Player::new(player.session.with_observer(Box::new(observer.clone())));
        peer.write_all(&[&long().concat()[..], &frame(Role::Client, 0x81, b"next")].concat())
            .await
            .unwrap();
        assert_eq!(player.next().await, Some(text("long")));
        // Time passes although the session is never idle.
        let held = async {
            while player.session.is_held() {
                player.session.progress(true).await;
                tokio::time::advance(S / 8).await;
            }
        };
        let mut ping = [0; 6];
        tokio::select! {
            () = held => panic!("the observer is not done"),
            read = peer.read_exact(&mut ping) => assert_eq!(read.unwrap(), 6),
        }
        assert_eq!(ping[0], 0x89);
        observer.left.store(0, Ordering::Relaxed);
        assert_eq!(player.next().await, Some(text("next")));
    });
}

#[test]
fn a_session_that_ends_while_a_message_is_written_loses_nothing() {
    testbed::run(async {
        let (mut player, mut peer, observer) = observed(100);
        let next = [frame(Role::Client, 0x81, b"next"), frame(Role::Client, 0x88, b"\x03\xe8")];
        peer.write_all(&[long(), next].concat().concat()).await.unwrap();
        peer.shutdown().await.unwrap();
        let events = player.finish().await;
        assert_eq!(events.len(), 3);
        assert_eq!(events[1], text("next"));
        assert!(matches!(&events[2], OwnedEvent::Close(close) if close.code.number() == 1000));
        assert_eq!(observer.early.load(Ordering::Relaxed), 0);
        assert!(player.session.verdict(0).is_ok());

        let (mut player, mut peer, observer) = observed(100);
        peer.write_all(&long().concat()).await.unwrap();
        assert_eq!(player.next().await, Some(text("long")));
        assert!(observer.is_behind());
        player.session.end();
        assert!(!observer.is_behind());
    });
}

/// The Close was answered, and the session was over before the answer had left.
#[test]
fn the_time_to_close_begins_when_a_close_that_waited_is_decoded() {
    for rest in [&b"\x88\x02\x03\xe8"[..], b"\xff\0"] {
        testbed::run(async {
            let (mut player, mut peer, observer) = observed(100);
            peer.write_all(&[&long().concat()[..], rest].concat()).await.unwrap();
            assert_eq!(player.next().await, Some(text("long")));
            while player.session.is_held() {
                player.session.progress(true).await;
                tokio::time::advance(SETTINGS.close_timeout / 20).await;
            }
            assert!(observer.left.load(Ordering::Relaxed) == 0);
            assert!(player.session.next_event().is_some());
            tokio::select! {
                () = player.session.progress(true) => {}
                () = tokio::time::sleep(S / 100) => {}
            }
            assert!(!player.session.is_over());
            let mut close = [0; 8];
            peer.read_exact(&mut close).await.unwrap();
            assert_eq!(close[0], 0x88);
        });
    }
}

#[test]
fn control_frames_are_taken_while_no_message_is() {
    testbed::run(async {
        let (mut player, mut peer, _) = session_with_raw_peer(Bed::default(), Role::Client);
        for payload in [b"a", b"b"] {
            peer.write_all(&frame(Role::Client, 0x89, payload)).await.unwrap();
            player.session.progress_controls().await;
            assert!(player.session.has_control());
            let event = player.session.next_event();
            assert!(matches!(event, Some(Event::Ping(given)) if given == payload), "{event:?}");
            player.session.progress_controls().await;
            let mut pong = [0; 7];
            peer.read_exact(&mut pong).await.unwrap();
            assert_eq!((pong[0], pong[1]), (0x8a, 0x81));
        }
        // A message, and what follows it, waits in little memory.
        let message = frame(Role::Client, 0x81, b"message");
        let ping = frame(Role::Client, 0x89, b"late");
        peer.write_all(&[message, ping, [0x81, 0, 0x81, 0].repeat(1_000)].concat()).await.unwrap();
        let waited = timeout(S, async {
            loop {
                player.session.progress_controls().await;
                assert!(!player.session.has_control());
            }
        });
        assert!(waited.await.is_err());
        assert!(player.session.bytes_received() < 1_000, "{}", player.session.bytes_received());
        assert_eq!(player.next().await, Some(text("message")));
        assert_eq!(player.next().await, Some(OwnedEvent::Ping(b"late".to_vec())));
    });
}

#[test]
fn a_close_ends_the_session_while_no_message_is_taken() {
    testbed::run(async {
        let (mut player, mut peer, _) = session_with_raw_peer(Bed::default(), Role::Client);
        peer.write_all(&frame(Role::Client, 0x88, b"\x03\xe8")).await.unwrap();
        player.session.progress_controls().await;
        assert!(player.session.has_control() && player.session.next_event().is_some());
        drop(peer);
        while !player.session.is_over() {
            player.session.progress_controls().await;
        }
    });
}
