//! The history of typed lines.

use super::{Terminal, begin, leave};
use crate::support::wire::{close, text};
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};
use tempfile::TempDir;

const UP: &str = "\x1b[A";

/// Types these lines in a session whose history is this file.
#[track_caller]
fn types<const N: usize>(terminal: Terminal, file: &Path, lines: [&'static str; N]) {
    terminal.env("SOCKEYE_HISTORY", file).run(move |screen, peer| {
        begin(screen, peer);
        for line in lines {
            screen.enter(line);
            peer.expect_text(line);
        }
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

/// Checks the lines that Up recalls in a new session, one per key press.
#[track_caller]
fn recalls<const N: usize>(file: &Path, lines: [&'static str; N]) {
    Terminal::new().env("SOCKEYE_HISTORY", file).run(move |screen, peer| {
        begin(screen, peer);
        for line in lines {
            screen.press(UP);
            screen.edits(&format!("> {line}"), 2 + line.len());
        }
        // There is nothing before the first line.
        screen.press(&format!("{UP}!"));
        let first = lines.last().copied().unwrap_or_default();
        screen.edits(&format!("> {first}!"), 3 + first.len());
        screen.press("\r");
        peer.expect_text(format!("{first}!"));
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn history_is_kept_between_runs() {
    let dir = directory();
    let file = dir.path().join("state/sockeye/history");
    types(Terminal::new(), &file, ["first", "second"]);
    recalls(&file, ["second", "first"]);
    // The history also has what the second run added.
    types(Terminal::new(), &file, ["third"]);
    recalls(&file, ["third", "first!", "second", "first"]);
}

#[test]
fn a_search_of_history_loses_no_message() {
    let dir = directory();
    let file = dir.path().join("history");
    types(Terminal::new(), &file, ["alpha", "beta", "gamma"]);
    Terminal::new().env("SOCKEYE_HISTORY", &file).run(move |screen, peer| {
        begin(screen, peer);
        screen.press("\x12alp");
        screen.wait("what is found", |view| view.line().ends_with("alpha"));
        peer.send(text("meanwhile"));
        screen.press("\r");
        peer.expect_text("alpha");
        screen.has("< meanwhile");
        leave(screen, peer);
    });
    // A search that is open when the peer closes loses nothing either.
    let terminal = Terminal::new().args(["--exit-on-close"]).env("SOCKEYE_HISTORY", &file);
    let end = terminal.run(move |screen, peer| {
        begin(screen, peer);
        screen.press("\x12gam");
        screen.wait("what is found", |view| view.line().ends_with("gamma"));
        peer.send([text("last words"), close(1000, "")].concat());
        peer.expect_close(1000);
    });
    assert!(end.view.has("< last words"), "{:#?}", end.view);
    assert!(end.view.has_part("closed: 1000"), "{:#?}", end.view);
}

#[test]
fn history_is_for_its_owner_only() {
    let dir = directory();
    let file = dir.path().join("history");
    types(Terminal::new(), &file, ["a secret"]);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    // A file that was readable by others is restricted too.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    types(Terminal::new(), &file, ["another"]);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn history_is_kept_in_the_state_directory() {
    let (dir, home) = (directory(), directory());
    let terminal = Terminal::new().env("XDG_STATE_HOME", dir.path()).env("HOME", home.path());
    kept_in(terminal, &dir.path().join("sockeye/history"));
    let terminal = Terminal::new().env("HOME", home.path());
    kept_in(terminal, &home.path().join(".local/state/sockeye/history"));
}

#[track_caller]
fn kept_in(terminal: Terminal, file: &Path) {
    terminal.without_history_file().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("kept");
        peer.expect_text("kept");
        screen.edits(">", 2);
        leave(screen, peer);
    });
    assert!(fs::read_to_string(file).unwrap().contains("kept"));
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_line_that_begins_with_a_space_is_not_kept() {
    let dir = directory();
    let file = dir.path().join("history");
    types(Terminal::new(), &file, ["kept", " secret"]);
    assert!(!fs::read_to_string(&file).unwrap().contains("secret"));
    recalls(&file, ["kept"]);
}

#[test]
fn no_history_keeps_no_history() {
    let dir = directory();
    let file = dir.path().join("history");
    types(Terminal::new().args(["--no-history"]), &file, ["gone"]);
    assert!(!file.exists(), "a file was made");
    let home = directory();
    let terminal = Terminal::new().env("HOME", home.path());
    types(terminal, Path::new("off"), ["gone"]);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "something was made in HOME");
    assert!(!Path::new("off").exists(), "a file named off was made");
}

#[test]
fn a_history_that_cannot_be_kept_does_not_stop_the_session() {
    let dir = directory();
    // A directory, and a file in place of a directory.
    fs::write(dir.path().join("file"), "").unwrap();
    for path in [dir.path().to_path_buf(), dir.path().join("file/history")] {
        types(Terminal::new(), &path, ["hello"]);
    }
}

/// Types a line in a session that keeps no history, and says why.
#[track_caller]
fn keeps_none(file: &Path, words: &'static str) {
    Terminal::new().env("SOCKEYE_HISTORY", file).run(move |screen, peer| {
        begin(screen, peer);
        if !words.is_empty() {
            screen.wait("a note", |view| view.has_part(words));
        }
        screen.enter("typed");
        peer.expect_text("typed");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn a_device_as_the_history_keeps_its_mode() {
    let dir = directory();
    let null = dir.path().join("null");
    std::os::unix::fs::symlink("/dev/null", &null).unwrap();
    let mode = fs::metadata("/dev/null").unwrap().mode();
    for file in [Path::new("/dev/null"), &null] {
        keeps_none(file, "");
        assert_eq!(fs::metadata("/dev/null").unwrap().mode(), mode);
    }
    keeps_none(Path::new("/dev/zero"), "(no history: /dev/zero: not a regular file)");
    keeps_none(dir.path(), "not a regular file)");
    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    keeps_none(&socket, "not a regular file)");
    let fifo = dir.path().join("fifo");
    let mkfifo = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(mkfifo.expect("mkfifo starts").success());
    keeps_none(&fifo, "not a regular file)");
}

#[test]
fn a_link_as_the_history_is_not_followed() {
    let dir = directory();
    let (precious, link) = (dir.path().join("precious"), dir.path().join("link"));
    fs::write(&precious, "precious\n").unwrap();
    fs::set_permissions(&precious, fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    keeps_none(&link, "it is a symbolic link");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious\n");
    assert_eq!(fs::metadata(&precious).unwrap().mode() & 0o777, 0o644);
}

#[test]
fn the_history_is_not_also_a_recording() {
    let dir = directory();
    let (file, other) = (dir.path().join("history"), dir.path().join("other"));
    fs::write(&file, "typed before\n").unwrap();
    fs::hard_link(&file, &other).unwrap();
    let other = other.display().to_string();
    let end = Terminal::new()
        .env("SOCKEYE_HISTORY", &file)
        .status(2)
        .args(["ws://127.0.0.1:1/", "--record", &other])
        .run_alone(|_, _| {});
    let text = end.rows().join("");
    assert!(text.contains("cannot be the history and a recording"), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "typed before\n");
}
