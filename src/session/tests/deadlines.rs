//! Keepalive, idle and close timeouts fire at exact instants.

use super::*;
use crate::{proto::Close, session::clock};

/// Drives the player to its end and returns the time that took.
async fn time_to_end(player: &mut Player) -> Duration {
    let start = clock::now();
    player.finish().await;
    clock::now() - start
}

#[test]
fn keepalive_pings_keep_sessions_open_and_measure_round_trips() {
    testbed::run(async {
        let keepalive =
            Settings { ping_interval: Some(30 * S), ping_timeout: Some(5 * S), ..SETTINGS };
        let Pair { client, server, wire } = Bed { client: keepalive, ..Bed::default() }.pair();
        wire.delay(S / 4);
        let (mut client, mut server) = (Player::new(client), Player::new(server));
        let hour = 3600 * S;
        let (_, pings) = tokio::join!(client.idle(hour), server.idle(hour));
        assert!(client.session.is_open());
        // Each interval starts at the previous pong.
        assert_eq!(pings.len(), 118);
        assert!(pings.iter().all(|event| matches!(event, OwnedEvent::Ping(_))));
        let times = client.session.stats().round_trips.unwrap();
        assert_eq!((times.min, times.max), (S / 2, S / 2));
        assert_eq!(client.session.stats().silence, 30 * S + S / 2);
    });
}

#[test]
fn detects_a_vanished_peer_after_ping_interval_and_timeout() {
    for role in [Role::Client, Role::Server] {
        testbed::run(async {
            let keepalive =
                Settings { ping_interval: Some(30 * S), ping_timeout: Some(5 * S), ..SETTINGS };
            let (mut player, mut peer, wire) = session_with_raw_peer(bed_with(keepalive), role);
            assert_eq!(player.idle(20 * S).await, []);
            peer.write_all(&frame(role, 0x81, b"a")).await.unwrap();
            assert_eq!(player.idle(S).await, [OwnedEvent::text("a")]);
            wire.stall();
            // The interval starts at the last byte.
            assert_eq!(time_to_end(&mut player).await, 34 * S, "{role:?}");
        });
    }
}

#[test]
fn any_received_byte_postpones_the_pong_timeout() {
    testbed::run(async {
        let keepalive =
            Settings { ping_interval: Some(30 * S), ping_timeout: Some(5 * S), ..SETTINGS };
        let (mut player, mut peer, _wire) =
            session_with_raw_peer(bed_with(keepalive), Role::Client);
        player.idle(34 * S).await;
        // Half a header.
        peer.write_all(&[0x81]).await.unwrap();
        assert_eq!(player.idle(30 * S).await, []);
        assert!(player.session.is_open());
        assert_eq!(time_to_end(&mut player).await, 5 * S);
    });
}

#[test]
fn the_pong_timeout_does_not_run_while_nothing_is_read() {
    testbed::run(async {
        let keepalive =
            Settings { ping_interval: Some(30 * S), ping_timeout: Some(5 * S), ..SETTINGS };
        let (mut player, _peer, _wire) = session_with_raw_peer(bed_with(keepalive), Role::Client);
        // Stdout is blocked for an hour.
        let blocked = async {
            loop {
                player.session.progress(false).await;
            }
        };
        let blocked: Result<(), _> = tokio::time::timeout(3600 * S, blocked).await;
        assert!(blocked.is_err());
        assert!(player.session.is_open());
        assert!(player.session.stats().sent.pings > 100);
        // After that, the full timeout applies.
        assert_eq!(time_to_end(&mut player).await, 5 * S);
    });
}

#[test]
fn the_close_timeout_limits_the_whole_closing() {
    for role in [Role::Client, Role::Server] {
        testbed::run(async {
            let settings = Settings { close_timeout: 7 * S, ..SETTINGS };
            let (mut unanswered, _peer, _wire) = session_with_raw_peer(bed_with(settings), role);
            unanswered.close(1000);
            assert_eq!(time_to_end(&mut unanswered).await, 7 * S);

            let (mut answered, mut peer, _wire) = session_with_raw_peer(bed_with(settings), role);
            answered.close(1000);
            assert_eq!(answered.idle(6 * S).await, []);
            peer.write_all(&frame(role, 0x88, b"\x03\xe8")).await.unwrap();
            // The Close arrived in time, but the peer does not end the stream.
            let left = if role == Role::Client { S / 10 } else { S };
            assert_eq!(time_to_end(&mut answered).await, left);

            let (mut closed, mut peer, _wire) = session_with_raw_peer(bed_with(settings), role);
            peer.write_all(&frame(role, 0x88, b"\x03\xe8")).await.unwrap();
            let wait = if role == Role::Client { S / 10 } else { 7 * S };
            assert_eq!(time_to_end(&mut closed).await, wait);
        });
    }
}

