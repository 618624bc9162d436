//! The results of `sockeye check`: a page for people, JSON Lines, `JUnit`, and the list of checks.

use crate::{
    escape::{Escaped, affects_terminal},
    schema::check::{CheckGrade, CheckGroup, CheckLevel, CheckLine, CheckResult, CheckVerdict},
};
use colored::{ColoredString, Colorize as _};
use serde::Serialize;
use std::{fmt::Write as _, time::Duration};

/// The results of a run.
#[derive(Clone, Copy, Debug)]
pub struct CheckPage<'a> {
    /// The result of each check, in the order of the table.
    pub results: &'a [CheckResult<'a>],
    /// The grade.
    pub grade: &'a CheckGrade<'a>,
}

/// A check of the table.
#[derive(Clone, Debug, Serialize)]
pub struct ListedCheck<'a> {
    /// The stable name.
    pub id: &'a str,
    /// The part that it is about.
    pub group: CheckGroup,
    /// The section of the RFC.
    pub section: &'a str,
    /// How binding the rule is.
    pub level: CheckLevel,
    /// The rule.
    pub title: &'a str,
}

/// Returns the results as JSON Lines, the grade last.
pub fn json_lines(page: &CheckPage<'_>) -> String {
    let checks = page.results.iter().map(CheckLine::Check);
    let mut text = String::new();
    for line in checks.chain([CheckLine::Grade(page.grade)]) {
        push_json(&line, &mut text);
    }
    text
}

