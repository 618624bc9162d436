//! The form in which inputs are kept: one per line of a text file. `fuzz/corpus.py` writes it.

/// Decodes a line: text as in a byte string of Rust, with its escapes. `None` for an empty line and a
/// comment, which begins with `# `. `\e` stands for nothing, in the place of an empty input.
pub fn decode(line: &str) -> Option<Vec<u8>> {
    if line.is_empty() || line.starts_with("# ") {
        return None;
    }
    let mut decoded = Vec::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let escape = if c == '\\' { chars.next() } else { None };
        match (c, escape) {
            ('\\', Some('x')) => {
                let digits: String = chars.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16);
                decoded.push(byte.unwrap_or_else(|_| panic!("\\x{digits} in {line}")));
            }
            ('\\', Some('n')) => decoded.push(b'\n'),
            ('\\', Some('r')) => decoded.push(b'\r'),
            ('\\', Some('t')) => decoded.push(b'\t'),
            ('\\', Some('e')) => {}
            ('\\', Some(c @ ('\\' | '#'))) => decoded.push(c as u8),
            ('\\', other) => panic!("\\{other:?} in {line}"),
            (c, _) => decoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_text_with_escapes() {
        assert_eq!(decode("\\x81\\x05Hello").as_deref(), Some(&b"\x81\x05Hello"[..]));
        assert_eq!(decode("\u{e9}\\n").as_deref(), Some(&b"\xc3\xa9\n"[..]));
        assert_eq!((decode(""), decode("# a")), (None, None));
        assert_eq!(decode("\\e"), Some(Vec::new()));
    }
}
