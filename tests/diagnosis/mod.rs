//! Errors in full. Each row is one failure with all of its stderr, to be read one after the other;
//! there is one file per phase.

mod answers;
mod closing;
mod connecting;
mod endings;
mod handshake;
mod pages;
mod protocol;
mod proxies;
mod redirects;
mod status;
mod tls;

use crate::support::{Peer, Test, says};
use std::{path::Path, process::Command};

#[test]
fn hints_name_only_existing_options() {
    let help = Command::new(env!("CARGO_BIN_EXE_sockeye")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let known: Vec<&str> = help.split(|c: char| !is_name(c)).collect();
    let mut named = 0;
    let files = ["src/error", "src/error/diagnosis"]
        .into_iter()
        .flat_map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).read_dir().unwrap());
    for file in files.map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(file).unwrap();
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

/// Checks the error for a peer that answers the request with these bytes and closes.
#[track_caller]
fn answers(args: &[&str], answer: impl Into<String>, status: i32, message: &str) {
    let answer = answer.into();
    let test = Test::new().args(args.iter().copied()).peer(move |peer: &mut Peer| {
        peer.answer(&answer);
        peer.half_close();
        peer.discard_all();
    });
    says(test, status, message);
}
