//! Failures of the TLS handshake.

use crate::support::{Authority, Identity, Peer, Test, says};
use rcgen::{CertificateParams, SanType, date_time_ymd};
use std::sync::Arc;

/// Checks the error for a server without TLS that sends these bytes.
#[track_caller]
fn speaks(first: &'static [u8], message: &str) {
    let test = Test::new().args(["-qk", "wss://localhost:{port}/"]).peer(move |peer| {
        peer.send(first);
        peer.discard_all();
    });
    says(test, 35, &format!("TLS handshake with localhost:{{port}} failed: {message}"));
}

#[test]
fn other_services() {
    let elsewhere = "\n\nhint: check the host and port: another service listens there";
    speaks(
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        "the port speaks plain HTTP\n\nhint: use ws:// for a port without TLS",
    );
    speaks(
        b"SSH-2.0-OpenSSH_9.7\r\n",
        &format!("the port speaks SSH: 'SSH-2.0-OpenSSH_9.7'{elsewhere}"),
    );
    speaks(
        b"220 mail.example ESMTP\r\n",
        &format!("the port speaks SMTP: '220 mail.example ESMTP'{elsewhere}"),
    );
    speaks(b"J\0\0\0\n8.0.36\0\x08\0\0\0", &format!("the port speaks MySQL{elsewhere}"));
    speaks(
        b"what do you want?\n",
        "the port does not speak TLS: received 'what do you want?'\n\n\
         hint: check the port, or use ws:// if it has no TLS",
    );
}

#[test]
fn alerts() {
    let refused = |alert: &str, hint: &str| format!("received the alert {alert}\n\nhint: {hint}");
    speaks(
        b"\x15\x03\x03\x00\x02\x02\x28",
        &refused(
            "HandshakeFailure",
            "pass a client certificate with --cert FILE, or check the server's cipher suites",
        ),
    );
    speaks(
        b"\x15\x03\x03\x00\x02\x02\x46",
        &refused(
            "ProtocolVersion",
            "check --tls-min and --tls-max: sockeye supports TLS 1.2 and 1.3",
        ),
    );
    speaks(
        b"\x15\x03\x03\x00\x02\x02\x70",
        &refused(
            "UnrecognisedName",
            "the server does not know the host name: send another with --sni NAME",
        ),
    );
}

#[test]
fn versions() {
    // A ServerHello of TLS 1.0, and one of TLS 1.2 where only TLS 1.3 is allowed.
    let mut hello = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01".to_vec();
    hello.extend([7; 32]);
    hello.extend(b"\x00\x00\x2f\x00");
    let old = hello.clone();
    let test = Test::new().args(["-qk", "wss://localhost:{port}/"]).peer(move |peer| {
        peer.send(old);
        peer.discard_all();
    });
    says(
        test,
        35,
        "TLS handshake with localhost:{port} failed: the server supports neither TLS 1.2 nor TLS \
         1.3",
    );
    hello[10] = 3;
    let test = Test::new().args(["-qk", "--tls-min", "1.3", "wss://localhost:{port}/"]);
    let test = test.peer(move |peer| {
        peer.send(hello);
        peer.discard_all();
    });
    says(
        test,
        35,
        "TLS handshake with localhost:{port} failed: the server selected a TLS version excluded \
         by --tls-min or --tls-max\n\n\
         hint: check --tls-min and --tls-max",
    );
}

#[test]
fn ends_and_silence() {
    let secured = || Test::new().args(["-qk", "wss://localhost:{port}/"]);
    let hint = "\n\nhint: use ws:// if the port has no TLS, or --sni NAME if the server expects \
        another name";
    let test = secured().peer(|peer| {
        peer.half_close();
        peer.discard_all();
    });
    let when = "the connection during the TLS handshake";
    says(test, 35, &format!("localhost:{{port}} closed {when}{hint}"));
    let test = secured().peer(|peer| {
        peer.read_some();
        peer.reset();
    });
    says(test, 35, &format!("localhost:{{port}} reset {when}{hint}"));
    let test = secured().args(["--tls-timeout", "0.2"]).peer(Peer::discard_all);
    says(
        test,
        28,
        "localhost:{port}: the TLS handshake timed out after 0.2 seconds\n\n\
         hint: use ws:// if the port has no TLS, or raise the limit with --tls-timeout SECONDS",
    );
}

