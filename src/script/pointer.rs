//! JSON pointers (RFC 6901), which find one value in a message without building the others.

use memchr::memmem::Finder;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Number, Value, value::RawValue};
use std::fmt;

/// A JSON pointer.
///
/// It refers to a value of one JSON text; a message may hold several (see
/// [`Records`](super::records::Records)). Of two equal names in an object the last counts.
#[derive(Clone, Debug)]
pub struct Pointer {
    text: String,
    tokens: Vec<Token>,
    /// Finds the last name, which every message with a value at the pointer contains, unless it is
    /// written with an escape. `None` if each name may be the index of an array.
    name: Option<Box<Finder<'static>>>,
}

/// The name of a member, and the index of an array if the token has that form.
#[derive(Clone, Debug)]
struct Token {
    name: String,
    index: Option<usize>,
}

/// A pointer that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointerFault {
    /// The number of characters before the fault.
    pub position: usize,
    /// A phrase that names the fault.
    pub words: &'static str,
}

/// Compares the text of the pointers.
impl PartialEq for Pointer {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pointer {
    /// Parses a pointer. An empty one refers to the whole text.
    pub fn parse(text: &str) -> Result<Self, PointerFault> {
        let mut tokens = Vec::new();
        if !text.is_empty() {
            let Some(rest) = text.strip_prefix('/') else {
                return Err(PointerFault { position: 0, words: "a JSON pointer begins with /" });
            };
            let mut position = 1;
            for token in rest.split('/') {
                tokens.push(Token::parse(token, position)?);
                position += token.chars().count() + 1;
            }
        }
        let is_written = |name: &str| {
            !name.is_empty() && !name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'))
        };
        let mut names = tokens.iter().filter(|token| token.index.is_none());
        let name = names.next_back().filter(|token| is_written(&token.name));
        let name = name.map(|token| Box::new(Finder::new(&token.name).into_owned()));
        Ok(Self { text: text.to_owned(), tokens, name })
    }

    /// Returns the value that the pointer refers to, as it is written in a JSON text.
    pub fn find<'m>(&self, text: &'m str) -> Option<&'m str> {
        let mut json = serde_json::Deserializer::from_str(text);
        Walk(&self.tokens).deserialize(&mut json).ok()?.map(RawValue::get)
    }

    /// Reports whether a text of a message may have a value at the pointer. Takes little time.
    pub fn may_be_in(&self, message: &[u8]) -> bool {
        let first = message.iter().find(|byte| **byte > b' ');
        let nests = matches!(first, Some(b'{' | b'['));
        (nests || self.tokens.is_empty())
            && self.name.as_ref().is_none_or(|name| {
                name.find(message).is_some() || memchr::memchr(b'\\', message).is_some()
            })
    }
}

/// Writes the pointer as it was given.
impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Token {
    /// Parses a token at this position of the pointer (RFC 6901, 3 and 4).
    fn parse(token: &str, position: usize) -> Result<Self, PointerFault> {
        let mut name = String::with_capacity(token.len());
        let mut chars = token.chars().enumerate();
        while let Some((at, c)) = chars.next() {
            name.push(match c {
                '~' => match chars.next() {
                    Some((_, '0')) => '~',
                    Some((_, '1')) => '/',
                    _ => {
                        let words = "in a JSON pointer, ~ is followed by 0 or 1";
                        return Err(PointerFault { position: position + at, words });
                    }
                },
                c => c,
            });
        }
        let is_index = name == "0"
            || (!name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit()));
        let index = if is_index { name.parse().ok() } else { None };
        Ok(Self { name, index })
    }
}

/// Reports whether a JSON text is equal to a value. Numbers are compared by value, members of
/// objects without their order.
pub fn equals(text: &str, value: &Value) -> bool {
    let mut json = serde_json::Deserializer::from_str(text);
    Equals(value).deserialize(&mut json).unwrap_or(false)
}

