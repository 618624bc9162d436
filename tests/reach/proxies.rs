//! Proxies, played by the peer: their choice, their requests and their failures.

use crate::support::{Authority, Peer, Test};

const OK: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// Plays the proxy, then the server.
fn connects(peer: &mut Peer) -> crate::support::peer::Request {
    let request = peer.answer(OK);
    peer.open();
    peer.close(1000);
    request
}

#[test]
fn a_tunnel_is_asked_for() {
    Test::new()
        .args(["--proxy", "http://us%40er:p%3Ass@127.0.0.1:{port}", "-v", "ws://far.invalid/x"])
        .peer(|peer| {
            let request = connects(peer);
            assert_eq!(request.line, "CONNECT far.invalid:80 HTTP/1.1");
            assert_eq!(request.header("Host"), "far.invalid:80");
            assert_eq!(request.header("Proxy-Authorization"), "Basic dXNAZXI6cDpzcw==");
        })
        .stderr_has([
            "* connected to the proxy {peer}\n* the proxy connected to far.invalid:80\n",
            "> GET /x HTTP/1.1\n> Host: far.invalid\n",
        ])
        .run();
    // Bytes after the proxy's answer belong to the server.
    Test::new()
        .args(["--proxy", "127.0.0.1:{port}", "ws://[::1]:9/"])
        .peer(|peer| {
            let request = peer.answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 OK\r\nX: y\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
            assert_eq!(request.line, "CONNECT [::1]:9 HTTP/1.1");
            peer.request();
            peer.expect_end();
        })
        .stderr_has(["ws://[::1]:9/ answered 404 (Not Found)", "  gone\n"])
        .status(22)
        .run();
}

#[test]
fn tls_goes_through_and_the_proxy_may_have_its_own() {
    let authority = Authority::new();
    let server = authority.issue().server();
    let inner = server.clone();
    Test::new()
        .args(["--ca"])
        .args([authority.file()])
        .args(["--proxy", "http://127.0.0.1:{port}", "wss://localhost:444/"])
        .peer(move |peer| {
            assert_eq!(peer.answer(OK).line, "CONNECT localhost:444 HTTP/1.1");
            peer.secure(&inner);
            peer.open();
            peer.close(1000);
        })
        .run();
    Test::new()
        .args(["--ca"])
        .args([authority.file()])
        .args(["--proxy", "https://localhost:{port}", "ws://far.invalid/"])
        .tls_peer(server, |peer| {
            connects(peer);
        })
        .run();
    Test::new()
        .args(["--proxy", "https://localhost:{port}", "ws://far.invalid/"])
        .tls_peer(Authority::new().issue().server(), Peer::discard_all)
        .stderr_has([
            "sockeye: cannot verify the certificate of the proxy localhost:{port}: certificate \
             signed by",
        ])
        .status(97)
        .run();
}

#[test]
fn the_environment_names_proxies() {
    for name in ["ws_proxy", "http_proxy", "all_proxy", "ALL_PROXY"] {
        Test::new()
            // Only the command knows the port: it is the last argument.
            .shell(format!("{name}=http://127.0.0.1:${{!#}} \"${{@:1:$#-1}}\""))
            .args(["ws://far.invalid:81/", "{port}"])
            .peer(|peer| {
                assert_eq!(connects(peer).line, "CONNECT far.invalid:81 HTTP/1.1");
            })
            .run();
    }
}

#[test]
fn hosts_in_noproxy_are_reached_directly() {
    for (variable, value, args) in [
        ("no_proxy", "127.0.0.0/8", &[][..]),
        ("NO_PROXY", "*", &[][..]),
        ("no_proxy", "other", &["--noproxy", "127.0.0.1"]),
        ("no_proxy", "", &["--noproxy", "*", "--proxy", "http://127.0.0.1:1"]),
    ] {
        Test::new()
            .args(args.iter().copied())
            .env("all_proxy", "http://127.0.0.1:1")
            .env(variable, value)
            .peer(|peer| {
                peer.open();
                peer.close(1000);
            })
            .run();
    }
    Test::new()
        .env("no_proxy", "exa!mple,127.0.0.1")
        .env("all_proxy", "http://127.0.0.1:1")
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .stderr("sockeye: no_proxy: ignoring 'exa!mple': not a host, domain, address or network\n")
        .run();
}

#[test]
fn an_unreachable_proxy_is_reported() {
    Test::new()
        .args(["--proxy", "http://127.0.0.1:1", "ws://h"])
        .stderr("sockeye: cannot connect to the proxy 127.0.0.1:1: connection refused (os error 111)\n\n\
             hint: check the proxy's address, or bypass it with --noproxy '*'\n")
        .status(7)
        .run();
    Test::new()
        .args(["--proxy", "nosuch.invalid", "ws://h"])
        .stderr("sockeye: cannot resolve the proxy nosuch.invalid:1080: [..]\n\nhint: [..]\n")
        .status(5)
        .run();
    Test::new()
        .args(["ws://h"])
        .env("http_proxy", "gopher://p")
        .stderr(
            "sockeye: the environment variable http_proxy is not a valid proxy URL: unknown \
            scheme 'gopher'\n",
        )
        .status(5)
        .run();
    Test::new()
        .args(["--proxy", "gopher://p", "ws://h"])
        .stderr_has(["sockeye: --proxy: not a proxy URL: unknown scheme 'gopher'\n"])
        .status(2)
        .run();
}

