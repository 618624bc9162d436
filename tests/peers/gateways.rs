//! Failures behind haproxy, nghttpx, nginx and squid.

use super::{
    programs::PeerServer,
    support::{Authority, Test, closed_port, says},
};

/// Checks the error of a run without a scripted peer.
#[track_caller]
fn fails_with(args: &[&str], status: i32, message: &str) {
    says(Test::new().args(args.iter().copied()), status, message);
}

#[test]
fn gateways_without_a_backend() {
    let (_reserved, dead) = closed_port();
    let nginx = PeerServer::proxy_to_port("nginx-http1", dead, None);
    let url = format!("ws://127.0.0.1:{}/chat", nginx.port);
    fails_with(
        &[&url],
        22,
        &format!(
            "{url} answered 502 (Bad Gateway) instead of upgrading to WebSocket\n  \
             Server: nginx/[..]\n\n\
             hint: check that the server behind nginx is running: it gave no valid response"
        ),
    );
    let haproxy = PeerServer::proxy_to_port("haproxy-http1", dead, None);
    let url = format!("ws://127.0.0.1:{}/chat", haproxy.port);
    fails_with(
        &[&url],
        22,
        &format!(
            "{url} answered 503 (Service Unavailable) instead of upgrading to WebSocket\n  \
             No server is available to handle this request.\n\n\
             hint: check that the server behind the gateway is running"
        ),
    );
}

#[test]
fn gateways_that_forward_an_ordinary_request() {
    let websockets = PeerServer::websockets(&[]);
    let nginx = PeerServer::proxy_to("nginx-plain", &websockets, None);
    let url = format!("ws://127.0.0.1:{}/chat", nginx.port);
    fails_with(
        &[&url],
        22,
        &format!(
            "{url} answered 505 (HTTP Version Not Supported) instead of upgrading to WebSocket\n  \
             Server: nginx/[..]\n  \
             Failed to open a WebSocket connection: unsupported HTTP version: HTTP/1.0.\n\n\
             hint: check that nginx uses HTTP/1.1 for the server behind it"
        ),
    );
    let nginx = PeerServer::proxy_to("nginx-dropping", &websockets, None);
    let url = format!("ws://127.0.0.1:{}/chat", nginx.port);
    fails_with(
        &[&url],
        22,
        &format!(
            "{url} answered 426 (Upgrade Required) instead of upgrading to WebSocket: the server \
             did not see the Upgrade header\n  \
             Server: nginx/[..]\n  \
             Failed to open a WebSocket connection: invalid Connection header: close.\n  \
             You cannot access a WebSocket server directly with a browser. You need a WebSocket \
             client.\n\n\
             hint: check that nginx forwards the Upgrade and Connection headers"
        ),
    );
}

#[test]
fn gateways_that_require_tls_or_http_2() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let [cert, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let ca = authority.file().to_str().unwrap().to_owned();
    let (_reserved, dead) = closed_port();
    let nginx = PeerServer::proxy_to_port("nginx", dead, Some([cert, key]));
    let url = format!("ws://127.0.0.1:{}/chat", nginx.port);
    fails_with(
        &[&url],
        22,
        &format!(
            "{url} answered 400 (Bad Request) instead of upgrading to WebSocket: the port \
             requires TLS\n  \
             Server: nginx/[..]\n  The plain HTTP request was sent to HTTPS port\n\n\
             hint: use wss://127.0.0.1:{}/chat",
            nginx.port
        ),
    );
    let back = PeerServer::websockets(&[]);
    let nginx = PeerServer::proxy_requiring_certificate("nginx", &back, [cert, key], &ca);
    let url = format!("wss://localhost:{}/", nginx.port);
    fails_with(
        &["--ca", &ca, &url],
        22,
        &format!(
            "{url} answered 400 (Bad Request) instead of upgrading to WebSocket: the server \
             requires a client certificate\n  \
             Server: nginx/[..]\n  No required SSL certificate was sent\n\n\
             hint: pass one with --cert FILE and --key FILE"
        ),
    );
    let haproxy = PeerServer::proxy_to_port("haproxy", dead, None);
    let at = format!("127.0.0.1:{}", haproxy.port);
    fails_with(
        &[&format!("ws://{at}/")],
        52,
        &format!(
            "{at} closed the connection before responding to the handshake\n\n\
             hint: check the path, and that the server behind any proxy is running; otherwise try \
             TLS (wss://{at}/) or HTTP/2 (--http2), which the port may require"
        ),
    );
    let nginx = PeerServer::proxy_to_port("nginx", dead, None);
    let at = format!("127.0.0.1:{}", nginx.port);
    fails_with(
        &[&format!("ws://{at}/")],
        8,
        &format!(
            "handshake with {at} failed: the response is HTTP/2, not HTTP/1.1\n\n\
             hint: try WebSocket over HTTP/2: --http2"
        ),
    );
}

#[test]
fn squid_does_not_reach_the_server() {
    let (_reserved, dead) = closed_port();
    let proxy = PeerServer::proxy_to_port("squid-open", dead, None);
    says(
        Test::new().args([
            "--proxy".to_owned(),
            format!("http://127.0.0.1:{}", proxy.port),
            format!("ws://127.0.0.1:{dead}/"),
        ]),
        97,
        &format!(
            "cannot connect to 127.0.0.1:{dead} through the proxy 127.0.0.1:{}: it answered 503 \
             (Service \
             Unavailable)\n  \
             X-Squid-Error: ERR_CONNECT_FAIL 111\n  [..]\n  [..]\n  [..]\n\n\
             hint: check the server's host and port: the proxy cannot reach it",
            proxy.port
        ),
    );
}
