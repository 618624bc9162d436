//! The opening handshake over HTTP/2, and its failures.

use super::{
    CANCEL, ENABLE_CONNECT_PROTOCOL, END_STREAM, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED, Http2,
    INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, data,
    end_stream, frame, go_away, headers, reset, settings, test,
};
use crate::support::{Authority, Peer, Test, wire};
use rustls::ServerConfig;
use std::sync::Arc;

/// Checks the status and error of a run against this peer.
#[track_caller]
fn fails(code: i32, words: &str, script: impl FnOnce(&mut Peer) + Send + 'static) {
    test().peer(script).stderr(format!("sockeye: {words}\n")).status(code).run();
}

const NO_RFC_8441: &str = "{peer} does not support WebSocket over HTTP/2: its SETTINGS lack \
    ENABLE_CONNECT_PROTOCOL (RFC 8441, 3)\n\nhint: try without --http2, or let --http auto select the version";

#[test]
fn a_server_without_rfc_8441_is_reported_at_once_or_after_a_ping() {
    fails(16, NO_RFC_8441, |peer| {
        peer.begin(settings(&[(INITIAL_WINDOW_SIZE, 1000)]));
        peer.pong();
        peer.discard_all();
    });
    // Some servers do not answer a PING.
    test()
        .peer(|peer| {
            peer.begin(settings(&[(ENABLE_CONNECT_PROTOCOL, 0)]));
            peer.discard_all();
        })
        .stderr(format!("sockeye: {NO_RFC_8441}\n"))
        .takes_at_least(900)
        .status(16)
        .run();
}

#[test]
fn the_setting_may_follow_in_a_second_frame() {
    test()
        .peer(|peer| {
            peer.begin([settings(&[]), settings(&[(ENABLE_CONNECT_PROTOCOL, 1)])].concat());
            peer.pong();
            assert_eq!(peer.next().kind, super::HEADERS);
            peer.send([headers("200", 0), data(wire::close(1000, "")), end_stream()].concat());
            peer.closed(1000);
            peer.discard_all();
        })
        .run();
}

#[test]
fn silence_is_reported_with_the_missing_step() {
    let raise = "raise the limit with --connect-timeout SECONDS\n";
    let path = "check the path and the subprotocol (-s NAME): some servers never answer an upgrade that \
        they do not serve; \
        otherwise ";
    for (begins, what, path) in
        [(false, "HTTP/2 SETTINGS", ""), (true, "the WebSocket handshake", path)]
    {
        test()
            .args(["--connect-timeout", "0.4"])
            .peer(move |peer| {
                if begins {
                    peer.read_request();
                }
                peer.discard_all();
            })
            .stderr(format!(
                "sockeye: {{peer}}: {what} timed out after 0.4 seconds\n\nhint: {path}{raise}"
            ))
            .takes_at_least(400)
            .status(28)
            .run();
    }
}

#[test]
fn a_response_that_is_not_http_2_is_quoted() {
    let hint = "\n\nhint: try without --http2";
    fails(
        16,
        &format!("{{peer}} does not speak HTTP/2: it answered 'HTTP/1.1 400 Bad'{hint}"),
        |p| {
            p.send("HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n");
            p.discard_all();
        },
    );
    fails(16, &format!("{{peer}} does not speak HTTP/2: it answered 'SSH-2.0-\\x1b'{hint}"), |p| {
        p.send("SSH-2.0-\x1b\r\n");
        p.discard_all();
    });
    fails(
        16,
        &format!("{{peer}} closed the connection before sending HTTP/2 SETTINGS{hint}"),
        |p| {
            let mut preface = [0; 24];
            p.read_exactly(&mut preface);
            p.half_close();
            p.discard_all();
        },
    );
    let words = "{peer} does not speak HTTP/2: the response is a TLS alert\n\nhint: the port \
                 speaks TLS: use wss://";
    fails(16, words, |p| {
        p.send(b"\x15\x03\x01\x00\x02\x02\x46");
        p.half_close();
        p.discard_all();
    });
}

