//! Cookies of servers: sent after redirects and reconnects, and kept with --cookie-jar.

use crate::support::{Test, peer::Peer};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Answers with a redirect that sets cookies.
fn redirect(peer: &mut Peer, location: &str, cookies: &[&str]) {
    let cookies: String = cookies.iter().map(|it| format!("Set-Cookie: {it}\r\n")).collect();
    peer.answer(&format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\n{cookies}Content-Length: 0\r\n\r\n"
    ));
    peer.next_client();
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_cookie_of_a_redirect_is_sent_where_it_belongs() {
    Test::new()
        .args(["-L", "--cookie", "sid=old", "--cookie", "mine=1"])
        .peer(|peer| {
            redirect(peer, "/app/x", &["sid=new; Path=/", "lb=7", "other=1; Path=/other"]);
            assert_eq!(peer.open().header("Cookie"), "mine=1; sid=new; lb=7");
            peer.close(1000);
        })
        .run();
}

#[test]
fn the_cookie_of_a_redirect_is_not_sent_to_another_host() {
    Test::new()
        .args(["-L", "-v"])
        .peer(|peer| {
            let port = peer.port();
            let there = format!("ws://localhost:{port}/");
            redirect(peer, &there, &["sid=opensesame; Path=/", "d=1; Domain=localhost"]);
            assert!(peer.open().all("Cookie").is_empty());
            peer.close(1000);
        })
        .stderr_has(["< Set-Cookie: [redacted]\n", "* redirected to ws://localhost:{port}/\n"])
        .run();
}

#[test]
fn a_cookie_of_the_handshake_is_sent_by_the_next_session_and_shown_nowhere() {
    Test::new()
        .args(["--reconnect", "--reconnect-delay", "0", "-v"])
        .peer(|peer| {
            peer.open_with("Set-Cookie: lb=opensesame\r\n");
            peer.close_with(1001, "lb=opensesame");
            peer.next_client();
            assert_eq!(peer.open().header("Cookie"), "lb=opensesame");
            peer.close(1000);
        })
        .stderr_has(["< Set-Cookie: [redacted]\n", "> Cookie: [redacted]\n"])
        .run();
}

#[test]
fn a_cookie_header_of_the_user_has_precedence() {
    for (edit, sent) in [("Cookie: mine=1", &["mine=1"][..]), ("Cookie:", &[])] {
        Test::new()
            .args(["-L", "-H", edit])
            .peer(move |peer| {
                redirect(peer, "/", &["sid=1"]);
                assert_eq!(peer.open().all("Cookie"), sent);
                peer.close(1000);
            })
            .run();
    }
}

#[test]
fn a_cookie_jar_keeps_cookies_for_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let jar = dir.path().join("jar");
    let args = ["-L", "--cookie-jar", path(&jar)];
    Test::new()
        .args(args)
        .peer(|peer| {
            let first = ["sid=1; Max-Age=3600; Path=/", "far=2; Path=/far; HttpOnly", "x=1"];
            redirect(peer, "/app/new", &first);
            peer.open_with(
                "Set-Cookie: lb=3; Secure; Path=/\r\nSet-Cookie: x=; Max-Age=0; Path=/\r\n",
            );
            peer.close(1000);
        })
        .run();
    let text = fs::read_to_string(&jar).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "# Netscape HTTP Cookie File", "{text}");
    assert!(lines[1].starts_with("127.0.0.1\tFALSE\t/\tFALSE\t1"), "{text}");
    assert!(lines[1].ends_with("\tsid\t1"), "{text}");
    assert_eq!(lines[2], "#HttpOnly_127.0.0.1\tFALSE\t/far\tFALSE\t0\tfar\t2", "{text}");
    assert_eq!(lines[3..], ["127.0.0.1\tFALSE\t/\tTRUE\t0\tlb\t3"], "{text}");
    assert_eq!(fs::metadata(&jar).unwrap().permissions().mode() & 0o777, 0o600);
    // The second run reads the jar, whether or not it is also named as a cookie file.
    for more in [&[][..], &["--cookie", path(&jar)]] {
        Test::new()
            .args(args)
            .args(more.iter().copied())
            .args(["ws://127.0.0.1:{port}/far/x"])
            .peer(|peer| {
                assert_eq!(peer.open().header("Cookie"), "far=2; sid=1");
                peer.close(1000);
            })
            .run();
        assert_eq!(fs::read_to_string(&jar).unwrap(), text);
    }
    Test::new()
        .args(args)
        .args(["ws://localhost:{port}/far/x"])
        .peer(|peer| {
            assert!(peer.open().all("Cookie").is_empty());
            peer.close(1000);
        })
        .run();
}

#[test]
fn a_cookie_jar_is_written_when_the_run_fails_but_not_over_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let jar = dir.path().join("jar");
    Test::new()
        .args(["--cookie-jar", path(&jar)])
        .peer(|peer| {
            peer.answer(
                "HTTP/1.1 403 Forbidden\r\nSet-Cookie: seen=1\r\nContent-Length: 0\r\n\r\n",
            );
            peer.expect_end();
        })
        .stderr_has(["answered 403"])
        .status(22)
        .run();
    assert!(fs::read_to_string(&jar).unwrap().ends_with("\tseen\t1\n"));
    fs::write(&jar, "a text\n").unwrap();
    Test::new()
        .args(["--cookie-jar", path(&jar), "ws://127.0.0.1:1"])
        .stderr(format!(
            "sockeye: {}: line 1: expected seven fields separated by tabs\n",
            jar.display()
        ))
        .status(2)
        .run();
    assert_eq!(fs::read_to_string(&jar).unwrap(), "a text\n");
    Test::new()
        .args(["--cookie-jar", path(&jar), "--record", path(&jar), "ws://127.0.0.1:1"])
        .stderr_has(["expected seven fields"])
        .status(2)
        .run();
    fs::remove_file(&jar).unwrap();
    Test::new()
        .args(["--cookie-jar", path(&jar), "--record", path(&jar), "ws://127.0.0.1:1"])
        .stderr(format!("sockeye: {} cannot be a recording and a cookie jar\n", jar.display()))
        .status(2)
        .run();
    assert!(!jar.exists());
    fs::write(&jar, b"# Netscape HTTP Cookie File\n\xff\n").unwrap();
    Test::new()
        .args(["--cookie-jar", path(&jar), "ws://127.0.0.1:1"])
        .stderr(format!("sockeye: cannot read {}: line 2 is not valid UTF-8\n", jar.display()))
        .status(2)
        .run();
}

#[test]
fn a_cookie_jar_that_another_run_has_changed_keeps_the_changes_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let jar = dir.path().join("jar");
    let line = |name| format!("127.0.0.1\tFALSE\t/\tFALSE\t0\t{name}\t1\n");
    fs::write(&jar, [line("kept"), line("removed")].concat()).unwrap();
    let theirs = ["# comment\n".to_owned(), line("kept"), line("removed"), line("theirs")].concat();
    let meanwhile = jar.clone();
    Test::new()
        .args(["--cookie-jar", path(&jar)])
        .peer(move |peer| {
            peer.open_with(
                "Set-Cookie: removed=; Max-Age=0; Path=/\r\nSet-Cookie: own=1; Path=/\r\n",
            );
            fs::write(&meanwhile, theirs).unwrap();
            peer.close(1000);
        })
        .run();
    let header = "# Netscape HTTP Cookie File\n# comment\n".to_owned();
    let expected = header + &[line("kept"), line("theirs"), line("own")].concat();
    assert_eq!(fs::read_to_string(&jar).unwrap(), expected);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
