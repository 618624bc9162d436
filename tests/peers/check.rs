//! `sockeye check` of servers that others wrote. Each finding was compared with the bytes that the
//! server sent, and is true of the versions that are installed.

use super::{programs::PeerServer, support::server::Server};
use std::{collections::BTreeSet, process::Command};

/// Returns the checks of this server that failed or warned.
fn findings(port: u16) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    let url = format!("ws://127.0.0.1:{port}/");
    let output = command.env_clear().args(["check", "--json", &url]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let lines: Vec<_> = lines.collect();
    let grade = lines.last().unwrap();
    assert!(grade["pass"].as_u64().unwrap() > 200, "{grade}");
    let found = lines.iter().filter(|line| line["result"] == "fail" || line["result"] == "warn");
    found.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn findings_about_node_ws_are_true() {
    let expected = [
        // The HTTP server of Node.js passes these requests on.
        "4.2.1-http10",
        "9112-host-absent",
        "9112-host-twice",
        "9.1-extension-malformed",
        // 400 with the list of versions.
        "4.4-version-426",
        "5.2-length-16",
        "5.2-length-64",
        "5.2-length-64-of-16",
    ];
    let server = PeerServer::ws(&[]);
    assert_eq!(findings(server.port), expected.map(ToOwned::to_owned).into());
}

#[test]
fn findings_about_python_websockets_are_true() {
    let expected = [
        "9112-host-absent",
        "9112-host-twice",
        "9112-empty-line",
        "9.1-extension-malformed",
        // 400 without the list of versions.
        "4.2.2-version-list",
        "4.4-version-426",
        "5.2-length-16",
        "5.2-length-64",
        "5.2-length-64-of-16",
        // It waits for the payload.
        "5.2-length-top-bit",
        "5.2-length-all-bits",
        "sec-version",
    ];
    let server = PeerServer::websockets(&[]);
    assert_eq!(findings(server.port), expected.map(ToOwned::to_owned).into());
}

#[test]
fn nothing_is_found_about_sockeye_behind_other_options() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo", "--compress-min", "0"]);
    assert_eq!(findings(server.port()), BTreeSet::new());
    server.terminate();
}
