//! Messages that a reply script forwards to a real server.

use super::reply::Script;
use crate::support::{
    Authority, CertifiedClient, LIMIT, Test, closed_port, path_text, server::Server,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
};
use tungstenite::Message;

/// Starts a server whose script forwards messages to this URL, with more rules.
fn in_front(url: &str, rules: &str) -> Server {
    Script::new(&format!("forward = '{url}'\n{rules}")).start()
}

#[test]
fn messages_without_a_rule_go_to_the_real_server() {
    let real =
        Script::new("[[on]]\nopen = true\nsend = 'hello'\n[[on]]\notherwise = true\ndo = 'echo'\n")
            .start();
    let server = in_front(
        &real.url(),
        "[[on]]\ntext = 'mocked'\nsend = 'by the script'\n\
         [[on]]\ntext = 'ignored'\ndo = 'ignore'\n\
         [[on]]\nmatch = '^later'\ndelay = 0.01\ndo = 'forward'\n",
    );
    let mut client = server.join(1);
    client.expect_text("hello");
    client.send("mocked");
    client.expect_text("by the script");
    client.send("ignored");
    for message in ["to the server", "later"] {
        client.send(message);
        client.expect_text(message);
    }
    let binary = Message::binary(vec![7; 5 << 20]);
    client.send(binary.clone());
    client.expect(binary);
    client.close();
    real.child.await_stderr("client 1 disconnected\n");
    server.terminate();
    real.terminate();
}

#[test]
fn close_codes_go_both_ways() {
    let real =
        Script::new("[[on]]\ntext = 'bye'\nclose = { code = 4001, reason = 'told' }\n").start();
    let server = in_front(&real.url(), "");
    let mut client = server.join(1);
    client.send("bye");
    client.expect_close(4001);
    let mut client = server.join(2);
    // A Close with the code 4002, masked with zero.
    client.send_raw(b"\x88\x82\0\0\0\0\x0f\xa2");
    client.drain();
    real.child.await_stderr("4002");
    server.terminate();
    real.terminate();
}

/// Expects a Close with 1014, which may arrive together with the response.
fn expect_bad_gateway(server: &Server) {
    let mut client = server.dial();
    client
        .write_all(
            b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert!(received.ends_with(b"\r\n\r\n\x88\x02\x03\xf6"), "{}", received.escape_ascii());
}

#[test]
fn a_real_server_that_is_not_there_is_told() {
    let (_reserved, port) = closed_port();
    let server = in_front(&format!("ws://127.0.0.1:{port}/"), "");
    expect_bad_gateway(&server);
    server.child.await_stderr("client 1: cannot forward messages: cannot connect to 127.0.0.1:");
    let refusing = Server::start(["listen", "--echo", "--status", "503", "0"]);
    let other = in_front(&refusing.url(), "");
    expect_bad_gateway(&other);
    // Without a Close.
    let cutting = Script::new("[[on]]\notherwise = true\ncut = true").start();
    let lost = in_front(&cutting.url(), "");
    let mut client = lost.join(1);
    client.send("x");
    client.expect_close(1011);
    lost.child.await_stderr("client 1: the server that messages are forwarded to: ");
    for server in [server, refusing, other, cutting, lost] {
        server.terminate();
    }
}

#[test]
fn the_subprotocol_of_the_client_is_offered_to_the_real_server() {
    let real = Server::start(["listen", "--exec", "echo \"$WS_SUBPROTOCOL $WS_PATH\"; cat", "0"]);
    let server = in_front(&format!("{}a/b", real.url()), "");
    let (mut client, response) = server.connect_asking("chat");
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "chat");
    client.expect_text("chat /a/b");
    client.close();
    server.terminate();
    real.terminate();
}

#[test]
fn a_path_without_a_server_of_its_own_has_that_of_the_script() {
    let real = Server::start(["listen", "--exec", "echo \"$WS_PATH\"; cat", "0"]);
    let server = in_front(
        &format!("{}all", real.url()),
        &format!(
            "[[path]]\npath = '/one'\nforward = '{}one'\n[[path]]\npath = '/two'\n\
             [[path.on]]\ntext = 'a'\nsend = 'b'\n",
            real.url()
        ),
    );
    for (path, expected) in [("one", "/one"), ("two", "/all"), ("three", "/all")] {
        let url = format!("{}{path}", server.url());
        let (mut client, _) = tungstenite::client(url, server.dial()).unwrap();
        assert_eq!(client.read().unwrap(), Message::text(expected), "{path}");
    }
    server.terminate();
    real.terminate();
}

