//! Client certificates: PEM, encrypted keys, PKCS#12, and their faults.

use crate::support::{CertifiedClient, Test, path_text as text};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

#[test]
fn a_client_certificate_is_shown() {
    let client = CertifiedClient::new();
    let (cert, key) = (text(&client.cert), text(&client.key));
    client.test().args(["--cert", &cert, "--key", &key]).run();
    let both = client.path("both.pem");
    let joined = [&cert, &key].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    std::fs::write(&both, joined).unwrap();
    client.test().args(["--cert", &text(&both)]).run();
}

#[test]
fn unreadable_files_are_reported_with_a_conversion() {
    let client = CertifiedClient::new();
    let cert = text(&client.cert);
    std::fs::write(client.path("empty"), "").unwrap();
    let der = CertificateDer::from_pem_file(&client.cert).unwrap();
    std::fs::write(client.path("cert.der"), der).unwrap();
    std::fs::copy(&CertifiedClient::new().key, client.path("other.pem")).unwrap();
    let key =
        |name: &str| ["--cert", &cert, "--key", &text(&client.path(name))].map(ToOwned::to_owned);
    let no_key = "no PEM private key found\n\nhint: pass the key file with --key FILE\n";
    for (args, words) in [
        // The hint at --key would contradict the command.
        (&key("empty")[..], "no PEM private key found\n"),
        (&key("missing"), "no such file or directory (os error 2)\n"),
        (&key("other.pem"), "the key does not match the certificate\n"),
        (&["--cert".to_owned(), cert.clone()], no_key),
        (
            &["--cert", &text(&client.path("cert.der")), "--key", &text(&client.key)]
                .map(ToOwned::to_owned),
            "no PEM certificate found\n\nhint: convert it: openssl x509 -inform DER -in OLD -out \
             NEW\n",
        ),
    ] {
        Test::new()
            .args(args)
            .args(["wss://h"])
            .stderr(format!("sockeye: cannot use the certificate or key in [..]: {words}"))
            .status(58)
            .run();
    }
}

#[test]
fn a_server_that_refuses_it_is_58() {
    let client = CertifiedClient::new();
    client
        .test()
        .stderr(
            "sockeye: localhost:{port} requires a client certificate\n\n\
                 hint: pass one with --cert FILE and --key FILE\n",
        )
        .status(58)
        .peer_discards()
        .run();
    let stranger = CertifiedClient::new();
    let (cert, key) = (text(&stranger.cert), text(&stranger.key));
    client
        .test()
        .args(["--cert", &cert, "--key", &key])
        .stderr_has(["sockeye: localhost:{port} rejected the client certificate: "])
        .status(58)
        .peer_discards()
        .run();
}

#[test]
fn an_expired_certificate_is_reported_by_the_server() {
    let client = CertifiedClient::new();
    let old = client.authority.issue_with(|params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = old.files(&dir);
    client
        .test()
        .args(["--cert", &text(&cert), "--key", &text(&key)])
        .stderr("sockeye: localhost:{port} rejected the client certificate: it has expired\n")
        .status(58)
        .peer_discards()
        .run();
}
