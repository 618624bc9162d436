//! What is said when it does not work. Each row is a broken situation, and all that a person gets
//! to read of it: read them one after the other. A file a phase.

mod closing;
mod connecting;
mod fronts;
mod handshake;
mod pages;
mod protocol;
mod proxies;
mod redirects;
mod status;
mod tls;

use crate::support::{Peer, Test};
use std::{path::Path, process::Command};

#[test]
fn hints_name_only_options_that_there_are() {
    let help = Command::new(env!("CARGO_BIN_EXE_sockeye")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let known: Vec<&str> = help.split(|c: char| !is_name(c)).collect();
    let mut named = 0;
    for file in Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error").read_dir().unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        for line in code {
            let words = line.split(|c: char| !is_name(c)).filter(|word| word.starts_with("--"));
            for option in words.filter(|word| word.len() > 3 && !word.ends_with('-')) {
                named += 1;
                let option = option.trim_end_matches('.');
                assert!(known.contains(&option), "{option}: {line}");
            }
        }
    }
    assert!(named > 30, "options were looked for in the wrong place");
}

/// Runs it: it ends with this status and says this, which is held to what every message must be.
#[track_caller]
fn says(test: Test, status: i32, message: &str) {
    is_well_made(message);
    test.stderr(format!("sockeye: {message}\n")).status(status).run();
}

/// A peer that answers the request with these bytes and ends.
#[track_caller]
fn answers(args: &[&str], answer: impl Into<String>, status: i32, message: &str) {
    let answer = answer.into();
    let test = Test::new().args(args.iter().copied()).peer(move |peer: &mut Peer| {
        peer.answer(&answer);
        peer.half_close();
        peer.hold();
    });
    says(test, status, message);
}

/// A first line that names place and cause, at most six lines, the way out last.
#[track_caller]
fn is_well_made(message: &str) {
    let lines: Vec<_> = message.split('\n').collect();
    let filled = lines.iter().filter(|line| !line.trim().is_empty()).count();
    assert!(filled <= 6, "{filled} lines: {message}");
    assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "unescaped: {message:?}");
    let first = lines[0];
    let place = ["{peer}", "{port}", ".invalid", ".example", "/", ".0.0.1:"];
    assert!(place.iter().any(|part| first.contains(part)), "no place: {first}");
    // A word in capitals only is a name.
    let word = first.split(' ').next().unwrap_or_default();
    let is_name = word.chars().all(char::is_uppercase);
    assert!(is_name || !word.starts_with(char::is_uppercase), "a capital: {first}");
    let hints: Vec<_> = lines.iter().filter(|line| line.starts_with("hint: ")).collect();
    assert!(hints.len() <= 1, "more than one hint: {message}");
    assert_eq!(hints.is_empty(), !message.contains("\n\n"), "an empty line: {message}");
    if let Some(hint) = hints.first() {
        assert!(message.ends_with(&format!("\n\n{hint}")), "not the last: {message}");
    }
    // What is indented is the evidence, in the peer's words.
    for line in lines.iter().filter(|line| !line.starts_with("  ")) {
        assert!(!line.ends_with(['.', ' ', '!']), "its end: {line}");
    }
}
