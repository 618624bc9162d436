//! Results in the XML of `JUnit`, which CI systems show.

use super::results::CheckPage;
use crate::schema::check::{CheckError, CheckGroup, CheckResult, CheckVerdict};
use std::{fmt::Write as _, time::Duration};

/// Returns the results in the XML of `JUnit`, which CI systems show.
pub fn suites(page: &CheckPage<'_>) -> String {
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

/// Returns the result of a run without a session: an error.
pub fn error_suite(error: &CheckError<'_>) -> String {
    let message = xml_text(&error.message);
    let hint = error.hint.as_deref().map(xml_text).unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"sockeye check\" tests=\"1\" failures=\"0\" errors=\"1\">\n  \
         <testsuite name=\"session\" tests=\"1\" failures=\"0\" errors=\"1\">\n    \
         <testcase classname=\"sockeye.session\" name=\"opens a session\">\n      \
         <error message=\"{message}\">{hint}</error>\n    \
         </testcase>\n  </testsuite>\n</testsuites>\n"
    )
}

/// Converts milliseconds.
fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
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

#[cfg(test)]
mod tests {
    use super::{super::sample::with_page, *};

    #[test]
    fn junit_is_escaped() {
        let xml = with_page(suites);
        assert!(xml.contains("failures=\"1\" skipped=\"2\" time=\"1.500\""), "{xml}");
        assert!(xml.contains("message=\"received '&lt;&amp;&quot;\u{fffd}'\""), "{xml}");
        assert_eq!(xml.matches("<testcase").count(), 4);
    }

    #[test]
    fn a_run_without_a_session_is_an_error() {
        let (url, message, hint) = ("ws://h/".into(), "a < b".into(), Some("wait".into()));
        let xml = error_suite(&CheckError { url, message, hint, status: 7 });
        assert!(xml.contains("<error message=\"a &lt; b\">wait</error>"), "{xml}");
    }
}