/// Checks the error for this certificate, which a trusted authority issued.
#[track_caller]
fn refused(change: impl FnOnce(&mut CertificateParams), message: &str) {
    let authority = Authority::new();
    let test = Test::new().args(["--ca".into(), authority.file()]);
    let test = test.tls_peer(authority.issue_with(change).server(), Peer::discard_all);
    says(test, 60, &format!("cannot verify the certificate of localhost:{{port}}: {message}"));
}

#[test]
fn certificates() {
    refused(
        |params| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 3);
        },
        "certificate has expired: valid until 2020-02-03T00:00:00Z (now 20[..]Z)\n\n\
         hint: renew the server's certificate; -k skips the check",
    );
    refused(
        |params| params.not_before = date_time_ymd(2090, 4, 5),
        "certificate is not yet valid: valid from 2090-04-05T00:00:00Z (now 20[..]Z)\n\n\
         hint: check this machine's clock; -k skips the check",
    );
    refused(
        |params| {
            let names = ["one.example", "two.example"].map(|name| name.try_into().unwrap());
            params.subject_alt_names = names.map(SanType::DnsName).to_vec();
        },
        "certificate is not valid for localhost, only for one.example, two.example\n\n\
         hint: connect to a name in the certificate, or request one with --sni NAME; -k skips the check",
    );
    refused(
        |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
        "CA certificate used as a server certificate\n\n\
         hint: trust it with --ca FILE, create it with CA:FALSE, or skip the check with -k",
    );
}

#[test]
fn issuers() {
    let trusted = Authority::new();
    let other = Authority::new();
    let meets = |identity: Identity, status, message: &str| {
        let test = Test::new().args(["--ca".into(), trusted.file()]);
        says(test.tls_peer(identity.server(), Peer::discard_all), status, message);
    };
    meets(
        Identity::self_signed(),
        60,
        "cannot verify the certificate of localhost:{port}: self-signed certificate that is not \
         trusted\n\n\
         hint: trust it with --ca FILE, or skip the check with -k",
    );
    meets(
        other.issue(),
        60,
        "cannot verify the certificate of localhost:{port}: certificate signed by an unknown \
         authority: CN=/[..]\n\n\
         hint: trust its CA with --ca FILE, or skip the check with -k (the server sent no intermediate certificate)",
    );
}

#[test]
fn clients() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = || authority.issue().server_for_clients_of(&authority);
    let test = || Test::new().args(["--ca".into(), authority.file()]);
    says(
        test().tls_peer(server(), Peer::discard_all),
        58,
        "localhost:{port} requires a client certificate\n\n\
         hint: pass one with --cert FILE and --key FILE",
    );
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = stranger.issue().files(&dir);
    says(
        test()
            .args(["--cert".into(), cert, "--key".into(), key])
            .tls_peer(server(), Peer::discard_all),
        58,
        "localhost:{port} rejected the client certificate: unknown authority",
    );
}

#[test]
fn keys_and_protocols() {
    let identity = Identity::self_signed();
    let hash = identity.key_hash();
    let pin = format!("sha256//{}=", "A".repeat(43));
    says(
        Test::new().args(["-qk", "--pin", &pin]).tls_peer(identity.server(), Peer::discard_all),
        90,
        &format!(
            "the public key of localhost:{{port}} does not match the pin: its hash is sha256//{hash}\n\n\
             hint: if the server's key has changed, pin the new one"
        ),
    );
    let mut config = rustls::ServerConfig::clone(&identity.server());
    config.alpn_protocols = vec![b"h2".to_vec()];
    says(
        Test::new().args(["-qk"]).tls_peer(Arc::new(config), Peer::discard_all),
        35,
        "localhost:{port} does not support HTTP/1.1: it rejected http/1.1 by ALPN\n\n\
         hint: try WebSocket over HTTP/2: --http2",
    );
}
