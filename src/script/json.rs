//! Checks for complete and incomplete JSON texts.

use serde::de::IgnoredAny;

/// Reports whether a text starts like an object or an array.
pub fn begins(text: &str) -> bool {
    text.trim_start_matches(is_space).starts_with(['{', '['])
}

/// Reports whether a text is a complete object or array.
pub fn is_whole(text: &str) -> bool {
    begins(text) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Reports whether a text is the beginning of an incomplete object or array.
pub fn is_cut(text: &str) -> bool {
    begins(text) && serde_json::from_str::<IgnoredAny>(text).is_err_and(|fault| fault.is_eof())
}

/// Reports whether a character is JSON whitespace (RFC 8259, 2).
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_complete_from_incomplete_json() {
        for whole in ["{}", " [1]", "{\"a\":[{}]}\n"] {
            assert!(is_whole(whole) && !is_cut(whole), "{whole}");
        }
        for cut in ["{", "[1,", "{\"a", "[\"\\", "{\n"] {
            assert!(is_cut(cut) && !is_whole(cut), "{cut}");
        }
        for neither in ["", "1", "\"a\"", "{]", "[1}", "{} x", "{a}"] {
            assert!(!is_cut(neither) && !is_whole(neither), "{neither}");
        }
    }
}
