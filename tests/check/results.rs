//! The results of runs: without a session, in files and on stdout, and of options.

use super::{Defect, Results, run, server};
use crate::support::{Test, closed_port, server::Server};
use std::{collections::BTreeSet, path::Path, process::Command};

/// Regression: `--json` and `--junit` wrote nothing if no session was opened.
#[test]
fn a_run_without_a_session_has_a_result() {
    let (_socket, port) = closed_port();
    let url = format!("ws://127.0.0.1:{port}/");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("results.xml");
    let output = run(&["--json", "--junit", file.to_str().unwrap(), &url]);
    assert_eq!(output.status.code(), Some(7));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["type"], &line["status"]), (&"error".into(), &7.into()));
    assert_eq!(line["url"], *url);
    assert!(line["message"].as_str().unwrap().contains("connection refused"), "{line}");
    let xml = std::fs::read_to_string(&file).unwrap();
    assert!(xml.contains("<error message=\"") && xml.contains("errors=\"1\""), "{xml}");
}

#[test]
fn junit_may_replace_the_page_on_stdout() {
    let port = server::start(Some(Defect::NamesVersion));
    let output = run(&["--only=security", "--junit=-", &format!("ws://127.0.0.1:{port}/")]);
    let xml = String::from_utf8(output.stdout).unwrap();
    assert!(xml.starts_with("<?xml") && xml.ends_with("</testsuites>\n"), "{xml}");
    Test::new()
        .args(["check", "--json", "--junit=-", "ws://h/"])
        .stderr_has(["both write to stdout"])
        .status(2)
        .run();
}

/// Regression: a run of no checks ended with 0.
#[test]
fn a_run_of_no_checks_is_a_mistake() {
    Test::new()
        .args(["check", "--only=utf8", "--skip=utf8", "ws://h/"])
        .stderr(
            "sockeye: --skip leaves no check to make\n\nhint: 'sockeye check --list' lists them\n",
        )
        .status(2)
        .run();
}

/// Regression: hints named options of `sockeye URL` that `sockeye check` does not have.
#[test]
fn hints_name_options_that_exist() {
    let help = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
        String::from_utf8(command.args(args).arg("--help").output().unwrap().stdout).unwrap()
    };
    let (client, check) = (help(&[]), help(&["check"]));
    let mut unknown = BTreeSet::new();
    let mut excepted = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(path).unwrap();
            if let Some((_, rest)) = source.split_once("const CLIENT_OPTIONS: ") {
                rest.split_once("];\n").unwrap().0.clone_into(&mut excepted);
            }
            for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for part in line.split("--").skip(1) {
                    let is_name =
                        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                    let end = part.find(|c| !is_name(c)).unwrap_or(part.len());
                    let name = format!("--{}", part[..end].trim_end_matches('-'));
                    let is_option = |help: &str| {
                        let mut words = help.split([' ', '\n', ',', '[', '=']);
                        words.any(|word| word == name)
                    };
                    if name.len() > 3 && is_option(&client) && !is_option(&check) {
                        unknown.insert(name);
                    }
                }
            }
        }
    }
    let missing: Vec<_> = unknown.iter().filter(|name| !excepted.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?} may be in hints, and are not in CLIENT_OPTIONS");
    assert!(!excepted.is_empty() && !unknown.is_empty());
    // This hint of a client is none for checks.
    Test::new()
        .args(["check", "--handshake-timeout", "0.3"])
        .peer(|peer| {
            peer.answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
            peer.discard_all();
        })
        .stderr("sockeye: [..] timed out after 0.3 seconds: the response stopped after 54 bytes\n")
        .status(28)
        .run();
}

/// Regression: a server behind a Unix socket was judged as if it were far away.
#[test]
fn a_unix_socket_is_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let address = format!("unix:{}", socket.display());
    let (server, _) = Server::setup(["listen", address.as_str(), "--echo"]).start_with_url();
    let socket = socket.to_str().unwrap();
    let only = "--only=sec-origin-foreign,sec-clear-text";
    let results = Results::of(&[only, "--unix-socket", socket, "ws://ws.example/"]);
    assert_eq!(results.with("skip").len(), 2, "{:#?}", results.by_id);
    server.terminate();
}

/// Checks the origin of another site with these options, at a server that is not on this machine as
/// far as its name tells.
fn foreign(options: &[&str], server_options: &[&str]) -> (String, String) {
    let all = [&["listen", "127.0.0.1:0", "--echo"][..], server_options].concat();
    let server = Server::start(all);
    let port = server.port();
    let resolve = format!("ws.example:{port}:127.0.0.1");
    let url = format!("ws://ws.example:{port}/");
    let only = ["--only=sec-origin-foreign", "--resolve", &resolve];
    let results = Results::of(&[&only, options, &[&url]].concat());
    let line = &results.by_id["sec-origin-foreign"];
    server.terminate();
    let field = |name: &str| line[name].as_str().unwrap().to_owned();
    (field("result"), field("evidence"))
}

/// Regression: a foreign page was given the bearer token and the password, which no browser sends for
/// it.
#[test]
fn a_foreign_page_is_judged_by_what_a_browser_sends_for_it() {
    let (result, evidence) = foreign(&["--cookie", "id=1"], &[]);
    assert!(result == "fail" && evidence.contains("a cookie"), "{evidence}");
    let (result, evidence) = foreign(&[], &[]);
    assert!(result == "warn" && evidence.contains("without credentials"), "{evidence}");
    for options in [["-u", "me:secret"], ["-H", "Authorization: Basic bWU6c2VjcmV0"]] {
        let (result, evidence) = foreign(&options, &["--auth", "me:secret"]);
        assert!(result == "pass" && evidence.contains("401"), "{evidence}");
        let (result, _) = foreign(&options, &[]);
        assert_eq!(result, "warn");
    }
    let own = ["--cookie", "id=1", "-o", "http://ws.example"];
    let (result, evidence) = foreign(&own, &["--origin", "http://ws.example"]);
    assert!(result == "pass" && evidence.contains("403"), "{evidence}");
}

/// Regression: with `-u`, pages were said to fail, though browsers repeat the password of a site.
#[test]
fn browsers_repeat_user_and_password_of_the_site() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo", "--auth", "me:secret"]);
    let results = Results::of(&["--only=browsers", "-u", "me:secret", &server.url()]);
    assert!(results.findings().is_empty(), "{:#?}", results.findings());
    assert!(results.with("pass").contains("browser-chrome"), "{:#?}", results.by_id);
    server.terminate();
    let server = Server::start(["listen", "127.0.0.1:0", "--echo", "--require-header", "X-Key"]);
    let results = Results::of(&["--only=browser-chrome", "-H", "X-Key: 1", &server.url()]);
    let evidence = results.findings()["browser-chrome"].to_owned();
    assert!(evidence.contains("scripts cannot set X-Key"), "{evidence}");
    server.terminate();
}
