//! The address of a server.

use crate::support::Test;
use crate::support::server::{Client, Server};
use std::{
    net::{TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixListener},
};

#[test]
fn the_server_listens_on_loopback_by_default() {
    for args in [["listen", "0"], ["listen", ":0"], ["listen", "localhost:0"], ["-l", "0"]] {
        let server = Server::start(args);
        server.connect().close();
        let other = TcpStream::connect(("127.0.0.2", server.port));
        assert!(other.is_err(), "{args:?} listens on more than one address");
        server.terminate();
    }
    let server = Server::start(["listen", "0.0.0.0:0"]);
    TcpStream::connect(("127.0.0.2", server.port)).expect("it was told to");
    server.terminate();
}

#[test]
fn the_options_of_wscat_start_a_server() {
    let server = Server::start(["-l", "0", "-s", "chat"]);
    let (mut client, response) = server.connect_asking("other, chat");
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "chat");
    client.send("hello");
    server.child.await_stdout("hello\n");
    client.close();
    server.terminate();
    let server = Server::start(["--listen", "0", "--echo"]);
    let mut client = server.connect();
    client.send("hello");
    client.expect_text("hello");
    client.close();
    server.terminate();
}

#[test]
fn options_may_stand_before_the_subcommand() {
    // The last has an option that only the subcommand knows.
    for args in [&["--echo", "listen", "0"][..], &["--echo", "listen", "0", "--max-clients", "9"]] {
        let server = Server::start(args);
        let mut client = server.connect();
        client.send("hello");
        client.expect_text("hello");
        client.close();
        server.terminate();
    }
}

#[test]
fn an_invalid_address_is_a_usage_error() {
    for address in ["x", "99999", "host", "::1:9000", "h:", ""] {
        let text = format!("sockeye: '{address}' is not a listen address\n[..]\n[..]\n");
        Test::new().args(["listen", address]).stderr(text).status(2).run();
    }
}

#[test]
fn an_address_without_a_port_is_told_to_have_one() {
    for address in ["localhost", "127.0.0.1", "[::1]", "wss://localhost"] {
        let text = format!(
            "sockeye: '{address}' is not a listen address\n\nhint: add a port, as in {address}:9000\n"
        );
        Test::new().args(["listen", address]).stderr(text).status(2).run();
    }
    Test::new().args(["listen", "x"]).stderr_has(["wss:// for TLS"]).status(2).run();
}

#[test]
fn an_address_of_another_machine_is_reported() {
    let words = "cannot assign requested address (os error 99)\n\nhint: this machine does not have";
    let start = format!("sockeye: cannot listen on 192.0.2.1:0: {words}");
    Test::new().args(["listen", "192.0.2.1:0"]).stderr_has([&start]).status(1).run();
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let words = format!(
        "address already in use (os error 98)\n\nhint: another program listens on {port}; choose \
         another port, or 0 for any free one\n"
    );
    for args in [["listen", &port], ["-l", &port]] {
        let start = format!("sockeye: cannot listen on {port}: {words}");
        Test::new().args(args).stderr_has([&start]).status(1).run();
    }
}

#[test]
fn a_name_that_does_not_resolve_is_reported() {
    let start = "sockeye: cannot listen on nowhere.invalid:0: ";
    Test::new().args(["listen", "nowhere.invalid:0"]).stderr_has([start]).status(1).run();
    let hint = "hint: for all addresses of this machine: 0.0.0.0:9000 or [::]:9000";
    Test::new().args(["listen", "*:9000"]).stderr_has([hint]).status(1).run();
}

#[test]
fn without_an_address_a_free_port_is_chosen_and_told_even_if_quiet() {
    let server = Server::start(["listen", "-q"]);
    server.connect().close();
    let end = server.terminate();
    assert_eq!(end.stderr, "");
}

#[test]
fn a_port_is_that_of_both_loopback_addresses() {
    let server = Server::start(["listen", "--echo", "0"]);
    let stream = TcpStream::connect(("::1", server.port)).expect("the other loopback address");
    drop(stream);
    server.connect().close();
    server.terminate();
}

#[test]
fn a_unix_socket_is_served_and_its_file_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("socket");
    // A file that a killed server left behind is replaced.
    drop(UnixListener::bind(&path).expect("a socket"));
    let address = format!("unix:{}", path.display());
    let server = Server::setup(["listen", "--echo", &address]).start_at(&address);
    let url = format!("ws+unix:{}:/", path.display());
    Test::new().args([&url, "-x", "hello", "--count", "1"]).stdout("hello\n").run();
    server.terminate();
    assert!(!path.exists());
}

