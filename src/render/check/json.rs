//! Results as JSON Lines.

use super::results::CheckPage;
use crate::{
    escape::affects_terminal,
    schema::check::{CheckError, CheckLine},
};
use serde::Serialize;
use std::fmt::Write as _;

/// Returns the results as JSON Lines, the grade last.
pub fn json_lines(page: &CheckPage<'_>) -> String {
    let checks = page.results.iter().map(CheckLine::Check);
    let mut text = String::new();
    for line in checks.chain([CheckLine::Grade(page.grade)]) {
        push_json(&line, &mut text);
    }
    text
}

/// Returns the only line of a run without a session.
pub fn error_line(error: &CheckError<'_>) -> String {
    let mut text = String::new();
    push_json(&CheckLine::Error(error), &mut text);
    text
}

/// Appends a value and a line end.
pub(super) fn push_json(value: &impl Serialize, text: &mut String) {
    // The types have string keys only, and cannot fail.
    if let Ok(json) = serde_json::to_string(value) {
        for c in json.chars() {
            if affects_terminal(c) {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            } else {
                text.push(c);
            }
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sample::with_page, *};

    #[test]
    fn json_has_a_line_for_each_check_and_the_grade_last() {
        let json = with_page(json_lines);
        let lines: Vec<serde_json::Value> =
            json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1]["type"], "check");
        assert_eq!((&lines[1]["result"], &lines[1]["level"]), (&"fail".into(), &"must".into()));
        assert_eq!(lines[1]["evidence"], "received '<&\"\u{1b}'");
        assert!(lines[0].get("fix").is_none());
        assert_eq!((&lines[4]["type"], &lines[4]["grade"]), (&"grade".into(), &"C".into()));
    }

    #[test]
    fn a_run_without_a_session_has_one_line() {
        let (url, message, hint) = ("ws://h/".into(), "refused\u{1b}".into(), None);
        let line = error_line(&CheckError { url, message, hint, status: 7 });
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["type"], &value["status"]), (&"error".into(), &7.into()));
        assert!(line.ends_with("}\n") && !line.contains('\u{1b}'), "{line}");
    }
}
