//! `sockeye check`: defects that are found, and nothing that is not there.

mod defect;
mod http2;
mod limits;
mod results;
mod server;
mod tls;

use crate::support::{Expected, Peer, Test, closed_port, server::Server};
use defect::Defect;
use http2::Http2Defect;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use tls::TlsDefect;

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.env_clear().arg("check").args(args).output().unwrap()
}

/// The results of a run with `--json`, by id.
struct Results {
    by_id: BTreeMap<String, serde_json::Value>,
    grade: serde_json::Value,
    status: Option<i32>,
}

impl Results {
    #[track_caller]
    fn of(args: &[&str]) -> Self {
        let output = run(&[&["--json"], args].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<serde_json::Value> = lines.collect();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let grade = lines.pop().unwrap_or_else(|| panic!("no line, and stderr: {stderr}"));
        assert_eq!(grade["type"], "grade");
        let id = |line: &serde_json::Value| line["id"].as_str().unwrap().to_owned();
        let by_id = lines.into_iter().map(|line| (id(&line), line)).collect();
        Self { by_id, grade, status: output.status.code() }
    }

    /// Returns the ids with this result.
    fn with(&self, result: &str) -> BTreeSet<&str> {
        let found = self.by_id.iter().filter(|(_, line)| line["result"] == result);
        found.map(|(id, _)| id.as_str()).collect()
    }

    /// Returns the ids of all that is not fine, with the evidence.
    fn findings(&self) -> BTreeMap<&str, &str> {
        let is_finding =
            |line: &serde_json::Value| line["result"] == "fail" || line["result"] == "warn";
        let found = self.by_id.iter().filter(|(_, line)| is_finding(line));
        found.map(|(id, line)| (id.as_str(), line["evidence"].as_str().unwrap())).collect()
    }
}

/// Checks a server with a defect: it is found, and nothing else.
fn find_defect(defect: Defect, expected: &[&str]) {
    let port = server::start(Some(defect));
    let url = format!("ws://127.0.0.1:{port}/");
    // Limits are measured one after the other, which takes time.
    let has_limit = expected.iter().any(|id| id.starts_with("limit-"));
    let is_idle = expected.iter().any(|id| id.starts_with("limit-idle"));
    let extent = match defect {
        _ if is_idle => "--only=limit-idle,limit-idle-ping,limit-idle-data",
        Defect::KeepsAllForSlowReaders => "--only=limit-slow-reader",
        _ if has_limit => "--strict",
        _ => "--skip=limits",
    };
    let more = match defect {
        _ if is_idle => Some("--idle=2"),
        Defect::KeepsAllForSlowReaders => Some("--aggressive"),
        _ => None,
    };
    let results = Results::of(&[&[extent][..], more.as_slice(), &[&url]].concat());
    let is = |id: &str, wanted: &str| match wanted.strip_suffix('*') {
        Some(start) => id.starts_with(start),
        None => id == wanted,
    };
    let findings = results.findings();
    let is_expected = |id: &str| expected.iter().any(|wanted| is(id, wanted));
    let imagined: Vec<_> = findings.iter().filter(|(id, _)| !is_expected(id)).collect();
    assert!(imagined.is_empty(), "{defect:?}: {imagined:#?}");
    for wanted in expected {
        let is_found = findings.keys().any(|id| is(id, wanted));
        let line = results.by_id.get(*wanted);
        assert!(is_found, "{defect:?}: {wanted} is not among {findings:#?}, but {line:?}");
    }
    let fails = results.with("fail").len();
    assert_eq!(results.status, Some(if fails > 0 { 113 } else { 0 }), "{defect:?}");
    if !expected.is_empty() {
        assert_ne!(results.grade["grade"], "A", "{defect:?}");
    }
}

/// Most of the time of these checks is spent waiting for servers that do nothing.
#[test]
fn each_defect_is_found_and_nothing_else() {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CHECKED_AT_ONCE {
            scope.spawn(|| {
                while let Some((defect, expected)) =
                    Defect::ALL.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    find_defect(*defect, expected);
                }
            });
        }
    });
}

/// The number of servers that are checked at the same time.
const CHECKED_AT_ONCE: usize = 6;

/// With `-4`, since `localhost` may also be `::1`, where these servers do not listen.
#[test]
fn each_defect_of_tls_is_found_and_nothing_else() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    let check = |defect, option: &str| {
        let (port, authority) = tls::start(defect, server.port());
        let (ca, url) = (authority.file(), format!("wss://localhost:{port}/"));
        let only = "--only=reach,versions,browsers";
        let results = Results::of(&["-4", only, option, "--ca", ca.to_str().unwrap(), &url]);
        let found = results.findings().into_keys().map(ToOwned::to_owned);
        (found.collect::<Vec<_>>(), results)
    };
    let (found, results) = check(None, "--http1.1");
    assert!(found.is_empty(), "{:#?}", results.findings());
    for (defect, expected, option) in TlsDefect::ALL {
        let (found, results) = check(Some(*defect), option);
        assert_eq!(found, *expected, "{defect:?}: {:#?}", results.findings());
    }
    server.terminate();
}