#[test]
fn only_a_socket_without_a_server_is_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    let (file, folder, link, dangling) = (at("file"), at("folder"), at("link"), at("dangling"));
    std::fs::write(&file, "precious").expect("a file");
    std::fs::create_dir(&folder).expect("a directory");
    let stale = at("stale");
    drop(UnixListener::bind(&stale).expect("a socket"));
    std::os::unix::fs::symlink(&stale, &link).expect("a link");
    std::os::unix::fs::symlink(at("nothing"), &dangling).expect("a link");
    for path in [&file, &folder, &link, &dangling] {
        let address = format!("unix:{}", path.display());
        let fault = format!(
            "sockeye: cannot listen on {address}: {} exists and is not a socket\n",
            path.display()
        );
        Test::new().args(["listen", &address]).stderr(fault).status(1).run();
        assert!(path.symlink_metadata().is_ok(), "{address} was removed");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("it is left"), "precious");

    let live = at("live");
    let listener = UnixListener::bind(&live).expect("a socket");
    let address = format!("unix:{}", live.display());
    let fault = format!("sockeye: cannot listen on {address}: address already in use");
    Test::new().args(["listen", &address]).stderr_has([&fault]).status(1).run();
    drop(listener);

    let address = format!("unix:{}", stale.display());
    let server = Server::setup(["listen", "--echo", &address]).start_at(&address);
    // The server does not remove the file that took the place of its socket.
    std::fs::remove_file(&stale).expect("the socket is replaced");
    std::fs::write(&stale, "precious").expect("a file");
    server.terminate();
    assert_eq!(std::fs::read_to_string(&stale).expect("it is left"), "precious");
}

#[test]
fn an_abstract_unix_socket_is_served() {
    let name = format!("sockeye-test-{}", std::process::id());
    let address = format!("unix:@{name}");
    let server = Server::setup(["listen", "--echo", "-v", &address]).start_at(&address);
    let url = format!("ws+unix:@{name}:/chat");
    Test::new().args([&url, "-x", "hello", "--count", "1"]).stdout("hello\n").run();
    server.child.await_stderr("client 1 connected from unix for /chat\n");
    // The name is taken.
    let fault = format!("sockeye: cannot listen on {address}: address already in use");
    Test::new().args(["listen", &address]).stderr_has([&fault]).status(1).run();
    server.terminate();
}

/// Starts a server with this listening socket as descriptor 3.
#[track_caller]
fn inheriting(socket: OwnedFd, address: &str) -> (Server, String) {
    let script = "exec 3<&0 </dev/null; exec \"$@\"";
    let args = ["listen", address, "--echo"];
    Server::setup(args).shell(script).stdin(socket).start_with_url()
}

#[test]
fn an_inherited_socket_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    // A client that connected before the server was started.
    let mut early = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let (server, url) = inheriting(listener.into(), "fd:3");
    assert_eq!(url, format!("ws://127.0.0.1:{port}"));
    std::io::Write::write_all(&mut early, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut early, &mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    Test::new().args([&url, "-x", "hello", "--count", "1"]).stdout("hello\n").run();
    server.terminate();

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let (server, url) = inheriting(listener.into(), "fd:3");
    assert_eq!(url, "fd:3");
    let url = format!("ws+unix:{}:/", path.display());
    Test::new().args([&url, "-x", "hello", "--count", "1"]).stdout("hello\n").run();
    server.terminate();
    // The file belongs to whoever made the socket.
    assert!(path.exists());
}

#[test]
fn a_descriptor_that_is_no_listening_socket_is_an_error() {
    Test::new()
        .args(["listen", "fd:99"])
        .stderr("sockeye: cannot listen on fd:99: bad file descriptor (os error 9)\n")
        .status(1)
        .run();
    Test::new()
        .args(["listen", "fd:3"])
        .shell("exec 3</dev/null; exec \"$@\"")
        .stderr("sockeye: cannot listen on fd:3: socket operation on non-socket (os error 88)\n")
        .status(1)
        .run();
}

#[test]
fn both_families_are_served_and_no_address_is_mapped() {
    let server = Server::setup(["listen", "[::]:0", "--output", "jsonl"]);
    let (server, url) = server.start_with_url();
    let port = url.strip_prefix("ws://[::]:").expect("the address").to_owned();
    for (id, host) in [(1, "127.0.0.1"), (2, "[::1]")] {
        Client::connect(&format!("ws://{host}:{port}/")).close();
        server.child.await_stderr(&format!("client {id} connected from {host}:"));
        server.child.await_stdout_has(&format!("\"address\":\"{host}:"));
    }
    let end = server.terminate();
    let stdout = String::from_utf8(end.stdout).expect("UTF-8");
    assert!(!format!("{}{stdout}", end.stderr).contains("ffff"), "{}{stdout}", end.stderr);
}

#[test]
fn a_warning_tells_that_other_machines_can_connect() {
    let server = Server::start(["listen", "0.0.0.0:0"]);
    server.child.await_stderr("warning: clients on every network can connect");
    server.terminate();
    let server = Server::start(["listen", "[::]:0"]);
    server.connect().close();
    // The address is not that of IPv4 mapped to IPv6.
    server.child.await_stderr("client 1 connected from 127.0.0.1:");
    server.terminate();
}
