//! The HTTP request: its options, and its display with -v.

use crate::support::{Test, peer::Request};

/// Checks the request that these arguments produce.
#[track_caller]
fn request(args: &[&str], look: impl FnOnce(&Request) + Send + 'static) {
    Test::new()
        .args(args.iter().copied())
        .peer(move |peer| {
            look(&peer.open());
            peer.close(1000);
        })
        .run();
}

#[test]
fn the_default_request_has_the_required_fields_and_a_user_agent() {
    request(&["ws://127.0.0.1:{port}"], |request| {
        assert_eq!(request.line, "GET / HTTP/1.1");
        assert!(request.header("Host").starts_with("127.0.0.1:"));
        assert_eq!(request.header("User-Agent"), concat!("sockeye/", env!("CARGO_PKG_VERSION")));
        assert_eq!(request.header("Upgrade"), "websocket");
        assert_eq!(request.header("Connection"), "Upgrade");
        assert_eq!(request.header("Sec-WebSocket-Version"), "13");
        assert_eq!(request.header("Sec-WebSocket-Key").len(), 24);
        assert!(request.all("Origin").is_empty());
        assert!(request.all("Sec-WebSocket-Protocol").is_empty());
    });
}

#[test]
fn two_requests_do_not_share_a_key() {
    let (sender, keys) = std::sync::mpsc::channel();
    for _ in 0..2 {
        let sender = sender.clone();
        request(&[], move |request| {
            sender.send(request.header("Sec-WebSocket-Key").to_owned()).unwrap();
        });
    }
    assert_ne!(keys.recv().unwrap(), keys.recv().unwrap());
}

#[test]
fn the_path_and_query_are_sent_as_they_stand() {
    for (url, line) in [
        ("ws://127.0.0.1:{port}/a/b?c=d&e=%20", "GET /a/b?c=d&e=%20 HTTP/1.1"),
        ("ws://127.0.0.1:{port}?x=1", "GET /?x=1 HTTP/1.1"),
        ("127.0.0.1:{port}/caf\u{e9}", "GET /caf%C3%A9 HTTP/1.1"),
        ("http://127.0.0.1:{port}/", "GET / HTTP/1.1"),
        ("ws://127.0.0.1:{port}/a//b'c|[d];e=f", "GET /a//b'c|[d];e=f HTTP/1.1"),
        ("ws://127.0.0.1:{port}/?f='a'&g[]={b}|/..", "GET /?f='a'&g[]={b}|/.. HTTP/1.1"),
        ("ws://127.0.0.1:{port}/a/../b/%2e/./c", "GET /b/c HTTP/1.1"),
    ] {
        request(&[url], move |request| assert_eq!(request.line, line));
    }
}

#[test]
fn dot_segments_are_sent_if_asked() {
    for url in ["ws://127.0.0.1:{port}/a/../b/%2E/./c/..?x", "127.0.0.1:{port}/a/../b/%2E/./c/..?x"]
    {
        request(&["--path-as-is", url], |request| {
            assert_eq!(request.line, "GET /a/../b/%2E/./c/..?x HTTP/1.1");
        });
    }
}

#[test]
fn one_line_end_after_a_secret_is_not_sent() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "t0ken\r\n").unwrap();
    let path = format!("file:{}", file.path().display());
    for bearer in
        ["t0ken\r\n", "t0ken\n", "t0ken\r", "env:TOKEN", "cmd:printf 't0ken\\r\\n'", &path]
    {
        Test::new()
            .args(["--bearer", bearer])
            .env("TOKEN", "t0ken\r\n")
            .peer(|peer| {
                assert_eq!(peer.open().header("Authorization"), "Bearer t0ken");
                peer.close(1000);
            })
            .run();
    }
    request(&["-u", "me:pass\r\n", "--cookie", "a=b\n"], |request| {
        assert_eq!(request.header("Authorization"), "Basic bWU6cGFzcw==");
        assert_eq!(request.header("Cookie"), "a=b");
    });
}

#[test]
fn host_is_the_url_s_with_its_port_unless_told_otherwise() {
    // Without a port it would be the scheme's default, on which only root can listen.
    request(&["ws://localhost:{port}/"], |request| {
        let host = request.header("Host");
        assert!(host.strip_prefix("localhost:").is_some_and(|port| port.parse::<u16>().is_ok()));
    });
    request(&["--host", "example.com"], |request| {
        assert_eq!(request.header("Host"), "example.com");
    });
}

#[test]
fn headers_keep_their_order_and_case() {
    request(
        &["-H", "x-ONE: 1", "-H", "Cookie:a=b", "--header", "x-one:  3  ", "-H", "X-Colon: a:b"],
        |request| {
            let tail = &request.headers[request.headers.len() - 4..];
            let expected = [("x-ONE", "1"), ("Cookie", "a=b"), ("x-one", "3"), ("X-Colon", "a:b")];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(tail, expected);
        },
    );
}

#[test]
fn a_default_header_can_be_replaced_removed_and_emptied() {
    request(
        &["-H", "user-agent:", "-H", "host: other", "-H", "Sec-WebSocket-Version;", "-H", "X-E;"],
        |request| {
            assert!(!request.names().iter().any(|name| name.eq_ignore_ascii_case("user-agent")));
            assert_eq!(request.header("host"), "other");
            assert!(request.all("Host").is_empty());
            assert_eq!(request.all("Sec-WebSocket-Version"), [""]);
            assert_eq!(request.all("X-E"), [""]);
        },
    );
}