#[test]
fn a_status_other_than_2xx_exits_22_and_shows_the_body() {
    let words = "ws://{peer}/ answered 404 (Not Found) instead of upgrading to WebSocket\n  \
                 no such room\n\nhint: check the path: WebSocket endpoints often have one such as /ws";
    fails(22, words, |peer| {
        peer.read_request();
        peer.send([headers("404", 0), data("no such room\n"), end_stream()].concat());
        peer.discard_all();
    });
    fails(
        22,
        "ws://{peer}/ answered 500 (Internal Server Error) instead of upgrading to WebSocket\n\n\
         hint: this is a server error: check the server's log",
        |p| {
            p.read_request();
            p.send(headers("500", END_STREAM));
            p.discard_all();
        },
    );
    // The client waits one second for a body that never arrives, and shows a body up to its reset.
    test()
        .peer(|peer| {
            peer.read_request();
            peer.send([headers("503", 0), data("busy"), reset(NO_ERROR)].concat());
            peer.discard_all();
        })
        .stderr_has(["answered 503 (Service Unavailable) instead", "\n  busy\n"])
        .takes_less_than(900)
        .status(22)
        .run();
}

#[test]
fn any_2xx_opens() {
    for status in ["200", "204", "299"] {
        test()
            .args(["-x", "hi"])
            .peer(move |peer| {
                peer.read_request();
                peer.send(headers(status, 0));
                assert_eq!(peer.bytes(8)[0], 0x81);
                peer.send([data(wire::close(1000, "")), end_stream()].concat());
                peer.closed(1000);
                peer.discard_all();
            })
            .run();
    }
}

#[test]
fn a_refusal_of_the_stream_is_92() {
    let words = |code: &str| {
        format!(
            "{{peer}} reset the HTTP/2 stream instead of responding to the handshake: RST_STREAM \
             {code}"
        )
    };
    for (code, name, hint) in [
        (
            PROTOCOL_ERROR,
            "PROTOCOL_ERROR",
            "\n\nhint: try without --http2: the server may not support WebSocket over HTTP/2",
        ),
        (CANCEL, "CANCEL", ""),
        (
            REFUSED_STREAM,
            "REFUSED_STREAM",
            "\n\nhint: try again later: the server accepts no more streams now",
        ),
        (HTTP_1_1_REQUIRED, "HTTP_1_1_REQUIRED", "\n\nhint: try without --http2"),
        (0xabc, "0xabc", ""),
    ] {
        fails(92, &format!("{}{hint}", words(name)), move |peer| {
            peer.read_request();
            peer.send(reset(code));
            peer.discard_all();
        });
    }
}

#[test]
fn an_end_of_the_connection_before_the_answer_is_16() {
    let when = "instead of responding to the handshake";
    let words = format!("{{peer}} ended the HTTP/2 connection {when}: GOAWAY NO_ERROR");
    fails(16, &words, |peer| {
        peer.read_request();
        peer.send(go_away(0, NO_ERROR, ""));
        peer.discard_all();
    });
    let words = format!(
        "{{peer}} ended the HTTP/2 connection {when}: GOAWAY ENHANCE_YOUR_CALM (too \\x1b many)\n\n\
         hint: try again later, or send less often: the server sets a limit"
    );
    fails(16, &words.replace("\\x1b", "[..]"), |peer| {
        peer.read_request();
        peer.send(go_away(0, ENHANCE_YOUR_CALM, "too \x1b many"));
        peer.half_close();
        peer.discard_all();
    });
    // The GOAWAY arrives before the server's SETTINGS.
    let words = format!(
        "{{peer}} ended the HTTP/2 connection {when}: GOAWAY PROTOCOL_ERROR\n\n\
         hint: try without --http2: the server may not support WebSocket over HTTP/2"
    );
    fails(16, &words, |peer| {
        peer.begin(go_away(0, PROTOCOL_ERROR, ""));
        peer.half_close();
        peer.discard_all();
    });
    let words = format!("{{peer}} closed the HTTP/2 connection {when}");
    fails(16, &words, |peer| {
        peer.read_request();
        peer.half_close();
        peer.discard_all();
    });
    let words = "the HTTP/2 connection to {peer} failed: connection reset by peer (os error 104)";
    fails(16, words, |peer| {
        peer.read_request();
        peer.reset();
    });
}

