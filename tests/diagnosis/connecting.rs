//! Addresses that do not resolve, and servers that cannot be reached.

use crate::support::{Test, closed_port, says};
use rustix::net::listen;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _},
    time::Duration,
};

#[test]
fn names_that_do_not_resolve_are_reported() {
    // The cause depends on the machine's resolver.
    let cause = ("nosuch.invalid", 80).to_socket_addrs().unwrap_err().to_string();
    let message = if cause.contains("Temporary failure") {
        "cannot resolve nosuch.invalid: DNS lookup failed (temporary failure in name \
         resolution)\n\n\
         hint: check the network and the name servers (/etc/resolv.conf)"
    } else {
        "cannot resolve nosuch.invalid: host not found ([..])\n\n\
         hint: check the spelling, or pass the address with --resolve HOST:PORT:ADDRESS"
    };
    says(Test::new().args(["ws://nosuch.invalid/"]), 6, message);
    says(
        Test::new().args(["-6", "ws://127.0.0.1:1/"]),
        6,
        "cannot resolve 127.0.0.1: IPv4 addresses are excluded",
    );
}

#[test]
fn addresses_that_cannot_be_reached_are_reported() {
    let (reserved, port) = closed_port();
    says(
        Test::new().args([format!("ws://127.0.0.1:{port}/")]),
        7,
        &format!(
            "cannot connect to 127.0.0.1:{port}: connection refused (os error 111)\n\n\
             hint: check the port, and that the server is running"
        ),
    );
    let two = format!("some.example:{port}:127.0.0.1,127.0.0.2");
    says(
        Test::new().args(["--resolve".to_owned(), two, format!("ws://some.example:{port}/")]),
        7,
        &format!(
            "cannot connect to some.example:{port}: all addresses failed\n  \
             127.0.0.1: connection refused (os error 111)\n  \
             127.0.0.2: connection refused (os error 111)\n\n\
             hint: check the port, and that the server is running"
        ),
    );
    // A multicast address, which TCP cannot connect to.
    says(
        Test::new().args(["ws://224.0.0.1:9/"]),
        7,
        "cannot connect to 224.0.0.1:9: network is unreachable (os error 101)\n\n\
         hint: no route to the host: check the address, the network and any VPN",
    );
    // Linux leaves further connections waiting while a listener's queue is full.
    listen(&reserved, 0).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queued.push(stream);
    }
    says(
        Test::new().args(["--connect-timeout", "0.3"]).args([format!("127.0.0.1:{port}")]),
        28,
        &format!(
            "127.0.0.1:{port}: connecting timed out after 0.3 seconds\n\n\
             hint: the host does not respond: check the address and any firewall in between, or raise the \
             limit with --connect-timeout SECONDS"
        ),
    );
}

#[test]
fn unix_sockets() {
    says(
        Test::new().args(["ws+unix:/no/such:/"]),
        7,
        "cannot connect to /no/such: no such file or directory (os error 2)\n\n\
         hint: check the path, and that the server is running",
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let path = path.display();
    says(
        Test::new().args([format!("ws+unix:{path}:/")]),
        7,
        &format!(
            "cannot connect to {path}: connection refused (os error 111)\n\n\
             hint: no process listens on the socket: check that the server is running"
        ),
    );
}
