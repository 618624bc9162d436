//! HTTP statuses other than an upgrade.

/// Checks the error for an answer with this status line, these headers and this body.
#[track_caller]
pub(super) fn answers(args: &[&str], status: &str, headers: &str, body: &str, message: &str) {
    let headers = headers.split_inclusive('\n').map(|line| line.replace('\n', "\r\n"));
    let answer = format!("HTTP/1.1 {status}\r\n{}\r\n{body}", headers.collect::<String>());
    let (code, reason) = status.split_once(' ').unwrap();
    let message = format!(
        "ws://{{peer}}/ answered {code} ({reason}) instead of upgrading to WebSocket{message}"
    );
    super::answers(args, answer, 22, &message);
}

pub(super) const PASSES_ON: &str =
    "that any reverse proxy forwards the Upgrade and Connection headers";

#[test]
fn bad_requests() {
    answers(
        &[],
        "400 Bad Request",
        "Sec-WebSocket-Version: 8, 7\nContent-Length: 0\n",
        "",
        ": the server supports versions 8, 7 of the protocol, not 13\n\nhint: request version 8 \
         with -p 8",
    );
    answers(
        &["-p", "8"],
        "426 Upgrade Required",
        "Sec-WebSocket-Version: 13\nContent-Length: 0\n",
        "",
        ": the server supports version 13 of the protocol, not 8\n\nhint: request version 13 with \
         -p 13",
    );
    // Body of gorilla/websocket.
    answers(
        &[],
        "400 Bad Request",
        "Content-Type: text/plain; charset=utf-8\nSec-Websocket-Version: 13\n",
        "Bad Request: websocket: the client is not using the websocket protocol: 'upgrade' token \
         not found in 'Connection' header\n",
        &format!(
            ": the server did not see the Upgrade header\n  \
             Bad Request: websocket: the client is not using the websocket protocol: 'upgrade' \
             token not found in 'Connection' header\n\n\
             hint: check {PASSES_ON}"
        ),
    );
    // Body of Tornado, behind a proxy that identifies itself.
    answers(
        &[],
        "400 Bad Request",
        "Via: 1.1 varnish\n",
        "Can \"Upgrade\" only to \"WebSocket\".",
        ": the server did not see the Upgrade header\n  Via: 1.1 varnish\n  \
         Can \"Upgrade\" only to \"WebSocket\".\n\n\
         hint: check that varnish forwards the Upgrade and Connection headers",
    );
    // Body of Go's net/http.
    answers(
        &[],
        "400 Bad Request",
        "",
        "Client sent an HTTP request to an HTTPS server.\n",
        ": the port requires TLS\n  Client sent an HTTP request to an HTTPS server.\n\n\
         hint: use wss://{peer}/",
    );
    answers(
        &[],
        "400 Bad Request",
        "Content-Type: application/json\n",
        "{\"code\":0,\"message\":\"Transport unknown\"}",
        "\n  Transport unknown\n\n\
         hint: for Socket.IO, use a path such as '/socket.io/?EIO=4&transport=websocket'",
    );
    answers(
        &[],
        "400 Bad Request",
        "Content-Length: 0\n",
        "",
        "\n\nhint: check the path; otherwise pass a subprotocol (-s NAME) or an origin (-o \
         http://{peer}), which the server may require",
    );
    answers(
        &["-s", "a", "-o", "http://a"],
        "400 Bad Request",
        "Content-Length: 0\n",
        "",
        "\n\nhint: check the path",
    );
}

#[test]
fn other_protocols() {
    answers(
        &[],
        "426 Upgrade Required",
        "Upgrade: websocket\nContent-Length: 0\n",
        "",
        &format!(": the server did not see the Upgrade header\n\nhint: check {PASSES_ON}"),
    );
    answers(
        &["-H", "Upgrade:"],
        "426 Upgrade Required",
        "Upgrade: websocket\nContent-Length: 0\n",
        "",
        ": the server did not see the Upgrade header\n\n\
         hint: the request has no Upgrade header: -H removed it",
    );
    answers(
        &[],
        "426 Upgrade Required",
        "Upgrade: h2c\nContent-Length: 0\n",
        "",
        ": the server requires an upgrade to h2c\n\nhint: try --http2",
    );
    answers(
        &[],
        "426 Upgrade Required",
        "Upgrade: TLS/1.2, HTTP/1.1\nContent-Length: 0\n",
        "",
        ": the port requires TLS\n\nhint: use wss://{peer}/",
    );
}

