//! The reader of header fields, which bounds their number.

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt};

/// Names and values, in order.
type Headers = Vec<(Cow<'static, str>, Cow<'static, str>)>;

/// Reads header fields. Fails if there are more than any handshake has, since each field takes many
/// times the memory of its text.
pub(super) fn headers<'de, D: Deserializer<'de>>(from: D) -> Result<Headers, D::Error> {
    from.deserialize_seq(HeadersVisitor)
}

/// Reads header fields that may be `null`.
pub(super) fn some_headers<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Headers>, D::Error> {
    let read: Option<Bounded> = Option::deserialize(from)?;
    Ok(read.map(|Bounded(headers)| headers))
}

struct Bounded(Headers);

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        headers(from).map(Self)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("header fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut headers = Headers::new();
        while let Some((name, value)) = seq.next_element::<(String, String)>()? {
            if headers.len() == MAX_HEADERS {
                return Err(de::Error::custom("too many header fields"));
            }
            headers.push((name.into(), value.into()));
        }
        Ok(headers)
    }
}

/// Largest number of header fields.
const MAX_HEADERS: usize = 4096;
