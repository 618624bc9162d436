//! The hint to which each real server leads.
//!
//! `situations.jsonl` has one line per situation: the server, what was arranged, the arguments and
//! path of the run, its status, the first line of its diagnostics, and the hint, in which `[..]`
//! matches anything.

use super::{chromium::Chromium, programs::PeerServer, support::Expected};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

#[derive(Deserialize)]
struct Situation {
    /// `chromium`, or a name in `servers.mjs`, `servers.py`, `gateways.py` or `proxy.py`.
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

enum Peer {
    Server(PeerServer),
    Chromium(Chromium),
}

impl Peer {
    fn start(name: &str) -> Self {
        match name {
            "chromium" => Self::Chromium(Chromium::start()),
            _ if NODE.contains(&name) => Self::Server(PeerServer::node(name)),
            _ if PROXIES.contains(&name) => Self::Server(PeerServer::proxy_to_port(name, 9, None)),
            _ => Self::Server(PeerServer::python(name)),
        }
    }

    fn port(&self) -> u16 {
        match self {
            Self::Server(server) => server.port,
            Self::Chromium(chromium) => chromium.port(),
        }
    }
}

#[test]
fn real_servers_lead_to_the_hint_for_the_cause() {
    let rows = include_str!("situations.jsonl").lines();
    let rows: Vec<Situation> = rows.map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut names = BTreeMap::<_, Vec<_>>::new();
    for row in &rows {
        names.entry(row.server.as_str()).or_default().push(row);
    }
    assert!(rows.len() > 150 && names.len() > 30, "rows are missing");
    let (gateways, servers): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|(name, _)| GATEWAYS.contains(name));
    let (kept, wrong) = (Mutex::new(Vec::new()), Mutex::new(String::new()));
    in_parallel(servers, |(name, rows)| {
        let peer = Peer::start(name);
        let found = judge(&rows, peer.port());
        wrong.lock().unwrap().push_str(&found);
        if BEHIND_GATEWAYS.contains(&name) {
            kept.lock().unwrap().push((name, peer));
        }
    });
    let kept = kept.into_inner().unwrap();
    let ports: Vec<_> = kept.iter().map(|(name, peer)| (*name, peer.port())).collect();
    in_parallel(gateways, |(name, rows)| {
        let gateway = PeerServer::gateway(name, &ports);
        let found = judge(&rows, gateway.port);
        wrong.lock().unwrap().push_str(&found);
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}

/// Handles all items, four at a time.
fn in_parallel<T: Send>(items: Vec<T>, handle: impl Fn(T) + Sync) {
    let items = Mutex::new(items.into_iter());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(item) = items.lock().unwrap().next() else { break };
                    handle(item);
                }
            });
        }
    });
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

/// The names in `gateways.py`.
const GATEWAYS: [&str; 9] =
    ["apache", "caddy", "caddy-tls", "envoy", "haproxy", "lighttpd", "nghttpx", "nginx", "traefik"];
/// The servers behind them.
const BEHIND_GATEWAYS: [&str; 16] = [
    "aiohttp",
    "daphne",
    "express-ws",
    "fastify",
    "flask-sock",
    "flask-socketio",
    "hypercorn",
    "mosquitto",
    "sanic",
    "socket.io",
    "sockjs",
    "tornado",
    "uvicorn-websockets",
    "websocket",
    "websockets",
    "websockify",
];
/// The names in `servers.mjs`.
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
/// The names in `proxy.py`.
const PROXIES: [&str; 3] = ["microsocks", "squid-open", "tinyproxy-open"];
