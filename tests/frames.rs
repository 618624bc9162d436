//! Frames on stderr: --frames, -vv and --trace, and the secrets they hide.

use crate::support::{
    Signal, Stdin, Test,
    server::Server,
    wire::{binary, close, frame, ping, text},
};
use hex_literal::hex;

#[test]
fn every_frame_is_a_line_both_ways() {
    Test::new()
        .args(["--frames", "-x", "hi", "-w", "-1", "--no-compress"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("hi");
            peer.send([frame(0x01, "a\u{1b}"), ping("p"), frame(0x80, "b")].concat());
            peer.expect_pong("p");
            peer.send(binary(b"\0\xff"));
            peer.close_with(1000, "bye");
        })
        .stdout(b"a\x1bb\n\0\xff\n".to_vec())
        .stderr(
            "> +[..] text         fin,mask           2+6  \"hi\"\n\
             < +[..] text         -                  2+2  #1 \"a\\x1b\"\n\
             < +[..] ping         fin                1+2  \"p\"\n\
             < +[..] continuation fin                1+2  #2 \"b\"\n\
             > +[..] pong         fin,mask           1+6  \"p\"\n\
             < +[..] binary       fin                2+2  00ff\n\
             < +[..] close        fin                5+2  1000 (normal closure) \"bye\"\n\
             > +[..] close        fin,mask           5+6  1000 (normal closure) \"bye\"\n",
        )
        .run();
}

#[test]
fn a_frame_in_the_same_segment_as_the_response_is_shown_first() {
    Test::new()
        .args(["--frames"])
        .peer(|peer| {
            peer.open_and_send(&[text("glued"), close(1000, "")].concat());
            peer.expect_close(1000);
        })
        .stdout("glued\n")
        .stderr(
            "< +[..] text         fin                5+2  \"glued\"\n\
             < +[..] close        fin                2+2  1000 (normal closure)\n\
             > +[..] close        fin,mask           2+6  1000 (normal closure)\n",
        )
        .run();
}

#[test]
fn compressed_frames_are_shown_as_on_the_wire() {
    let long = "x".repeat(2000);
    Test::new()
        .args(["--frames", "-x", &long, "--count", "1", "demo"])
        .stdout(format!("{long}\n"))
        .stderr(
            "> +[..] text         fin,rsv1,mask     [..]+6  compressed aa18[..]\n\
             < +[..] text         fin,rsv1          [..]+2  compressed aa18[..]\n\
             > +[..] close        fin,mask           2+6  1000 (normal closure)\n\
             < +[..] close        fin                2+2  1000 (normal closure)\n",
        )
        .run();
}

/// The peer breaks a rule after one message and before another, which is never read.
#[track_caller]
fn broken(fault: &[u8], code: u16, line: &str, words: &str) {
    let bytes = [text("before"), fault.to_vec(), text("after")].concat();
    let hint = if code == 1009 { "\nhint: raise the limit with [..]\n" } else { "" };
    Test::new()
        .args(["--frames", "--max-message", "100"])
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.expect_close(code);
        })
        .stdout("before\n")
        .stderr(format!(
            "< +[..] text         fin                6+2  \"before\"\n\
             < +[..] {line}\n\
             ! {words}\n\
             > +[..] close        fin,mask           2+6  {code} ([..])\n\
             sockeye: {{peer}} [..]\n{hint}"
        ))
        .status(if code == 1009 { 100 } else { 110 })
        .run();
}

#[test]
fn a_frame_that_breaks_a_rule_is_shown_and_the_rule_named() {
    let cases: &[(&[u8], u16, &str, &str)] = &[
        (
            &hex!("83 01 78"),
            1002,
            "opcode 3     fin                1+2  78",
            "reserved opcode 3 (RFC 6455, 5.2)",
        ),
        (
            &hex!("a1 01 78"),
            1002,
            "text         fin,rsv2           1+2  \"x\"",
            "reserved bit rsv2 set without an extension (RFC 6455, 5.2)",
        ),
        (
            &hex!("81 81 00000000 78"),
            1002,
            "text         fin,mask           1+6  \"x\"",
            "masked frame from a server (RFC 6455, 5.1)",
        ),
        (
            &hex!("81 7e 0001 78"),
            1002,
            "text         fin                1+4  \"x\"",
            "payload length 1 not minimally encoded (RFC 6455, 5.2)",
        ),
        (
            &hex!("80 00"),
            1002,
            "continuation fin                0+2",
            "continuation frame while no message is open (RFC 6455, 5.4)",
        ),
        (
            &hex!("88 01 03"),
            1002,
            "close        fin                1+2  03",
            "Close with a payload of one byte (RFC 6455, 5.5.1)",
        ),
        (
            &hex!("81 01 ff"),
            1007,
            "text         fin                1+2  \"\\xff\"",
            "text message that is not UTF-8 (RFC 6455, 8.1)",
        ),
        (
            &hex!("82 7f 8000000000000000"),
            1002,
            "binary       fin           9223372036854775808+10 truncated: 7 bytes received \
             81056166746572",
            "payload length with the most significant bit set (RFC 6455, 5.2)",
        ),
        (
            &frame(0x82, [7; 101]),
            1009,
            "binary       fin              101+2  07070707[..]...",
            "message over 100 bytes (RFC 6455, 7.4.1)",
        ),
    ];
    for (fault, code, line, words) in cases {
        broken(fault, *code, line, words);
    }
}

