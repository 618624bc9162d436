//! permessage-deflate (RFC 7692) with zlib, Python websockets and node ws.

use super::{
    programs::{PeerServer, Zlib},
    support::{
        Test,
        wire::{close, frame},
    },
};

/// C zlib enforces the window: a distance too far back is an error.
#[test]
fn python_zlib_reads_and_writes_the_same_streams_at_each_window() {
    let words = |i: usize| format!("{{\"id\":{i},\"name\":\"fish {}\"}}", i * 7919 % 101);
    let messages: Vec<String> =
        (0..12).map(|i| (0..i * 40).map(|j| words(i + j)).collect()).collect();
    let stdin: String = messages.iter().map(|message| format!("{message}\n")).collect();
    for (bits, takeover) in (9..=15).flat_map(|bits| [(bits, true), (bits, false)]) {
        let (messages, level) = (messages.clone(), (bits % 9 + 1).to_string());
        let offer = format!("server_max_window_bits={bits}; client_max_window_bits={bits}");
        let more =
            if takeover { "" } else { "; server_no_context_takeover; client_no_context_takeover" };
        let answer = format!("Sec-WebSocket-Extensions: permessage-deflate; {offer}{more}\r\n");
        Test::new()
            .args([&format!("--compress={offer}"), "--compress-min", "0", "-w", "-1"])
            .args(["--compress-level", &level])
            .stdin(&stdin)
            .peer(move |peer| {
                peer.open_with(&answer);
                let mut zlib = Zlib::start();
                for (i, message) in messages.iter().enumerate() {
                    let got = peer.frame();
                    assert_eq!(got.first, 0xc1);
                    assert!(zlib.inflate(bits, &got.payload) == message.as_bytes(), "{bits} {i}");
                    let back = zlib.deflate(bits, (i % 9 + 1) as u8, message.as_bytes());
                    peer.send(frame(0xc1, back));
                    if !takeover {
                        zlib.reset();
                    }
                }
                peer.send(close(1000, ""));
                peer.expect_close(1000);
            })
            .stdout(stdin.clone())
            .run();
    }
}

#[test]
fn peers_by_others_agree_on_windows_and_context() {
    let lines: String = (0..60)
        .map(|i| format!("{}\n", format!("{{\"n\":{i},\"x\":\"{}\"}}", i % 7).repeat(i * 20)))
        .collect();
    for server in [PeerServer::websockets(&["--compress"]), PeerServer::ws(&["--compress"])] {
        for (bits, takeover) in
            [9, 10, 12, 15].into_iter().flat_map(|bits| [(bits, true), (bits, false)])
        {
            let more = if takeover {
                ""
            } else {
                "; server_no_context_takeover; client_no_context_takeover"
            };
            let offer =
                format!("server_max_window_bits={bits}; client_max_window_bits={bits}{more}");
            let context = if takeover { "context takeover" } else { "no context takeover" };
            Test::new()
                .args([&format!("--compress={offer}"), "--compress-min", "0", "-v"])
                .args(["--count", "60", &format!("ws://127.0.0.1:{}/", server.port)])
                .stdin(&lines)
                .stdout(lines.clone())
                .stderr_has([
                    &format!(
                        "* permessage-deflate: local {bits} window bits, {context}; \
                         remote {bits} window bits, {context}\n"
                    ),
                    "* received 60 messages, ",
                    "compressed to",
                    "* sent 60 messages, ",
                    "compressed to",
                ])
                .run();
        }
    }
}
