//! Names and sockets: --resolve, --connect-to, --unix-socket, ws+unix:, --interface.

use crate::support::Test;
use std::{
    io::{Read as _, Write as _},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
};
use tungstenite::handshake::{derive_accept_key, server::Request};

#[test]
fn an_address_may_be_given_for_a_name() {
    for entry in [
        "nosuch.invalid:{port}:127.0.0.1",
        "*:{port}:127.0.0.1",
        "NOSUCH.invalid:*:127.0.0.1,[::1]",
    ] {
        Test::new()
            .args(["--resolve", entry, "ws://nosuch.invalid:{port}/"])
            .peer(|peer| {
                let request = peer.open();
                assert!(request.header("Host").starts_with("nosuch.invalid:"));
                peer.close(1000);
            })
            .run();
    }
    Test::new()
        .args(["--resolve", "h:80", "ws://h"])
        .stderr_has(["invalid value 'h:80' for '--resolve", "not HOST:PORT:ADDRESS"])
        .status(2)
        .run();
}

#[test]
fn another_address_may_be_connected_to() {
    for (entry, url) in [
        ("nosuch.invalid:1:127.0.0.1:{port}", "ws://nosuch.invalid:1/"),
        ("::127.0.0.1:{port}", "ws://nosuch.invalid:1/"),
        ("127.0.0.1:1::{port}", "ws://127.0.0.1:1/"),
    ] {
        Test::new()
            .args(["--connect-to", entry, url])
            .peer(|peer| {
                assert!(peer.open().header("Host").ends_with(":1"));
                peer.close(1000);
            })
            .run();
    }
}

#[test]
fn an_address_may_have_a_zone() {
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let urls = ["ws://[::1%25lo]:{p}/", "ws://[::1%lo]:{p}/", "[::1%1]:{p}"];
    let server = std::thread::spawn(move || {
        for _ in urls {
            let (stream, _) = listener.accept().unwrap();
            #[allow(clippy::result_large_err, reason = "the type is tungstenite's")]
            let check = |request: &Request, response| {
                assert_eq!(request.headers()["Host"], format!("[::1]:{port}"));
                Ok(response)
            };
            let mut session = tungstenite::accept_hdr(stream, check).unwrap();
            session.close(None).unwrap();
            while session.read().is_ok() {}
        }
    });
    for url in urls {
        Test::new().args(["-q".into(), url.replace("{p}", &port.to_string())]).run();
    }
    server.join().unwrap();
    Test::new()
        .args(["ws://[fe80::1%25nosuch]:9/"])
        .stderr("sockeye: cannot resolve [fe80::1%nosuch]: no network interface is named nosuch\n")
        .status(6)
        .run();
    Test::new()
        .args(["ws://[fe80::1]:9/"])
        .stderr_has([
            "cannot connect to [fe80::1]:9: ",
            "hint: add the network interface to the \
             link-local address, as in [fe80::1%eth0]\n",
        ])
        .status(7)
        .run();
}

/// Serves one client of a Unix socket, and returns its request line and Host.
fn serve(listener: UnixListener) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let key = head.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let accept = derive_accept_key(key.as_bytes());
        let answer = crate::support::peer::OPEN.replace("{accept}", &accept);
        stream.write_all(answer.as_bytes()).unwrap();
        stream.write_all(b"\r\n\x81\x02hi\x88\x02\x03\xe8").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
        head.lines().take(2).collect::<Vec<_>>().join("|")
    })
}

#[test]
fn a_unix_socket_is_reached_by_url_or_option() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let shown = path.display();
    for (args, expected) in [
        (vec![format!("ws+unix:{shown}:/chat?x")], "GET /chat?x HTTP/1.1|Host: localhost"),
        (
            vec!["--unix-socket".to_owned(), shown.to_string(), "ws://example.com/a".to_owned()],
            "GET /a HTTP/1.1|Host: example.com",
        ),
    ] {
        let _ = std::fs::remove_file(&path);
        let server = serve(UnixListener::bind(&path).unwrap());
        Test::new().args(args).stdout("hi\n").run();
        assert_eq!(server.join().unwrap(), expected);
    }
    let name = format!("sockeye-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let server = serve(UnixListener::bind_addr(&address).unwrap());
    Test::new().args([format!("ws+unix:@{name}")]).stdout("hi\n").run();
    server.join().unwrap();
    Test::new()
        .args(["ws+unix:/no/such:/"])
        .stderr(
            "sockeye: cannot connect to /no/such: no such file or directory (os error 2)\n\n\
             hint: check the path, and that the server is running\n",
        )
        .status(7)
        .run();
}

#[test]
fn connections_use_the_given_interface() {
    Test::new()
        .args(["--interface", "127.0.0.9"])
        .peer(|peer| {
            assert_eq!(peer.client_address().ip().to_string(), "127.0.0.9");
            peer.open();
            peer.close(1000);
        })
        .run();
    Test::new()
        .args(["--bind", "192.0.2.77", "ws://127.0.0.1:1"])
        .stderr("sockeye: cannot connect from 192.0.2.77: cannot assign requested address (os error 99)\n")
        .status(45)
        .run();
    Test::new()
        .args(["--interface", "nosuch0", "ws://127.0.0.1:1"])
        .stderr("sockeye: cannot use the interface nosuch0: [..]\n")
        .status(45)
        .run();
}
