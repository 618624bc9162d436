//! Real parts: squid, tinyproxy and microsocks before echo servers of others; nginx with client
//! certificates.

use crate::support::{Authority, EchoServer, Test};
use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

/// A conversation through this proxy.
#[track_caller]
fn converses(args: &[&str]) {
    let lines: String = (0..200).map(|n| format!("message {n}\n")).collect();
    Test::new()
        .args(args.iter().copied())
        .args(["--count", "200"])
        .stdin(&lines)
        .stdout(lines.into_bytes())
        .run();
}

#[test]
fn squid_and_tinyproxy_make_tunnels() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let [cert, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let ca = authority.file();
    let plain = EchoServer::ws(&[]);
    let secure = EchoServer::websockets(&["--tls", cert, key]);
    let ws = format!("ws://127.0.0.1:{}/", plain.port);
    let wss = format!("wss://localhost:{}/", secure.port);
    for (name, has_user) in
        [("squid", true), ("squid-open", false), ("tinyproxy", true), ("tinyproxy-open", false)]
    {
        let proxy = EchoServer::front(name, &plain, None);
        let with = |user: &str| format!("http://{user}127.0.0.1:{}", proxy.port);
        let good = with(if has_user { "me:secret@" } else { "" });
        converses(&["--proxy", &good, &ws]);
        converses(&["--proxy", &good, "--ca", ca.to_str().unwrap(), &wss]);
        if has_user {
            for user in ["", "me:wrong@"] {
                let words = format!(
                    "sockeye: the proxy 127.0.0.1:{} does not connect to 127.0.0.1:{}: it answered 4",
                    proxy.port, plain.port
                );
                Test::new()
                    .args(["--proxy", &with(user), &ws])
                    .stderr_has([&words])
                    .status(97)
                    .run();
            }
        }
    }
}

#[test]
fn microsocks_and_dante_s_protocol() {
    let back = EchoServer::websockets(&[]);
    let ws = format!("ws://localhost:{}/", back.port);
    let proxy = EchoServer::front("microsocks", &back, None);
    for scheme in ["socks5", "socks5h"] {
        converses(&["--proxy", &format!("{scheme}://127.0.0.1:{}", proxy.port), &ws]);
    }
    let proxy = EchoServer::front("microsocks-user", &back, None);
    converses(&["--proxy", &format!("socks5h://me:secret@127.0.0.1:{}", proxy.port), &ws]);
    for user in ["", "me:wrong@"] {
        Test::new()
            .args(["--proxy", &format!("socks5h://{user}127.0.0.1:{}", proxy.port), &ws])
            .stderr_has([&format!(
                "sockeye: the proxy 127.0.0.1:{} does not connect to localhost:{}: ",
                proxy.port, back.port
            )])
            .status(97)
            .run();
    }
}

#[test]
fn http_2_goes_through_a_proxy_too() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let tls = files.each_ref().map(|file| file.to_str().unwrap());
    let back = EchoServer::hypercorn(Some(tls));
    let proxy = EchoServer::front("tinyproxy-open", &back, None);
    let ca = authority.file().to_str().unwrap().to_owned();
    converses(&[
        "--http2",
        "--ca",
        &ca,
        "--proxy",
        &format!("http://127.0.0.1:{}", proxy.port),
        &format!("wss://localhost:{}/", back.port),
    ]);
}

#[test]
fn nginx_wants_a_client_certificate() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let [cert, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let ca = authority.file().to_str().unwrap().to_owned();
    let back = EchoServer::websockets(&[]);
    let front = EchoServer::front_for_clients_of("nginx", &back, [cert, key], &ca);
    let url = format!("wss://localhost:{}/", front.port);
    converses(&["--ca", &ca, "--cert", cert, "--key", key, &url]);
    Test::new()
        .args(["--ca", &ca, &url])
        .stderr_has(["answered 400 (Bad Request) instead", "No required SSL certificate was sent"])
        .status(22)
        .run();
}

/// `openssl s_server` with these options, and a certificate of this authority.
fn openssl(options: &[&str], authority: &Authority) -> (Program, u16) {
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = authority.issue().files(&dir);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut process = Command::new("openssl")
        .args(["s_server", "-accept", &free.to_string(), "-cert"])
        .arg(cert)
        .arg("-key")
        .arg(key)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let mut line = String::new();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    while !line.contains("ACCEPT") {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "openssl s_server does not start");
    }
    (Program(process, dir), free.port())
}

struct Program(Child, #[allow(dead_code, reason = "it outlives the program")] tempfile::TempDir);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn servers_with_other_ideas_of_tls_are_told_apart() {
    let authority = Authority::new();
    let ca = authority.file().to_str().unwrap().to_owned();
    for (options, args, words, status) in [
        // Too old for us, whatever we ask for.
        (
            &["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"][..],
            &[][..],
            "the server refused it: alert ProtocolVersion",
            35,
        ),
        (&["-tls1_2"], &["--tls-min", "1.3"], "the server refused it: alert ProtocolVersion", 35),
        (&["-tls1_3"], &["--tls-max", "1.2"], "the server refused it: alert ProtocolVersion", 35),
        (
            &["-tls1_2", "-cipher", "AES128-SHA"],
            &[],
            "the server refused it: alert HandshakeFailure",
            35,
        ),
        (&["-Verify", "1"], &[], "wants a client certificate", 58),
    ] {
        let (_server, port) = openssl(options, &authority);
        let url = format!("wss://localhost:{port}/");
        Test::new()
            .args(args.iter().copied())
            .args(["--ca", &ca, "--connect-timeout", "5", &url])
            .stderr_has([words])
            .status(status)
            .run();
    }
}