#[test]
fn each_defect_of_http2_is_found_and_nothing_else() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    for (defect, expected) in Http2Defect::ALL {
        let plain = http2::start(*defect, server.port());
        let (port, authority) = tls::start(None, plain);
        let (ca, url) = (authority.file(), format!("wss://localhost:{port}/"));
        let only = "--only=reach,versions,browsers";
        let results = Results::of(&["-4", only, "--ca", ca.to_str().unwrap(), &url]);
        let found: Vec<_> = results.findings().into_keys().collect();
        assert_eq!(found, *expected, "{defect:?}: {:#?}", results.findings());
    }
    server.terminate();
}

#[test]
fn a_server_without_defects_gets_the_best_grade() {
    let port = server::start(None);
    let results = Results::of(&["--strict", &format!("ws://127.0.0.1:{port}/")]);
    assert!(results.findings().is_empty(), "{:#?}", results.findings());
    // Some dangers are not judged on this machine, no subprotocol is offered, and the server has no
    // compression and no name.
    let groups = ["reach-", "sec-", "browser-", "version-", "limit-idle", "identity-", "7692-"];
    let is_optional = |id: &&str| groups.iter().any(|group| id.starts_with(group));
    assert!(results.with("skip").iter().all(is_optional), "{:#?}", results.by_id);
    assert_eq!(results.grade["grade"], "A");
    assert_eq!(results.status, Some(0));
    assert!(Defect::ALL.len() >= 40 && results.by_id.len() >= 80);
}

#[test]
fn sockeye_itself_passes_all_checks_over_http_1_and_2() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    for options in [&[][..], &["--http2"]] {
        let results = Results::of(&[options, &["--strict", &server.url()]].concat());
        assert!(results.findings().is_empty(), "{:#?}", results.findings());
        assert_eq!(results.grade["grade"], "A", "{}", results.grade);
        assert_eq!(results.status, Some(0));
    }
    server.terminate();
}

#[test]
fn over_http2_only_the_handshake_of_http1_is_skipped() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    let (port, authority) = tls::start(None, server.port());
    let (ca, url) = (authority.file(), format!("wss://localhost:{port}/"));
    let only = "--only=handshake,deflate,security,browsers";
    let results = Results::of(&["--http2", only, "--ca", ca.to_str().unwrap(), &url]);
    assert!(results.findings().is_empty(), "{:#?}", results.findings());
    let passed = results.with("pass");
    for id in ["7692-offer", "browser-chrome", "browser-firefox", "sec-cookie", "sec-version"] {
        assert!(passed.contains(id), "{id}: {:#?}", results.by_id.get(id));
    }
    let skipped = &results.by_id["4.2.2-accept"]["evidence"];
    assert_eq!(skipped, "the session runs over HTTP/2, whose handshake is in the group versions");
    server.terminate();
}

#[test]
fn checks_that_need_an_echo_are_skipped_with_a_reason() {
    let server = Server::start(["listen", "127.0.0.1:0", "--broadcast"]);
    let results = Results::of(&[&server.url()]);
    assert!(results.findings().is_empty(), "{:#?}", results.findings());
    assert!(results.with("skip").contains("5.2-text-125"));
    let skipped = &results.by_id["5.2-text-125"]["evidence"];
    assert_eq!(skipped, "the server does not send text messages back");
    assert!(results.with("pass").contains("5.1-unmasked-text"));
    server.terminate();
}

#[test]
fn the_echo_may_have_a_path_of_its_own() {
    let url = format!("ws://127.0.0.1:{}/silent", server::start(None));
    let only = "--only=5.2-text-125,8.1-valid-two";
    let results = Results::of(&[only, &url]);
    assert_eq!(results.with("skip").len(), 2);
    let results = Results::of(&[only, "--echo-path", "/echo", &url]);
    assert_eq!(results.with("pass").len(), 2, "{:#?}", results.by_id);
    assert_eq!(results.grade["grade"], serde_json::Value::Null, "some checks are not chosen");
}

