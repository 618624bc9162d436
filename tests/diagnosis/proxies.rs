//! Proxies that do not connect.

use crate::support::{Peer, Test, closed_port, says};

/// Checks the error for a proxy that gives this answer.
#[track_caller]
fn answers(answer: &'static str, message: &str) {
    answers_at("127.0.0.1:{port}", answer, message);
}

/// Does the same with this URL of the proxy.
#[track_caller]
fn answers_at(proxy: &str, answer: impl Into<String>, message: &str) {
    let answer = answer.into();
    let test = Test::new().args(["--proxy", proxy, "ws://far.example/"]).peer(move |peer| {
        peer.answer(&answer);
        peer.half_close();
        peer.discard_all();
    });
    says(
        test,
        97,
        &format!("cannot connect to far.example:80 through the proxy {{peer}}: {message}"),
    );
}

#[test]
fn refusals() {
    answers(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\
         Content-Length: 0\r\n\r\n",
        "it answered 407 (Proxy Authentication Required)\n  \
         Proxy-Authenticate: Basic realm=\"p\"\n\n\
         hint: authenticate with --proxy http://USER:PASSWORD@HOST:PORT",
    );
    answers(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n\
         <html><h1>Access denied</h1><p>by <b>policy</b>",
        "it answered 403 (Forbidden)\n  Access denied\n  by policy\n\n\
         hint: the proxy may allow only some hosts and ports, often only port 443",
    );
    answers(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n\
         <html><title>Web filter</title><h1>Access denied</h1>",
        "it answered 403 (Forbidden)\n  Web filter\n  Access denied\n\n\
         hint: the proxy may allow only some hosts and ports, often only port 443",
    );
    answers(
        "HTTP/1.1 099 Odd\r\n\r\n",
        "malformed response head: invalid response status\n\n\
         hint: check the type of the proxy: http://, https:// or socks5h://",
    );
    answers(
        "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n\r\n",
        "it answered 405 (Method Not Allowed)\n  Allow: GET, HEAD\n\n\
         hint: check the proxy's host and port: this may be a web server",
    );
    answers(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "it answered 400 (Bad Request)\n\n\
         hint: check the proxy's host and port: this may be a web server",
    );
    answers(
        "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n",
        "it answered 504 (Gateway Timeout)\n\n\
         hint: check the server's host and port: the proxy cannot reach it",
    );
    answers(
        "SSH-2.0-x\r\n",
        "the response is SSH, not HTTP/1.1: 'SSH-2.0-x'\n\n\
         hint: check the type of the proxy: http://, https:// or socks5h://",
    );
}

/// A hint to pass credentials would contradict what was done.
#[test]
fn rejected_proxy_credentials_are_not_asked_for_again() {
    for (challenge, hint) in [
        ("Basic realm=\"p\"", "check the user and password of the proxy: it rejected them"),
        (
            "Digest realm=\"p\", nonce=\"a, b\"",
            "use a proxy that accepts Basic: this one requires Digest, and it did not accept Basic",
        ),
        (
            "Negotiate, NTLM",
            "use a proxy that accepts Basic: this one requires Negotiate or NTLM, and it did not \
             accept Basic",
        ),
        ("NTLM, Basic realm=\"p\"", "check the user and password of the proxy: it rejected them"),
    ] {
        let answer = format!(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: {challenge}\r\n\
             Content-Length: 0\r\n\r\n"
        );
        answers_at(
            "http://me:secret@127.0.0.1:{port}",
            answer,
            &format!(
                "it answered 407 (Proxy Authentication Required)\n  \
                 Proxy-Authenticate: {challenge}\n\nhint: {hint}"
            ),
        );
    }
    answers(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
         Content-Length: 0\r\n\r\n",
        "it answered 407 (Proxy Authentication Required)\n  Proxy-Authenticate: Negotiate\n\n\
         hint: use a proxy that accepts Basic: this one requires Negotiate, and Basic is the only \
         scheme of sockeye",
    );
}

#[test]
fn a_chunked_body_of_a_proxy_is_decoded() {
    answers(
        "HTTP/1.1 407 Proxy Authentication Required\r\nTransfer-Encoding: chunked\r\n\r\n\
         6\r\nLog in\r\n7\r\n please\r\n0\r\n\r\n",
        "it answered 407 (Proxy Authentication Required)\n  Log in please\n\n\
         hint: authenticate with --proxy http://USER:PASSWORD@HOST:PORT",
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
             hint: check the proxy's address, or bypass it with --noproxy '*'"
        ),
    );
    let through = || Test::new().args(["--proxy", "127.0.0.1:{port}", "ws://far.example/"]);
    let test = through().peer(|peer| {
        peer.request();
    });
    says(
        test,
        97,
        "the proxy {peer} closed the connection without a response\n\n\
         hint: check the type of the proxy: http://, https:// or socks5h://",
    );
    let test = through().args(["--connect-timeout", "0.2"]).peer(Peer::discard_all);
    says(
        test,
        28,
        "the proxy {peer}: its response timed out after 0.2 seconds\n\n\
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
    says(test, 97, "cannot connect to far.example:80 through the proxy {peer}: host unreachable");
}

#[test]
fn a_socks_request_to_another_service_is_reported() {
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
                &format!("cannot connect to far.example:80 through the proxy {{peer}}: {message}"),
            );
        };
        answers(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "it answered in HTTP, not SOCKS\n\n\
             hint: use it as an HTTP proxy: --proxy http://{peer}",
        );
        answers(
            "SSH-2.0-x\r\n",
            "it answered in a protocol other than SOCKS\n\n\
             hint: check the type of the proxy: http://, https:// or socks5h://",
        );
    }
}
