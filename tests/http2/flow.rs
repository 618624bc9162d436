//! Flow control: the client writes no more than was granted, and grants no more than was read.

use super::{
    ClientFrame, ENABLE_CONNECT_PROTOCOL, Http2, INITIAL_WINDOW_SIZE, data, end_stream, headers,
    settings, test, window_update,
};
use crate::support::{Peer, Test, wire};
use std::{sync::Arc, thread, time::Duration};

/// Opens a session in which the client may not send yet.
fn open_with_empty_window(peer: &mut Peer) {
    peer.begin(settings(&[(ENABLE_CONNECT_PROTOCOL, 1), (INITIAL_WINDOW_SIZE, 0)]));
    assert_eq!(peer.next().kind, super::HEADERS);
    peer.send(headers("200", 0));
}

#[test]
fn sending_waits_for_a_window_update() {
    test()
        .stdin("hello\n")
        .args(["--count", "1"])
        .peer(|peer| {
            open_with_empty_window(peer);
            // The client has read all of its input.
            peer.child.await_stdin_written();
            peer.send(window_update(1, 4));
            let mut bytes = peer.bytes(4);
            peer.send(window_update(1, 100));
            bytes.extend(peer.bytes(7));
            let text: Vec<u8> =
                bytes[6..].iter().zip(bytes[2..6].iter().cycle()).map(|(a, b)| a ^ b).collect();
            assert_eq!((bytes[0], &*text), (0x81, &b"hello"[..]));
            peer.send(data(wire::text("there")));
            peer.closed(1000);
            peer.send([data(wire::close(1000, "")), end_stream()].concat());
            peer.discard_all();
        })
        .stdout("there\n")
        .run();
}

#[test]
fn a_window_that_stays_empty_does_not_hang_the_run() {
    for args in [["--quiet-for", "0.3"], ["-w", "0"]] {
        test()
            .stdin("hello\n")
            .args(["--close-timeout", "0.5"])
            .args(args)
            .peer(|peer| {
                open_with_empty_window(peer);
                peer.discard_all();
            })
            .stderr_has(["{peer} does not read from the HTTP/2 stream: 1 message was not sent\n"])
            .status(55)
            .takes_at_least(500)
            .run();
    }
}

#[test]
fn a_slow_stdout_holds_the_server_back_and_pings_are_answered() {
    test()
        .args(["--close-timeout", "0.5"])
        .hold_stdout()
        .peer(|peer| {
            peer.open_stream();
            let message = wire::text("x".repeat(16_000));
            let message = data(message);
            let mut window = 256_i64 << 10;
            let mut sent = 0_i64;
            // Send as much as is granted. A client whose stdout is stuck grants no more.
            loop {
                while window >= 16_004 {
                    peer.send(&message);
                    window -= 16_004;
                    sent += 16_004;
                }
                assert!(sent < 16 << 20, "nobody reads, and {sent} bytes were taken");
                // The answer follows every window update that was sent before it.
                peer.send(super::frame(super::PING, 0, 0, sent.to_be_bytes()));
                let granted = drain(peer, sent);
                window += granted;
                if granted == 0 {
                    thread::sleep(Duration::from_millis(300));
                    peer.send(super::frame(super::PING, 0, 0, (-sent).to_be_bytes()));
                    window += drain(peer, -sent);
                    if window < 16_004 {
                        break;
                    }
                }
            }
            let peak = peer.child.peak_memory();
            assert!(peak < 40 << 20, "{peak} bytes");
            peer.child.close_stdout();
            peer.discard_all();
        })
        .run();
}

/// 64 MiB must pass through a reader that starts late.
#[test]
fn memory_stays_small_behind_a_slow_stdout() {
    const N: usize = 64 << 10;
    Test::new()
        .http2()
        .hold_stdout()
        .peer(|peer| {
            peer.open();
            let messages = wire::text("x".repeat(1023)).repeat(N);
            let taken = peer.flood(&messages);
            assert!(taken < messages.len() / 2, "nobody reads, and {taken} bytes were taken");
            let child = Arc::clone(&peer.child);
            let lines = format!("{}\n", "x".repeat(1023)).repeat(N);
            let reader = thread::spawn(move || child.read_stdout(&lines));
            peer.send(&messages[taken..]);
            reader.join().expect("all of it is written");
            let peak = peer.child.peak_memory();
            assert!(peak < 40 << 20, "{peak} bytes");
            peer.close(1000);
        })
        .run();
}

/// Returns the bytes granted on the stream until this ping is answered.
fn drain(peer: &mut Peer, ping: i64) -> i64 {
    let mut granted = 0;
    loop {
        let ClientFrame { kind, flags, stream, payload } = peer.any();
        match kind {
            super::PING if flags == super::ACK && payload == ping.to_be_bytes() => return granted,
            super::WINDOW_UPDATE if stream == 1 => {
                granted += i64::from(u32::from_be_bytes(payload.try_into().unwrap()));
            }
            _ => {}
        }
    }
}
