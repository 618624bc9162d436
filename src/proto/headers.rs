//! Header fields of a request or an answer, and how a user edits them.

use super::fields;

/// Header fields in order, their names written as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

/// One `-H` of the user: how it changes the headers a request has by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Sends this field; the first of a name replaces the default of that name.
    Set(String, String),
    /// Sends no field of this name, unless it is set too.
    Remove(String),
}

impl Headers {
    /// Appends a field.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of all fields of this name; case does not matter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first value of this name.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The elements of a field that is a list, over all its lines (RFC 9110, 5.6.1).
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(fields::elements)
    }

    /// Whether a list has this token; case does not matter.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|element| element.eq_ignore_ascii_case(token))
    }

    /// Applies the user's edits: every name edited loses its default, and what is set follows in
    /// the order it was typed.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in fields {
            headers.push(*name, *value);
        }
        headers
    }

    #[test]
    fn lists_are_read_over_lines_in_any_case() {
        let headers = headers(&[("CONNECTION", "keep-alive ,"), ("connection", " Upgrade,x")]);
        assert!(headers.has_token("Connection", "upgrade"));
        assert!(!headers.has_token("Connection", "keep"));
        assert_eq!(headers.list("Connection").count(), 3);
    }

    #[test]
    fn edits_replace_remove_and_repeat() {
        let mut it = headers(&[("Host", "h"), ("User-Agent", "u"), ("Origin", "o")]);
        it.edit(&[
            HeaderEdit::Set("X-A".into(), "1".into()),
            HeaderEdit::Set("host".into(), "other".into()),
            HeaderEdit::Remove("ORIGIN".into()),
            HeaderEdit::Set("X-A".into(), "2".into()),
        ]);
        let expected = [("User-Agent", "u"), ("X-A", "1"), ("host", "other"), ("X-A", "2")];
        assert_eq!(it, headers(&expected));
    }
}
