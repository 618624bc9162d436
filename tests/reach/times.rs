//! Names that do not resolve (6), connections that fail (7), and timeouts on the way to an open
//! session (28).

use crate::support::{Authority, Peer, Test, closed_port, wire};
use rustix::net::listen;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _},
    time::Duration,
};

#[test]
fn a_name_that_does_not_resolve_is_named() {
    // The resolver's message depends on the machine.
    Test::new()
        .args(["ws://nosuch.invalid/"])
        .stderr("sockeye: cannot resolve nosuch.invalid: [..]\n\nhint: check the [..]\n")
        .status(6)
        .run();
}

#[test]
fn an_address_of_the_wrong_family_is_not_used() {
    Test::new()
        .args(["-6", "ws://127.0.0.1:1/"])
        .stderr("sockeye: cannot resolve 127.0.0.1: IPv4 addresses are excluded\n")
        .status(6)
        .run();
    Test::new()
        .args(["-4", "ws://[::1]:1/"])
        .stderr("sockeye: cannot resolve [::1]: IPv6 addresses are excluded\n")
        .status(6)
        .run();
}

#[test]
fn a_refused_connection_names_address_and_cause() {
    let (_reserved, port) = closed_port();
    Test::new()
        .args([format!("ws://127.0.0.1:{port}/")])
        .stderr(format!(
            "sockeye: cannot connect to 127.0.0.1:{port}: connection refused (os error 111)\n\n\
             hint: check the port, and that the server is running\n"
        ))
        .status(7)
        .run();
}

#[test]
fn every_address_that_was_tried_is_listed() {
    let (_reserved, port) = closed_port();
    let mut addresses: Vec<_> =
        ("localhost", port).to_socket_addrs().unwrap().map(|address| address.ip()).collect();
    addresses.dedup();
    let refused = "connection refused (os error 111)";
    let expected = if let [address] = addresses[..] {
        format!("sockeye: cannot connect to localhost:{port} ({address}): {refused}\n")
    } else {
        let list = addresses.iter().map(|address| format!("  {address}: {refused}\n"));
        let list: String = list.collect();
        format!("sockeye: cannot connect to localhost:{port}: all addresses failed\n{list}")
    };
    let expected = format!("{expected}\nhint: check the port, and that the server is running\n");
    Test::new().args([format!("localhost:{port}")]).stderr(expected).status(7).run();
}

#[test]
fn an_address_that_does_not_answer_is_a_timeout_of_connecting() {
    // Linux leaves further connections waiting while a listener's queue is full.
    let (listener, port) = closed_port();
    listen(&listener, 0).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queued.push(stream);
    }
    Test::new()
        .args(["--connect-timeout".to_owned(), "0.5".to_owned(), format!("127.0.0.1:{port}")])
        .stderr(format!(
            "sockeye: 127.0.0.1:{port}: connecting timed out after 0.5 seconds\n\n\
             hint: the host does not respond: check the address and any firewall in between, or raise the \
             limit with --connect-timeout SECONDS\n"
        ))
        .status(28)
        .takes_at_least(500)
        .run();
}

#[test]
fn silence_in_the_handshake_ends_in_time_and_names_the_step() {
    Test::new()
        .args(["--connect-timeout", "0.5"])
        .peer(|peer| {
            peer.request();
            peer.discard_all();
        })
        .stderr(
            "sockeye: {peer}: the WebSocket handshake timed out after 0.5 seconds\n\n\
             hint: check the path and the subprotocol (-s NAME): some servers never answer an upgrade \
             that they do not serve; otherwise raise the limit with --connect-timeout SECONDS\n",
        )
        .status(28)
        .takes_at_least(300)
        .run();
}

