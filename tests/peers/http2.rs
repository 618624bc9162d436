//! HTTP/2 servers: hypercorn, and haproxy, nghttpx and nginx in front of an echo server. Clients of
//! the binary as a server: nghttpx and curl.

use super::{
    programs::PeerServer,
    support::{Authority, Expected, Test, server::Server},
};
use std::process::Command;

/// Exchanges a thousand small messages and one of three million bytes, and closes cleanly.
#[track_caller]
fn converses(args: &[&str], url: &str) {
    let lines: String = (0..1000).map(|n| format!("message {n}\n")).collect();
    Test::new()
        .args(args.iter().copied())
        .args(["--http2", "--count", "1000", url])
        .stdin(&lines)
        .stdout(lines.into_bytes())
        .run();
    let long = "sockeye \u{e9}".repeat(300_000);
    Test::new()
        .args(args.iter().copied())
        .args(["--http2", "--delimiter", "none", "--count", "1", url])
        .stdin(&long)
        .stdout(long.into_bytes())
        .run();
    Test::new()
        .args(args.iter().copied())
        .args(["--http2", "-v", "-x", "bye", "--count", "1", "--close-timeout", "600", url])
        .stdout("bye\n")
        .stderr_has([
            "> :protocol: websocket\n",
            "< :status: 200\n",
            "\n* closed: 1000 (normal closure)\n",
        ])
        .run();
}

/// Repeats the conversation with and without TLS and compression, each time with a new server.
#[track_caller]
fn converses_all_ways(start: impl Fn(Option<[&str; 2]>) -> PeerServer) {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let [cert, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let ca = authority.file();
    let server = start(None);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    converses(&["--no-compress"], &url);
    converses(&["--compress-min", "0"], &url);
    let server = start(Some([cert, key]));
    let url = format!("wss://localhost:{}/", server.port);
    converses(&["--ca", ca.to_str().unwrap()], &url);
}

#[test]
fn hypercorn() {
    converses_all_ways(PeerServer::hypercorn);
    let server = PeerServer::hypercorn(None);
    let url = |path: &str| format!("ws://127.0.0.1:{}{path}", server.port);
    Test::new()
        .args(["--http2", "-s", "sea", "-x", "close 4001", "--output", "jsonl", &url("/")])
        .stdout(Expected::Parts(vec![
            r#""subprotocol":"sea","compression":{"#.to_owned(),
            r#""http":"2","status":200,"headers":[["#.to_owned(),
            r#""type":"close","direction":"in""#.to_owned(),
            r#""code":4001,"reason":"as asked""#.to_owned(),
        ]))
        .stderr_has(["closed the connection: 4001 (private use): as asked"])
        .status(111)
        .run();
    Test::new()
        .args(["--http2", &url("/refuse")])
        .stderr_has(["answered 403 (Forbidden) instead of upgrading to WebSocket"])
        .status(22)
        .run();
}

#[test]
fn haproxy_before_python_websockets() {
    let back = PeerServer::websockets(&["--compress"]);
    converses_all_ways(|tls| PeerServer::proxy_to("haproxy", &back, tls));
}

#[test]
fn nghttpx_before_python_websockets() {
    let back = PeerServer::websockets(&["--compress"]);
    converses_all_ways(|tls| PeerServer::proxy_to("nghttpx", &back, tls));
}

#[test]
fn nginx_has_http_2_but_no_websocket_over_it() {
    let back = PeerServer::websockets(&[]);
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let tls = files.each_ref().map(|file| file.to_str().unwrap());
    let proxy = PeerServer::proxy_to("nginx", &back, Some(tls));
    let url = format!("wss://localhost:{}/", proxy.port);
    let ca = authority.file().to_str().unwrap().to_owned();
    Test::new()
        .args(["--ca", &ca, "--http2", &url])
        .stderr_has([
            "does not support WebSocket over HTTP/2: its SETTINGS lack ENABLE_CONNECT_PROTOCOL",
        ])
        .status(16)
        .run();
    Test::new()
        .args(["--ca", &ca, "--http", "auto", "-v", "-x", "hi", "--count", "1", &url])
        .stdout("hi\n")
        .stderr_has([
            ", ALPN h2\n* HTTP/2, SETTINGS: ",
            "; retrying over HTTP/1.1\n* connected to ",
            ", ALPN http/1.1\n> GET / HTTP/1.1\n",
        ])
        .run();
}

#[test]
fn nghttpx_passes_sessions_to_the_server_over_http_2() {
    let server = Server::start(["listen", "0", "--echo", "-v"]);
    let proxy = PeerServer::proxy_to_port("nghttpx-http2-behind", server.port, None);
    let url = format!("ws://127.0.0.1:{}/", proxy.port);
    converses(&["--no-compress"], &url);
    converses(&["--compress-min", "0"], &url);
    let stderr = server.terminate().stderr;
    assert!(stderr.contains("< :protocol: websocket\n"), "{stderr}");
}

#[test]
fn curl_gets_the_page_over_http_2() {
    for (tls, args) in [
        (None, ["--http2-prior-knowledge", "--silent"]),
        (Some("--tls-self-signed"), ["--insecure", "--silent"]),
    ] {
        let setup = match tls {
            None => Server::setup(["listen", "0"]),
            Some(tls) => Server::setup(["listen", "0", tls]),
        };
        let (server, url) = setup.start_with_url();
        let url = url.replacen("ws", "http", 1);
        let curl = Command::new("curl")
            .args(args)
            .args(["--max-time", "10", "--write-out", "%{http_version} %{http_code}", &url])
            .output()
            .expect("curl starts");
        let said = String::from_utf8_lossy(&curl.stdout);
        assert!(said.starts_with("this is a WebSocket server"), "{said}");
        assert!(said.ends_with("2 405"), "{said}");
        server.terminate();
    }
}
