//! The address of a server.

use crate::support::Test;
use crate::support::server::Server;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;

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
    let server = Server::start(["--echo", "listen", "0"]);
    let mut client = server.connect();
    client.send("hello");
    client.expect_text("hello");
    client.close();
    server.terminate();
}

#[test]
fn an_invalid_address_is_a_usage_error() {
    for address in ["x", "99999", "host", "::1:9000", "h:", ""] {
        let text = format!("sockeye: '{address}' is not a listen address\n[..]\n[..]\n");
        Test::new().args(["listen", address]).stderr(text).status(2).run();
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let words = "address already in use (os error 98)\n";
    for args in [["listen", &port], ["-l", &port]] {
        let start = format!("sockeye: cannot listen on {port}: {words}");
        Test::new().args(args).stderr_has([&start]).status(1).run();
    }
}

#[test]
fn a_name_that_does_not_resolve_is_reported() {
    let start = "sockeye: cannot listen on nowhere.invalid:0: ";
    Test::new().args(["listen", "nowhere.invalid:0"]).stderr_has([start]).status(1).run();
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
