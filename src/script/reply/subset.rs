//! Subsets of JSON objects: messages that have at least these members.

use crate::script::{
    pointer::{Pointer, equals},
    records::Records,
};
use serde_json::Value;

/// A JSON object of which a message must have all members; its objects may have others beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonSubset {
    /// The values at the ends of the object, each with its place. An empty object has none.
    leaves: Vec<(Pointer, Option<Value>)>,
}

impl JsonSubset {
    /// Creates a subset of an object.
    pub fn new(value: &Value) -> Self {
        let mut leaves = Vec::new();
        collect(value, "", &mut leaves);
        Self { leaves }
    }

    /// Reports whether a JSON text of a message is an object with all members.
    pub fn is_match(&self, message: &[u8]) -> bool {
        Records::new(message).any(|(_, text)| {
            self.leaves.iter().all(|(pointer, value)| {
                pointer.find(text).is_some_and(|found| match value {
                    Some(value) => equals(found, value),
                    None => found.starts_with('{'),
                })
            })
        })
    }
}

fn collect(value: &Value, place: &str, leaves: &mut Vec<(Pointer, Option<Value>)>) {
    let leaf = match value {
        Value::Object(members) if members.is_empty() => None,
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(value, &format!("{place}/{name}"), leaves);
            }
            return;
        }
        other => Some(other.clone()),
    };
    // Each token is written with its escapes, so the pointer is valid.
    leaves.extend(Pointer::parse(place).ok().map(|pointer| (pointer, leaf)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_has_at_least_the_members() {
        for (subset, message, expected) in [
            (json!({"op": "sub"}), r#"{"x":1,"op":"sub"}"#, true),
            (json!({"op": "sub"}), r#"{"op":"suc"}"#, false),
            (json!({"op": "sub"}), r#"["op"]"#, false),
            (json!({"op": "sub"}), "op sub", false),
            (json!({"a": {"b": 1}}), r#"{"a":{"c":2,"b":1.0}}"#, true),
            (json!({"a": {"b": 1}}), r#"{"a":{"b":2}}"#, false),
            (json!({"a": {}}), r#"{"a":{"b":2}}"#, true),
            (json!({"a": {}}), r#"{"a":[]}"#, false),
            (json!({"a": [1, {"b": 2}]}), r#"{"a":[1,{"b":2}]}"#, true),
            (json!({"a": [1]}), r#"{"a":[1,2]}"#, false),
            (json!({"a/b~": true}), r#"{"a/b~":true}"#, true),
            (json!({}), "{}", true),
            (json!({}), "[]", false),
        ] {
            let subset = JsonSubset::new(&subset);
            assert_eq!(subset.is_match(message.as_bytes()), expected, "{subset:?} {message}");
        }
    }
}