#[test]
fn a_server_without_a_session_has_the_status_of_a_client() {
    let (_socket, port) = closed_port();
    Test::new()
        .args(["check", &format!("ws://127.0.0.1:{port}/")])
        .stderr_has(["cannot connect", "connection refused"])
        .status(7)
        .run();
    let answered = |answer: &'static str, status, words: &'static str| {
        Test::new()
            .args(["check"])
            .peer(move |peer: &mut Peer| {
                peer.answer(answer);
            })
            .stderr(Expected::Parts(vec![words.to_owned()]))
            .status(status)
            .run();
    };
    answered("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 22, "401");
    answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 22, "200");
    answered("SSH-2.0-OpenSSH_9.6\r\n", 8, "not HTTP");
    Test::new()
        .args(["check", "wss://127.0.0.1:{port}/"])
        .peer(|peer| {
            peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
            peer.discard_all();
        })
        .stderr_has(["TLS"])
        .status(35)
        .run();
}

#[test]
fn a_server_that_ends_its_sessions_has_the_status_of_a_client() {
    let ended = |frames: &'static [u8], status, words: &'static str| {
        Test::new()
            .args(["check"])
            .peer(move |peer| {
                peer.open();
                peer.send(frames);
                peer.half_close();
                peer.discard_all();
            })
            .stderr(Expected::Parts(vec![words.to_owned()]))
            .status(status)
            .run();
    };
    ended(b"\x88\x0d\x03\xf0not allowed", 111, "not allowed");
    ended(b"", 56, "without a Close");
}

#[test]
fn a_server_that_does_nothing_has_the_status_of_a_timeout() {
    Test::new()
        .args(["check"])
        .peer(|peer| {
            peer.open();
            peer.discard_all();
        })
        .stderr_has(["the pong"])
        .status(28)
        .run();
}

#[test]
fn the_checks_are_listed_and_chosen() {
    let output = run(&["--list", "--only", "utf8", "--skip", "8.1-binary"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("utf8: the encoding of text messages\n"), "{text}");
    assert!(text.contains("  8.1-invalid-ff  ") && !text.contains("8.1-binary"), "{text}");
    Test::new()
        .args(["check", "--list", "--only", "utf-8"])
        .stderr("sockeye: no check or group 'utf-8'\n\nhint: did you mean 'utf8'?\n")
        .status(2)
        .run();
    Test::new().args(["check"]).stderr_has(["URL"]).status(2).run();
}

#[test]
fn a_page_says_what_is_wrong_and_a_file_has_it_for_ci() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("results.xml");
    let port = server::start(Some(Defect::AcceptsUnmasked));
    let url = format!("ws://127.0.0.1:{port}/");
    let output = run(&["--only", "framing", "--junit", file.to_str().unwrap(), &url]);
    assert_eq!(output.status.code(), Some(113));
    let page = String::from_utf8(output.stdout).unwrap();
    let parts = [
        "-  ws://127.0.0.1",
        "   5 requirements not met\n",
        "FAIL  5.1-unmasked-text  Fails the connection on a text frame without a mask\n",
        "rule  RFC 6455, 5.1\n",
        "seen  received Text of 8 bytes [81 08 75 6e 6d 61 73 6b 65 64]",
        "fix   Fail the connection",
    ];
    for part in parts {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "sockeye: 5 checks failed\n");
    let xml = std::fs::read_to_string(file).unwrap();
    assert_eq!(xml.matches("<failure").count(), 5, "{xml}");
    assert!(xml.contains("classname=\"sockeye.framing\""), "{xml}");
}

#[test]
fn a_server_with_few_connections_is_not_blamed() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo", "--max-clients", "2"]);
    let results = Results::of(&["--only", "utf8", &server.url()]);
    assert!(results.findings().is_empty(), "{:#?}", results.findings());
    let passed = results.with("pass").len();
    assert!(passed > 20, "{passed} passed: {:#?}", results.by_id);
    server.terminate();
}

#[test]
fn the_table_in_the_documentation_is_fresh() {
    let output = run(&["--list", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut table = String::new();
    let mut group = String::new();
    for line in text.lines() {
        let check: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| check[name].as_str().unwrap().to_owned();
        if field("group") != group {
            group = field("group");
            table.extend(["\n### ", &group, "\n\n"]);
            table.push_str("| check | level | rule | the server |\n| --- | --- | --- | --- |\n");
        }
        let [id, level, section, title] = ["id", "level", "section", "title"].map(field);
        let _ = writeln!(table, "| `{id}` | {level} | {section} | {title} |");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (start, rest) = page.split_once("<!-- checks -->\n").unwrap();
    let (_, end) = rest.split_once("\n<!-- end of checks -->").unwrap();
    let fresh = format!("{start}<!-- checks -->\n{table}\n<!-- end of checks -->{end}");
    if std::env::var_os("SOCKEYE_TEST_WRITE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(page == fresh, "SOCKEYE_TEST_WRITE=1 cargo test the_table_in_the writes it");
    assert!(table.lines().count() > 150);
}
