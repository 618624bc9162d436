//! What a terminal shows of a peer's words.

use super::input::Input;
use crate::{
    escape::{Escaped, Unit, escaped_lines, units},
    known,
    redact::Secrets,
    render::{
        extent::{Extent, Room},
        hexdump::hexdump,
        json::{Tokens, lay_out},
        page::Page,
    },
};
use serde_json::value::RawValue;

/// Reports whether a terminal acts upon nothing in a text.
pub(super) fn is_safe(text: &str) -> bool {
    units(text).all(|unit| !matches!(unit, Unit::Escaped(_)))
}

/// Escapes text: nothing remains that a terminal acts upon, and nothing is escaped twice.
pub(super) fn escape(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    assert_eq!(units(text).map(Unit::text_length).sum::<usize>(), text.len());
    let escaped = Escaped(text).to_string();
    assert!(is_safe(&escaped), "{escaped:?}");
    assert!(!escaped.bytes().any(|byte| matches!(byte, 0..=0x1f | 0x7f)));
    assert_eq!(Escaped(&escaped).to_string(), escaped);
    let lines = escaped_lines(text);
    assert_eq!(lines.matches('\n').count(), text.matches('\n').count());
    assert!(lines.split(['\n', '\t']).all(is_safe));
    assert_eq!(escaped_lines(&lines), lines);
    let mut rest = text;
    for unit in units(text) {
        assert!(unit.width() > 0 || matches!(unit, Unit::Cluster(_)), "{unit:?}");
        rest = &rest[unit.text_length()..];
    }
    assert!(rest.is_empty());
}

/// Removes the colours that a page adds: the text of a peer has no escape character left.
fn without_colors(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, after) = part.split_once('m').unwrap_or_else(|| panic!("{text:?}"));
        plain.push_str(after);
    }
    plain
}

/// Paints JSON: the tokens are the text, and a layout is the same JSON. A page is never larger than
/// its part of the screen.
pub(super) fn json(data: &[u8]) {
    let mut input = Input::new(data);
    let (columns, rows) = (usize::from(input.byte() % 80), usize::from(input.byte() % 20));
    let Some(text) = input.text() else { return };
    assert_eq!(Tokens::new(text).map(|(_, token)| token).collect::<String>(), text);
    let mut shown = String::new();
    let mut page = Page::new(Extent::Whole, 2, 0, &mut shown);
    lay_out(text, &mut page).unwrap_or_else(|_| panic!("memory does not fail"));
    assert!(!page.is_full());
    let plain = without_colors(&shown);
    assert!(plain.split(['\n', '\t']).all(is_safe), "{plain:?}");
    // The escapes of a terminal are not those of JSON.
    if is_safe(text) && serde_json::from_str::<&RawValue>(text).is_ok() {
        let without_space = |text: &str| {
            let tokens =
                Tokens::new(text).filter(|(token, _)| *token != crate::render::json::Token::Space);
            tokens.map(|(_, text)| text.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(without_space(&plain), without_space(text));
    }
    let mut part = String::new();
    let extent = Extent::Screen(Room { columns, rows });
    let mut page = Page::new(extent, 2, 0, &mut part);
    lay_out(text, &mut page).unwrap_or_else(|_| panic!("memory does not fail"));
    let part = without_colors(&part);
    assert!(part.split('\n').count() <= rows.max(1), "{part:?}");
    let mut start = String::new();
    let mut page = Page::new(Extent::Start(columns), 2, 0, &mut start);
    page.text(text).unwrap_or_else(|_| panic!("memory does not fail"));
    let start = without_colors(&start);
    assert!(start.split(['\n', '\t']).all(is_safe), "{start:?}");
}

/// Dumps bytes: the digits are the bytes.
pub(super) fn hex(data: &[u8]) {
    let mut input = Input::new(data);
    let length = usize::from(input.byte() % 20);
    let bytes = input.rest();
    let mut dump = String::new();
    hexdump(bytes, length, &mut dump).unwrap_or_else(|_| panic!("memory does not fail"));
    assert!(dump.split('\n').all(|line| line.bytes().all(|byte| matches!(byte, b' '..=b'~'))));
    if bytes.is_empty() {
        return;
    }
    let mut read = Vec::new();
    for (number, line) in dump.split('\n').enumerate() {
        let (offset, rest) = line.split_once("  ").unwrap_or_else(|| panic!("{line}"));
        let offset = usize::from_str_radix(offset, 16).ok();
        assert_eq!(offset, Some(number * length.max(1)));
        let (digits, _) = rest.split_once("  |").unwrap_or_else(|| panic!("{line}"));
        for byte in digits.split(' ').filter(|digits| !digits.is_empty()) {
            read.extend(u8::from_str_radix(byte, 16));
        }
    }
    assert_eq!(read, bytes);
}

/// Redacts text: a secret that is known does not remain, whatever is around it.
pub(super) fn redact(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let mut fields = text.splitn(4, '\n');
    let mut next = || fields.next().unwrap_or_default();
    let (secret, header, before, after) = (next().trim(), next(), next(), next());
    known::add(secret);
    known::add_url(header);
    let (name, value) = header.split_once(':').unwrap_or((header, ""));
    known::add_header(name, value);
    let said = format!("{before}{secret}{after}");
    let shown = known::redact(&said);
    // Shorter secrets, and pairs with a short number, are recognized as words only.
    let is_known = secret.len() >= 8 && !known::redact(&format!("a{secret}a")).contains(secret);
    if is_known && !known::REDACTED.contains(secret) {
        let remains = shown.replace(known::REDACTED, "\u{1}");
        assert!(!remains.contains(secret), "{shown:?}");
        let dumped = known::masked(said.as_bytes());
        assert_eq!(dumped.as_ref().map(Vec::len), Some(said.len()));
    }
    for text in [
        Secrets::Hidden.location(&said),
        Secrets::Hidden.target(&said).into_owned(),
        Secrets::Hidden.subprotocols(&said).into_owned(),
        Secrets::Hidden.header(name, &said).into_owned(),
        known::redact_sentence(&said).into_owned(),
    ] {
        if is_known {
            let remains = text.replace(known::REDACTED, "\u{1}");
            assert!(!remains.contains(secret), "{text:?}");
        }
    }
    assert!(Secrets::Hidden.shown(&said).as_str().split(['\n', '\t']).all(is_safe));
}