#[test]
fn a_violation_of_http_2_is_answered_and_reported() {
    // A WINDOW_UPDATE of zero (RFC 9113, 6.9).
    fails(16, "{peer} violated HTTP/2: closed with PROTOCOL_ERROR", |peer| {
        peer.read_request();
        peer.send(super::window_update(0, 0));
        peer.discard_all();
    });
    // A header field that HTTP/2 forbids (RFC 9113, 8.2.2).
    fails(92, "{peer} violated HTTP/2: closed with PROTOCOL_ERROR", |peer| {
        peer.read_request();
        let field = [&[0x88, 0x00, 10][..], b"connection", &[5], b"close"].concat();
        peer.send(frame(super::HEADERS, super::END_HEADERS, 1, field));
        peer.discard_all();
    });
    // An endless header block.
    test()
        .peer(|peer| {
            peer.read_request();
            let field = [&[0x00, 1, b'a', 0x7f, 0x80 | 0x61, 0x7e][..], &[b'v'; 16_224]].concat();
            peer.send(frame(super::HEADERS, 0, 1, &field[..16_000]));
            peer.flood(&frame(9, 0, 1, vec![b'v'; 16_000]).repeat(100));
            peer.discard_all();
        })
        .stderr_has(["sockeye: {peer} exceeded a limit of HTTP/2: closed with "])
        .status(16)
        .run();
}

#[test]
fn the_agreement_is_checked_as_over_http_1() {
    // The field `sec-websocket-protocol: x`, as a literal with a literal name.
    let name = "sec-websocket-protocol";
    let field = [&[0x88, 0x00, name.len() as u8], name.as_bytes(), &[1, b'x']].concat();
    let answer = move || frame(super::HEADERS, super::END_HEADERS, 1, &field);
    let first = answer();
    test()
        .args(["-s", "x", "-v"])
        .peer(move |peer| {
            peer.read_request();
            peer.send([first, data(wire::close(1000, "")), end_stream()].concat());
            peer.closed(1000);
            peer.discard_all();
        })
        .stderr_has([
            "* HTTP/2, SETTINGS: ENABLE_CONNECT_PROTOCOL=1\n",
            "> :method: CONNECT\n> :protocol: websocket\n> :scheme: http\n> :authority: {peer}\n\
             > :path: /\n> user-agent: sockeye/",
            "> sec-websocket-version: 13\n> sec-websocket-protocol: x\n",
            "< :status: 200\n< sec-websocket-protocol: x\n<\n",
        ])
        .run();
    fails(
        8,
        "handshake with {peer} failed: the server selected the subprotocol 'x', which was not \
         requested\n\n\
         hint: request it with -s x",
        move |p| {
            p.read_request();
            p.send(answer());
            p.discard_all();
        },
    );
}

#[test]
fn the_request_has_the_users_headers_that_http_2_allows() {
    test()
        .args(["-v", "--host", "other.example", "-H", "X-Big: A", "-H", "Connection: x", "-H"])
        .args(["User-Agent:", "-o", "http://o"])
        .peer(|peer| {
            peer.open_stream();
            peer.send([data(wire::close(1000, "")), end_stream()].concat());
            peer.closed(1000);
            peer.discard_all();
        })
        .stderr_has([
            "> :authority: other.example\n> :path: /\n> origin: http://o\n\
             > sec-websocket-version: 13\n",
            "\n> x-big: A\n>\n",
        ])
        .run();
}

/// Returns a server that selects one of these protocols by ALPN.
fn server(authority: &Authority, protocols: &[&[u8]]) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(&authority.issue().server());
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

/// Returns a run over TLS with this `--http`, against such a server.
fn over_tls(
    http: &str,
    protocols: &[&[u8]],
    script: impl FnOnce(&mut Peer) + Send + 'static,
) -> Test {
    let authority = Authority::new();
    let test = Test::new().args(["--http", http, "--ca"]).args([authority.file()]);
    // The certificate file must outlive the run.
    let dir = authority.keep();
    test.tls_peer(server(&authority, protocols), move |peer| {
        let _dir = dir;
        script(peer);
    })
}