#[test]
fn missing_and_refused_credentials() {
    let basic = "WWW-Authenticate: Basic realm=\"sea\"";
    answers(
        &[],
        "401 Unauthorized",
        &format!("{basic}\n"),
        "",
        &format!("\n  {basic}\n\nhint: authenticate with --auth USER:PASSWORD"),
    );
    answers(
        &["-u", "me:wrong"],
        "401 Unauthorized",
        &format!("{basic}\n"),
        "",
        &format!(
            "\n  {basic}\n\n\
             hint: the server rejected the credentials: \
             authenticate with --auth USER:PASSWORD"
        ),
    );
    let digest = "WWW-Authenticate: Digest realm=\"sea\", nonce=\"n\", qop=\"auth\"";
    answers(
        &[],
        "401 Unauthorized",
        &format!("{digest}\n"),
        "",
        &format!("\n  {digest}\n\nhint: authenticate with --auth USER:PASSWORD"),
    );
    answers(
        &[],
        "401 Unauthorized",
        "WWW-Authenticate: Bearer error=\"invalid_token\"\n",
        "",
        "\n  WWW-Authenticate: Bearer error=\"invalid_token\"\n\n\
         hint: authenticate with --bearer TOKEN",
    );
    answers(
        &[],
        "401 Unauthorized",
        "WWW-Authenticate: Negotiate\nWWW-Authenticate: NTLM\n",
        "",
        "\n  WWW-Authenticate: Negotiate\n\nhint: sockeye does not support Negotiate, NTLM \
         authentication",
    );
    answers(
        &[],
        "401 Unauthorized",
        "WWW-Authenticate: Negotiate\nWWW-Authenticate: Basic realm=\"sea\"\n",
        "",
        &format!("\n  {basic}\n\nhint: authenticate with --auth USER:PASSWORD"),
    );
    answers(
        &[],
        "401 Unauthorized",
        "Content-Type: application/json\n",
        "{\"error\":\"no token\"}",
        "\n  no token\n\n\
         hint: authenticate with --auth USER:PASSWORD, --bearer TOKEN or --cookie NAME=VALUE",
    );
    answers(
        &[],
        "403 Forbidden",
        "",
        "",
        "\n\nhint: pass credentials (--auth, --bearer, --cookie) or an origin (-o http://{peer}), \
         which the server may require; otherwise check the path and query",
    );
    answers(
        &["--bearer", "t"],
        "403 Forbidden",
        "Content-Length: 18\n",
        "Origin not allowed",
        "\n  Origin not allowed\n\nhint: pass an origin that the server allows, such as -o \
         http://{peer}",
    );
    answers(
        &["-o", "http://a"],
        "403 Forbidden",
        "",
        "",
        "\n\nhint: pass credentials (--auth, --bearer, --cookie) or another origin (-o), which the \
         server may require; otherwise check the path and query",
    );
    answers(
        &[],
        "407 Proxy Authentication Required",
        "Proxy-Authenticate: Basic realm=\"p\"\n",
        "",
        "\n  Proxy-Authenticate: Basic realm=\"p\"\n\n\
         hint: this port is a proxy: connect through it with --proxy http://USER:PASSWORD@{peer}",
    );
}

