//! How sessions end, and the proxy itself.

use super::{Backend, Session, expect, field};
use rustix::net::sockopt::set_socket_linger;
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// Makes a connection end with a reset.
fn reset(stream: TcpStream) {
    set_socket_linger(&stream, Some(Duration::ZERO)).expect("an option");
    drop(stream);
}

/// Returns how a connection ends.
fn end(mut stream: &TcpStream) -> Result<usize, std::io::ErrorKind> {
    stream.read(&mut [0; 10]).map_err(|cause| cause.kind())
}

#[test]
fn a_close_reaches_the_other_leg_with_code_and_reason() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let Session { mut client, mut server, .. } = backend.open(&proxy);
    server.write_all(b"\x88\x09\x0f\xa1because").unwrap();
    expect(&client, b"\x88\x09\x0f\xa1because");
    client.write_all(b"\x88\x82\0\0\0\0\x0f\xa1").unwrap();
    let mut answer = [0; 8];
    server.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..2], [0x88, 0x82]);
    assert_eq!([answer[6] ^ answer[2], answer[7] ^ answer[3]], [0x0f, 0xa1]);
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(end(&client), Ok(0));
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(end(&server), Ok(0));
    proxy.child.await_stderr(
        "client 1 disconnected: closed by the server with 4001 (private use): because",
    );
    proxy.terminate();
}

/// Prevents that 1006 becomes a clean Close, and that one end of TCP becomes another.
#[test]
fn an_end_without_a_close_stays_one() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let Session { client, server, .. } = backend.open(&proxy);
    drop(server);
    assert_eq!(end(&client), Ok(0));
    drop(client);
    proxy.child.await_stderr(
        "client 1 disconnected: the server ended the connection without a Close frame",
    );
    let Session { client, server, .. } = backend.open(&proxy);
    reset(client);
    assert_eq!(end(&server), Err(std::io::ErrorKind::ConnectionReset));
    proxy.child.await_stderr("client 2 disconnected: client: connection reset");
    let Session { client, server, .. } = backend.open(&proxy);
    reset(server);
    assert_eq!(end(&client), Err(std::io::ErrorKind::ConnectionReset));
    proxy.child.await_stderr("client 3 disconnected: server: connection reset");
    proxy.terminate();
}

#[test]
fn one_direction_may_end_before_the_other() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let Session { client, mut server, .. } = backend.open(&proxy);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(end(&server), Ok(0));
    server.write_all(b"\x81\x02hi").unwrap();
    expect(&client, b"\x81\x02hi");
    drop(server);
    assert_eq!(end(&client), Ok(0));
    proxy.terminate();
}

#[test]
fn a_signal_closes_both_legs() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let Session { mut client, mut server, .. } = backend.open(&proxy);
    // In the middle of a frame.
    server.write_all(b"\x81\x05he").unwrap();
    expect(&client, b"\x81\x05he");
    proxy.child.signal(crate::support::Signal::TERM);
    let mut close = [0; 8];
    server.read_exact(&mut close).unwrap();
    assert_eq!(close[..2], [0x88, 0x82]);
    server.write_all(b"llo\x88\x02\x03\xe9").unwrap();
    expect(&client, b"llo\x88\x02\x03\xe9");
    client.write_all(b"\x88\x82\0\0\0\0\x03\xe9").unwrap();
    assert_eq!(end(&client), Ok(0));
    let output = proxy.ends_by(crate::support::Signal::TERM);
    let line = "client 1 disconnected: closed by the proxy with 1001";
    assert!(output.stderr.contains(line), "{}", output.stderr);
}

#[test]
fn a_peer_that_does_not_answer_a_close_holds_up_nothing() {
    let backend = Backend::new();
    let proxy = backend.proxy(&["--close-timeout", "0.2"]);
    let session = backend.open(&proxy);
    proxy.terminate();
    expect(&session.client, b"\x88\x02\x03\xe9");
}

#[test]
fn once_ends_with_the_first_session() {
    let backend = Backend::new();
    let proxy = backend.proxy(&["--once"]);
    let Session { client, server, .. } = backend.open(&proxy);
    drop(client);
    assert_eq!(end(&server), Ok(0));
    drop(server);
    proxy.ends_with(0);
}

#[test]
fn a_time_limit_ends_the_run() {
    let backend = Backend::new();
    let proxy = backend.proxy(&["-m", "0.3", "--close-timeout", "0.1"]);
    let session = backend.open(&proxy);
    expect(&session.client, b"\x88\x02\x03\xe9");
    drop(session);
    proxy.ends_with(28);
}

#[test]
fn too_many_sessions_are_refused() {
    let backend = Backend::new();
    let proxy = backend.proxy(&["--max-clients", "1"]);
    let first = backend.open(&proxy);
    let client = proxy.dial();
    super::ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{}\r\n", super::UPGRADE));
    let answer = super::read_all(&client);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    drop(first);
    proxy.child.await_stderr("client 1 disconnected");
    let second = backend.open(&proxy);
    assert_eq!(field(&second.answer, "Upgrade"), "websocket");
    drop(second);
    proxy.terminate();
}
