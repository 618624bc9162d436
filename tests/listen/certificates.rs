//! The certificate of a server, and files that are none.

use crate::support::{Authority, Identity, Test, path_text as text, server::Server};
use std::{
    fs,
    io::Write as _,
    net::{Shutdown, TcpStream},
    path::Path,
};

/// Serves an echo with these options of TLS to a client that trusts only the authority.
#[track_caller]
fn serves(options: &[&str], authority: &Authority) {
    let mut args = vec!["listen", "--echo", "localhost:0"];
    args.extend(options);
    let (server, url) = Server::setup(args).start_with_url();
    let url = url.replace("127.0.0.1", "localhost");
    assert!(url.starts_with("wss://localhost:"), "{url}");
    let ca = text(&authority.file());
    Test::new().args(["--ca", &ca, &url, "-x", "hello", "--count", "1"]).stdout("hello\n").run();
    server.terminate();
}

#[test]
fn a_certificate_is_read_with_its_key_and_its_chain() {
    let authority = Authority::new();
    for identity in [authority.issue(), authority.issue_below()] {
        let dir = tempfile::tempdir().unwrap();
        let [cert, key] = identity.files(&dir);
        serves(&["--cert", &text(&cert), "--key", &text(&key)], &authority);
        // Both in one file.
        let both = dir.path().join("both.pem");
        fs::write(&both, [key, cert].map(|path| fs::read(path).unwrap()).concat()).unwrap();
        serves(&["--cert", &text(&both)], &authority);
    }
}

#[test]
fn wss_before_the_address_selects_tls() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = authority.issue().files(&dir).map(|path| text(&path));
    let server = Server::setup(["listen", "wss://0", "--cert", &cert, "--key", &key]);
    let (server, url) = server.start_with_url();
    assert!(url.starts_with("wss://127.0.0.1:"), "{url}");
    server.terminate();
}

/// Files that OpenSSL made: a certificate with an encrypted key, whose passphrase is "word", and the
/// same in PKCS#12, once with an empty passphrase.
fn file(name: &str) -> String {
    text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/listen/identity").join(name))
}

#[test]
fn an_encrypted_key_and_pkcs12_are_read() {
    for (name, options) in [
        ("encrypted.pem", &["--passphrase", "word"][..]),
        ("word.p12", &["--passphrase", "word"]),
        // Such a file is always encrypted.
        ("empty.p12", &[]),
    ] {
        let cert = file(name);
        let args = [&["listen", "localhost:0", "--echo", "--cert", &cert], options].concat();
        let (server, url) = Server::setup(args).start_with_url();
        let url = url.replace("127.0.0.1", "localhost");
        let ca = file("encrypted.pem");
        Test::new()
            .args(["--ca", &ca, &url, "-x", "hello", "--count", "1"])
            .stdout("hello\n")
            .run();
        server.terminate();
    }
    let start = "sockeye: cannot use the certificate or key in [..]: ";
    for name in ["encrypted.pem", "word.p12"] {
        Test::new()
            .args(["listen", "0", "--cert", &file(name), "--passphrase", "not this one"])
            .stderr(format!("{start}wrong passphrase\n"))
            .status(58)
            .run();
        // There is no terminal to ask for it.
        Test::new()
            .args(["listen", "0", "--cert", &file(name)])
            .shell("setsid -w \"$@\"")
            .stderr(format!(
                "{start}the key is encrypted with a passphrase\n\n\
                 hint: pass it with --passphrase\n"
            ))
            .status(58)
            .run();
    }
}

#[test]
fn files_that_are_no_certificate_or_key_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = Identity::self_signed().files(&dir);
    let other = tempfile::tempdir().unwrap();
    let [_, other_key] = Identity::self_signed().files(&other);
    let path = |name: &str| dir.path().join(name);
    fs::write(path("text"), "no certificate\n").unwrap();
    fs::write(path("empty"), "").unwrap();
    // The start of a PKCS#12 file and that of a certificate in DER.
    fs::write(path("p12"), b"\x30\x82\x01\x00\x02\x01\x03\x30\xff").unwrap();
    fs::write(path("der"), b"\x30\x82\x01\x00\x30\x82\x01\xff").unwrap();
    let (none, text_file) = (path("none"), path("text"));
    let no_file = "no such file or directory (os error 2)\n";
    let no_certificate = "no PEM certificate found\n";
    let rows: [(&Path, Option<&Path>, &Path, &str); 11] = [
        (&none, Some(&key), &none, no_file),
        (&cert, Some(&none), &none, no_file),
        (dir.path(), Some(&key), dir.path(), "is a directory (os error 21)\n"),
        (&path("empty"), Some(&key), &path("empty"), no_certificate),
        (&text_file, Some(&key), &text_file, no_certificate),
        (&key, Some(&key), &key, no_certificate),
        (
            &cert,
            None,
            &cert,
            "no PEM private key found\n\nhint: pass the key file with --key FILE\n",
        ),
        // That hint would contradict the command.
        (&cert, Some(&text_file), &text_file, "no PEM private key found\n"),
        (&cert, Some(&other_key), &other_key, "the key does not match the certificate\n"),
        (
            &path("p12"),
            Some(&key),
            &path("p12"),
            "a PKCS#12 file has its own key\n\nhint: leave out --key\n",
        ),
        (
            &path("der"),
            None,
            &path("der"),
            "no PEM certificate found\n\n\
             hint: convert it: openssl x509 -inform DER -in OLD -out NEW\n",
        ),
    ];
    for (cert, key, named, words) in rows {
        let key = key.map(|key| ["--key".to_owned(), text(key)]);
        Test::new()
            .args(["listen", "0", "--cert", &text(cert)])
            .args(key.into_iter().flatten())
            .stderr(format!(
                "sockeye: cannot use the certificate or key in {}: {words}",
                text(named)
            ))
            .status(58)
            .run();
    }
    Test::new()
        .args(["listen", "0", "--key", &text(&key)])
        .stderr_has(["required arguments", "--cert <FILE>"])
        .status(2)
        .run();
    Test::new()
        .args(["listen", "0", "--tls-self-signed", "--cert", &text(&cert)])
        .stderr_has(["'--tls-self-signed' cannot be used with '--cert <FILE>'"])
        .status(2)
        .run();
}

#[test]
fn the_reason_of_a_failed_tls_handshake_is_told() {
    let server = Server::setup(["listen", "--tls-self-signed", "127.0.0.1:0"]);
    let (server, url) = server.start_with_url();
    // The system may have no certificates.
    let other = Authority::new();
    let ca = text(&other.file());
    Test::new().args(["--ca", &ca, &url]).stderr_has(["certificate"]).status(60).run();
    server.child.await_stderr(": the client does not trust the certificate\n");
    let refused = |bytes: &[u8], words: &str| {
        let mut stream = TcpStream::connect(url.trim_start_matches("wss://")).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let from = stream.local_addr().unwrap();
        server.child.await_stderr(&format!("sockeye: refused {from}: {words}\n"));
    };
    refused(
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a request without TLS where wss:// is served, not ws://",
    );
    refused(b"\x16\x03\x01", "the connection ended in the middle of the TLS handshake");
    server.terminate();
}
