//! `sockeye check` of servers that others wrote. Each finding was compared with the RFC and with the
//! bytes that the server sent, and is true of the versions that are installed.

use super::{programs::PeerServer, support::server::Server};
use std::{collections::BTreeSet, process::Command};

/// Checks a server: these checks fail or warn, and it is recognized. Limits are measured, which takes
/// long, and are no findings about these servers.
#[track_caller]
fn finds(port: u16, expected: &[&str], library: &str, gateway: Option<&str>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    let url = format!("ws://127.0.0.1:{port}/");
    let output =
        command.env_clear().args(["check", "--json", "--skip=limits", &url]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let lines: Vec<_> = lines.collect();
    let grade = lines.last().unwrap();
    assert!(grade["pass"].as_u64().unwrap() > 200, "{grade}");
    let is_finding =
        |line: &&serde_json::Value| line["result"] == "fail" || line["result"] == "warn";
    let found: BTreeSet<_> =
        lines.iter().filter(is_finding).map(|line| line["id"].as_str().unwrap()).collect();
    let wanted: BTreeSet<_> = expected.iter().copied().collect();
    let evidence: Vec<_> = lines.iter().filter(is_finding).collect();
    assert_eq!(found, wanted, "{evidence:#?}");
    let evidence = |id: &str| {
        let line = lines.iter().find(|line| line["id"] == id).unwrap();
        line["evidence"].as_str().unwrap().to_owned()
    };
    assert!(evidence("identity-library").starts_with(library), "{}", evidence("identity-library"));
    let words = evidence("identity-gateway");
    assert!(words.starts_with(gateway.unwrap_or("the answers name none")), "{words}");
}

/// Lengths that are not minimal, which all of these accept.
const LENGTHS: [&str; 3] = ["5.2-length-16", "5.2-length-64", "5.2-length-64-of-16"];
/// Keys whose value wsproto does not look at.
const KEYS: [&str; 5] = [
    "4.2.1-key-empty",
    "4.2.1-key-short",
    "4.2.1-key-long",
    "4.2.1-key-encoding",
    "11.3.1-key-twice",
];
/// TCP ends without a Close, also after Close 1014.
const NO_CLOSE: [&str; 3] = ["7.4.1-code-1002", "7.4.1-code-1007", "7.4-valid-1014"];
const UNMASKED: [&str; 5] = [
    "5.1-unmasked-text",
    "5.1-unmasked-binary",
    "5.1-unmasked-ping",
    "5.1-unmasked-pong",
    "5.1-unmasked-continuation",
];

/// The WebSocket part of node ws, behind any HTTP server.
const WS: [&str; 3] = [
    "4.2.1-http10",
    "9.1-extension-malformed",
    // 400 with the list of versions.
    "4.4-version-426",
];

#[test]
fn findings_about_node_ws_are_true() {
    // The HTTP server of Node.js passes these requests on, but does not recognize Upgrade before a
    // tab.
    let http = ["9112-host-absent", "9112-host-twice", "9112-tab-after"];
    // Before version 20, it also accepts a space before the colon of a header field.
    let old: &[_] = if node_version() < 20 { &["9112-space-colon"] } else { &[] };
    let server = PeerServer::ws(&[]);
    finds(server.port, &[&WS[..], &http, old, &LENGTHS].concat(), "ws (Node.js)", None);
}

/// Returns the major version of Node.js.
fn node_version() -> u32 {
    let output = Command::new("node").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_start_matches('v').split('.').next().unwrap().parse().unwrap()
}

#[test]
fn findings_about_node_ws_behind_gateways_are_true() {
    let server = PeerServer::ws(&[]);
    // This configuration sends a Connection field of its own.
    let connection = ["4.2.1-connection-absent", "4.2.1-connection-other", "4.2.1-connection-part"];
    let nginx = PeerServer::proxy_to("nginx-http1", &server, None);
    let expected = [&WS[..], &connection, &LENGTHS, &["sec-version"]].concat();
    finds(nginx.port, &expected, "ws (Node.js)", Some("nginx"));
    let haproxy = PeerServer::proxy_to("haproxy-http1", &server, None);
    let expected = [&WS[..], &["9112-host-absent", "9112-host-twice"], &LENGTHS].concat();
    finds(haproxy.port, &expected, "ws (Node.js)", Some("HAProxy"));
}

#[test]
fn findings_about_python_websockets_are_true() {
    let others = [
        "9112-host-absent",
        "9112-host-twice",
        "9112-empty-line",
        "9.1-extension-malformed",
        // 400 without the list of versions.
        "4.2.2-version-list",
        "4.4-version-426",
        // It waits for the payload.
        "5.2-length-top-bit",
        "5.2-length-all-bits",
        // A Close within a fragmented message is answered with 1002.
        "5.5.1-inside-message",
        "sec-version",
    ];
    let server = PeerServer::websockets(&[]);
    finds(server.port, &[&others[..], &LENGTHS].concat(), "websockets (Python)", None);
}

#[test]
fn findings_about_hypercorn_are_true() {
    let others = [
        "9112-empty-line",
        "9.1-extension-malformed",
        // 400 without the list of versions.
        "4.2.2-version-list",
        "4.4-version-426",
        // CONNECT opens a session for any :protocol.
        "version-h2-protocol",
    ];
    let server = PeerServer::hypercorn(None);
    finds(server.port, &[&others[..], &KEYS, &NO_CLOSE].concat(), "Hypercorn", None);
}

#[test]
fn findings_about_uvicorn_are_true() {
    // Spaces and tabs after a value are kept. It has status 500.
    let http = ["9112-spaces", "9112-tab-after", "4.2.1-http10"];
    let others = [
        "9112-host-absent",
        "9112-host-twice",
        // 400 without the list of versions.
        "4.2.2-version-list",
        "4.4-version-426",
        // A Close within a fragmented message is answered with 1002.
        "5.5.1-inside-message",
    ];
    let server = PeerServer::echo("uvicorn-websockets");
    finds(server.port, &[&http[..], &others, &LENGTHS].concat(), "Uvicorn", None);
    let others = ["9.1-extension-malformed", "sec-long-head"];
    let server = PeerServer::echo("uvicorn-wsproto");
    finds(server.port, &[&http[..], &others, &KEYS, &NO_CLOSE].concat(), "Uvicorn", None);
}

#[test]
fn findings_about_aiohttp_are_true() {
    let others = [
        // The response has HTTP/1.0, too.
        "4.2.1-http10",
        "11.3.1-key-twice",
        "9.1-extension-malformed",
        // 400 without the list of versions.
        "4.2.2-version-list",
        "4.4-version-426",
        // The parameter is not answered.
        "7692-server-bits-15",
        // A Pong answers it.
        "7692-rsv1-ping",
        "sec-version",
    ];
    let server = PeerServer::echo("aiohttp");
    finds(server.port, &[&others[..], &UNMASKED, &LENGTHS].concat(), "aiohttp", None);
}

#[test]
fn findings_about_tornado_are_true() {
    let others = [
        "4.2.1-http10",
        "4.2.1-key-short",
        "4.2.1-key-long",
        "4.2.1-key-encoding",
        "11.3.1-key-twice",
        "9.1-extension-malformed",
        // Status 500.
        "7692-parameter-unknown",
        // The parameter is not answered.
        "7692-server-no-context",
        // TCP ends without a Close.
        "7.4.1-code-1002",
        "7.4.1-code-1007",
        // Any code is repeated.
        "7.4-invalid-0",
        "7.4-invalid-999",
        "7.4-invalid-1004",
        "7.4-invalid-1005",
        "7.4-invalid-1006",
        "7.4-invalid-1015",
        "7.4-invalid-1016",
        "7.4-invalid-1100",
        "7.4-invalid-2000",
        "7.4-invalid-2999",
        "7.4-invalid-5000",
        "7.4-invalid-65535",
        "sec-version",
    ];
    let server = PeerServer::echo("tornado");
    finds(server.port, &[&others[..], &UNMASKED, &LENGTHS].concat(), "Tornado", None);
}

#[test]
fn nothing_is_found_about_sockeye_behind_other_options() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo", "--compress-min", "0"]);
    finds(server.port(), &[], "sockeye", None);
    server.terminate();
}
