//! Notes about the messages that a script has matched.

use crate::{
    escape::Escaped,
    redact::Secrets,
    report::Report,
    script::{news::News, template::MissingValue},
};

/// Writes an event of a script to stderr: a match with `-v`, an answer that was not sent always.
pub(super) fn tell(news: &News, report: Report) {
    let text = sentence(news, report.secrets);
    match news {
        News::Matched { .. } => report.detail(&text),
        News::Unanswered { .. } => report.note(&text),
    }
}

/// Describes an event of a script.
pub(super) fn sentence(news: &News, secrets: Secrets) -> String {
    match news {
        News::Matched { option, pattern, start, is_cut } => {
            let text = String::from_utf8_lossy(start);
            // The dots make a secret that is cut off recognizable.
            let text = if *is_cut { format!("{text}...") } else { text.into_owned() };
            let text = secrets.text(&text);
            format!("{option} '{}' matched: {}", Escaped(pattern), Escaped(&text))
        }
        News::Unanswered { pattern, missing: MissingValue(placeholder) } => format!(
            "a message that matches '{}' was not answered: it has no value for {}",
            Escaped(pattern),
            Escaped(placeholder)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_shown_without_secrets_and_control_characters() {
        crate::known::add("opensesame");
        let news = |start: &str, is_cut| News::Matched {
            option: "--expect",
            pattern: "a\x1b".to_owned(),
            start: start.into(),
            is_cut,
        };
        for (start, is_cut, shown) in [
            ("a\nopensesame\x1b[", false, "a\\n[redacted]\\x1b["),
            ("opensesa", true, "[redacted]..."),
        ] {
            let expected = format!("--expect 'a\\x1b' matched: {shown}");
            assert_eq!(sentence(&news(start, is_cut), Secrets::Hidden), expected);
        }
    }
}