#[test]
fn a_proxy_that_does_not_connect_exits_97_with_its_response() {
    let words = "sockeye: cannot connect to far.invalid:80 through the proxy {peer}: ";
    for (answer, expected) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\n\r\n",
            "it answered 407 (Proxy Authentication Required)\n  Proxy-Authenticate: Basic realm=\"p\"\n\n\
             hint: authenticate with --proxy http://USER:PASSWORD@HOST:PORT\n",
        ),
        (
            "HTTP/1.1 403 Filtered\r\nContent-Length: 12\r\n\r\nnot \x1b there\n",
            "it answered 403 (Filtered)\n  not \\x1b there\n\n\
             hint: the proxy may allow only some hosts and ports, often only port 443\n",
        ),
        (
            "SSH-2.0-x\r\n",
            "the response is SSH, not HTTP/1.1: 'SSH-2.0-x'\n\n\
             hint: check the type of the proxy: http://, https:// or socks5h://\n",
        ),
    ] {
        Test::new()
            .args(["--proxy", "127.0.0.1:{port}", "ws://far.invalid/"])
            .peer(move |peer| {
                peer.answer(answer);
                peer.half_close();
                peer.expect_end();
            })
            .stderr(format!("{words}{expected}"))
            .status(97)
            .run();
    }
    Test::new()
        .args(["--proxy", "127.0.0.1:{port}", "ws://far.invalid/"])
        .peer(|peer| {
            peer.request();
        })
        .stderr_has(["sockeye: the proxy {peer} closed the connection without a response\n"])
        .status(97)
        .run();
    Test::new()
        .args(["--proxy", "127.0.0.1:{port}", "--connect-timeout", "0.4", "ws://far.invalid/"])
        .peer(Peer::discard_all)
        .stderr_has(["sockeye: the proxy {peer}: its response timed out after 0.4 seconds\n"])
        .status(28)
        .run();
}

#[test]
fn socks_refusals_are_97() {
    // Version 5, no acceptable method.
    Test::new()
        .args(["--proxy", "socks5h://127.0.0.1:{port}", "ws://far.invalid/"])
        .peer(|peer| {
            peer.read_some();
            peer.send(b"\x05\xff");
            peer.discard_all();
        })
        .stderr_has([
            "sockeye: cannot connect to far.invalid:80 through the proxy {peer}: ",
            "\nhint: authenticate with --proxy",
        ])
        .status(97)
        .run();
    // Reply 4, host unreachable.
    Test::new()
        .args(["--proxy", "socks5h://127.0.0.1:{port}", "ws://far.invalid/"])
        .peer(|peer| {
            peer.read_some();
            peer.send(b"\x05\x00");
            peer.read_some();
            peer.send(b"\x05\x04\x00\x01\0\0\0\0\0\0");
            peer.discard_all();
        })
        .stderr_has([
            "sockeye: cannot connect to far.invalid:80 through the proxy {peer}: host unreachable",
        ])
        .status(97)
        .run();
    Test::new()
        .args(["--proxy", "socks4a://127.0.0.1:{port}", "ws://far.invalid/"])
        .peer(|peer| {
            let mut asked = [0; 21];
            peer.read_exactly(&mut asked);
            assert_eq!(&asked, b"\x04\x01\0\x50\0\0\0\x01\0far.invalid\0");
            peer.send(b"\0\x5a\0\0\0\0\0\0");
            peer.open();
            peer.close(1000);
        })
        .run();
}

#[test]
fn an_interim_answer_may_come_in_the_same_segment() {
    Test::new()
        .args(["--proxy", "127.0.0.1:{port}", "ws://far.invalid/"])
        .peer(|peer| {
            peer.answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
            peer.open();
            peer.close(1000);
        })
        .run();
}

#[test]
fn a_proxy_variable_that_is_not_utf8_does_not_lead_past_the_proxy() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};
    for (name, value) in [
        ("http_proxy", &b"http://us\xe9r:S3CRET@127.0.0.1:1"[..]),
        ("ALL_PROXY", b"\xff"),
        ("no_proxy", b"127.0.0.1,caf\xe9"),
        ("NO_PROXY", b"\xff"),
    ] {
        Test::new()
            .args(["ws://127.0.0.1:1/"])
            .env(name, OsString::from_vec(value.to_vec()))
            .stderr(format!("sockeye: the variable {name} is not valid UTF-8\n"))
            .status(5)
            .run();
    }
    // An option of the command line replaces the variable.
    Test::new()
        .args(["--noproxy", "127.0.0.1"])
        .env("no_proxy", OsString::from_vec(b"\xff".to_vec()))
        .env("http_proxy", OsString::from_vec(b"\xff".to_vec()))
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .run();
}
