//! Wording shared by messages: system errors, and suggestions for mistyped names.

use std::io;

/// Returns the message of a system error, in lower case for use within a sentence.
pub(crate) fn system_error(cause: &io::Error) -> String {
    let words = cause.to_string();
    lower(words.strip_prefix("failed to lookup address information: ").unwrap_or(&words))
}

/// Lowers the first letter, unless the first word is an abbreviation.
pub(crate) fn lower(words: &str) -> String {
    let mut chars = words.chars();
    match chars.next() {
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) => {
            format!("{}{}", first.to_lowercase(), chars.as_str())
        }
        _ => words.to_owned(),
    }
}

/// Returns the known name closest to a mistyped one, if they differ by at most one typing error per
/// three characters, or by a single one in a shorter name.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances =
        known.into_iter().map(|known| (strsim::damerau_levenshtein(known, name), known));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= (name.chars().count() / 3).max(1)).then_some(nearest)
}

/// Returns the line and column of a byte offset in a text, both from 1.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (before.bytes().filter(|byte| *byte == b'\n').count() + 1, column)
}

/// The hint for text that ends with a carriage return.
pub(crate) const CARRIAGE_RETURN_HINT: &str = "remove the carriage return, which ends each line of \
    a file with Windows line ends (tr -d '\\r' <FILE does so)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_in_lower_case_except_abbreviations() {
        let words = |text: &str| system_error(&io::Error::other(text));
        assert_eq!(words("Broken pipe"), "broken pipe");
        assert_eq!(words("TLS failed"), "TLS failed");
        let resolver = "failed to lookup address information: Name or service not known";
        assert_eq!(words(resolver), "name or service not known");
    }

    #[test]
    fn suggests_names_with_few_typing_errors() {
        let known = ["/ping", "/quit", "/reconnect"];
        assert_eq!(nearest("/pnig", known), Some("/ping"));
        assert_eq!(nearest("/recnnet", known), Some("/reconnect"));
        assert_eq!(nearest("/x", known), None);
        let names = ["dev", "staging", "live"];
        assert_eq!(nearest("dve", names), Some("dev"));
        assert_eq!(nearest("stagin", names), Some("staging"));
        assert_eq!(nearest("prod", names), None);
        assert_eq!(nearest("x", []), None);
    }
}
