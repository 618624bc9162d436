//! Credentials: Basic, Digest, bearer tokens, netrc and cookies, and secrets kept elsewhere.

use crate::support::{Peer, Test};
use std::path::PathBuf;
use tempfile::TempDir;

/// Writes this text to a file in a new directory.
fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

/// Checks that the request of this run has these header fields.
#[track_caller]
fn sends(test: Test, fields: &'static [(&'static str, &'static str)]) {
    test.peer(move |peer| {
        let request = peer.open();
        for (name, value) in fields {
            assert_eq!(request.header(name), *value);
        }
        peer.close(1000);
    })
    .run();
}

#[test]
fn secrets_may_be_references() {
    let (_dir, path) = file("me:secret\nmore\n");
    let from_file = format!("file:{}", path.display());
    let basic = &[("Authorization", "Basic bWU6c2VjcmV0")];
    sends(Test::new().args(["-u", "me:secret"]), basic);
    sends(Test::new().args(["--user", "env:WHO"]).env("WHO", "me:secret"), basic);
    sends(Test::new().args(["--auth", &from_file]), basic);
    let bearer = &[("Authorization", "Bearer t0k")];
    sends(Test::new().args(["--bearer", "t0k"]), bearer);
    sends(Test::new().args(["--bearer", "env:TOKEN"]).env("TOKEN", "t0k"), bearer);
    Test::new()
        .args(["--bearer", "env:NO_SUCH", "ws://h"])
        .stderr("sockeye: the variable NO_SUCH: environment variable not found\n")
        .status(2)
        .run();
    Test::new()
        .args(["-u", "file:/no/such", "ws://h"])
        .stderr("sockeye: cannot read /no/such: no such file or directory (os error 2)\n")
        .status(2)
        .run();
    // There is no terminal to ask.
    Test::new()
        .args(["-u", "me", "ws://h"])
        .shell("setsid -w \"$@\"")
        .stderr_has([
            "sockeye: cannot ask for password for me: ",
            "hint: give it as env:NAME, file:PATH or cmd:COMMAND",
        ])
        .status(2)
        .run();
    // A file may contain only the password.
    Test::new()
        .args(["-u", "env:ONLY_PASSWORD", "ws://h"])
        .env("ONLY_PASSWORD", "zq7pwk9xLm42")
        .shell("setsid -w \"$@\"")
        .stderr_has(["sockeye: cannot ask for password for the user that --auth refers to: "])
        .status(2)
        .run();
}

#[test]
fn netrc_credentials_are_selected_by_host() {
    let (dir, path) =
        file("machine other login x password y\nmachine 127.0.0.1 login me password secret\n");
    let basic = &[("Authorization", "Basic bWU6c2VjcmV0")];
    sends(Test::new().args([format!("--netrc={}", path.display())]), basic);
    sends(Test::new().args(["--netrc"]).env("NETRC", &path), basic);
    std::fs::rename(&path, dir.path().join(".netrc")).unwrap();
    sends(Test::new().args(["--netrc"]).env("HOME", dir.path()), basic);
    let (_dir, path) = file("machine a\nlogn b\n");
    Test::new()
        .args([format!("--netrc={}", path.display()), "ws://h".to_owned()])
        .stderr(format!("sockeye: {}: line 2: not valid in netrc(5)\n", path.display()))
        .status(2)
        .run();
}

#[test]
fn cookies_are_given_by_value_or_file() {
    let (_dir, path) =
        file("127.0.0.1\tFALSE\t/\tFALSE\t0\tc\t3\nother\tFALSE\t/\tFALSE\t0\td\t4\n");
    let path = path.display().to_string();
    sends(
        Test::new().args(["--cookie", "a=1", "--cookie", "b=2; e=5", "--cookie", &path]),
        &[("Cookie", "a=1; b=2; e=5; c=3")],
    );
    sends(Test::new().args(["--cookie", "env:C"]).env("C", "s=x"), &[("Cookie", "s=x")]);
}

#[test]
fn headers_may_be_read_from_a_file() {
    let (_dir, path) = file("X-A: 1\r\n\nUser-Agent:\nX-Empty;\n");
    sends(
        Test::new().args(["-H".to_owned(), format!("@{}", path.display())]),
        &[("X-A", "1"), ("X-Empty", "")],
    );
    let (_dir, path) = file("X-A: 1\nnonsense\n");
    Test::new()
        .args(["-H".to_owned(), format!("@{}", path.display()), "ws://h".to_owned()])
        .stderr(format!("sockeye: {}: line 2: not NAME:VALUE, NAME: or NAME;\n", path.display()))
        .status(2)
        .run();
}

const CHALLENGE: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\
    WWW-Authenticate: Digest realm=\"a\", nonce=\"abc\", qop=\"auth\", algorithm=MD5\r\n\
    Content-Length: 0\r\n\r\n";

