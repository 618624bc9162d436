//! TLS: failed handshakes (35), refused certificates (60), unreadable authorities (77), and working
//! sessions.

use crate::support::{Authority, Identity, Peer, Signal, Test, wire::text};
use rcgen::date_time_ymd;

fn greet(peer: &mut Peer) {
    peer.open();
    peer.send(text("secured"));
    peer.close(1000);
}

/// Checks that this certificate of a trusted authority is refused with this error.
#[track_caller]
fn refused(authority: &Authority, identity: &Identity, words: &str) {
    Test::new()
        .args(["--ca"])
        .args([authority.file()])
        .tls_peer(identity.server(), Peer::discard_all)
        .stderr(format!(
            "sockeye: cannot verify the certificate of localhost:{{port}}: {words}; -k skips the \
             check\n"
        ))
        .status(60)
        .run();
}

#[test]
fn a_good_certificate_is_taken() {
    let authority = Authority::new();
    for name in ["--ca", "--cacert"] {
        Test::new()
            .args([name])
            .args([authority.file()])
            .tls_peer(authority.issue().server(), greet)
            .stdout("secured\n")
            .run();
    }
}

#[test]
fn one_of_several_authorities_is_enough() {
    let [one, other] = [Authority::new(), Authority::new()];
    Test::new()
        .args(["--ca".into(), one.file(), "--ca".into(), other.file()])
        .tls_peer(other.issue().server(), greet)
        .stdout("secured\n")
        .run();
}

#[test]
fn the_system_s_authorities_may_be_a_file() {
    let authority = Authority::new();
    Test::new()
        .env("SSL_CERT_FILE", authority.file())
        .tls_peer(authority.issue().server(), greet)
        .stdout("secured\n")
        .run();
}

#[test]
fn a_given_authority_replaces_the_system_s() {
    let [system, given] = [Authority::new(), Authority::new()];
    Test::new()
        .env("SSL_CERT_FILE", system.file())
        .args(["--ca".into(), given.file()])
        .tls_peer(system.issue().server(), Peer::discard_all)
        .stderr(UNTRUSTED)
        .status(60)
        .run();
}

#[test]
fn a_self_signed_certificate_is_not_trusted() {
    let authority = Authority::new();
    Test::new()
        .env("SSL_CERT_FILE", authority.file())
        .tls_peer(Identity::self_signed().server(), Peer::discard_all)
        .stderr(
            "sockeye: cannot verify the certificate of localhost:{port}: self-signed certificate \
             that is not trusted\n\nhint: trust it with --ca FILE, or skip the check with -k\n",
        )
        .status(60)
        .run();
}

const UNTRUSTED: &str = "sockeye: cannot verify the certificate of localhost:{port}: certificate \
    signed by an unknown authority: CN=/[..]\n\n\
    hint: trust its CA with --ca FILE, or skip the check with -k (the server sent no intermediate certificate)\n";

#[test]
fn insecure_accepts_any_certificate_under_all_its_names_and_says_so() {
    for name in ["-k", "--insecure", "-n", "--no-check"] {
        Test::new()
            .args([name])
            .tls_peer(Identity::self_signed().server(), greet)
            .stdout("secured\n")
            .stderr("sockeye: the server's certificate is not checked (-k, --insecure)\n")
            .run();
    }
}

#[test]
fn an_expired_certificate_is_refused_with_its_date() {
    let authority = Authority::new();
    let identity = authority.issue_with(|params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 3);
    });
    let words = "certificate has expired: valid until 2020-02-03T00:00:00Z (now 20[..]Z)\n\n\
        hint: renew the server's certificate";
    refused(&authority, &identity, words);
}

#[test]
fn a_certificate_of_the_future_is_refused_with_its_date() {
    let authority = Authority::new();
    let identity = authority.issue_with(|params| params.not_before = date_time_ymd(2090, 4, 5));
    let words = "certificate is not yet valid: valid from 2090-04-05T00:00:00Z (now 20[..]Z)\n\n\
        hint: check this machine's clock";
    refused(&authority, &identity, words);
}

#[test]
fn a_certificate_for_another_name_is_refused_with_its_names() {
    let authority = Authority::new();
    let identity = authority.issue_with(|params| {
        let names = ["one.example", "two.example"].map(|name| name.try_into().unwrap());
        params.subject_alt_names = names.map(rcgen::SanType::DnsName).to_vec();
    });
    Test::new()
        .args(["--ca".into(), authority.file()])
        .tls_peer(identity.server(), Peer::discard_all)
        .stderr(
            "sockeye: cannot verify the certificate of localhost:{port}: \
             certificate is not valid for localhost, only for one.example, two.example\n\n\
             hint: connect to a name in the certificate, or request one with --sni NAME; -k skips the \
             check\n",
        )
        .status(60)
        .run();
}

