//! Files and options that a user writes: configuration, reply scripts, faults, patterns, templates.

use super::input::Input;
use crate::{
    cli::config::merge_text,
    escape::Escaped,
    proto::{Kind, handshake::Headers},
    script::{
        fault::{FaultEnding, FaultRule},
        matcher::Matcher,
        pointer::Pointer,
        records::{Records, Source},
        reply::{
            conversation::Conversation,
            parse::{Surroundings, parse},
            replies::Replies,
        },
        template::{Scope, Template, Values},
    },
};
use serde_json::Value;
use std::{
    env::VarError,
    sync::Arc,
    time::{Instant, SystemTime},
};

/// Parses a configuration file, with its targets and defaults.
pub(super) fn config(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    for arguments in [&["sockeye", "@d"][..], &["sockeye", "ws://h"], &["sockeye", "listen"]] {
        if let Err(fault) = merge_text(text, arguments) {
            assert!(!fault.is_empty());
        }
    }
}

/// Parses a reply script and lets it answer.
pub(super) fn replies(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let around = Surroundings {
        variable: &|name| {
            if name == "V" { Ok("\"v".to_owned()) } else { Err(VarError::NotPresent) }
        },
        file: &|name| Ok(name.into()),
    };
    let script = match parse(text, &around) {
        Ok(script) => script,
        Err(fault) => {
            assert!(!fault.words.is_empty());
            assert!(text.is_char_boundary(fault.at.min(text.len())));
            return;
        }
    };
    let replies = Arc::new(Replies::new(Arc::new(script), 7));
    for path in ["/", "/a/b"] {
        let Some(route) = replies.route(path) else { continue };
        let mut now = Instant::now();
        let mut client = Conversation::new(&replies, route, 1, &Headers::default());
        client.opened(now);
        for message in [&b"{\"id\":1,\"a\":[\"x\"]}"[..], b"hello", b"\xff"] {
            client.received(Kind::Text, message, now);
            for _ in 0..20 {
                if client.next(now, SystemTime::UNIX_EPOCH).is_none() {
                    match client.deadline() {
                        Some(deadline) => now = now.max(deadline),
                        None => break,
                    }
                }
            }
        }
    }
    let _ = replies.unmet();
}

/// Parses a fault rule: it is the same when it is written and parsed again.
pub(super) fn faults(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    match FaultRule::parse(text) {
        Ok(rule) => {
            let written = rule.to_string();
            assert_eq!(FaultRule::parse(&written), Ok(rule), "{written}");
        }
        Err(fault) => assert!(fault.at <= text.len() && text.is_char_boundary(fault.at)),
    }
    assert!(!matches!(FaultEnding::parse_line(data), Err(fault) if fault.words.is_empty()));
}

/// Matches messages: a pointer finds what `serde_json` finds.
pub(super) fn matcher(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let pattern = std::str::from_utf8(parts.next().unwrap_or_default());
    let (Ok(pattern), Some(message)) = (pattern, parts.next()) else { return };
    let Ok(matcher) = Matcher::parse(pattern) else { return };
    assert_eq!(matcher.to_string(), pattern);
    assert_eq!(matcher.is_match(message), matcher.sources(message).next().is_some());
    assert!(matcher.groups(message).len() <= matcher.group_names().count());
    let mut end = 0;
    for (start, text) in Records::new(message) {
        assert!(start >= end && message[start..].starts_with(text.as_bytes()));
        end = start + text.len();
    }
    let Some(pointer) = pattern.strip_prefix("json:").filter(|it| !it.contains('=')) else {
        return;
    };
    let parsed = Pointer::parse(pointer).unwrap_or_else(|fault| panic!("{fault:?}"));
    let Ok(text) = std::str::from_utf8(message) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let found = parsed.find(text);
    let expected = value.pointer(pointer);
    assert_eq!(found.is_some(), expected.is_some(), "{pointer} of {text}");
    if let (Some(found), Some(expected)) = (found, expected) {
        assert_eq!(serde_json::from_str::<Value>(found).ok().as_ref(), Some(expected));
        assert!(crate::script::pointer::equals(found, expected));
        assert!(parsed.may_be_in(message));
        assert!(matcher.is_match(message));
    }
}

/// Expands a template: without placeholders it is the message, and a value of JSON leaves JSON.
pub(super) fn template(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let (text, message) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if let Ok(expanded) = expand(text, message) {
        if memchr::memmem::find(text, b"${").is_none() {
            assert_eq!(expanded.as_deref(), Some(text));
        }
    } else {
        assert!(memchr::memmem::find(text, b"${").is_some());
    }
    // `message` is a JSON value, which is nested deeper below.
    let brackets = message.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if brackets > 100 {
        return;
    }
    let Ok(value) = serde_json::from_slice::<Value>(message) else { return };
    let Ok(written) = std::str::from_utf8(message) else { return };
    let answered = format!("{{\"v\":{written}}}");
    let template = br#"{"a":${json:/v},"b":["x",${json:/v}],"c":"<${json:/v}>","d":"${env:V}"}"#;
    let expanded = expand(template, answered.as_bytes()).unwrap_or_else(|fault| panic!("{fault}"));
    let expanded = expanded.unwrap_or_else(|| panic!("a value is missing"));
    let read = serde_json::from_slice::<Value>(&expanded);
    let read = read.unwrap_or_else(|fault| panic!("{fault}: {}", expanded.escape_ascii()));
    assert_eq!((&read["a"], &read["b"][1]), (&value, &value));
    assert_eq!(read["d"], "\"v\\\u{1}");
    if let Value::String(text) = &value {
        assert_eq!(read["c"], format!("<{text}>"));
    }
}

/// Expands a template for a message. `None` if a value is missing.
fn expand(text: &[u8], message: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let scope = Scope {
        names: &["name"],
        has_message: true,
        variable: &|name| {
            if name == "V" { Ok("\"v\\\u{1}".to_owned()) } else { Err(VarError::NotPresent) }
        },
    };
    let template = Template::parse(text, &scope).map_err(|fault| {
        assert!(fault.column > 0 && fault.column <= text.len() + 1);
        Escaped(&fault.words).to_string()
    })?;
    assert_eq!(template.source(), text);
    let mut values = Values {
        append: &|name, out| {
            out.extend_from_slice(name.as_bytes());
            true
        },
        message: Some(Source { text: message, at: 0 }),
        number: 3,
        now: SystemTime::UNIX_EPOCH,
        random: &mut || [9; 16],
    };
    Ok(template.expand(&mut values).ok())
}
