//! Echo servers and clients of Python websockets and node ws.

use super::{
    programs::PeerServer,
    support::{Authority, Test, server::Server},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Checks that this server echoes lines of several kinds and closes cleanly.
#[track_caller]
fn echoed(args: &[String]) {
    let lines =
        format!("hello\n\n{}\n{{\"a\": [1, 2]}}\n", "a\u{e9}\u{20ac}\u{1f600}".repeat(20_000));
    Test::new()
        .args(args.iter().cloned())
        .args(["--count", "4"])
        .stdin(&lines)
        .stdout(lines.into_bytes())
        .run();
}

#[test]
fn python_websockets_echoes() {
    let server = PeerServer::websockets(&[]);
    echoed(&[format!("ws://127.0.0.1:{}/", server.port)]);
}

#[test]
fn node_ws_echoes() {
    let server = PeerServer::ws(&[]);
    echoed(&[format!("ws://127.0.0.1:{}/", server.port)]);
}

#[test]
fn a_subprotocol_is_agreed_on_with_python_websockets_and_node_ws() {
    let args = ["--subprotocol", "sea"];
    for server in [PeerServer::websockets(&args), PeerServer::ws(&args)] {
        let url = format!("ws://127.0.0.1:{}/", server.port);
        // A second subprotocol, which is never chosen, would cause a warning.
        Test::new()
            .args(["-s", "land", "-s", "sea", "-x", "hi", "--count", "1", &url])
            .stdout("hi\n")
            .run();
        Test::new()
            .args(["-s", "land", "-x", "hi", "--count", "1", &url])
            .stdout("hi\n")
            .stderr("sockeye: the server selected no subprotocol (requested: land)\n")
            .run();
    }
}

#[test]
fn python_websockets_echoes_over_tls() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let [cert, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let server = PeerServer::websockets(&["--tls", cert, key]);
    let ca = authority.file().to_str().unwrap().to_owned();
    echoed(&["--ca".into(), ca, format!("wss://localhost:{}/", server.port)]);
}

#[test]
fn clients_that_others_wrote_get_their_echoes() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/peers/venv/bin/python");
    let programs =
        [(python.as_path(), "client_websockets.py"), (Path::new("node"), "client_ws.mjs")];
    // The compressing client uses several windows, with and without context takeover.
    let ways = [&[][..], &["--compress"]];
    let all = programs.iter().flat_map(|program| ways.map(|way| (program, way)));
    for (((program, script), args), carrier) in all.flat_map(|it| [(it, 1), (it, 2)]) {
        let server = Server::start(["listen", "--echo", "--compress-min", "0", "127.0.0.1:0"]);
        // nghttpx turns their upgrades into streams of HTTP/2.
        let proxy = (carrier == 2)
            .then(|| PeerServer::proxy_to_port("nghttpx-http2-behind", server.port, None));
        let url = proxy.as_ref().map(|proxy| format!("ws://127.0.0.1:{}/", proxy.port));
        let mut command = Command::new(program);
        command.arg(root.join("tests/peers").join(script)).args(args);
        command.arg(url.unwrap_or_else(|| server.url()));
        let output = command.output().unwrap_or_else(|cause| {
            panic!("{} does not start ({cause}): run `make peers`", program.display())
        });
        let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| bytes.escape_ascii());
        assert_eq!(
            (output.status.code(), stdout.to_string()),
            (Some(0), "ok\\n".to_owned()),
            "{stderr}"
        );
        server.terminate();
    }
}
