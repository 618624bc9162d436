//! The form that every error message on stderr must have.

use super::Test;

/// Runs the test: the program must exit with this status and write exactly this error to stderr.
#[track_caller]
pub fn says(test: Test, status: i32, message: &str) {
    check_form(message);
    test.stderr(format!("sockeye: {message}\n")).status(status).run();
}

/// Checks that a message names place and cause first, has at most six lines, and ends with any hint.
#[track_caller]
fn check_form(message: &str) {
    let lines: Vec<_> = message.split('\n').collect();
    let filled = lines.iter().filter(|line| !line.trim().is_empty()).count();
    assert!(filled <= 6, "{filled} lines: {message}");
    assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "unescaped: {message:?}");
    let first = lines[0];
    let place = ["{peer}", "{port}", ".invalid", ".example", "/", ".0.0.1:"];
    assert!(place.iter().any(|part| first.contains(part)), "no place: {first}");
    // A first word all in capitals is a name.
    let word = first.split(' ').next().unwrap_or_default();
    let is_name = word.chars().all(char::is_uppercase);
    assert!(is_name || !word.starts_with(char::is_uppercase), "a capital: {first}");
    let hints: Vec<_> = lines.iter().filter(|line| line.starts_with("hint: ")).collect();
    assert!(hints.len() <= 1, "more than one hint: {message}");
    assert_eq!(hints.is_empty(), !message.contains("\n\n"), "an empty line: {message}");
    if let Some(hint) = hints.first() {
        assert!(message.ends_with(&format!("\n\n{hint}")), "not the last: {message}");
    }
    // Indented lines quote the peer.
    for line in lines.iter().filter(|line| !line.starts_with("  ")) {
        assert!(!line.ends_with(['.', ' ', '!']), "its end: {line}");
    }
}
