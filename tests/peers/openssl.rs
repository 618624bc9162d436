//! OpenSSL: its TLS server, and its certificates and keys.

use super::support::{Authority, CertifiedClient, Identity, Peer, Test, path_text as text, says};
use rustls::{
    pki_types::PrivateKeyDer,
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
};

/// Runs openssl in the directory of a client's files.
#[track_caller]
fn openssl_in(client: &CertifiedClient, args: &[&str]) {
    let done = Command::new("openssl").args(args).current_dir(client.dir.path()).output();
    let done = done.unwrap_or_else(|e| panic!("openssl does not start ({e}): run `make deps`"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_key_in_sec1_is_read() {
    let client = CertifiedClient::new();
    openssl_in(&client, &["ec", "-in", "key.pem", "-out", "sec1.pem"]);
    let (cert, key) = (text(&client.cert), text(&client.path("sec1.pem")));
    client.test().args(["--cert", &cert, "--key", &key]).run();
}

#[test]
fn a_key_with_a_passphrase_is_opened() {
    let client = CertifiedClient::new();
    openssl_in(
        &client,
        &["pkcs8", "-topk8", "-in", "key.pem", "-out", "e.pem", "-passout", "pass:word"],
    );
    let (cert, key) = (text(&client.cert), text(&client.path("e.pem")));
    let args = ["--cert", &cert, "--key", &key, "--passphrase"];
    client.test().args(args).args(["word"]).run();
    client.test().args(args).args(["env:PHRASE"]).env("PHRASE", "word").run();
    let words = format!("sockeye: cannot use the certificate or key in {key}: ");
    Test::new()
        .args(args)
        .args(["not this one", "wss://h"])
        .stderr(format!("{words}wrong passphrase\n"))
        .status(58)
        .run();
    // There is no terminal to ask for the passphrase.
    Test::new()
        .args(["--cert", &cert, "--key", &key, "wss://h"])
        .shell("setsid -w \"$@\"")
        .stderr(format!(
            "{words}the key is encrypted with a passphrase\n\nhint: pass it with --passphrase\n"
        ))
        .status(58)
        .run();
}

#[test]
fn pkcs12_is_read() {
    let client = CertifiedClient::new();
    for (name, old) in [("new.p12", None), ("old.p12", Some("-legacy"))] {
        let mut args =
            vec!["pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-out", name];
        args.extend(old);
        args.extend(["-passout", "pass:word"]);
        openssl_in(&client, &args);
        let path = text(&client.path(name));
        client.test().args(["--cert", &path, "--passphrase", "word"]).run();
        Test::new()
            .args(["--cert", &path, "--passphrase", "not this one", "wss://h"])
            .stderr_has([": wrong passphrase\n"])
            .status(58)
            .run();
    }
}

#[test]
fn keys_in_other_formats_are_reported_with_a_conversion() {
    let client = CertifiedClient::new();
    let args = ["ec", "-in", "key.pem", "-aes256", "-out", "old.pem", "-passout", "pass:word"];
    openssl_in(&client, &args);
    openssl_in(&client, &["pkey", "-in", "key.pem", "-outform", "DER", "-out", "key.der"]);
    let convert = "unsupported key format\n\nhint: convert it: openssl ";
    for (name, words) in [
        ("old.pem", "pkcs8 -topk8 -in OLD -out NEW\n"),
        ("key.der", "pkey -inform DER -in OLD -out NEW\n"),
    ] {
        let (cert, key) = (text(&client.cert), text(&client.path(name)));
        Test::new()
            .args(["--cert", &cert, "--key", &key, "wss://h"])
            .stderr(format!("sockeye: cannot use the certificate or key in [..]: {convert}{words}"))
            .status(58)
            .run();
    }
}

/// A version 1 certificate has no extensions. It is refused with `-k` too.
#[test]
fn a_version_1_certificate_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let script = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout key -out request && openssl x509 -req -in request -signkey key -out cert && \
        openssl pkcs8 -topk8 -nocrypt -in key -outform DER -out key.der && \
        openssl x509 -in cert -outform DER -out cert.der";
    let openssl = Command::new("sh").args(["-c", script]).current_dir(dir.path()).output().unwrap();
    assert!(openssl.status.success(), "{}", String::from_utf8_lossy(&openssl.stderr));
    let [cert, key] =
        ["cert.der", "key.der"].map(|name| std::fs::read(dir.path().join(name)).unwrap());
    // A resolver presents the certificate unparsed; rustls refuses to load it for a server too.
    let key = PrivateKeyDer::Pkcs8(key.into());
    let signing = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let shown = CertifiedKey::new(vec![cert.into()], signing);
    let mut config = rustls::ServerConfig::clone(&Identity::self_signed().server());
    config.cert_resolver = Arc::new(SingleCertAndKey::from(shown));
    let config = Arc::new(config);
    let fault = "cannot verify the certificate of localhost:{port}: version 1 certificates are not \
                 supported, not even with -k\n\n\
                 hint: create a version 3 certificate that names the host";
    says(Test::new().tls_peer(Arc::clone(&config), Peer::discard_all), 60, fault);
    let note = "sockeye: the server's certificate is not checked (-k, --insecure)\n";
    let unchecked = Test::new().args(["-k"]).tls_peer(config, Peer::discard_all);
    unchecked.stderr(format!("{note}sockeye: {fault}\n")).status(60).run();
}

/// Starts `openssl s_server` with these options and a certificate of this authority.
fn openssl_server(options: &[&str], authority: &Authority) -> (Program, u16) {
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
        .unwrap_or_else(|e| panic!("openssl does not start ({e}): run `make deps`"));
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
fn tls_mismatches_are_distinguished() {
    let authority = Authority::new();
    let ca = authority.file().to_str().unwrap().to_owned();
    for (options, args, words, status) in [
        // TLS 1.1 is not supported at all.
        (
            &["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"][..],
            &[][..],
            "received the alert ProtocolVersion",
            35,
        ),
        (&["-tls1_2"], &["--tls-min", "1.3"], "received the alert ProtocolVersion", 35),
        (&["-tls1_3"], &["--tls-max", "1.2"], "received the alert ProtocolVersion", 35),
        (&["-tls1_2", "-cipher", "AES128-SHA"], &[], "received the alert HandshakeFailure", 35),
        (&["-Verify", "1"], &[], "requires a client certificate", 58),
    ] {
        let (_server, port) = openssl_server(options, &authority);
        let url = format!("wss://localhost:{port}/");
        Test::new()
            .args(args.iter().copied())
            .args(["--ca", &ca, "--connect-timeout", "5", &url])
            .stderr_has([words])
            .status(status)
            .run();
    }
}
