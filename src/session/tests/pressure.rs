//! Back-pressure: unread bytes stay with the sender, and memory use stays constant.

use super::*;
use crate::{proto::Event, session::read_buffer::READ_BUFFER_BYTES};

/// Drives a session for one second without reading.
async fn write_only(player: &mut Player) {
    let all = async {
        loop {
            player.session.progress(false).await;
        }
    };
    let _: Result<(), _> = tokio::time::timeout(S, all).await;
}

#[test]
fn an_unread_session_leaves_bytes_on_the_wire() {
    for role in [Role::Client, Role::Server] {
        testbed::run(async {
            let bed = Bed { buffer: 1000, ..Bed::default() };
            let (mut player, mut peer, _wire) = session_with_raw_peer(bed, role);
            let messages = frame(role, 0x82, &[7; 100]).repeat(50);
            let wrote = async move {
                peer.write_all(&messages).await.unwrap();
                peer
            };
            let wrote = tokio::spawn(wrote);
            write_only(&mut player).await;
            assert_eq!(player.session.bytes_received(), 0);
            assert!(!wrote.is_finished());
            let received = player.idle(S).await;
            assert_eq!(received, vec![OwnedEvent::Message(Kind::Binary, vec![7; 100]); 50]);
            assert!(wrote.is_finished());
        });
    }
}

#[test]
fn a_peer_that_stops_reading_delays_messages_without_loss() {
    testbed::run(async {
        let Pair { client, server, wire } = Bed { buffer: 4096, ..Bed::default() }.pair();
        let (mut client, mut server) = (Player::new(client), Player::new(server));
        let message = vec![7; 100_000];
        client.session.send(Kind::Binary, &message).unwrap();
        client.say("last");
        client.idle(60 * S).await;
        // The wire is full; the remaining bytes are queued.
        assert_eq!(wire.written(), (4096, 0));
        assert_eq!(client.session.queued(), 100_022 + 10 - 4096);
        assert!(client.session.has_unsent_bytes());
        client.close(1000);
        let (_, received) = tokio::join!(client.finish(), server.finish());
        let expected = [
            OwnedEvent::Message(Kind::Binary, message),
            OwnedEvent::text("last"),
            OwnedEvent::Close(crate::proto::Close::new(1000.into())),
        ];
        assert_eq!(received, expected);
        assert!(!client.session.has_unsent_bytes());
        assert!(client.session.verdict(0).is_ok());
        assert!(server.session.verdict(0).is_ok());
    });
}

#[test]
fn writes_continue_while_nothing_is_read() {
    testbed::run(async {
        let (mut player, mut peer, _wire) = session_with_raw_peer(Bed::default(), Role::Client);
        peer.write_all(&frame(Role::Client, 0x81, b"unread")).await.unwrap();
        player.say("hi");
        write_only(&mut player).await;
        let mut sent = [0; 8];
        peer.read_exact(&mut sent).await.unwrap();
        assert_eq!(sent[..2], [0x81, 0x82]);
        assert_eq!(player.session.bytes_received(), 0);
    });
}

#[test]
fn a_long_message_does_not_grow_the_read_buffer() {
    testbed::run(async {
        let Pair { client, server, wire } = Bed { buffer: 1 << 20, ..Bed::default() }.pair();
        wire.delay(S / 100);
        let (mut client, mut server) = (Player::new(client), Player::new(server));
        let message = vec![7; 5 << 20];
        server.session.send(Kind::Binary, &message).unwrap();
        let (received, _) = tokio::join!(client.next(), server.idle(60 * S));
        assert_eq!(received, Some(OwnedEvent::Message(Kind::Binary, message)));
        assert!(client.session.buffer.len() <= READ_BUFFER_BYTES);
    });
}

#[test]
fn pongs_do_not_accumulate_if_the_peer_does_not_read_them() {
    testbed::run(async {
        let bed = Bed { buffer: 200, ..Bed::default() };
        let (mut player, mut peer, _wire) = session_with_raw_peer(bed, Role::Client);
        let pings = frame(Role::Client, 0x89, &[7; 100]).repeat(2000);
        let (seen, ()) = tokio::join!(player.idle(S), async {
            peer.write_all(&pings).await.unwrap();
        });
        assert_eq!(seen.len(), 2000);
        assert!(player.session.queued() < (64 << 10) + 200, "{}", player.session.queued());
    });
}

#[test]
fn the_session_begins_with_the_bytes_received_with_the_handshake() {
    testbed::run(async {
        let rest = frame(Role::Client, 0x81, b"early");
        let (mut player, _peer, _wire) =
            session_with_raw_peer(Bed { rest, ..Bed::default() }, Role::Client);
        assert_eq!(player.session.bytes_received(), 7);
        assert_eq!(player.next().await, Some(OwnedEvent::text("early")));
    });
}

#[test]
fn a_session_keeps_a_read_buffer_only_for_bytes_to_decode() {
    testbed::run(async {
        let (mut session, mut peer, _wire) = Bed::default().server();
        peer.write_all(&frame(Role::Server, 0x81, b"whole")).await.unwrap();
        let part = frame(Role::Server, 0x81, b"in two parts");
        peer.write_all(&part[..3]).await.unwrap();
        while session.bytes_received() < 14 {
            session.progress(true).await;
        }
        assert!(session.next_event().is_some());
        assert!(session.next_event().is_none());
        session.release_memory();
        assert_eq!(session.buffer, part[..3]);
        peer.write_all(&part[3..]).await.unwrap();
        while session.bytes_received() < 29 {
            session.progress(true).await;
        }
        let event = session.next_event();
        assert!(matches!(event, Some(Event::Message(piece)) if piece.payload == b"in two parts"));
    });
}