#[test]
fn traffic_of_the_peer_does_not_extend_the_close_timeout() {
    for role in [Role::Client, Role::Server] {
        testbed::run(async {
            let settings = Settings { close_timeout: 7 * S, ..SETTINGS };
            let (mut player, mut peer, _wire) = session_with_raw_peer(bed_with(settings), role);
            player.close(1000);
            let talking = async {
                loop {
                    tokio::time::sleep(S).await;
                    let both = [frame(role, 0x89, b"p"), frame(role, 0x81, b"m")].concat();
                    peer.write_all(&both).await.unwrap();
                }
            };
            let took = tokio::select! {
                took = time_to_end(&mut player) => took,
                () = talking => unreachable!(),
            };
            assert_eq!(took, 7 * S, "{role:?}");
            assert!(player.session.verdict(0).is_ok());
        });
    }
}

#[test]
fn a_peer_that_reads_slowly_does_not_extend_the_close_timeout() {
    testbed::run(async {
        let bed = Bed { buffer: 10, ..Bed::default() };
        let (mut player, mut peer, _wire) = session_with_raw_peer(bed, Role::Client);
        player.session.send(Kind::Binary, &[7; 30]).unwrap();
        player.close(1000);
        let reading = async {
            loop {
                tokio::time::sleep(S).await;
                let _ = peer.read(&mut [0; 10]).await.unwrap();
            }
        };
        let took = tokio::select! {
            took = time_to_end(&mut player) => took,
            () = reading => unreachable!(),
        };
        // The last byte was written after four seconds.
        assert_eq!(took, 5 * S);
        assert!(player.session.verdict(0).is_ok());
    });
}

#[test]
fn a_slow_upload_is_not_cut_by_the_ping_timeout() {
    for role in [Role::Client, Role::Server] {
        testbed::run(async {
            let keepalive =
                Settings { ping_interval: Some(S), ping_timeout: Some(2 * S), ..SETTINGS };
            let bed = Bed { buffer: 1000, ..bed_with(keepalive) };
            let (mut player, mut peer, _wire) = session_with_raw_peer(bed, role);
            player.session.send(Kind::Binary, &vec![7; 60_000]).unwrap();
            let reading = async {
                for _ in 0..60 {
                    tokio::time::sleep(S).await;
                    peer.read_exact(&mut [0; 1000]).await.unwrap();
                }
                // Then the peer stops reading, so the ping after the message is not answered.
                clock::now()
            };
            let (took, stopped) = tokio::join!(time_to_end(&mut player), reading);
            assert!(clock::now() - stopped <= 2 * S, "{role:?} {took:?}");
            assert!(took >= 60 * S, "{role:?} {took:?}");
            assert!(player.session.stats().sent.pings <= 5);
        });
    }
}

#[test]
fn a_peer_that_reads_nothing_of_megabytes_is_noticed_by_the_ping_timeout() {
    testbed::run(async {
        let keepalive = Settings { ping_interval: Some(S), ping_timeout: Some(2 * S), ..SETTINGS };
        let (mut player, _peer, _wire) = session_with_raw_peer(bed_with(keepalive), Role::Client);
        player.session.send(Kind::Binary, &vec![7; 4 << 20]).unwrap();
        assert_eq!(time_to_end(&mut player).await, 3 * S);
        assert!(player.session.verdict(0).is_err());
    });
}

#[test]
fn the_server_ends_the_stream_and_the_client_waits_for_it() {
    testbed::run(async {
        for closes in [Role::Client, Role::Server] {
            let Pair { client, server, wire } = Bed::default().pair();
            wire.delay(S / 25);
            let (mut client, mut server) = (Player::new(client), Player::new(server));
            match closes {
                Role::Client => client.close(4000),
                Role::Server => server.close(4000),
            }
            let (client_took, server_took) =
                tokio::join!(time_to_end(&mut client), time_to_end(&mut server));
            // A Close, its answer and the end of the stream; no timeout.
            let expected = match closes {
                Role::Client => 2 * S / 25,
                Role::Server => 3 * S / 25,
            };
            assert_eq!(client_took, expected, "{closes:?}");
            assert!(server_took < 5 * S, "{closes:?} {server_took:?}");
            let close = Close::new(4000.into());
            assert_eq!(client.session.remote_close(), Some(&close));
            assert_eq!(server.session.remote_close(), Some(&close));
            assert_eq!(client.session.is_closed_by_us(), closes == Role::Client);
            assert_eq!(server.session.is_closed_by_us(), closes == Role::Server);
        }
    });
}