#[test]
fn an_endless_response_head_times_out() {
    Test::new()
        .args(["--connect-timeout", "0.5"])
        .peer(|peer| {
            peer.request();
            peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: web");
            peer.discard_all();
        })
        .stderr(
            "sockeye: {peer}: the WebSocket handshake timed out after 0.5 seconds: the response \
             stopped after 46 bytes\n\n\
             hint: check the server: its response lacks the empty line that ends the header \
             (--trace shows its bytes)\n",
        )
        .status(28)
        .takes_at_least(300)
        .run();
}

#[test]
fn silence_in_the_tls_handshake_names_the_step() {
    Test::new()
        .args(["--connect-timeout", "0.5", "-qk", "wss://localhost:{port}/"])
        .peer(Peer::discard_all)
        .stderr(
            "sockeye: localhost:{port}: the TLS handshake timed out after 0.5 seconds\n\n\
             hint: use ws:// if the port has no TLS, or raise the limit with --connect-timeout SECONDS\n",
        )
        .status(28)
        .takes_at_least(300)
        .run();
}

#[test]
fn connect_timeout_covers_all_steps() {
    // TLS takes most of the budget; the handshake gets only the rest.
    let authority = Authority::new();
    Test::new()
        .args(["--connect-timeout", "1.5", "--ca"])
        .args([authority.file()])
        .tls_peer(authority.issue().server(), |peer| {
            std::thread::sleep(Duration::from_millis(1200));
            peer.request();
            peer.discard_all();
        })
        .stderr(
            "sockeye: localhost:{port}: the WebSocket handshake timed out after 1.5 seconds\
             \n\nhint: check the path and the subprotocol (-s NAME): some servers never answer an upgrade \
             that they do not serve; otherwise raise the limit with --connect-timeout SECONDS\n",
        )
        .status(28)
        .takes_at_least(1500)
        .takes_less_than(2600)
        .run();
}

#[test]
fn max_time_counts_while_connecting_and_its_hint_is_its_own() {
    Test::new()
        .args(["--max-time", "0.3"])
        .peer(|peer| {
            peer.request();
            peer.discard_all();
        })
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 0.3 seconds\n")
        .status(28)
        .takes_at_least(300)
        .run();
}

#[test]
fn max_time_ends_a_session_that_continues() {
    Test::new()
        .args(["--max-time", "0.3"])
        .peer(|peer| {
            peer.open();
            peer.send(wire::text("one"));
            peer.answer_close(1000);
        })
        .stdout("one\n")
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 0.3 seconds\n")
        .status(28)
        .takes_at_least(300)
        .run();
}

#[test]
fn max_time_ends_a_session_whose_peer_does_not_answer_the_close() {
    Test::new()
        .args(["--max-time", "0.3", "--close-timeout", "20"])
        .peer(|peer| {
            peer.open();
            peer.expect_close(1000);
            peer.discard_all();
        })
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 0.3 seconds\n")
        .status(28)
        .takes_at_least(300)
        .takes_less_than(2000)
        .run();
}

#[test]
fn a_peer_that_does_not_answer_pings_is_detected() {
    Test::new()
        .args(["--ping-interval", "0.2", "--ping-timeout", "0.3"])
        .peer(|peer| {
            peer.open();
            let ping = peer.frame();
            assert_eq!(ping.first, 0x89, "{ping:?}");
            peer.discard_all();
        })
        .stderr(
            "sockeye: {peer}: the pong timed out after 0.3 seconds\n\n\
             hint: raise --ping-timeout, or disable it with 0\n",
        )
        .status(28)
        .takes_at_least(500)
        .run();
}

#[test]
fn a_peer_that_answers_pings_is_kept() {
    Test::new()
        .args(["--ping-interval", "0.1", "--ping-timeout", "5"])
        .peer(|peer| {
            peer.open();
            for _ in 0..3 {
                let ping = peer.frame();
                assert_eq!(ping.first, 0x89, "{ping:?}");
                peer.send(wire::frame(0x8a, ping.payload));
            }
            peer.send(wire::close(1000, ""));
            peer.discard_all();
        })
        .takes_at_least(300)
        .run();
}
