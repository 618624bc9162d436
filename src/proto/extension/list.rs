//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455, 9.1).

use crate::proto::{
    fields::{self, is_token},
    headers::Headers,
};
use std::fmt;

/// An element of the header: an extension and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The name, as written.
    pub name: String,
    /// The parameters in order: name and, if present, value.
    pub params: Vec<(String, Option<String>)>,
}

impl fmt::Display for Extension {
    /// Writes the extension as an element of the header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Parses a list of extensions; `None` if it is malformed.
pub fn parse(list: &str) -> Option<Vec<Extension>> {
    fields::elements(list).map(parse_one).collect()
}

/// Parses one element of a list; `None` if it is malformed.
pub(super) fn parse_one(element: &str) -> Option<Extension> {
    let mut parts = fields::split(element, ';');
    let name = parts.next().filter(|name| is_token(name))?.to_owned();
    let params = parts.map(|param| {
        let (name, value) = match param.split_once('=') {
            None => (param, None),
            Some((name, value)) => (fields::trim(name), Some(parse_value(fields::trim(value))?)),
        };
        is_token(name).then(|| (name.to_owned(), value))
    });
    Some(Extension { name, params: params.collect::<Option<_>>()? })
}

/// Parses the value of a parameter. A quoted value must be a token without its quotes (9.1).
fn parse_value(value: &str) -> Option<String> {
    let token = match fields::quoted(value) {
        None => value.to_owned(),
        Some((token, Some(""))) => token,
        Some(_) => return None,
    };
    is_token(&token).then_some(token)
}

/// Parses the extensions in all fields of a head. Fails with the value of the first malformed field.
pub fn parse_fields(headers: &Headers) -> Result<Vec<Extension>, &str> {
    let mut all = Vec::new();
    for line in headers.all("Sec-WebSocket-Extensions") {
        all.extend(parse(line).ok_or(line)?);
    }
    Ok(all)
}