/// Only the last fragment, which has no payload, makes the character invalid.
#[test]
fn the_offending_frame_among_many_is_located() {
    let bytes = [frame(0x01, b"\xc3"), frame(0x00, ""), frame(0x80, ""), text("after")].concat();
    Test::new()
        .args(["--frames"])
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.expect_close(1007);
        })
        .stderr(
            "< +[..] text         -                  1+2  #1 \"\\xc3\"\n\
             < +[..] continuation -                  0+2  #2\n\
             < +[..] continuation fin                0+2  #3\n\
             ! text message that is not UTF-8 (RFC 6455, 8.1)\n\
             > +[..] close        fin,mask           2+6  1007 ([..])\n\
             sockeye: {peer} violated the protocol: [..]\n",
        )
        .status(110)
        .run();
}

#[test]
fn a_truncated_frame_is_shown_as_far_as_it_arrived() {
    for (bytes, line, received) in [
        (
            &hex!("81 05 6869")[..],
            "text         fin                5+2  truncated: 2 bytes received \"hi\"",
            "  received 2 bytes of an incomplete message\n",
        ),
        (
            &hex!("81 7e 01")[..],
            "text         fin                ?+3  truncated: 3 bytes of its header received",
            "",
        ),
    ] {
        Test::new()
            .args(["--frames"])
            .peer(move |peer| {
                peer.open();
                peer.send(bytes);
            })
            .stderr(format!(
                "< +[..] {line}\nsockeye: {{peer}} closed the connection without a Close \
                 frame[..] (1006)\n{received}"
            ))
            .status(56)
            .run();
    }
}

#[test]
fn twice_verbose_has_times_frames_and_their_headers() {
    Test::new()
        .args(["-vv", "-x", "hi", "--count", "1", "--no-compress"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("hi");
            peer.send(text("ho"));
            peer.answer_close(1000);
        })
        .stdout("ho\n")
        .stderr(
            "0.[..] * connected to {peer}\n\
             0.[..] > GET / HTTP/1.1\n0.[..] > Host: {peer}\n0.[..] > User-Agent: sockeye/[..]\n\
             0.[..] > Sec-WebSocket-Version: 13\n0.[..] > Upgrade: websocket\n\
             0.[..] > Connection: Upgrade\n0.[..] > Sec-WebSocket-Key: [..]\n0.[..] >\n\
             0.[..] < HTTP/1.1 101 Switching Protocols\n0.[..] < Upgrade: websocket\n\
             0.[..] < Connection: Upgrade\n0.[..] < Sec-WebSocket-Accept: [..]\n0.[..] <\n\
             0.[..] * open after [..]\n\
             0.[..] > +[..] text         fin,mask           2+6  0x8182[..] \"hi\"\n\
             0.[..] < +[..] text         fin                2+2  0x8102 \"ho\"\n\
             0.[..] > +[..] close        fin,mask           2+6  0x8882[..] 1000 (normal closure)\n\
             0.[..] < +[..] close        fin                2+2  0x8802 1000 (normal closure)\n\
             0.[..] * closed: 1000 (normal closure)\n\
             0.[..] * received 1 message, 2 bytes\n0.[..] * sent 1 message, 2 bytes\n\
             0.[..] * first message after [..] ms, total [..] ms\n",
        )
        .run();
}