#[test]
fn a_part_of_an_api_is_mocked() {
    let real = Server::start(["listen", "--echo", "0"]);
    let script = Script::example("So a part of an API is mocked");
    let text = std::fs::read_to_string(script.path()).unwrap();
    let text = text.replace("ws://127.0.0.1:9001/", &real.url());
    std::fs::write(script.path(), text).unwrap();
    let server = script.start();
    let mut client = server.connect();
    for (sent, expected) in
        [(r#"{"op":"price"}"#, r#"{"price":42}"#), ("slow", "slow"), ("other", "other")]
    {
        client.send(sent);
        client.expect_text(expected);
    }
    client.close();
    server.terminate();
    real.terminate();
}

/// Starts an echo with TLS for the name localhost, and returns its URL.
fn secure_echo(options: &[&str], authority: &Authority) -> (Server, String) {
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = authority.issue().files(&dir).map(|path| path_text(&path));
    let args = ["listen", "localhost:0", "--exec", "cat", "--cert", &cert, "--key", &key];
    let (server, url) = Server::setup([&args[..], options].concat()).start_with_url();
    (server, url.replace("127.0.0.1", "localhost"))
}

#[test]
fn the_real_server_may_have_a_certificate_and_require_a_header() {
    let authority = Authority::new();
    let (real, url) = secure_echo(&["--require-header", "X-Token:abc"], &authority);
    let script = Script::new(&format!("forward = '{url}'\n"));
    let (path, ca) = (path_text(&script.path()), path_text(&authority.file()));
    let note = "sockeye: the certificate of the server that messages are forwarded to is not \
                checked (--forward-insecure)";
    for (options, is_insecure) in [
        (&["--forward-ca", &ca][..], false),
        (&["--forward-cacert", &ca], false),
        (&["--forward-insecure"], true),
    ] {
        let args = ["listen", "0", "--reply", &path, "--forward-header", "X-Token:abc"];
        let server = Server::start([&args[..], options].concat());
        let mut client = server.connect();
        client.send("hello");
        client.expect_text("hello");
        client.close();
        assert_eq!(server.terminate().stderr.contains(note), is_insecure);
    }
    for options in [&[][..], &["--forward-ca", &ca]] {
        let server = Server::start([&["listen", "0", "--reply", &path][..], options].concat());
        expect_bad_gateway(&server);
        let cause = if options.is_empty() { "certificate" } else { "answered 403" };
        let end = server.terminate();
        assert!(end.stderr.contains("client 1: cannot forward messages: "), "{}", end.stderr);
        assert!(end.stderr.contains(cause), "{}", end.stderr);
    }
    real.terminate();
}

#[test]
fn options_of_forwarding_need_a_script() {
    Test::new()
        .args(["listen", "0", "--forward-insecure"])
        .stderr_has(["--reply <FILE>"])
        .status(2)
        .run();
}

/// As for a client, http means ws.
#[test]
fn the_url_of_the_real_server_is_one_of_a_client() {
    let real = Server::start(["listen", "--exec", "cat", "0"]);
    let server = in_front(&real.url().replace("ws://", "http://"), "");
    let mut client = server.connect();
    client.send("hello");
    client.expect_text("hello");
    client.close();
    server.terminate();
    real.terminate();
}

/// Answers a request over TLS with 403 if the client has a certificate of the authority.
fn refuse_certified(listener: &TcpListener, config: Arc<ServerConfig>) {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let connection = ServerConnection::new(config).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a request");
        head.push(byte[0]);
    }
    assert!(stream.conn.peer_certificates().is_some());
    stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

#[test]
fn the_real_server_may_require_a_certificate() {
    let client = CertifiedClient::new();
    let config = client.authority.issue().server_for_clients_of(&client.authority);
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let refusing = thread::spawn(move || refuse_certified(&listener, config));
    let script = Script::new(&format!("forward = 'wss://localhost:{port}/'\n"));
    let [path, ca, cert, key] =
        [&script.path(), &client.authority.file(), &client.cert, &client.key]
            .map(|path| path_text(path));
    let args = ["listen", "0", "--reply", &path, "--forward-ca", &ca];
    let args = [&args[..], &["--forward-cert", &cert, "--forward-key", &key]].concat();
    let server = Server::start(args);
    expect_bad_gateway(&server);
    server.child.await_stderr("client 1: cannot forward messages: ");
    let end = server.terminate();
    assert!(end.stderr.contains("answered 403"), "{}", end.stderr);
    refusing.join().expect("a request with a certificate");
}
