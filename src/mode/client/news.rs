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
        News::Unanswered { .. } | News::Overflowed { .. } => report.note(&text),
    }
}

/// Describes an event of a script.
pub(super) fn sentence(news: &News, secrets: Secrets) -> String {
    match news {
        News::Matched { option, pattern, message } => {
            let text = message.text(secrets);
            format!("{option} '{}' matched: {}", Escaped(pattern), Escaped(&text))
        }
        News::Unanswered { pattern, missing: MissingValue(placeholder) } => format!(
            "a message that matches '{}' was not answered: it has no value for {}",
            Escaped(pattern),
            Escaped(placeholder)
        ),
        News::Overflowed { pattern } => format!(
            "a message that matches '{}' was answered only in part: too many answers wait",
            Escaped(pattern)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Quote;

    #[test]
    fn a_match_is_shown_without_secrets_and_control_characters() {
        crate::known::add("opensesame");
        let news = News::Matched {
            option: "--expect",
            pattern: "a\x1b".to_owned(),
            message: Quote::new(b"a\nopensesame\x1b["),
        };
        let expected = "--expect 'a\\x1b' matched: a\\n[redacted]\\x1b[";
        assert_eq!(sentence(&news, Secrets::Hidden), expected);
    }
}
