//! The hint to which each real server leads.
//!
//! `situations.jsonl` has one line per situation: the server, what was arranged, the arguments and
//! path of the run, its status, the first line of its diagnostics, and the hint, in which `[..]`
//! matches anything.

use super::{programs::PeerServer, support::Expected};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

#[derive(Deserialize)]
struct Situation {
    /// A name in `servers.mjs`, `servers.py` or `gateways.py`.
    server: String,
    arranged: String,
    args: Vec<String>,
    /// The scheme; `ws` by default.
    scheme: Option<String>,
    path: String,
    status: i32,
    line: String,
    hint: String,
}

/// The names of `gateways.py` and `servers.mjs`; all others are in `servers.py`.
const GATEWAYS: [&str; 7] =
    ["apache", "caddy", "caddy-tls", "envoy", "haproxy", "lighttpd", "nginx"];
const NODE: [&str; 17] = [
    "express",
    "express-ws",
    "fastify",
    "graphql-ws",
    "graphql-ws-token",
    "http-proxy",
    "node-http",
    "socket.io",
    "socket.io-origin",
    "socket.io-polling",
    "socket.io-refusing",
    "sockjs",
    "subscriptions-transport-ws",
    "websocket",
    "ws",
    "ws-path",
    "ws-twice",
];

#[test]
fn real_servers_lead_to_the_hint_for_the_cause() {
    let rows = include_str!("situations.jsonl").lines();
    let rows: Vec<Situation> = rows.map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut servers = BTreeMap::<_, Vec<_>>::new();
    for row in &rows {
        servers.entry(row.server.as_str()).or_default().push(row);
    }
    assert!(rows.len() > 150 && servers.len() > 30, "rows are missing");
    let backend = PeerServer::python("websockets");
    let servers = Mutex::new(servers.into_iter().collect::<VecDeque<_>>());
    let wrong = Mutex::new(String::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((name, rows)) = servers.lock().unwrap().pop_front() else { break };
                    let server = match name {
                        _ if GATEWAYS.contains(&name) => PeerServer::gateway(name, &backend),
                        _ if NODE.contains(&name) => PeerServer::node(name),
                        _ => PeerServer::python(name),
                    };
                    let found = judge(&rows, server.port);
                    wrong.lock().unwrap().push_str(&found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}

/// Runs all situations with one server at once. Prints their hints, and returns what differs.
fn judge(rows: &[&Situation], port: u16) -> String {
    let (mut report, mut wrong) = (String::new(), String::new());
    thread::scope(|scope| {
        let runs = rows.iter().map(|row| scope.spawn(move || run(row, port)));
        let runs: Vec<_> = runs.collect();
        for (row, run) in rows.iter().zip(runs) {
            let (status, line, hint) = run.join().unwrap();
            let (name, arranged) = (&row.server, &row.arranged);
            let shown = if hint.is_empty() { "(no hint)" } else { &hint };
            writeln!(report, "{name}, {arranged}: {shown}").unwrap();
            let status = (status != Some(row.status))
                .then(|| format!("status: got\n{status:?}\nexpected\n{}", row.status));
            let line = Expected::from(&*row.line).difference("line", line.as_bytes(), port);
            let hint = Expected::from(&*row.hint).difference("hint", hint.as_bytes(), port);
            for difference in [status, line, hint].into_iter().flatten() {
                writeln!(wrong, "{name}, {arranged}: {difference}").unwrap();
            }
        }
    });
    print!("{report}");
    wrong
}

/// Runs the program. Returns its status, the first line of stderr and the hint.
fn run(row: &Situation, port: u16) -> (Option<i32>, String, String) {
    let peer = format!("127.0.0.1:{port}");
    let scheme = row.scheme.as_deref().unwrap_or("ws");
    let output = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        // The limit only ends a run that hangs.
        .args(["--no-config", "--max-time", "60"])
        .args(&row.args)
        .arg(format!("{scheme}://{peer}{}", row.path))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let (words, hint) = stderr.split_once("\n\nhint: ").unwrap_or((&stderr, ""));
    // A note may precede the error.
    let line = words.lines().filter_map(|line| line.strip_prefix("sockeye: ")).next_back();
    (output.status.code(), line.unwrap_or_default().to_owned(), hint.trim_end().to_owned())
}