#[test]
fn a_digest_challenge_is_answered_once() {
    let answered = |peer: &mut Peer| {
        peer.next_client();
        let request = peer.open();
        let answer = request.header("Authorization");
        assert!(
            answer.starts_with("Digest username=\"me\", realm=\"a\", nonce=\"abc\", uri=\"/\"")
        );
        peer.close(1000);
    };
    Test::new()
        .args(["-u", "me:secret", "--digest"])
        .peer(move |peer| {
            assert!(peer.answer(CHALLENGE).all("Authorization").is_empty());
            answered(peer);
        })
        .run();
    Test::new()
        .args(["-u", "me:secret"])
        .peer(move |peer| {
            assert!(peer.answer(CHALLENGE).header("Authorization").starts_with("Basic "));
            answered(peer);
        })
        .run();
    // A rejected answer is reported, not repeated.
    Test::new()
        .args(["-u", "me:wrong"])
        .peer(|peer| {
            peer.answer(CHALLENGE);
            peer.next_client();
            peer.answer(CHALLENGE);
            peer.expect_end();
        })
        .stderr_has(["answered 401 (Unauthorized) instead of upgrading", "WWW-Authenticate: Basic"])
        .status(22)
        .run();
}

#[test]
fn unusable_challenges_are_reported_as_401() {
    for challenge in [
        "Digest \u{e9}=x",
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
        "Digest realm=\"\u{e9}\", nonce=\"n\", algorithm=SHA-1",
        "Digest \", nonce=\\",
    ] {
        Test::new()
            .args(["-u", "me:secret"])
            .peer(move |peer| {
                peer.answer(&format!(
                    "HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
                ));
                peer.expect_end();
            })
            .stderr_has(["answered 401 (No) instead of upgrading"])
            .status(22)
            .run();
    }
}

#[test]
fn a_stale_answer_and_another_resource_are_answered_again() {
    Test::new()
        .args(["-L", "-u", "me:secret"])
        .peer(|peer| {
            let mut challenge = |nonce: &str, stale: &str| {
                let request = peer.answer(&format!(
                    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\u{e9}\", \
                     nonce=\"{nonce}\"{stale}\r\nContent-Length: 0\r\n\r\n"
                ));
                peer.next_client();
                request.header("Authorization").to_owned()
            };
            assert!(challenge("a", "").starts_with("Basic "));
            assert!(challenge("b", ", stale=true").contains("nonce=\"a\", uri=\"/\""));
            let answered =
                peer.answer("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
            assert!(answered.header("Authorization").contains("nonce=\"b\", uri=\"/\""));
            peer.next_client();
            let mut challenge = |nonce: &str| {
                let request = peer.answer(&format!(
                    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"\r\n\
                     Content-Length: 0\r\n\r\n"
                ));
                peer.next_client();
                request.header("Authorization").to_owned()
            };
            assert!(challenge("c").starts_with("Basic "));
            assert!(peer.open().header("Authorization").contains("nonce=\"c\", uri=\"/there\""));
            peer.close(1000);
        })
        .run();
}

#[test]
fn secrets_do_not_break_the_request_nor_show_in_errors() {
    let words = "sockeye: the variable T contains a control character\n";
    for args in [["--bearer", "env:T"], ["--cookie", "env:T"], ["-u", "env:T"]] {
        Test::new()
            .args(args)
            .args(["ws://h"])
            .env("T", "a:b\r\nX-Evil: 1")
            .stderr(words)
            .status(2)
            .run();
    }
    sends(
        Test::new().args(["--bearer", "env:T"]).env("T", "tok\n"),
        &[("Authorization", "Bearer tok")],
    );
    for (args, status) in [
        (&["ws://u:S3CRET@h:99999/"][..], 3),
        (&["ws:/u:S3CRET@h/"], 3),
        (&["ftp://u:S3CRET@h/"], 3),
        (&["ws://u:S3%0d%0aCRET@h/"], 3),
        (&["--proxy", "http://u:S3CRET@h:99999", "ws://h"], 2),
        (&["--proxy", "u:S3CRET://h", "ws://h"], 2),
        (&["--bearer", "S3CRET\nx", "ws://h"], 2),
        (&["--bearer", "S3CRET\u{1}", "ws://h"], 2),
        (&["--cookie", "a=S3CRET\n\n", "ws://h"], 2),
        (&["-H", "Authorization Bearer S3CRET", "ws://h"], 2),
        (&["-u", "a:S3CRET\nx", "ws://h"], 2),
    ] {
        let script = "\"$@\" 2>&1 | grep -c S3 ; exit ${PIPESTATUS[0]}";
        Test::new().shell(script).args(args.iter().copied()).stdout("0\n").status(status).run();
    }
}
