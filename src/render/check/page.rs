//! The page for people.

use super::results::CheckPage;
use crate::{
    escape::Escaped,
    schema::check::{CheckGrade, CheckLevel, CheckResult, CheckVerdict},
};
use colored::{ColoredString, Colorize as _};
use std::{fmt::Write as _, time::Duration};

/// Returns the page for people: the grade, then what is not fine, or everything, and after many lines
/// the grade again. Lines have at most `width` columns where words allow it.
pub fn text(page: &CheckPage<'_>, shows_all: bool, width: usize) -> String {
    let CheckPage { results, grade } = *page;
    let mut text = String::new();
    let url = Escaped(&grade.url).to_string();
    let _ = writeln!(text, "{}  {}", letter(grade), url.bold());
    for reason in &grade.reasons {
        push_wrapped("   ", 3, reason, width, &mut text);
    }
    let seconds = Duration::from_millis(grade.ms).as_secs_f64();
    let incomplete = if grade.complete { "" } else { "; the run was interrupted" };
    let _ = writeln!(text, "   {} in {seconds:.1} s{incomplete}", counts(grade));
    for family in families(results) {
        text.push('\n');
        push_family(&family, width, &mut text);
    }
    if shows_all {
        push_others(results, width, &mut text);
    } else {
        push_measured(results, width, &mut text);
        push_reasons(results, width, &mut text);
    }
    if text.lines().count() > SHORT_LINES {
        let _ = writeln!(text, "\n{}  {}: {}", letter(grade), url.bold(), counts(grade));
    }
    text
}

fn letter(grade: &CheckGrade<'_>) -> ColoredString {
    match grade.grade {
        Some(letter @ 'A') => letter.to_string().green().bold(),
        Some(letter @ ('B' | 'C')) => letter.to_string().yellow().bold(),
        Some(letter) => letter.to_string().red().bold(),
        None => "-".bold(),
    }
}

fn counts(grade: &CheckGrade<'_>) -> String {
    let CheckGrade { pass, fail, warn, skip, .. } = grade;
    let mut counts = format!("{pass} passed");
    for (number, word) in [(fail, "failed"), (warn, "to improve"), (skip, "skipped")] {
        if *number > 0 {
            let _ = write!(counts, ", {number} {word}");
        }
    }
    counts
}

/// Returns the findings, failures first. Those with one consequence and one fix are together.
fn families<'a, 'r>(results: &'a [CheckResult<'r>]) -> Vec<Vec<&'a CheckResult<'r>>> {
    let mut families: Vec<Vec<&CheckResult<'_>>> = Vec::new();
    for verdict in [CheckVerdict::Fail, CheckVerdict::Warn] {
        for result in results.iter().filter(|result| result.result == verdict) {
            let is_same = |other: &&CheckResult<'_>| {
                (other.result, &other.consequence, &other.fix)
                    == (verdict, &result.consequence, &result.fix)
            };
            match families.iter_mut().find(|family| family.first().is_some_and(is_same)) {
                Some(family) => family.push(result),
                None => families.push(vec![result]),
            }
        }
    }
    families
}

/// Appends checks that failed, each with its evidence, and then what they have in common.
fn push_family(family: &[&CheckResult<'_>], width: usize, text: &mut String) {
    let mut rules: Vec<&str> = Vec::new();
    for result in family {
        let heading = format!("{}  {}", result.id, result.title);
        push_wrapped(&mark(result.result), MARK_COLUMNS, &heading, width, text);
        push_row("seen", &result.evidence, width, text);
        if !rules.contains(&&*result.section) {
            rules.push(&result.section);
        }
    }
    push_row("rule", &rules.join("; "), width, text);
    let Some(first) = family.first() else { return };
    for (name, words) in [("so", &first.consequence), ("fix", &first.fix)] {
        if let Some(words) = words {
            push_row(name, words, width, text);
        }
    }
}

fn push_row(name: &str, words: &str, width: usize, text: &mut String) {
    let label = format!("      {}{}", name.dimmed(), " ".repeat(6 - name.len()));
    push_wrapped(&label, 12, words, width, text);
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
    for (number, word) in unbroken(&words).into_iter().enumerate() {
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

/// Returns the parts of a text between which a line may end: words, and bytes in brackets.
fn unbroken(text: &str) -> Vec<&str> {
    let mut is_inside = false;
    let is_break = |c: char| {
        is_inside = match c {
            '[' => true,
            ']' => false,
            _ => is_inside,
        };
        c == ' ' && !is_inside
    };
    let parts: Vec<_> = text.split(is_break).collect();
    // What is not bytes in brackets may be long.
    if parts.iter().all(|part| part.len() <= LONGEST_PART) {
        parts
    } else {
        text.split(' ').collect()
    }
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

/// The columns of a mark and the space after it.
const MARK_COLUMNS: usize = 6;
/// The longest part of a line that is not broken although it has spaces.
const LONGEST_PART: usize = 45;
/// The lines of a page after which the grade is still in sight.
const SHORT_LINES: usize = 20;

#[cfg(test)]
mod tests {
    use super::{
        super::sample::{finding, with_page},
        *,
    };

    #[test]
    fn the_page_has_findings_with_evidence_and_each_reason_of_skips_once() {
        colored::control::set_override(false);
        let page = with_page(|page| text(page, false, 60));
        assert_eq!(
            page,
            "C  ws://h/\n   1 requirement not met\n   1 passed, 1 failed, 2 skipped in 1.5 s\n\n\
             FAIL  a-2  Fails the connection on a word that is long\n      enough to be wrapped\n      \
             seen  received '<&\"\\x1b'\n      rule  RFC 6455, 8.1\n      so    It goes on.\n      \
             fix   Stop it.\n\nskip  2 checks: no echo\n"
        );
        let all = with_page(|page| text(page, true, 60));
        assert!(all.contains("pass  a-1") && all.contains("skip  a-4"), "{all}");
        assert!(all.lines().all(|line| line.chars().count() <= 60), "{all}");
    }

    #[test]
    fn bytes_in_brackets_are_on_one_line() {
        let mut text = String::new();
        push_wrapped("", 0, "a Pong of 2 bytes [8a 02 61 62], and more", 25, &mut text);
        assert_eq!(text, "a Pong of 2 bytes\n[8a 02 61 62], and more\n");
        assert_eq!(unbroken("an [open bracket"), ["an", "[open bracket"]);
        assert_eq!(unbroken(&format!("an [{}", "open ".repeat(20))).len(), 22);
    }

    #[test]
    fn a_family_has_its_consequence_once_and_a_long_page_the_grade_twice() {
        colored::control::set_override(false);
        let results: Vec<_> = (0..12).map(finding).collect();
        let page = with_page(|page| text(&CheckPage { results: &results, ..*page }, false, 80));
        assert_eq!(page.matches("FAIL").count(), 12, "{page}");
        assert_eq!(page.matches("It goes on.").count(), 1, "{page}");
        assert_eq!(page.lines().last(), Some("C  ws://h/: 1 passed, 1 failed, 2 skipped"));
    }
}