#[test]
fn options_that_are_headers() {
    request(
        &["-o", "https://sea.example", "-A", "me/1", "--host", "h:1", "-p", "8", "-H", "X: y"],
        |request| {
            assert_eq!(request.header("Origin"), "https://sea.example");
            assert_eq!(request.header("User-Agent"), "me/1");
            assert_eq!(request.header("Host"), "h:1");
            assert_eq!(request.header("Sec-WebSocket-Version"), "8");
            assert_eq!(request.header("X"), "y");
        },
    );
}

#[test]
fn credentials_of_an_option_or_the_url() {
    let basic = "Basic dXM6cEBzczp4";
    request(&["--auth", "us:p@ss:x"], move |request| {
        assert_eq!(request.header("Authorization"), basic);
    });
    request(&["ws://us:p%40ss%3Ax@127.0.0.1:{port}/"], move |request| {
        assert_eq!(request.header("Authorization"), basic);
        assert!(request.header("Host").starts_with("127.0.0.1:"));
    });
    // The option overrides the URL, and a header overrides both.
    request(&["--user", "us:p@ss:x", "ws://a:b@127.0.0.1:{port}/"], move |request| {
        assert_eq!(request.header("Authorization"), basic);
    });
    request(&["-u", "a:b", "-H", "Authorization: Bearer t"], |request| {
        assert_eq!(request.header("Authorization"), "Bearer t");
    });
}

#[test]
fn subprotocols_are_offered_in_order() {
    Test::new()
        .args(["-s", "a", "-s", "b,c", "--subprotocol", "d"])
        .peer(|peer| {
            let request = peer.open_with("Sec-WebSocket-Protocol: b\r\n");
            let offered = request.header("Sec-WebSocket-Protocol").split(',').map(str::trim);
            assert_eq!(offered.collect::<Vec<_>>(), ["a", "b", "c", "d"]);
            peer.close(1000);
        })
        .run();
}

#[test]
fn no_subprotocol_chosen_is_accepted_with_one_warning() {
    for (args, warning) in [
        (
            &["-s", "a", "-s", "b"][..],
            "sockeye: the server selected no subprotocol (requested: a, b)\n",
        ),
        (&["-s", "a", "-q"], ""),
    ] {
        Test::new()
            .args(args.iter().copied())
            .peer(|peer| {
                peer.open();
                peer.close(1000);
            })
            .stderr(warning)
            .run();
    }
}

#[test]
fn verbose_shows_both_heads_on_stderr_and_leaves_stdout_alone() {
    Test::new()
        .args(["-v", "-H", "X-Sea: deep", "ws://127.0.0.1:{port}/path"])
        .peer(|peer| {
            peer.open_with("x-Answer: \u{9b}31mred\r\n");
            peer.send(crate::support::wire::text("message"));
            peer.close(1000);
        })
        .stdout("message\n")
        .stderr_has([
            "* connected to {peer}\n",
            "> GET /path HTTP/1.1\n",
            "> Host: {peer}\n",
            "> User-Agent: sockeye/",
            "> X-Sea: deep\n",
            ">\n",
            "< HTTP/1.1 101 Switching Protocols\n",
            "< Upgrade: websocket\n",
            "< Sec-WebSocket-Accept: ",
            "< x-Answer: \\u{9b}31mred\n",
            "<\n",
        ])
        .run();
}

#[test]
fn verbose_shows_no_secrets() {
    Test::new()
        .args(["-v", "-H", "cookie: id=secret", "-H", "Proxy-Authorization: secret"])
        .args(["ws://us:secret@127.0.0.1:{port}/"])
        .peer(|peer| {
            let request = peer.open_with("Set-Cookie: id=secret\r\n");
            assert_eq!(request.header("Authorization"), "Basic dXM6c2VjcmV0");
            assert_eq!(request.header("cookie"), "id=secret");
            assert_eq!(request.header("Proxy-Authorization"), "secret");
            peer.close(1000);
        })
        .stderr(
            "* connected to {peer}\n\
             > GET / HTTP/1.1\n> Host: {peer}\n> User-Agent: sockeye/[..]\n\
             > Sec-WebSocket-Version: 13\n> Sec-WebSocket-Extensions: [..]\n\
             > Authorization: [redacted]\n\
             > Upgrade: websocket\n> Connection: Upgrade\n> Sec-WebSocket-Key: [..]\n\
             > cookie: [redacted]\n> Proxy-Authorization: [redacted]\n>\n\
             < HTTP/1.1 101 Switching Protocols\n< Upgrade: websocket\n< Connection: Upgrade\n\
             < Sec-WebSocket-Accept: [..]\n< Set-Cookie: [redacted]\n<\n\
             * open after [..]\n\
             * no compression: offered but not accepted\n\
             * {peer} closed: 1000 (normal closure)\n\
             * received 0 messages, 0 bytes\n* sent 0 messages, 0 bytes\n",
        )
        .run();
}
