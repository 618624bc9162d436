//! Squid, tinyproxy and microsocks in front of echo servers; nginx with client certificates.

use super::{
    programs::PeerServer,
    support::{Authority, Test},
};

/// Checks a conversation through this proxy.
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
    let plain = PeerServer::ws(&[]);
    let secure = PeerServer::websockets(&["--tls", cert, key]);
    let ws = format!("ws://127.0.0.1:{}/", plain.port);
    let wss = format!("wss://localhost:{}/", secure.port);
    for (name, has_user) in
        [("squid", true), ("squid-open", false), ("tinyproxy", true), ("tinyproxy-open", false)]
    {
        let proxy = PeerServer::proxy_to(name, &plain, None);
        let with = |user: &str| format!("http://{user}127.0.0.1:{}", proxy.port);
        let good = with(if has_user { "me:secret@" } else { "" });
        converses(&["--proxy", &good, &ws]);
        converses(&["--proxy", &good, "--ca", ca.to_str().unwrap(), &wss]);
        if has_user {
            for user in ["", "me:wrong@"] {
                let words = format!(
                    "sockeye: cannot connect to 127.0.0.1:{} through the proxy 127.0.0.1:{}: it \
                     answered 4",
                    plain.port, proxy.port
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
    let back = PeerServer::websockets(&[]);
    let ws = format!("ws://localhost:{}/", back.port);
    let proxy = PeerServer::proxy_to("microsocks", &back, None);
    for scheme in ["socks5", "socks5h"] {
        converses(&["--proxy", &format!("{scheme}://127.0.0.1:{}", proxy.port), &ws]);
    }
    let proxy = PeerServer::proxy_to("microsocks-user", &back, None);
    converses(&["--proxy", &format!("socks5h://me:secret@127.0.0.1:{}", proxy.port), &ws]);
    for user in ["", "me:wrong@"] {
        Test::new()
            .args(["--proxy", &format!("socks5h://{user}127.0.0.1:{}", proxy.port), &ws])
            .stderr_has([&format!(
                "sockeye: cannot connect to localhost:{} through the proxy 127.0.0.1:{}: ",
                back.port, proxy.port
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
    let back = PeerServer::hypercorn(Some(tls));
    let proxy = PeerServer::proxy_to("tinyproxy-open", &back, None);
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
fn nginx_requires_a_client_certificate() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let files = authority.issue().files(&dir);
    let [cert, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let ca = authority.file().to_str().unwrap().to_owned();
    let back = PeerServer::websockets(&[]);
    let proxy = PeerServer::proxy_requiring_certificate("nginx", &back, [cert, key], &ca);
    let url = format!("wss://localhost:{}/", proxy.port);
    converses(&["--ca", &ca, "--cert", cert, "--key", key, &url]);
    Test::new()
        .args(["--ca", &ca, &url])
        .stderr_has(["answered 400 (Bad Request) instead", "No required SSL certificate was sent"])
        .status(22)
        .run();
}
