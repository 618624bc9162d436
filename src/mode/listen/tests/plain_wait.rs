//! Clients whose messages are sent back without a turn of their loop.

use super::*;

fn echo(settings: Settings) -> (Bench, Bed) {
    let server = Bench::new(job(Service::Echo, SlowClients::Drop));
    (server, Bed { server: settings, ..Bed::default() })
}

/// The task of a client waits without asking its session again. It must be woken nevertheless.
#[test]
fn a_client_is_served_after_each_of_its_messages() {
    testbed::run(async {
        let (server, bed) = echo(Settings { ping_interval: Some(30 * S), ..SETTINGS });
        let (mut client, _wire) = server.join(bed);
        for message in ["one", "two"] {
            client.say(message);
            assert_eq!(client.idle(S).await, [text(message)]);
        }
        server.send("to all");
        assert_eq!(client.idle(S).await, [text("to all")]);
        client.say("three");
        assert_eq!(client.idle(S).await, [text("three")]);
        // The keepalive ping comes 30 s after the last message, and again 30 s after its pong.
        let pings = client.idle(62 * S).await;
        assert!(matches!(pings[..], [OwnedEvent::Ping(_), OwnedEvent::Ping(_)]), "{pings:?}");
        client.close(1000);
        assert_eq!(client.finish().await, [closed(CloseCode::NORMAL)]);
        sleep(S).await;
        assert_eq!(server.shared.hub.count(), 0);
    });
}

#[test]
fn a_message_that_is_sent_back_moves_the_idle_timeout() {
    testbed::run(async {
        let (server, bed) = echo(Settings { idle_timeout: Some(10 * S), ..SETTINGS });
        let (mut client, _wire) = server.join(bed);
        client.idle(8 * S).await;
        client.say("one");
        assert_eq!(client.idle(9 * S).await, [text("one")]);
        assert_eq!(client.idle(2 * S).await, [closed(CloseCode::NORMAL)]);
    });
}

#[test]
fn frames_beside_short_messages_keep_their_order() {
    testbed::run(async {
        let (server, bed) = echo(SETTINGS);
        let (mut client, _wire) = server.join(bed);
        client.say("one");
        client.session.ping(b"two").unwrap();
        let long = "x".repeat(200_000);
        client.say(&long);
        client.say("four");
        client.close(1000);
        let events = client.finish().await;
        let pong = OwnedEvent::Pong(b"two".to_vec());
        assert_eq!(
            events,
            [text("one"), pong, text(&long), text("four"), closed(CloseCode::NORMAL)]
        );
    });
}

#[test]
fn a_client_that_leaves_after_its_message_is_not_waited_for() {
    testbed::run(async {
        let (server, bed) = echo(SETTINGS);
        let (mut client, wire) = server.join(bed);
        client.say("one");
        assert_eq!(client.idle(S).await, [text("one")]);
        wire.cut();
        sleep(S).await;
        assert_eq!(server.shared.hub.count(), 0);
    });
}
