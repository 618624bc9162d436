//! Proxies that do not connect.

use crate::support::{Peer, Test, closed_port, says};

/// Checks the error for a proxy that gives this answer.
#[track_caller]
fn answers(answer: &'static str, message: &str) {
    let test =
        Test::new().args(["--proxy", "127.0.0.1:{port}", "ws://far.example/"]).peer(move |peer| {
            peer.answer(answer);
            peer.half_close();
            peer.discard_all();
        });
    says(test, 97, &format!("the proxy {{peer}} does not connect to far.example:80: {message}"));
}

#[test]
fn refusals() {
    answers(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\
         Content-Length: 0\r\n\r\n",
        "it answered 407 (Proxy Authentication Required)\n  \
         Proxy-Authenticate: Basic realm=\"p\"\n\n\
         hint: give user and password: --proxy http://USER:PASSWORD@HOST:PORT",
    );
    answers(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n\
         <html><h1>Access denied</h1><p>by <b>policy</b>",
        "it answered 403 (Forbidden)\n  Access denied\n  by policy\n\n\
         hint: it may allow this only for other hosts or ports, many only for port 443",
    );
    answers(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n\
         <html><title>Web filter</title><h1>Access denied</h1>",
        "it answered 403 (Forbidden)\n  Web filter\n  Access denied\n\n\
         hint: it may allow this only for other hosts or ports, many only for port 443",
    );
    answers(
        "HTTP/1.1 099 Odd\r\n\r\n",
        "the head of its answer is malformed: invalid response status\n\n\
         hint: see whether it is a proxy of this kind: http://, https://, socks5h://",
    );
    answers(
        "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n\r\n",
        "it answered 405 (Method Not Allowed)\n  Allow: GET, HEAD\n\n\
         hint: this may be a web server and no proxy: check its host and port",
    );
    answers(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "it answered 400 (Bad Request)\n\n\
         hint: this may be a web server and no proxy: check its host and port",
    );
    answers(
        "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n",
        "it answered 504 (Gateway Timeout)\n\n\
         hint: it is the proxy that does not reach the server: check host and port",
    );
    answers(
        "SSH-2.0-x\r\n",
        "its answer is SSH, not HTTP/1.1: 'SSH-2.0-x'\n\n\
         hint: see whether it is a proxy of this kind: http://, https://, socks5h://",
    );
}

#[test]
fn unreachable_proxies() {
    let (_reserved, port) = closed_port();
    let proxy = format!("http://127.0.0.1:{port}");
    says(
        Test::new().args(["--proxy", &proxy, "ws://far.example/"]),
        7,
        &format!(
            "cannot connect to the proxy 127.0.0.1:{port}: connection refused (os error 111)\n\n\
             hint: check the proxy's address, or go without one: --noproxy '*'"
        ),
    );
    let through = || Test::new().args(["--proxy", "127.0.0.1:{port}", "ws://far.example/"]);
    let test = through().peer(|peer| {
        peer.request();
    });
    says(
        test,
        97,
        "the proxy {peer} closed the connection without an answer\n\n\
         hint: see whether it is a proxy of this kind: http://, https://, socks5h://",
    );
    let test = through().args(["--connect-timeout", "0.2"]).peer(Peer::discard_all);
    says(
        test,
        28,
        "the proxy {peer}: its answer took longer than 0.2 seconds\n\n\
         hint: raise the limit with --connect-timeout SECONDS",
    );
}

#[test]
fn socks() {
    // The SOCKS reply is 4, host unreachable.
    let test = Test::new().args(["--proxy", "socks5h://127.0.0.1:{port}", "ws://far.example/"]);
    let test = test.peer(|peer| {
        peer.read_some();
        peer.send(b"\x05\x00");
        peer.read_some();
        peer.send(b"\x05\x04\x00\x01\0\0\0\0\0\0");
        peer.discard_all();
    });
    says(test, 97, "the proxy {peer} does not connect to far.example:80: host unreachable");
}

#[test]
fn socks_asked_of_others() {
    for scheme in ["socks4a", "socks5h"] {
        let answers = |bytes: &'static str, message: &str| {
            let proxy = format!("{scheme}://127.0.0.1:{{port}}");
            let test = Test::new().args(["--proxy", &proxy, "ws://far.example/"]);
            let test = test.peer(move |peer| {
                peer.read_some();
                peer.send(bytes);
                peer.discard_all();
            });
            says(
                test,
                97,
                &format!("the proxy {{peer}} does not connect to far.example:80: {message}"),
            );
        };
        answers(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "it answered in HTTP, not in SOCKS\n\n\
             hint: speak to it in HTTP: --proxy http://{peer}",
        );
        answers(
            "SSH-2.0-x\r\n",
            "it answered in something else than SOCKS\n\n\
             hint: see whether it is a proxy of this kind: http://, https://, socks5h://",
        );
    }
}
