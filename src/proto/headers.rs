//! Header fields of a request or response, and the user's edits to them.

use super::fields;
use std::fmt;

/// Header fields in order. Names keep their case. `Debug` shows no values: they may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

/// An edit to the default headers of a request: one `-H` option. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Sends this field in place of the defaults of that name. A name may be set more than once.
    Set(String, String),
    /// Drops the defaults of this name.
    Remove(String),
}

impl Headers {
    /// Appends a field.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Iterates over all fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the values of all fields of this name, which is case-insensitive.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the value of the first field of this name.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Returns the elements of a list-valued field, across all its lines (RFC 9110, 5.6.1).
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(fields::elements)
    }

    /// Reports whether a list-valued field has this token, which is case-insensitive.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|element| element.eq_ignore_ascii_case(token))
    }

    /// Keeps only the fields for which `keeps` returns true.
    pub fn retain(&mut self, mut keeps: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(name, value)| keeps(name, value));
    }

    /// Applies the user's edits: removes the fields of every edited name, then appends the fields
    /// that are set, in order.
    pub fn edit(&mut self, edits: &[HeaderEdit]) {
        self.0.retain(|(name, _)| {
            !edits.iter().any(|edit| match edit {
                HeaderEdit::Set(edited, _) | HeaderEdit::Remove(edited) => {
                    edited.eq_ignore_ascii_case(name)
                }
            })
        });
        self.0.extend(edits.iter().filter_map(|edit| match edit {
            HeaderEdit::Set(name, value) => Some((name.clone(), value.clone())),
            HeaderEdit::Remove(_) => None,
        }));
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl fmt::Debug for HeaderEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(name, _) => write!(f, "Set({name:?})"),
            Self::Remove(name) => write!(f, "Remove({name:?})"),
        }
    }
}

#[cfg(test)]
impl Headers {
    /// Creates headers from pairs of name and value.
    pub(crate) fn of(fields: &[(&str, &str)]) -> Self {
        let mut headers = Self::default();
        for (name, value) in fields {
            headers.push(*name, *value);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_span_lines_and_ignore_case() {
        let headers = Headers::of(&[("CONNECTION", "keep-alive ,"), ("connection", " Upgrade,x")]);
        assert!(headers.has_token("Connection", "upgrade"));
        assert!(!headers.has_token("Connection", "keep"));
        assert_eq!(headers.list("Connection").count(), 3);
    }

    #[test]
    fn edits_replace_remove_and_repeat() {
        let mut request = Headers::of(&[("Host", "h"), ("User-Agent", "u"), ("Origin", "o")]);
        request.edit(&[
            HeaderEdit::Set("X-A".into(), "1".into()),
            HeaderEdit::Set("host".into(), "other".into()),
            HeaderEdit::Remove("ORIGIN".into()),
            HeaderEdit::Set("X-A".into(), "2".into()),
        ]);
        let expected = [("User-Agent", "u"), ("X-A", "1"), ("host", "other"), ("X-A", "2")];
        assert_eq!(request, Headers::of(&expected));
    }
}