/// Goes to the value at the remaining tokens.
struct Walk<'t>(&'t [Token]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        match self.0 {
            [] => serde::Deserialize::deserialize(json).map(Some),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Some((token, rest)) = self.0.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(is_wanted) = members.next_key_seed(IsName(&token.name))? {
            if is_wanted {
                found = members.next_value_seed(Walk(rest))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Some((token, rest)) = self.0.split_first() else { return Ok(None) };
        for _ in 0..token.index.unwrap_or_default() {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = match token.index {
            Some(_) => items.next_element_seed(Walk(rest))?.flatten(),
            None => None,
        };
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Compares the name of a member.
struct IsName<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// Compares a value without building it.
struct Equals<'v>(&'v Value);

impl<'de> DeserializeSeed<'de> for Equals<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Equals<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        // The rest of a text that differs is not read: the whole text is known to be valid.
        let Value::Object(wanted) = self.0 else { return Err(A::Error::custom(DIFFERS)) };
        let mut found = vec![false; wanted.len()];
        while let Some(name) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            let at = wanted.keys().position(|wanted| *wanted == name);
            let Some((value, found)) = wanted.get(&*name).zip(at.and_then(|at| found.get_mut(at)))
            else {
                return Err(A::Error::custom(DIFFERS));
            };
            *found = members.next_value_seed(Equals(value))?;
        }
        Ok(found.iter().all(|found| *found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let Value::Array(wanted) = self.0 else { return Err(A::Error::custom(DIFFERS)) };
        for value in wanted {
            if items.next_element_seed(Equals(value))? != Some(true) {
                return Err(A::Error::custom(DIFFERS));
            }
        }
        Ok(items.next_element::<IgnoredAny>()?.is_none())
    }

    fn visit_bool<E>(self, found: bool) -> Result<bool, E> {
        Ok(self.0.as_bool() == Some(found))
    }

    fn visit_i64<E>(self, found: i64) -> Result<bool, E> {
        Ok(is_number(self.0, &found.into()))
    }

    fn visit_u64<E>(self, found: u64) -> Result<bool, E> {
        Ok(is_number(self.0, &found.into()))
    }

    fn visit_f64<E>(self, found: f64) -> Result<bool, E> {
        Ok(Number::from_f64(found).is_some_and(|found| is_number(self.0, &found)))
    }

    fn visit_str<E>(self, found: &str) -> Result<bool, E> {
        Ok(self.0.as_str() == Some(found))
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(self.0.is_null())
    }
}

/// Reports whether a value is this number, however either is written: 1 is 1.0.
fn is_number(value: &Value, found: &Number) -> bool {
    let Value::Number(wanted) = value else { return false };
    if wanted.is_f64() || found.is_f64() {
        wanted.as_f64() == found.as_f64()
    } else {
        wanted == found
    }
}

const DIFFERS: &str = "a different value";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::records::Records;
    use proptest::prelude::*;
    use serde_json::json;

    fn find<'m>(pointer: &str, message: &'m str) -> Option<&'m str> {
        find_in_bytes(pointer, message.as_bytes())
    }

    fn find_in_bytes<'m>(pointer: &str, message: &'m [u8]) -> Option<&'m str> {
        let pointer = Pointer::parse(pointer).unwrap();
        let found = Records::new(message).find_map(|(_, text)| pointer.find(text));
        assert!(found.is_none() || pointer.may_be_in(message));
        found
    }

    #[test]
    fn finds_the_value_as_it_is_written() {
        for (pointer, message, found) in [
            ("", " {\"a\": 1}\n", Some("{\"a\": 1}")),
            ("", "7", Some("7")),
            ("/a", r#"{"b":[1,{"a":0}],"a":1e2}"#, Some("1e2")),
            ("/a/1/b", r#"{"a":[0,{"b" : "x\n" }]}"#, Some(r#""x\n""#)),
            ("/0", "[[ 1, 2 ]]", Some("[ 1, 2 ]")),
            ("/1", r#"{"1":true}"#, Some("true")),
            ("/", r#"{"":null}"#, Some("null")),
            ("/a~1b/~0", r#"{"a/b":{"~":1}}"#, Some("1")),
            ("/\"", r#"{"\"":1}"#, Some("1")),
            ("/ä", r#"{"\u00e4":1}"#, Some("1")),
            ("/a", r#"{"a":1,"a":2}"#, Some("2")),
            ("/a", "{}\x1e{\"a\":1}\x1e{\"a\":2}\x1e", Some("1")),
            ("/a", "\x1e{\"a\":1}\n", Some("1")),
            ("/a", "{\"a\":1}\0", Some("1")),
            ("/a", r#"{"b":1}"#, None),
            ("/a", r#"{"x":{"a":1}}"#, None),
            ("/a/b", r#"{"a":1,"b":2}"#, None),
            ("/2", "[1,2]", None),
            ("/01", "[1,2]", None),
            ("/-", "[1,2]", None),
            ("/a", r#"{"a":1"#, None),
            ("/a", r#"{"a":1} x"#, None),
            ("/a", r#"{"a":1}{"a":2}"#, None),
            ("/a", "a", None),
            ("", "", None),
        ] {
            assert_eq!(find(pointer, message), found, "{pointer:?} in {message:?}");
        }
        assert_eq!(find_in_bytes("/a", b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn faults_have_a_position() {
        for (pointer, position) in [("a", 0), ("/ä/~", 3), ("/~2", 1), ("/a/b~", 4)] {
            assert_eq!(Pointer::parse(pointer).unwrap_err().position, position, "{pointer}");
        }
    }

    #[test]
    fn values_are_compared_as_json() {
        for (text, value, equal) in [
            ("1.0", json!(1), true),
            ("1e0", json!(1.0), true),
            ("-1", json!(1), false),
            ("18446744073709551615", json!(u64::MAX), true),
            ("18446744073709551614", json!(u64::MAX), false),
            ("\"1\"", json!(1), false),
            (r#""\u0031""#, json!("1"), true),
            ("null", json!(null), true),
            ("null", json!(false), false),
            (r#"{"b":[1,2], "a":{}}"#, json!({"a": {}, "b": [1, 2]}), true),
            (r#"{"b":[1,2,3], "a":{}}"#, json!({"a": {}, "b": [1, 2]}), false),
            (r#"{"b":[1], "a":{}}"#, json!({"a": {}, "b": [1, 2]}), false),
            (r#"{"a":{},"b":[1,2],"c":1}"#, json!({"a": {}, "b": [1, 2]}), false),
            (r#"{"a":{}}"#, json!({"a": {}, "b": [1, 2]}), false),
            (r#"{"a":1,"a":2}"#, json!({"a": 2}), true),
            ("[]", json!({}), false),
            ("{}", json!([]), false),
            ("[]", json!(""), false),
        ] {
            assert_eq!(equals(text, &value), equal, "{text} {value}");
        }
    }

    /// Values that are skipped or compared take no memory, and nesting does not overflow the stack.
    #[test]
    fn deep_and_long_messages_are_refused_or_searched() {
        let deep = format!("{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let inner = find("/0/0", &deep).unwrap();
        assert_eq!(inner.len(), deep.len() - 4);
        assert!(!equals(inner, &json!([[0]])));
        assert_eq!(find(&"/0".repeat(200), &deep), None);
        let long = format!("{{\"x\":[{}0],\"a\":1}}", "{\"b\":[]},".repeat(500_000));
        assert_eq!(find("/a", &long), Some("1"));
        assert!(!equals(find("/x", &long).unwrap(), &json!([1])));
    }

    fn arbitrary() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
            "[ab\"\\\\/~\u{0}é]{0,3}".prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[ab\"~/0é]{0,2}", inner, 0..4)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn finds_what_serde_json_finds(value in arbitrary(), pointer in "(/([ab0123é]|~0|~1|\"){0,2}){0,3}") {
            let text = value.to_string();
            let found = find(&pointer, &text);
            let parsed = found.map(|found| serde_json::from_str::<Value>(found).unwrap());
            prop_assert_eq!(parsed.as_ref(), value.pointer(&pointer));
            prop_assert!(found.is_none_or(|found| equals(found, &parsed.unwrap())));
        }
    }
}
