//! Bytes for people: offset, sixteen in hex, the same in ASCII.

use std::fmt::Write as _;

/// Appends a dump of `bytes`, without a newline at its end.
pub fn hexdump(bytes: &[u8], out: &mut String) {
    if bytes.is_empty() {
        out.push_str("(0 bytes)");
    }
    for (i, row) in bytes.chunks(ROW).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = write!(out, "{:08x} ", i * ROW);
        for column in 0..ROW {
            if column == ROW / 2 {
                out.push(' ');
            }
            let _ = match row.get(column) {
                Some(byte) => write!(out, " {byte:02x}"),
                None => write!(out, "   "),
            };
        }
        out.push_str("  |");
        out.extend(row.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        }));
        out.push('|');
    }
}

const ROW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_sixteen() {
        let mut out = String::new();
        hexdump(b"\x00\x1b[31mred\xff and more", &mut out);
        let expected = "\
00000000  00 1b 5b 33 31 6d 72 65  64 ff 20 61 6e 64 20 6d  |..[31mred. and m|
00000010  6f 72 65                                          |ore|";
        assert_eq!(out, expected);
        out.clear();
        hexdump(b"", &mut out);
        assert_eq!(out, "(0 bytes)");
    }
}