/// A run with a secret in every place, and everything shown.
fn trace(args: &[&str]) -> Test {
    Test::new()
        .args([
            "--trace",
            "-H",
            "Cookie: id=topsecret",
            "ws://us:topsecret@127.0.0.1:{port}/?token=topsecret",
        ])
        .args(args.iter().copied())
        .peer(|peer| {
            let request = peer.open_with("Set-Cookie: id=topsecret\r\n");
            assert_eq!(request.line, "GET /?token=topsecret HTTP/1.1");
            peer.send(text("shown"));
            peer.close(1000);
        })
        .stdout("shown\n")
}

#[test]
fn a_trace_has_the_bytes_but_no_secrets() {
    trace(&[])
        .stderr_has([
            "> GET /?token=[redacted] HTTP/1.1\n",
            "> Cookie: [redacted]\n",
            " bytes\n00000000  47 45 54 20 2f 3f 74 6f  6b 65 6e 3d 5b 72 65 64  |GET /?token=[red|\n",
            "< Set-Cookie: [redacted]\n",
            " bytes\n00000000  48 54 54 50 2f 31 2e 31  20 31 30 31 20 53 77 69  |HTTP/1.1 101 Swi|\n",
            " bytes\n00000000  81 05 73 68 6f 77 6e ",
            " < +0.",
            " > 8 bytes\n00000000  88 82 ",
        ])
        .run();
    // The trace has all bytes and no secret in plain text.
    let script = "\"$@\" 2>&1 | tr -d '|\\n' | grep -c -e topsecret -e dG9wc2VjcmV0 -e 'topsecr' \
                  || echo none";
    trace(&[]).shell(script).stdout("0\nnone\n").run();
}

#[test]
fn secrets_are_shown_when_asked_for() {
    trace(&["--show-secrets"])
        .stderr_has([
            "> GET /?token=topsecret HTTP/1.1\n",
            "> Authorization: Basic dXM6dG9wc2VjcmV0\n",
            "> Cookie: id=topsecret\n",
            "< Set-Cookie: id=topsecret\n",
        ])
        .run();
}

#[test]
fn an_error_hides_the_secrets_of_its_url() {
    Test::new()
        .args(["--show-secrets", "ws://us:topsecret@127.0.0.1:{port}/a?token=topsecret"])
        .peer(|peer| {
            let place = "Location: wss://h/?api_key=topsecret\r\n";
            peer.answer(&format!("HTTP/1.1 302 Found\r\n{place}Content-Length: 0\r\n\r\n"));
        })
        .stderr(
            "sockeye: ws://{peer}/a?token=[redacted] answered 302 (Found) [..]\n\
             \x20 Location: wss://h/?api_key=[redacted]\n\n\
             hint: follow it with -L, or connect to wss://h/?api_key=[redacted]\n",
        )
        .status(22)
        .run();
}

#[test]
fn a_server_shows_the_frames_of_each_client() {
    let server = Server::start(["listen", "--frames", "127.0.0.1:0"]);
    let mut one = server.join(1);
    one.send("hi");
    server.child.await_stderr("client 1 < +");
    server.child.write("ho\n");
    one.expect_text("ho");
    server.child.await_stderr("client 1 > +");
    one.close();
    server.child.await_stderr("client 1 disconnected");
    server.child.signal(Signal::TERM);
    let end = server.ends_by(Signal::TERM);
    let frames = end.stderr.lines().filter(|line| line.contains(" text "));
    let frames: Vec<_> = frames.map(|line| line.split(" text ").nth(1).unwrap().trim()).collect();
    assert_eq!(frames, ["fin,mask           2+6  \"hi\"", "fin                2+2  \"ho\""]);
}

#[test]
fn an_echo_server_shows_frames_too() {
    let server = Server::start(["listen", "--frames", "--echo", "127.0.0.1:0"]);
    let url = server.url();
    Test::new().args(["--count", "1", "-x", "hi", &url]).stdin(Stdin::Null).stdout("hi\n").run();
    server.child.await_stderr(" > +");
    let end = server.terminate();
    assert!(end.stderr.contains("text         fin,mask           2+6  \"hi\""), "{}", end.stderr);
}

#[test]
fn quiet_conflicts_with_frames() {
    Test::new()
        .args(["-q", "--frames", "ws://127.0.0.1:1/"])
        .stderr_has(["cannot be used with", "--frames"])
        .status(2)
        .run();
}

#[test]
fn an_unread_stderr_does_not_delay_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    std::fs::write(&lines, "a line\n".repeat(100_000)).unwrap();
    let mut child = std::process::Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_sockeye"), "--frames", "-m", "0.5", "demo"])
        .stdin(std::fs::File::open(&lines).unwrap())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(28));
}