#[test]
fn paths() {
    answers(
        &[],
        "404 Not Found",
        "Content-Type: text/html\n",
        "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1>\
         <p>The requested URL was not found on this server.</p></body></html>",
        "\n  The requested URL was not found on this server.\n\n\
         hint: check the path: WebSocket endpoints often have one such as /ws",
    );
    answers(
        &[],
        "404 Not Found",
        "Server: nginx\nContent-Type: text/html\n",
        "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1>",
        "\n  Server: nginx\n\n\
         hint: check the path; otherwise check that nginx forwards the Upgrade and Connection headers",
    );
    answers(
        &[],
        "405 Method Not Allowed",
        "Allow: POST\nContent-Length: 0\n",
        "",
        "\n  Allow: POST\n\n\
         hint: check the path: it does not allow GET, which opens a WebSocket",
    );
    answers(
        &[],
        "405 Method Not Allowed",
        "Allow: HEAD, GET\nContent-Length: 0\n",
        "",
        &format!("\n  Allow: HEAD, GET\n\nhint: check the path, and {PASSES_ON}"),
    );
    answers(&[], "410 Gone", "", "", "\n\nhint: the endpoint was removed: look for its new path");
    answers(
        &[],
        "421 Misdirected Request",
        "",
        "",
        "\n\nhint: the server does not serve this host: check the URL's host, --host, --sni and \
         --connect-to",
    );
}

#[test]
fn temporary_failures() {
    answers(
        &[],
        "429 Too Many Requests",
        "Retry-After: 30\n",
        "slow down\n",
        "\n  Retry-After: 30\n  slow down\n\n\
         hint: try again in 30 s; --reconnect does so automatically",
    );
    answers(
        &[],
        "503 Service Unavailable",
        "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\n",
        "",
        "\n  Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\n\n\
         hint: try again later; --reconnect does so automatically",
    );
    answers(
        &[],
        "500 Internal Server Error",
        "",
        "Traceback (most recent call last):\n  File \"app.py\"\n    x\n",
        "\n  Traceback (most recent call last):\n    File \"app.py\"\n      x\n\n\
         hint: this is a server error: check the server's log",
    );
    answers(
        &[],
        "502 Bad Gateway",
        "Server: awselb/2.0\nContent-Type: text/html\n",
        "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1>",
        "\n  Server: awselb/2.0\n\n\
         hint: check that the server behind awselb is running: it gave no valid response",
    );
    answers(
        &[],
        "504 Gateway Timeout",
        "",
        "upstream request timeout",
        "\n  upstream request timeout\n\n\
         hint: check the server behind the gateway, and the path: it did not respond in time",
    );
    answers(
        &[],
        "522 Origin Connection Time-out",
        "Server: cloudflare\n",
        "error code: 522",
        "\n  Server: cloudflare\n  error code: 522\n\n\
         hint: check the server behind cloudflare, and the path: it did not respond in time",
    );
}

#[test]
fn words_that_only_resemble_a_reason_give_no_hint() {
    let json = "Content-Type: application/json\n";
    for (status, headers, body, shown) in [
        (
            "400 Bad Request",
            json,
            r#"{"code":400,"message":"room is required"}"#,
            "room is required",
        ),
        ("400 Bad Request", json, r#"{"code":3001,"message":"room is full"}"#, "room is full"),
        (
            "400 Bad Request",
            json,
            r#"{"errors":[{"message":"no query","extensions":{"code":"X"}}]}"#,
            "no query",
        ),
        ("426 Upgrade Required", json, r#"{"error":"update your client"}"#, "update your client"),
        (
            "403 Forbidden",
            "",
            "The original room is not allowed",
            "The original room is not allowed",
        ),
    ] {
        answers(&[], status, headers, body, &format!("\n  {shown}"));
    }
}

#[test]
fn schemes_without_an_option_are_passed_as_a_header() {
    answers(
        &[],
        "401 Unauthorized",
        "WWW-Authenticate: Token\n",
        "",
        "\n  WWW-Authenticate: Token\n\nhint: authenticate with -H 'Authorization: Token TOKEN'",
    );
    answers(
        &["-H", "Authorization: Token abcdefgh"],
        "401 Unauthorized",
        "WWW-Authenticate: Token\n",
        "",
        "\n  WWW-Authenticate: Token\n\nhint: the server rejected the credentials",
    );
}

#[test]
fn secrets_that_the_server_repeats_are_hidden() {
    answers(
        &["--bearer", "sesame", "-H", "X-Api-Key: simsim"],
        "403 Forbidden",
        "Content-Type: text/plain\n",
        "no access with 'Bearer sesame' and simsim",
        "\n  no access with '[redacted]' and [redacted]",
    );
}
