//! Trust in certificates, parameters of the TLS handshake, and both in the output of -v.

use crate::support::{Authority, Identity, Peer, Test};
use std::os::unix::fs::PermissionsExt as _;

fn closes(peer: &mut Peer) {
    peer.open();
    peer.close(1000);
}

#[test]
fn a_certificate_of_ssl_cert_file_is_trusted_like_one_of_ca() {
    let identity = Identity::self_signed_with(|params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let dir = tempfile::tempdir().unwrap();
    let [cert, _] = identity.files(&dir);
    Test::new().env("SSL_CERT_FILE", cert).tls_peer(identity.server(), closes).run();
}

#[test]
fn a_self_signed_certificate_that_was_given_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    for authority in [false, true] {
        let identity = Identity::self_signed_with(|params| {
            if authority {
                // As `openssl req -x509` makes it by default.
                params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            }
        });
        let [cert, _] = identity.files(&dir);
        Test::new().args(["--ca"]).args([&cert]).tls_peer(identity.server(), closes).run();
    }
    // Name and validity are still checked.
    for (change, words) in [
        (
            (|params: &mut rcgen::CertificateParams| {
                params.subject_alt_names =
                    vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
            }) as fn(&mut _),
            "certificate is not valid for localhost, only for other.example",
        ),
        (
            |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1),
            "certificate has expired: \
            valid until 2020-01-01",
        ),
    ] {
        let identity = Identity::self_signed_with(change);
        let [cert, _] = identity.files(&dir);
        Test::new()
            .args(["--ca"])
            .args([&cert])
            .tls_peer(identity.server(), Peer::discard_all)
            .stderr_has([words])
            .status(60)
            .run();
    }
}

#[test]
fn authorities_may_be_added_to_the_system_s() {
    let (system, own) = (Authority::new(), Authority::new());
    for authority in [&system, &own] {
        Test::new()
            .args(["--ca-native", "--ca"])
            .args([own.file()])
            .env("SSL_CERT_FILE", system.file())
            .tls_peer(authority.issue().server(), closes)
            .run();
    }
    // --ca with a directory.
    Test::new()
        .args(["--ca"])
        .args([own.file().parent().unwrap()])
        .tls_peer(own.issue().server(), closes)
        .run();
}

#[test]
fn sni_is_sent_and_verified() {
    let authority = Authority::new();
    let identity = authority.issue_with(|params| {
        params.subject_alt_names =
            vec![rcgen::SanType::DnsName("inner.example".try_into().unwrap())];
    });
    Test::new()
        .args(["--sni", "inner.example", "--ca"])
        .args([authority.file()])
        .tls_peer(identity.server(), |peer| {
            peer.open();
            assert_eq!(peer.server_name().as_deref(), Some("inner.example"));
            peer.close(1000);
        })
        .run();
    Test::new()
        .args(["--no-sni", "--ca"])
        .args([authority.file()])
        .tls_peer(authority.issue().server(), |peer| {
            peer.open();
            assert_eq!(peer.server_name(), None);
            peer.close(1000);
        })
        .run();
}

#[test]
fn tls_versions_can_be_limited() {
    let authority = Authority::new();
    for (args, version) in
        [(["--tls-max", "1.2"], "TLSv1_2, TLS_ECDHE"), (["--tls-min", "1.3"], "TLSv1_3, TLS13_")]
    {
        Test::new()
            .args(args)
            .args(["-v", "--ca"])
            .args([authority.file()])
            .tls_peer(authority.issue().server(), closes)
            .stderr_has([
                "* certificate: CN=rcgen self signed cert (for localhost), by CN=",
                " days left\n",
                &format!("* {version}"),
            ])
            .run();
    }
    Test::new()
        .args(["--tls-min", "1.3", "--tls-max", "1.2", "wss://h"])
        .stderr("sockeye: --tls-min is higher than --tls-max\n")
        .status(2)
        .run();
}

#[test]
fn a_key_may_be_pinned() {
    let authority = Authority::new();
    let identity = authority.issue();
    let pin = format!("sha256//{}", identity.key_hash());
    let other = format!("sha256//{}", authority.issue().key_hash());
    let both = format!("{other};{pin}");
    for args in [[&*pin, "--no-slash"], [&*both, "-qk"]] {
        let args = args.into_iter().filter(|arg| *arg != "--no-slash");
        Test::new()
            .args(["--pin"])
            .args(args)
            .args(["--ca"])
            .args([authority.file()])
            .tls_peer(identity.server(), closes)
            .run();
    }
    for args in [&[][..], &["-qk"]] {
        Test::new()
            .args(args.iter().copied())
            .args(["--pin", &other, "--ca"])
            .args([authority.file()])
            .tls_peer(identity.server(), Peer::discard_all)
            .stderr(format!(
                "sockeye: the public key of localhost:{{port}} does not match the pin: its hash is \
                 {pin}\n\n\
                 hint: if the server's key has changed, pin the new one\n"
            ))
            .status(90)
            .run();
    }
    Test::new()
        .args(["--pin", "md5//x", "wss://h"])
        .stderr_has([
            "invalid value 'md5//x' for '--pin",
            "not sha256// followed by 32 bytes in base64",
        ])
        .status(2)
        .run();
}

#[test]
fn the_chain_is_shown_also_when_it_is_refused() {
    let authority = Authority::new();
    Test::new()
        .args(["-v", "--ca"])
        .args([Authority::new().file()])
        .tls_peer(authority.issue().server(), Peer::discard_all)
        .stderr_has([
            "* certificate: CN=rcgen self signed cert (for localhost), by CN=",
            "sockeye: cannot verify the certificate of localhost:{port}: certificate signed by an \
             unknown authority: CN=",
        ])
        .status(60)
        .run();
}

#[test]
fn keys_are_logged_for_wireshark() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("keys");
    for runs in 1..=2 {
        Test::new()
            .args(["--ca"])
            .args([authority.file()])
            .env("SSLKEYLOGFILE", &log)
            .tls_peer(authority.issue().server(), closes)
            .run();
        let keys = std::fs::read_to_string(&log).unwrap();
        assert_eq!(keys.matches("CLIENT_TRAFFIC_SECRET_0 ").count(), runs, "{keys}");
        let mode = std::fs::metadata(&log).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// Regression: nothing told of it.
#[test]
fn a_key_log_that_cannot_be_written_is_a_note() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    Test::new()
        .shell("ulimit -f 0; exec \"$@\"")
        .args(["--ca"])
        .args([authority.file()])
        .env("SSLKEYLOGFILE", dir.path().join("keys"))
        .tls_peer(authority.issue().server(), closes)
        .stderr(
            "sockeye: cannot write the TLS keys of SSLKEYLOGFILE: file too large (os error 27)\n",
        )
        .run();
}

#[test]
fn a_key_log_that_is_not_a_regular_file_is_a_note_and_never_waits() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let (pipe, link, target) =
        (dir.path().join("pipe"), dir.path().join("link"), dir.path().join("target"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for (path, cause) in
        [(&pipe, "not a regular file"), (&link, "it is a symbolic link, which is not followed")]
    {
        let path = path.display().to_string();
        Test::new()
            .args(["--ca"])
            .args([authority.file()])
            .env("SSLKEYLOGFILE", &path)
            .tls_peer(authority.issue().server(), closes)
            .stderr_has([&*format!("no TLS keys are logged to {path} (SSLKEYLOGFILE): {cause}\n")])
            .run();
    }
    assert!(!target.exists(), "the link was followed");
}
