//! The forms in which a secret may be repeated: plain, percent-encoded, Base64, JSON, HTML and UTF-16.

use crate::escape::Escaped;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt::Write as _;

/// Returns all forms of a secret, each once.
pub(super) fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = Vec::new();
    let mut push = |form: Vec<u8>| {
        if !forms.contains(&form) {
            forms.push(form);
        }
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    let with_spaces = secret.replace('+', " ");
    let plain = [Some(secret.to_owned()), decoded(secret), decoded(&with_spaces)];
    for plain in plain.into_iter().flatten() {
        push(plain.clone().into_bytes());
        for set in [NON_ALPHANUMERIC, COMPONENT] {
            let encoded = utf8_percent_encode(&plain, set).to_string();
            push(lower_escapes(&encoded).into_bytes());
            push(encoded.into_bytes());
        }
        push(url::form_urlencoded::byte_serialize(plain.as_bytes()).collect::<String>().into());
        push(json(&plain, char::is_control).into_bytes());
        push(json(&plain, |c| !c.is_ascii() || c.is_control()).into_bytes());
        push(json(&plain, char::is_control).replace('/', "\\/").into_bytes());
        push(json(&plain, |c| !c.is_ascii()).replace('/', "\\/").into_bytes());
        push(html(&plain).into_bytes());
        if plain.is_ascii() {
            push(plain.encode_utf16().flat_map(u16::to_le_bytes).collect());
            push(plain.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        push(Escaped(&plain).to_string().into_bytes());
        for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
            push(encoding.encode(plain.as_bytes()).into_bytes());
            for offset in 0..3 {
                push(within_base64(&plain, offset, encoding).into_bytes());
            }
        }
    }
    forms
}

/// Writes percent-encoded octets with lower-case digits.
fn lower_escapes(encoded: &str) -> String {
    // The number of digits that follow.
    let mut digits = 0_u8;
    let lower = |c: char| {
        if c == '%' {
            digits = 2;
        } else if digits > 0 {
            digits -= 1;
            return c.to_ascii_lowercase();
        }
        c
    };
    encoded.chars().map(lower).collect()
}

/// Returns the characters that depend on the secret alone in the Base64 of a longer text, in which
/// it begins `offset` bytes after a multiple of three; empty if there are too few.
fn within_base64(secret: &str, offset: usize, encoding: &Encoding) -> String {
    let text: Vec<u8> = std::iter::repeat_n(0, offset).chain(secret.bytes()).collect();
    let whole = text.len() * 8 / 6;
    let encoded = encoding.encode(&text);
    let form = encoded.get((offset * 8).div_ceil(6)..whole).unwrap_or_default();
    if form.len() < MIN_BASE64_CHARACTERS { String::new() } else { form.to_owned() }
}

/// Escapes a text as in a JSON string, with `\u` for the characters that `is_escaped` selects.
fn json(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
            out.push(c);
        } else if is_escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// The characters that JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// Fewer Base64 characters would match by chance.
const MIN_BASE64_CHARACTERS: usize = 6;
