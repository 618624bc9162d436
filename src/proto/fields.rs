//! The grammar of header field values, whatever carries them: tokens, lists and quoted strings
//! (RFC 9110, 5.6).

/// Whether `text` is a token, as header names and subprotocols are (RFC 9110, 5.6.2).
pub fn is_token(text: &str) -> bool {
    let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// The elements of a list, without the empty ones, which are legal (RFC 9110, 5.6.1).
pub(crate) fn elements(list: &str) -> impl Iterator<Item = &str> {
    split(list, ',').filter(|element| !element.is_empty())
}

/// The parts of a value between separators that stand outside quoted strings, trimmed.
pub(crate) fn split(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .split(move |c| {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => return c == separator && !quoted,
            }
            false
        })
        .map(trim)
}

/// The text without optional white space around it: SP and HTAB, and nothing else (RFC 9110, 5.6.3).
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Reads the quoted string that `text` begins with (RFC 9110, 5.6.4): what it says, and what
/// follows its closing quote, if it has one. `None`: the text begins with no quote.
pub(crate) fn quoted(text: &str) -> Option<(String, Option<&str>)> {
    let mut said = String::new();
    let mut chars = text.strip_prefix('"')?.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Some((said, Some(chars.as_str()))),
            '\\' => said.extend(chars.next()),
            c => said.push(c),
        }
    }
    Some((said, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_outside_quotes() {
        let all = |list| elements(list).collect::<Vec<_>>();
        assert_eq!(all(" a ,, b\t,"), ["a", "b"]);
        assert_eq!(all(r#"a="1,2", b"#), [r#"a="1,2""#, "b"]);
        assert_eq!(all(r#"a="\",", b"#), [r#"a="\",""#, "b"]);
        // Only a quoted string escapes.
        assert_eq!(all(r"a\,b"), [r"a\", "b"]);
        assert_eq!(all(""), [""; 0]);
        assert_eq!(split("a;;b", ';').collect::<Vec<_>>(), ["a", "", "b"]);
    }

    #[test]
    fn quoted_strings() {
        assert_eq!(quoted("a"), None);
        assert_eq!(quoted(r#""""#), Some((String::new(), Some(""))));
        assert_eq!(quoted(r#""a\"b\\" c"#), Some((r#"a"b\"#.to_owned(), Some(" c"))));
        assert_eq!(quoted(r#""a\""#), Some((r#"a""#.to_owned(), None)));
        assert_eq!(quoted("\"a\\"), Some(("a".to_owned(), None)));
    }

    #[test]
    fn tokens() {
        assert!(is_token("Sec-WebSocket-Key") && is_token("v1.chat~") && !is_token(""));
        assert!(!is_token("a b") && !is_token("\"a\"") && !is_token("\u{e9}") && !is_token("a/b"));
    }
}
