//! Patterns of request paths with named segments.

use regex::Regex;
use std::collections::BTreeMap;

/// A pattern of paths: `{name}` stands for one or more characters except `/`, and `*` for any
/// characters. The query is not compared.
#[derive(Clone, Debug)]
pub struct PathPattern {
    text: String,
    regex: Regex,
}

impl PathPattern {
    /// Returns the pattern as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Parses a pattern. The error is a phrase.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("a path begins with /".to_owned());
        }
        let mut regex = String::from(r"\A");
        let mut rest = text;
        while let Some(at) = rest.find(['{', '*']) {
            let (before, after) = rest.split_at(at);
            regex.push_str(&regex::escape(before));
            if let Some(after) = after.strip_prefix('*') {
                regex.push_str("(?s:.*)");
                rest = after;
                continue;
            }
            let (name, after) = after
                .strip_prefix('{')
                .and_then(|after| after.split_once('}'))
                .ok_or_else(|| "'{' without '}'".to_owned())?;
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_name {
                return Err(format!("'{{{name}}}' is not a name of letters, digits and _"));
            }
            regex.push_str("(?P<");
            regex.push_str(name);
            regex.push_str(">[^/]+)");
            rest = after;
        }
        regex.push_str(&regex::escape(rest));
        regex.push_str(r"\z");
        let regex = Regex::new(&regex).map_err(|_| "a name is used twice".to_owned())?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Returns the values of the names in a path, as they are written there; `None` if the pattern
    /// does not match.
    pub fn values(&self, path: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        let captures = self.regex.captures(path)?;
        let value = |name: &str| captures.name(name).map_or("", |value| value.as_str());
        let all = self.names().map(|name| (name.to_owned(), value(name).as_bytes().to_vec()));
        Some(all.collect())
    }

    /// Returns the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.regex.capture_names().flatten()
    }
}

impl std::fmt::Display for PathPattern {
    /// Writes the pattern as it was given.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_parts_of_a_segment() {
        for (pattern, path, expected) in [
            ("/", "/", Some("")),
            ("/a.b", "/axb", None),
            ("/chat/{room}", "/chat/a%20b", Some("room=a%20b;")),
            ("/chat/{room}", "/chat/", None),
            ("/chat/{room}", "/chat/a/b", None),
            ("/v{n}/{x}", "/v2/y", Some("n=2;x=y;")),
            ("/files/*", "/files/a/b", Some("")),
        ] {
            let values = PathPattern::parse(pattern).unwrap().values(path);
            let shown = values.map(|values| {
                let shown = |(name, value): (&String, &Vec<u8>)| {
                    format!("{name}={};", String::from_utf8_lossy(value))
                };
                values.iter().map(shown).collect::<String>()
            });
            assert_eq!(shown.as_deref(), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_fault_is_a_phrase() {
        for (pattern, fault) in [
            ("chat", "a path begins with /"),
            ("/{room", "'{' without '}'"),
            ("/{}", "'{}' is not a name of letters, digits and _"),
            ("/{a-b}", "'{a-b}' is not a name of letters, digits and _"),
            ("/{a}/{a}", "a name is used twice"),
        ] {
            assert_eq!(PathPattern::parse(pattern).unwrap_err(), fault);
        }
    }
}
