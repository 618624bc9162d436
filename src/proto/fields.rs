//! The grammar of header field values: tokens, lists and quoted strings (RFC 9110, 5.6).

/// Reports whether `text` is a token, as header names and subprotocols are (RFC 9110, 5.6.2).
pub fn is_token(text: &str) -> bool {
    let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Returns the elements of a list without the empty ones, which are legal (RFC 9110, 5.6.1).
pub(crate) fn elements(list: &str) -> impl Iterator<Item = &str> {
    split(list, ',').filter(|element| !element.is_empty())
}

/// Splits a value at separators outside quoted strings, and trims the parts.
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

/// Trims optional white space, which is SP and HTAB only (RFC 9110, 5.6.3).
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Parses the quoted string at the start of `text` (RFC 9110, 5.6.4). Returns its content and the
/// text after the closing quote, if it is closed. `None` if `text` does not begin with a quote.
pub(crate) fn quoted(text: &str) -> Option<(String, Option<&str>)> {
    let mut content = String::new();
    let mut chars = text.strip_prefix('"')?.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Some((content, Some(chars.as_str()))),
            '\\' => content.extend(chars.next()),
            c => content.push(c),
        }
    }
    Some((content, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_outside_quotes() {
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
