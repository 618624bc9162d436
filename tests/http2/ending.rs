//! The end of a session over HTTP/2.

use super::{
    CANCEL, ClientFrame, ENHANCE_YOUR_CALM, Http2, NO_ERROR, PROTOCOL_ERROR, data, end_stream,
    frame, go_away, reset, test,
};
use crate::support::{Peer, Stdin, wire};

/// Checks the status and error after this peer has sent a message and run the script.
#[track_caller]
fn ends(code: i32, words: &str, script: impl FnOnce(&mut Peer) + Send + 'static) {
    test()
        .args(["--close-timeout", "600"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open_stream();
            peer.send(data(wire::text("one")));
            script(peer);
        })
        .stdout("one\n")
        .stderr(if words.is_empty() { String::new() } else { format!("sockeye: {words}\n") })
        .status(code)
        .run();
}

/// Does so for these frames, sent after the message and in the same segment.
#[track_caller]
fn ends_with(code: i32, words: &str, frames: Vec<u8>) {
    let glued = frames.clone();
    ends(code, words, move |peer| {
        peer.child.await_stdout("one\n");
        peer.send(frames);
        peer.half_close();
        peer.discard_all();
    });
    ends(code, words, move |peer| {
        peer.send(glued);
        peer.half_close();
        peer.discard_all();
    });
}

#[test]
fn a_close_determines_the_status_regardless_of_what_follows() {
    for after in [
        end_stream(),
        reset(NO_ERROR),
        reset(CANCEL),
        reset(PROTOCOL_ERROR),
        go_away(1, NO_ERROR, ""),
        [end_stream(), reset(NO_ERROR)].concat(),
        Vec::new(),
    ] {
        let frames = [data(wire::close(1000, "")), after.clone()].concat();
        ends_with(0, "", frames);
        let words = "{peer} closed the connection: 4001 (private use)";
        ends_with(111, words, [data(wire::close(4001, "")), after].concat());
    }
}

#[test]
fn the_stream_is_ended_after_the_closing_handshake() {
    // Some servers wait for END_STREAM.
    ends(0, "", |peer| {
        peer.child.await_stdout("one\n");
        peer.send(data(wire::close(1000, "")));
        peer.closed(1000);
        let ClientFrame { kind, flags, payload, .. } = peer.next();
        assert_eq!((kind, flags, payload.len()), (super::DATA, super::END_STREAM, 0));
        peer.send(end_stream());
        // A GOAWAY then announces the end of the connection.
        assert_eq!(peer.next().kind, super::GOAWAY);
        peer.discard_all();
    });
}

#[test]
fn an_end_of_the_stream_without_a_close_is_56() {
    ends_with(56, "{peer} closed the HTTP/2 stream without a Close frame (1006)", end_stream());
    let words = "{peer} closed the HTTP/2 stream without a Close frame, in the middle of a \
        message (1006)\n  received 1 byte of an incomplete message";
    ends_with(56, words, [data(&wire::text("two")[..3]), end_stream()].concat());
}

#[test]
fn a_reset_without_a_close_is_92() {
    for (code, name) in [(NO_ERROR, "NO_ERROR"), (CANCEL, "CANCEL"), (99, "0x63")] {
        let words = |inside: &str| {
            format!(
                "{{peer}} reset the HTTP/2 stream without a Close frame{inside} (1006): \
                 RST_STREAM {name}"
            )
        };
        ends_with(92, &words(""), reset(code));
        let cut = [data(&wire::text("two")[..3]), reset(code)].concat();
        let received = "\n  received 1 byte of an incomplete message";
        ends_with(92, &(words(", in the middle of a message") + received), cut);
    }
}

#[test]
fn an_end_of_the_connection_without_a_close_is_16() {
    ends_with(16, "{peer} closed the HTTP/2 connection without a Close frame (1006)", Vec::new());
    let words = "{peer} closed the HTTP/2 connection without a Close frame, in the middle of a \
        message (1006)\n  received 1 byte of an incomplete message";
    ends_with(16, words, data(&wire::text("two")[..3]));
    // The frame of HTTP/2 is cut before any byte of the WebSocket message.
    let words = "{peer} closed the HTTP/2 connection without a Close frame (1006)";
    ends_with(16, words, data(wire::text("two"))[..11].to_vec());
    let words = "{peer} ended the HTTP/2 connection without a Close frame (1006): GOAWAY \
                 ENHANCE_YOUR_CALM (calm)\n\n\
                 hint: try again later, or send less often: the server sets a limit";
    ends_with(16, words, go_away(1, ENHANCE_YOUR_CALM, "calm"));
    let words = "the HTTP/2 connection to {peer} failed: connection reset by peer (os error 104)";
    ends(16, words, |peer| {
        peer.child.await_stdout("one\n");
        peer.reset();
    });
}

