//! The outline of a JSON text, as far as it can be told before all of it is there.

use serde::de::IgnoredAny;

/// Whether a text starts like an object or an array.
pub fn begins(text: &str) -> bool {
    text.trim_start_matches(is_space).starts_with(['{', '['])
}

/// Whether a text is a complete object or array.
pub fn is_whole(text: &str) -> bool {
    begins(text) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Whether a text is the beginning of an object or array that lacks its end.
pub fn is_cut(text: &str) -> bool {
    begins(text) && serde_json::from_str::<IgnoredAny>(text).is_err_and(|fault| fault.is_eof())
}

/// Whether JSON counts a character as white space (RFC 8259, 2).
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_cut() {
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
