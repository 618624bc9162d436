//! Legs over different carriers: TCP, TLS, Unix sockets and HTTP/2.

use super::start;
use crate::support::{Test, path_text as text, server::Server};
use std::fs;

/// A conversation over each pair of carriers, with long messages, compression and a Close.
#[test]
fn the_legs_of_a_session_may_differ() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| text(&dir.path().join(name));
    let backends = [
        (Server::setup(["listen", "0", "--echo"]).start_with_url(), &[][..]),
        (Server::setup(["listen", "0", "--echo"]).start_with_url(), &["--http2"]),
        (Server::setup(["listen", "0", "--echo", "--tls-self-signed"]).start_with_url(), &["-k"]),
        (
            Server::setup(["listen", "0", "--echo", "--tls-self-signed"]).start_with_url(),
            &["-k", "--http2"],
        ),
    ];
    let socket = path("server");
    let unix = Server::setup(["listen", &format!("unix:{socket}"), "--echo"]);
    let (unix, _) = unix.start_with_url();
    let over_unix = ["--unix-socket", &*socket];
    let servers = backends
        .iter()
        .map(|((_, url), options)| (&**url, *options))
        .chain([("ws://localhost/", &over_unix[..])]);
    let ca = path("ca.pem");
    for (url, options) in servers {
        for (number, (address, more)) in [
            ("0", &[][..]),
            ("wss://127.0.0.1:0", &["--tls-self-signed", "--tls-export", &*ca]),
            ("unix", &[]),
        ]
        .into_iter()
        .enumerate()
        {
            let client_socket = path("client");
            let unix_address = format!("unix:{client_socket}");
            let address = if address == "unix" { &*unix_address } else { address };
            let args = [&["proxy", address, url], options, more].concat();
            let (proxy, listening) = start(args);
            let clients = match number {
                0 => vec![vec![&*listening], vec![&*listening, "--http2"]],
                1 => {
                    vec![vec![&*listening, "--ca", &ca], vec![&*listening, "--ca", &ca, "--http2"]]
                }
                _ => vec![vec!["ws://localhost/", "--unix-socket", &client_socket]],
            };
            for client in clients {
                converse(&client);
            }
            proxy.terminate();
            assert!(!fs::exists(&client_socket).unwrap(), "the socket is removed");
        }
    }
    unix.terminate();
    for ((server, _), _) in backends {
        server.terminate();
    }
}

/// Sends messages and expects them back.
#[track_caller]
fn converse(client: &[&str]) {
    let long = "long ".repeat(20_000);
    let args = ["-x", "short", "-x", &long, "-x", "last", "--count", "3", "--fragment", "10000"];
    Test::new()
        .args(client.iter().copied())
        .args(args)
        .stdout(format!("short\n{long}\nlast\n"))
        .run();
}