#[test]
fn a_goaway_that_covers_the_stream_does_not_end_it() {
    ends(0, "", |peer| {
        peer.send(go_away(1, NO_ERROR, "draining"));
        peer.child.write("still\n");
        assert_eq!(peer.bytes(11)[0], 0x81);
        peer.send([data(wire::close(1000, "")), end_stream()].concat());
        peer.closed(1000);
        peer.discard_all();
    });
}

#[test]
fn trailers_end_the_stream_too() {
    let trailers = frame(
        super::HEADERS,
        super::END_HEADERS | super::END_STREAM,
        1,
        [&[0x00, 1, b'a', 1, b'b'][..]].concat(),
    );
    ends_with(0, "", [data(wire::close(1000, "")), trailers.clone()].concat());
    ends_with(56, "{peer} closed the HTTP/2 stream without a Close frame (1006)", trailers);
}

#[test]
fn our_own_close_is_answered_or_not() {
    for answer in
        [[data(wire::close(1000, "")), end_stream()].concat(), end_stream(), reset(CANCEL)]
    {
        test()
            .args(["-x", "hi", "-w", "0", "--close-timeout", "600"])
            .peer(move |peer| {
                peer.open_stream();
                assert_eq!(peer.bytes(16)[0], 0x81);
                peer.send(answer);
                peer.discard_all();
            })
            .run();
    }
    // The peer does not answer.
    test()
        .args(["-x", "hi", "-w", "0", "--close-timeout", "0.3"])
        .peer(|peer| {
            peer.open_stream();
            peer.discard_all();
        })
        .takes_at_least(300)
        .run();
}

#[test]
fn a_violation_is_answered_and_ends_the_stream() {
    test()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open_stream();
            peer.send(data(wire::frame(0x83, "")));
            peer.closed(1002);
            let ClientFrame { kind, flags, .. } = peer.next();
            assert_eq!((kind, flags), (super::DATA, super::END_STREAM));
            peer.send(end_stream());
            peer.discard_all();
        })
        .stderr(
            "sockeye: {peer} violated the protocol: reserved opcode 3 (RFC 6455, 5.2; closed with \
             1002)\n",
        )
        .status(110)
        .run();
}

/// The peer reads none of ten million queued bytes, and still its reason must be reported.
#[test]
fn the_peers_reason_is_reported_while_sending_is_stuck() {
    let calm = "{peer} ended the HTTP/2 connection without a Close frame (1006): GOAWAY \
         ENHANCE_YOUR_CALM (x)\n\n\
        hint: try again later, or send less often: the server sets a limit";
    for (code, words, frames) in [
        (16, calm, go_away(0, ENHANCE_YOUR_CALM, "x")),
        (16, "{peer} violated HTTP/2: closed with PROTOCOL_ERROR", super::window_update(0, 0)),
        (
            92,
            "{peer} reset the HTTP/2 stream without a Close frame (1006): RST_STREAM CANCEL",
            reset(CANCEL),
        ),
        (
            56,
            "{peer} closed the HTTP/2 stream without a Close frame (1006)",
            [end_stream(), reset(NO_ERROR)].concat(),
        ),
    ] {
        for open in [false, true] {
            let frames = frames.clone();
            test()
                .stdin(format!("{}\n", "x".repeat(10_000)).repeat(1000))
                .args(["--no-compress", "--close-timeout", "0.5"])
                .peer(move |peer| {
                    peer.open_stream();
                    if open {
                        let wide = i32::MAX as u32 - 65_535;
                        peer.send(
                            [super::window_update(0, wide), super::window_update(1, wide)].concat(),
                        );
                        peer.await_backlog();
                    }
                    peer.send(&frames);
                    peer.freeze();
                })
                .stderr(format!("sockeye: {words}\n"))
                .status(code)
                .run();
        }
    }
}

#[test]
fn a_goaway_is_reported_however_the_connection_ends() {
    let authority = crate::support::Authority::new();
    let mut config = rustls::ServerConfig::clone(&authority.issue().server());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let words = "ended the HTTP/2 connection without a Close frame (1006): GOAWAY \
        ENHANCE_YOUR_CALM (x)\n\n\
        hint: try again later, or send less often: the server sets a limit";
    test()
        .args(["--ca"])
        .args([authority.file()])
        .tls_peer(std::sync::Arc::new(config), |peer| {
            peer.open_stream();
            peer.send(go_away(1, ENHANCE_YOUR_CALM, "x"));
            // The end comes without a close_notify.
            peer.half_close();
            peer.discard_all();
        })
        .stderr(format!("sockeye: localhost:{{port}} {words}\n"))
        .status(16)
        .run();
    test()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open_stream();
            peer.send([data(wire::text("one")), go_away(1, ENHANCE_YOUR_CALM, "x")].concat());
            peer.child.await_stdout("one\n");
            peer.reset();
        })
        .stdout("one\n")
        .stderr(format!("sockeye: {{peer}} {words}\n"))
        .status(16)
        .run();
}