#[test]
fn only_messages_postpone_the_idle_timeout() {
    testbed::run(async {
        let idle = Settings { idle_timeout: Some(60 * S), ping_interval: Some(10 * S), ..SETTINGS };
        let (mut player, mut peer, _wire) = session_with_raw_peer(bed_with(idle), Role::Client);
        player.idle(50 * S).await;
        player.say("a");
        player.idle(50 * S).await;
        peer.write_all(&frame(Role::Client, 0x81, b"b")).await.unwrap();
        assert_eq!(player.idle(50 * S).await, [OwnedEvent::text("b")]);
        // Neither a ping nor a pong is a message.
        peer.write_all(&frame(Role::Client, 0x89, b"")).await.unwrap();
        peer.write_all(&frame(Role::Client, 0x8a, b"")).await.unwrap();
        player.idle(9 * S).await;
        assert!(player.session.is_open());
        player.idle(S).await;
        assert!(!player.session.is_open());
        assert!(player.session.is_closed_by_us());
    });
}

#[test]
fn bytes_of_a_message_postpone_the_idle_timeout() {
    testbed::run(async {
        let idle = Settings { idle_timeout: Some(60 * S), ..SETTINGS };
        let (mut player, mut peer, _wire) = session_with_raw_peer(bed_with(idle), Role::Client);
        peer.write_all(&frame(Role::Client, 0x01, b"a")).await.unwrap();
        for _ in 0..10 {
            player.idle(50 * S).await;
            peer.write_all(&frame(Role::Client, 0x00, b"b")).await.unwrap();
        }
        assert!(player.session.is_open());
        peer.write_all(&frame(Role::Client, 0x80, b"c")).await.unwrap();
        assert_eq!(player.idle(S).await, [OwnedEvent::text("abbbbbbbbbbc")]);
    });
}

#[test]
fn a_message_that_has_stopped_does_not_postpone_the_idle_timeout() {
    testbed::run(async {
        let idle = Settings { idle_timeout: Some(60 * S), ..SETTINGS };
        let (mut player, mut peer, _wire) = session_with_raw_peer(bed_with(idle), Role::Client);
        peer.write_all(&frame(Role::Client, 0x01, b"begun")).await.unwrap();
        // Pings between its fragments are not part of the message.
        for _ in 0..5 {
            player.idle(10 * S).await;
            peer.write_all(&frame(Role::Client, 0x89, b"")).await.unwrap();
        }
        player.idle(9 * S).await;
        assert!(player.session.is_open());
        player.idle(S).await;
        assert!(!player.session.is_open());
    });
}

#[test]
fn a_long_message_of_ours_postpones_the_idle_timeout_while_it_is_written() {
    testbed::run(async {
        let idle = Settings { idle_timeout: Some(60 * S), ..SETTINGS };
        let bed = Bed { buffer: 1000, ..bed_with(idle) };
        let (mut player, mut peer, _wire) = session_with_raw_peer(bed, Role::Client);
        player.session.send(Kind::Binary, &[7; 10_000]).unwrap();
        for _ in 0..10 {
            player.idle(50 * S).await;
            assert!(player.session.is_open());
            peer.read_exact(&mut [0; 1000]).await.unwrap();
        }
        // The last bytes leave now.
        player.idle(59 * S).await;
        assert!(player.session.is_open());
        player.idle(S).await;
        assert!(!player.session.is_open());
    });
}

#[test]
fn the_idle_timeout_does_not_run_while_nothing_is_read() {
    testbed::run(async {
        let idle = Settings { idle_timeout: Some(60 * S), ..SETTINGS };
        let (mut player, _peer, _wire) = session_with_raw_peer(bed_with(idle), Role::Client);
        let blocked = async {
            loop {
                player.session.progress(false).await;
            }
        };
        let blocked: Result<(), _> = tokio::time::timeout(3600 * S, blocked).await;
        assert!(blocked.is_err());
        player.idle(59 * S).await;
        assert!(player.session.is_open());
        player.idle(S).await;
        assert!(!player.session.is_open());
    });
}

#[test]
fn statistics_of_time() {
    testbed::run(async {
        let (mut player, mut peer, _wire) = session_with_raw_peer(Bed::default(), Role::Client);
        player.idle(3 * S).await;
        peer.write_all(&frame(Role::Client, 0x89, b"")).await.unwrap();
        player.idle(4 * S).await;
        peer.write_all(&frame(Role::Client, 0x81, b"a")).await.unwrap();
        player.idle(2 * S).await;
        let stats = player.session.stats();
        assert_eq!((stats.duration, stats.silence), (9 * S, 4 * S));
        assert_eq!(stats.first_message, Some(7 * S));
        assert_eq!(clock::now() - player.session.last_heard(), 2 * S);

        // The second session includes the statistics of the first.
        let (second, mut peer, _wire) = Bed::default().client();
        let mut second = Player::new(second.with_earlier(&player.session));
        peer.write_all(&frame(Role::Client, 0x81, b"b")).await.unwrap();
        second.idle(5 * S).await;
        let stats = second.session.stats();
        assert_eq!((stats.duration, stats.silence), (14 * S, 5 * S));
        assert_eq!((stats.received.messages(), stats.received.pings), (2, 1));
        assert_eq!(stats.first_message, Some(7 * S));
    });
}