fn push_json(value: &impl Serialize, text: &mut String) {
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

/// Returns the table of checks as text or JSON Lines.
pub fn list(checks: &[ListedCheck<'_>], json: bool) -> String {
    let mut text = String::new();
    if json {
        for check in checks {
            push_json(check, &mut text);
        }
        return text;
    }
    let width = checks.iter().map(|check| check.id.len()).max().unwrap_or_default();
    let mut group = None;
    for check in checks {
        if group != Some(check.group) {
            let gap = if group.is_some() { "\n" } else { "" };
            let name = check.group.name().bold();
            let _ = writeln!(text, "{gap}{name}: {}", check.group.about());
            group = Some(check.group);
        }
        let level = check.level.name();
        let _ = writeln!(text, "  {:width$}  {level:6}  {}", check.id, check.title);
    }
    text
}

/// Returns the page for people: the grade, then what is not fine, or everything. Lines have at most
/// `width` columns where words allow it.
pub fn text(page: &CheckPage<'_>, shows_all: bool, width: usize) -> String {
    let CheckPage { results, grade } = *page;
    let mut text = String::new();
    let letter = match grade.grade {
        Some(letter @ 'A') => letter.to_string().green().bold(),
        Some(letter @ ('B' | 'C')) => letter.to_string().yellow().bold(),
        Some(letter) => letter.to_string().red().bold(),
        None => "-".bold(),
    };
    let _ = writeln!(text, "{letter}  {}", Escaped(&grade.url).to_string().bold());
    for reason in &grade.reasons {
        let _ = writeln!(text, "   {}", Escaped(reason));
    }
    let CheckGrade { pass, fail, warn, skip, ms, .. } = grade;
    let seconds = seconds(*ms);
    let mut counts = format!("{pass} passed");
    for (number, word) in [(fail, "failed"), (warn, "to improve"), (skip, "skipped")] {
        if *number > 0 {
            let _ = write!(counts, ", {number} {word}");
        }
    }
    let incomplete = if grade.complete { "" } else { "; the run was interrupted" };
    let _ = writeln!(text, "   {counts} in {seconds:.1} s{incomplete}");
    for verdict in [CheckVerdict::Fail, CheckVerdict::Warn] {
        for result in results.iter().filter(|result| result.result == verdict) {
            text.push('\n');
            push_finding(result, width, &mut text);
        }
    }
    if !shows_all {
        push_measured(results, width, &mut text);
    }
    if shows_all {
        push_others(results, width, &mut text);
    } else {
        push_reasons(results, width, &mut text);
    }
    text
}

/// Appends a check that failed, with its evidence.
fn push_finding(result: &CheckResult<'_>, width: usize, text: &mut String) {
    let heading = format!("{}  {}", result.id, result.title);
    push_wrapped(&mark(result.result), MARK_COLUMNS, &heading, width, text);
    let rows = [
        ("rule", Some(&result.section)),
        ("seen", Some(&result.evidence)),
        ("so", result.consequence.as_ref()),
        ("fix", result.fix.as_ref()),
    ];
    for (name, words) in rows {
        if let Some(words) = words {
            let label = format!("      {}{}", name.dimmed(), " ".repeat(6 - name.len()));
            push_wrapped(&label, 12, words, width, text);
        }
    }
}

/// Appends the checks that passed or were skipped.
fn push_others(results: &[CheckResult<'_>], width: usize, text: &mut String) {
    let others = results
        .iter()
        .filter(|result| matches!(result.result, CheckVerdict::Pass | CheckVerdict::Skip));
    let mut group = None;
    for result in others {
        if group != Some(result.group) {
            let _ = writeln!(text, "\n{}", result.group.name().bold());
            group = Some(result.group);
        }
        let heading = format!("{}  {}", result.id, result.title);
        push_wrapped(&mark(result.result), MARK_COLUMNS, &heading, width, text);
        push_wrapped("      ", MARK_COLUMNS, &result.evidence, width, text);
    }
}

/// Appends what was measured or recognized.
fn push_measured(results: &[CheckResult<'_>], width: usize, text: &mut String) {
    let is_measured = |result: &&CheckResult<'_>| {
        result.level == CheckLevel::Info && result.result == CheckVerdict::Pass
    };
    for (number, result) in results.iter().filter(is_measured).enumerate() {
        if number == 0 {
            text.push('\n');
        }
        let label = format!("{}  ", "info".blue());
        let row = format!("{}: {}", result.id, result.evidence);
        push_wrapped(&label, MARK_COLUMNS, &row, width, text);
    }
}

/// Appends why checks were skipped, each reason once.
fn push_reasons(results: &[CheckResult<'_>], width: usize, text: &mut String) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for result in results.iter().filter(|result| result.result == CheckVerdict::Skip) {
        match reasons.iter_mut().find(|(reason, _)| *reason == result.evidence) {
            Some((_, ids)) => ids.push(&result.id),
            None => reasons.push((&result.evidence, vec![&result.id])),
        }
    }
    if !reasons.is_empty() {
        text.push('\n');
    }
    for (reason, ids) in reasons {
        let what = match &ids[..] {
            [id] => (*id).to_owned(),
            ids => format!("{} checks", ids.len()),
        };
        push_wrapped(
            &mark(CheckVerdict::Skip),
            MARK_COLUMNS,
            &format!("{what}: {reason}"),
            width,
            text,
        );
    }
}

/// Appends words after a label of `indent` columns, in lines of at most `width` columns.
fn push_wrapped(label: &str, indent: usize, words: &str, width: usize, text: &mut String) {
    text.push_str(label);
    let words = Escaped(words).to_string();
    let mut column = indent;
    for (number, word) in words.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 {
            if column + 1 + length > width {
                text.push('\n');
                text.push_str(&" ".repeat(indent));
                column = indent;
            } else {
                text.push(' ');
                column += 1;
            }
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
}

/// Returns the mark before a check, in six columns.
fn mark(verdict: CheckVerdict) -> String {
    let mark: ColoredString = match verdict {
        CheckVerdict::Pass => "pass".green(),
        CheckVerdict::Fail => "FAIL".red().bold(),
        CheckVerdict::Warn => "warn".yellow(),
        CheckVerdict::Skip => "skip".dimmed(),
    };
    format!("{mark}  ")
}

/// Converts milliseconds.
fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}

/// Returns the results in the XML of `JUnit`, which CI systems show.
pub fn junit(page: &CheckPage<'_>) -> String {
    let CheckPage { results, grade } = *page;
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(
        xml,
        "<testsuites name=\"sockeye check\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" \
         time=\"{:.3}\">",
        results.len(),
        grade.fail,
        grade.skip,
        seconds(grade.ms)
    );
    for group in CheckGroup::ALL {
        let of_group: Vec<_> = results.iter().filter(|result| result.group == *group).collect();
        if of_group.is_empty() {
            continue;
        }
        let count = |verdict| of_group.iter().filter(|result| result.result == verdict).count();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{group}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            of_group.len(),
            count(CheckVerdict::Fail),
            count(CheckVerdict::Skip)
        );
        for result in of_group {
            push_test_case(result, seconds(result.ms), &mut xml);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn push_test_case(result: &CheckResult<'_>, seconds: f64, xml: &mut String) {
    let (id, title) = (xml_text(&result.id), xml_text(&result.title));
    let evidence = xml_text(&result.evidence);
    let _ = write!(
        xml,
        "    <testcase classname=\"sockeye.{}\" name=\"{id} {title}\" time=\"{seconds:.3}\"",
        result.group
    );
    let fix = result.fix.as_deref().map(xml_text).unwrap_or_default();
    let section = xml_text(&result.section);
    let inner = match result.result {
        CheckVerdict::Pass => None,
        CheckVerdict::Skip => Some(format!("<skipped message=\"{evidence}\"/>")),
        CheckVerdict::Fail => {
            Some(format!("<failure message=\"{evidence}\">{section}. {fix}</failure>"))
        }
        // JUnit has no warnings.
        CheckVerdict::Warn => {
            Some(format!("<system-out>{evidence}. {section}. {fix}</system-out>"))
        }
    };
    match inner {
        None => xml.push_str("/>\n"),
        Some(inner) => {
            let _ = writeln!(xml, ">\n      {inner}\n    </testcase>");
        }
    }
}

/// Escapes text for XML. Characters that XML does not have are replaced.
fn xml_text(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The columns of a mark and the space after it.
const MARK_COLUMNS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn result(
        id: &'static str,
        verdict: CheckVerdict,
        evidence: &'static str,
    ) -> CheckResult<'static> {
        CheckResult {
            id: id.into(),
            group: CheckGroup::Utf8,
            section: "RFC 6455, 8.1".into(),
            level: CheckLevel::Must,
            result: verdict,
            title: "Fails the connection on a word that is long enough to be wrapped".into(),
            evidence: evidence.into(),
            consequence: (verdict == CheckVerdict::Fail).then(|| "It goes on.".into()),
            fix: (verdict == CheckVerdict::Fail).then(|| "Stop it.".into()),
            ms: 12,
        }
    }

    fn with_page<T>(write: impl FnOnce(&CheckPage<'_>) -> T) -> T {
        let results = [
            result("a-1", CheckVerdict::Pass, "received Pong"),
            result("a-2", CheckVerdict::Fail, "received '<&\"\u{1b}'"),
            result("a-3", CheckVerdict::Skip, "no echo"),
            result("a-4", CheckVerdict::Skip, "no echo"),
        ];
        let grade = CheckGrade {
            grade: Some('C'),
            reasons: vec!["1 requirement not met".to_owned()],
            url: "ws://h/".into(),
            pass: 1,
            fail: 1,
            warn: 0,
            skip: 2,
            complete: true,
            ms: 1500,
        };
        write(&CheckPage { results: &results, grade: &grade })
    }

    #[test]
    fn the_page_has_findings_with_evidence_and_each_reason_of_skips_once() {
        colored::control::set_override(false);
        let page = with_page(|page| text(page, false, 60));
        assert_eq!(
            page,
            "C  ws://h/\n   1 requirement not met\n   1 passed, 1 failed, 2 skipped in 1.5 s\n\n\
             FAIL  a-2  Fails the connection on a word that is long\n      enough to be wrapped\n      \
             rule  RFC 6455, 8.1\n      seen  received '<&\"\\x1b'\n      so    It goes on.\n      \
             fix   Stop it.\n\nskip  2 checks: no echo\n"
        );
        let all = with_page(|page| text(page, true, 60));
        assert!(all.contains("pass  a-1") && all.contains("skip  a-4"), "{all}");
        assert!(all.lines().all(|line| line.chars().count() <= 60), "{all}");
    }

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
    fn junit_is_escaped() {
        let xml = with_page(junit);
        assert!(xml.contains("failures=\"1\" skipped=\"2\" time=\"1.500\""), "{xml}");
        assert!(xml.contains("message=\"received '&lt;&amp;&quot;\u{fffd}'\""), "{xml}");
        assert_eq!(xml.matches("<testcase").count(), 4);
    }
}