#[test]
fn an_authority_s_own_certificate_is_refused_with_a_hint() {
    let authority = Authority::new();
    let identity = authority.issue_with(|params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    Test::new()
        .args(["--ca".into(), authority.file()])
        .tls_peer(identity.server(), Peer::discard_all)
        .stderr(
            "sockeye: cannot verify the certificate of localhost:{port}: \
             CA certificate used as a server certificate\n\n\
             hint: trust it with --ca FILE, create it with CA:FALSE, or skip the check with -k\n",
        )
        .status(60)
        .run();
}

#[test]
fn plain_http_on_a_tls_port_is_reported() {
    Test::new()
        .args(["-qk", "wss://localhost:{port}/"])
        .peer(|peer| {
            peer.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            peer.discard_all();
        })
        .stderr(
            "sockeye: TLS handshake with localhost:{port} failed: the port speaks plain HTTP\n\n\
             hint: use ws:// for a port without TLS\n",
        )
        .status(35)
        .run();
}

#[test]
fn a_server_without_tls_is_reported() {
    Test::new()
        .args(["-qk", "wss://localhost:{port}/"])
        .peer(|peer| {
            peer.send("SSH-2.0-OpenSSH_9.7\r\n");
            peer.discard_all();
        })
        .stderr(
            "sockeye: TLS handshake with localhost:{port} failed: the port speaks SSH: \
             'SSH-2.0-OpenSSH_9.7'\n\n\
             hint: check the host and port: another service listens there\n",
        )
        .status(35)
        .run();
}

#[test]
fn an_end_in_the_tls_handshake_is_reported() {
    let words = |did: &str| {
        format!(
            "sockeye: localhost:{{port}} {did} the connection during the TLS handshake\n\n\
             hint: use ws:// if the port has no TLS, or --sni NAME if the server expects another name\n"
        )
    };
    Test::new()
        .args(["-qk", "wss://localhost:{port}/"])
        .peer(|peer| {
            peer.half_close();
            peer.discard_all();
        })
        .stderr(words("closed"))
        .status(35)
        .run();
    Test::new()
        .args(["-qk", "wss://localhost:{port}/"])
        .peer(|peer| {
            peer.read_some();
            peer.reset();
        })
        .stderr(words("reset"))
        .status(35)
        .run();
}

#[test]
fn an_alert_is_named() {
    Test::new()
        .args(["-qk", "wss://localhost:{port}/"])
        .peer(|peer| {
            // Fatal alert, handshake failure.
            peer.send(b"\x15\x03\x03\x00\x02\x02\x28");
            peer.discard_all();
        })
        .stderr(
            "sockeye: TLS handshake with localhost:{port} failed: received the alert \
             HandshakeFailure\n\n\
             hint: pass a client certificate with --cert FILE, or check the server's cipher suites\n",
        )
        .status(35)
        .run();
}

#[test]
fn a_tls_peer_that_leaves_without_a_close_is_1006() {
    Test::new()
        .args(["-qk"])
        .tls_peer(Identity::self_signed().server(), |peer| {
            peer.open();
            peer.send(text("one"));
        })
        .stdout("one\n")
        .stderr("sockeye: localhost:{port} closed the connection without a Close frame (1006)\n")
        .status(56)
        .run();
}

#[test]
fn a_large_message_goes_both_ways() {
    let message = "tls ".repeat(300_000);
    let line = format!("{message}\n");
    Test::new()
        .args(["-qk"])
        .stdin(&line)
        .tls_peer(Identity::self_signed().server(), move |peer| {
            peer.open();
            peer.expect_text(&message);
            peer.send(text(&message));
            peer.close(1000);
        })
        .stdout(line.into_bytes())
        .run();
}

#[test]
fn a_ca_file_that_is_missing_or_no_pem_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("missing.pem", None, "no such file or directory (os error 2)"),
        ("empty.pem", Some(""), "no PEM certificate found"),
        ("text.pem", Some("not a certificate\n"), "no PEM certificate found"),
        (
            "broken.pem",
            Some("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"),
            "not PEM: [..]",
        ),
    ];
    for (name, contents, words) in cases {
        let path = dir.path().join(name);
        if let Some(contents) = contents {
            std::fs::write(&path, contents).unwrap();
        }
        Test::new()
            .args(["--ca".into(), path.clone()])
            .args(["wss://localhost:{port}/"])
            // The file is read while TCP connects.
            .peer(Peer::discard_all)
            .stderr(format!("sockeye: cannot use the CA file {}: {words}\n", path.display()))
            .status(77)
            .run();
    }
}

#[test]
fn messages_before_a_record_that_cannot_be_decrypted_are_not_lost() {
    let authority = Authority::new();
    Test::new()
        .args(["--ca".into(), authority.file()])
        .tls_peer(authority.issue().server(), |peer| {
            peer.open();
            // Everything is read at once.
            peer.child.signal(Signal::STOP);
            for n in 0..3 {
                peer.send(text(format!("message {n}")));
            }
            let record = [&[0x17, 3, 3, 0, 32][..], &[0; 32]].concat();
            peer.send_unencrypted(record);
            peer.child.signal(Signal::CONT);
            peer.discard_all();
        })
        .stdout("message 0\nmessage 1\nmessage 2\n")
        .stderr("sockeye: cannot receive from localhost:{port}: cannot decrypt peer's message\n")
        .status(56)
        .run();
}
