//! Client certificates: PEM, encrypted keys, PKCS#12, and what can be wrong with them.

use crate::support::{Authority, Test};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A client of an authority, and files with its certificate and its key.
struct Client {
    authority: Authority,
    dir: TempDir,
    cert: PathBuf,
    key: PathBuf,
}

impl Client {
    fn new() -> Self {
        let authority = Authority::new();
        let dir = tempfile::tempdir().unwrap();
        let [cert, key] = authority.issue().files(&dir);
        Self { authority, dir, cert, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs openssl here.
    fn openssl(&self, args: &[&str]) {
        let done =
            Command::new("openssl").args(args).current_dir(self.dir.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A run against a server that wants a certificate of this authority.
    fn test(&self) -> Test {
        let server = self.authority.issue().server_for_clients_of(&self.authority);
        Test::new().args(["--ca"]).args([self.authority.file()]).tls_peer(server, |peer| {
            peer.open();
            peer.close(1000);
        })
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_client_certificate_is_shown() {
    let client = Client::new();
    let (cert, key) = (text(&client.cert), text(&client.key));
    client.test().args(["--cert", &cert, "--key", &key]).run();
    let both = client.path("both.pem");
    let joined = [&cert, &key].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    std::fs::write(&both, joined).unwrap();
    client.test().args(["--cert", &text(&both)]).run();
    client.openssl(&["ec", "-in", "key.pem", "-out", "sec1.pem"]);
    client.test().args(["--cert", &cert, "--key", &text(&client.path("sec1.pem"))]).run();
}

#[test]
fn a_key_with_a_passphrase_is_opened() {
    let client = Client::new();
    client.openssl(&[
        "pkcs8",
        "-topk8",
        "-in",
        "key.pem",
        "-out",
        "e.pem",
        "-passout",
        "pass:word",
    ]);
    let (cert, key) = (text(&client.cert), text(&client.path("e.pem")));
    let args = ["--cert", &cert, "--key", &key, "--passphrase"];
    client.test().args(args).args(["word"]).run();
    client.test().args(args).args(["env:PHRASE"]).env("PHRASE", "word").run();
    let words = format!("sockeye: cannot use the client certificate or key in {key}: ");
    Test::new()
        .args(args)
        .args(["wrong", "wss://h"])
        .stderr(format!("{words}the passphrase is wrong\n"))
        .status(58)
        .run();
    // Nobody to ask.
    Test::new()
        .args(["--cert", &cert, "--key", &key, "wss://h"])
        .shell("setsid -w \"$@\"")
        .stderr(format!("{words}the key has a passphrase\n\nhint: give it with --passphrase\n"))
        .status(58)
        .run();
}

#[test]
fn pkcs12_is_read() {
    let client = Client::new();
    for (name, old) in [("new.p12", None), ("old.p12", Some("-legacy"))] {
        let mut args =
            vec!["pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-out", name];
        args.extend(old);
        args.extend(["-passout", "pass:word"]);
        client.openssl(&args);
        let path = text(&client.path(name));
        client.test().args(["--cert", &path, "--passphrase", "word"]).run();
        Test::new()
            .args(["--cert", &path, "--passphrase", "wrong", "wss://h"])
            .stderr_has([": the passphrase is wrong\n"])
            .status(58)
            .run();
    }
}

#[test]
fn what_cannot_be_read_is_told_with_what_converts_it() {
    let client = Client::new();
    let cert = text(&client.cert);
    client.openssl(&[
        "ec",
        "-in",
        "key.pem",
        "-aes256",
        "-out",
        "old.pem",
        "-passout",
        "pass:word",
    ]);
    client.openssl(&["pkey", "-in", "key.pem", "-outform", "DER", "-out", "key.der"]);
    client.openssl(&["x509", "-in", "cert.pem", "-outform", "DER", "-out", "cert.der"]);
    client.openssl(&["genpkey", "-algorithm", "ed25519", "-out", "other.pem"]);
    std::fs::write(client.path("empty"), "").unwrap();
    let key = |name: &str| {
        vec!["--cert".to_owned(), cert.clone(), "--key".to_owned(), text(&client.path(name))]
    };
    let convert = "the key is in a form that is not read\n\nhint: convert it: openssl ";
    for (args, words) in [
        (key("old.pem"), &*format!("{convert}pkcs8 -topk8 -in OLD -out NEW\n")),
        (key("key.der"), &*format!("{convert}pkey -inform DER -in OLD -out NEW\n")),
        (key("empty"), "no private key in PEM\n\nhint: give the file of the key with --key FILE\n"),
        (key("missing"), "no such file or directory (os error 2)\n"),
        (key("other.pem"), "the key is not the certificate's\n"),
        (
            vec!["--cert".to_owned(), cert.clone()],
            "no private key in PEM\n\nhint: give the file of the key with --key FILE\n",
        ),
        (
            vec![
                "--cert".to_owned(),
                text(&client.path("cert.der")),
                "--key".to_owned(),
                text(&client.key),
            ],
            "no certificate in PEM\n\nhint: convert it: openssl x509 -inform DER -in OLD -out NEW\n",
        ),
    ] {
        Test::new()
            .args(args)
            .args(["wss://h"])
            .stderr(format!("sockeye: cannot use the client certificate or key in [..]: {words}"))
            .status(58)
            .run();
    }
}

#[test]
fn a_server_that_refuses_it_is_58() {
    let client = Client::new();
    client
        .test()
        .stderr(
            "sockeye: localhost:{port} wants a client certificate\n\n\
                 hint: give one with --cert FILE and --key FILE\n",
        )
        .status(58)
        .unheld()
        .run();
    let stranger = Client::new();
    let (cert, key) = (text(&stranger.cert), text(&stranger.key));
    client
        .test()
        .args(["--cert", &cert, "--key", &key])
        .stderr_has(["sockeye: localhost:{port} refuses the client certificate: "])
        .status(58)
        .unheld()
        .run();
}

#[test]
fn one_that_has_expired_is_told_by_the_server() {
    let client = Client::new();
    let old = client.authority.issue_with(|params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = old.files(&dir);
    client
        .test()
        .args(["--cert", &text(&cert), "--key", &text(&key)])
        .stderr("sockeye: localhost:{port} refuses the client certificate: it has expired\n")
        .status(58)
        .unheld()
        .run();
}