#[test]
fn alpn_must_select_http_2() {
    let words = |what: &str| {
        format!(
            "sockeye: localhost:{{port}} does not support HTTP/2: {what}\n\nhint: try without \
             --http2\n"
        )
    };
    over_tls("2", &[], Peer::discard_all)
        .stderr(words("it selected no protocol by ALPN"))
        .status(16)
        .run();
    over_tls("2", &[b"http/1.1"], Peer::discard_all)
        .stderr(words("it rejected h2 by ALPN"))
        .status(16)
        .run();
    over_tls("2", &[b"h2"], |peer| {
        peer.open_stream();
        peer.send([data(wire::close(1000, "")), end_stream()].concat());
        peer.closed(1000);
        peer.discard_all();
    })
    .run();
}

#[test]
fn auto_uses_the_version_of_the_server() {
    let closes_over_1 = |peer: &mut Peer| {
        peer.open();
        peer.close(1000);
    };
    for protocols in [&[][..], &[&b"http/1.1"[..]]] {
        over_tls("auto", protocols, closes_over_1).run();
    }
    over_tls("auto", &[b"h2", b"http/1.1"], |peer| {
        peer.open_stream();
        peer.send([data(wire::close(1000, "")), end_stream()].concat());
        peer.closed(1000);
        peer.discard_all();
    })
    .run();
    // ALPN needs TLS.
    Test::new().args(["--http", "auto"]).peer(closes_over_1).run();
    // The last option wins.
    Test::new().args(["--http2", "--http1.1"]).peer(closes_over_1).run();
    Test::new().args(["--http2", "--http", "1.1"]).peer(closes_over_1).run();
    test()
        .args(["--http", "1.1", "--http2"])
        .peer(|peer| {
            peer.open_stream();
            peer.send([data(wire::close(1000, "")), end_stream()].concat());
            peer.closed(1000);
            peer.discard_all();
        })
        .run();
}

#[test]
fn the_default_offers_http_1_alone() {
    let authority = Authority::new();
    Test::new()
        .args(["-v", "--ca"])
        .args([authority.file()])
        .tls_peer(server(&authority, &[b"h2", b"http/1.1"]), |peer| {
            peer.open();
            peer.close(1000);
        })
        .stderr_has([", ALPN http/1.1\n> GET / HTTP/1.1\n"])
        .run();
}

#[test]
fn a_request_that_cannot_be_written_is_an_error_within_the_time_limit() {
    // More than is sent at once.
    let large: Vec<String> = (0..20).map(|n| format!("X-{n}: {}", "x".repeat(60_000))).collect();
    let large = || large.iter().flat_map(|header| ["-H", header.as_str()]);
    let limited = || test().args(["--connect-timeout", "0.5"]);
    // No stream is allowed.
    limited()
        .peer(|peer| {
            let allowed = [(ENABLE_CONNECT_PROTOCOL, 1), (MAX_CONCURRENT_STREAMS, 0)];
            peer.begin(settings(&allowed));
            peer.discard_all();
        })
        .stderr(
            "sockeye: {peer}: waiting for an HTTP/2 stream (MAX_CONCURRENT_STREAMS) timed out \
             after 0.5 seconds\n\nhint: raise the limit with --connect-timeout SECONDS\n",
        )
        .status(28)
        .run();
    // Nothing is read after the client's first frames.
    limited()
        .args(large())
        .peer(|peer| {
            peer.begin(settings(&[(ENABLE_CONNECT_PROTOCOL, 1)]));
            peer.freeze();
        })
        .stderr_has(["timed out after 0.5 seconds"])
        .status(28)
        .run();
    test()
        .args(large())
        .peer(|peer| {
            peer.begin(settings(&[(ENABLE_CONNECT_PROTOCOL, 1)]));
            peer.reset();
        })
        .stderr_has(["the HTTP/2 connection to {peer} failed: "])
        .status(16)
        .run();
    test()
        .peer(|peer| {
            peer.begin(
                [settings(&[(ENABLE_CONNECT_PROTOCOL, 1)]), go_away(0, NO_ERROR, "")].concat(),
            );
            peer.discard_all();
        })
        .stderr(
            "sockeye: {peer} ended the HTTP/2 connection instead of responding to the \
             handshake: GOAWAY NO_ERROR\n",
        )
        .status(16)
        .run();
}
