//! Hex dumps: the offset, sixteen bytes in hex (fewer on a narrow screen), the same bytes in ASCII.

use std::fmt;

/// Writes a dump of `bytes` with `row_length` bytes per row and no trailing newline.
pub fn hexdump(bytes: &[u8], row_length: usize, out: &mut impl fmt::Write) -> fmt::Result {
    if bytes.is_empty() {
        out.write_str("(0 bytes)")?;
    }
    let row_length = row_length.max(1);
    for (i, row) in bytes.chunks(row_length).enumerate() {
        if i > 0 {
            out.write_char('\n')?;
        }
        dump_row(i * row_length, row, row_length, out)?;
    }
    Ok(())
}

/// Writes the row of a dump that begins at `offset`, without a newline.
pub fn dump_row(
    offset: usize,
    row: &[u8],
    row_length: usize,
    out: &mut impl fmt::Write,
) -> fmt::Result {
    write!(out, "{offset:08x} ")?;
    for column in 0..row_length {
        if column == ROW / 2 {
            out.write_char(' ')?;
        }
        out.write_char(' ')?;
        match row.get(column) {
            Some(byte) => {
                out.write_char(digit(byte >> 4))?;
                out.write_char(digit(byte & 0xf))?;
            }
            None => out.write_str("  ")?,
        }
    }
    out.write_str("  |")?;
    for byte in row {
        out.write_char(if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' })?;
    }
    out.write_char('|')
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or_default()
}

/// Returns the number of bytes per row that fits a screen of `columns`.
pub fn row_length(columns: usize) -> usize {
    match columns {
        78.. => ROW,
        45.. => ROW / 2,
        _ => ROW / 4,
    }
}

/// Bytes per row on a screen that is wide enough.
pub const ROW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_has_sixteen_bytes_per_row() {
        let mut out = String::new();
        hexdump(b"\x00\x1b[31mred\xff and more", ROW, &mut out).unwrap();
        let expected = "\
00000000  00 1b 5b 33 31 6d 72 65  64 ff 20 61 6e 64 20 6d  |..[31mred. and m|
00000010  6f 72 65                                          |ore|";
        assert_eq!(out, expected);
        out.clear();
        hexdump(b"", ROW, &mut out).unwrap();
        assert_eq!(out, "(0 bytes)");
    }

    #[test]
    fn rows_fit_the_width_of_the_screen() {
        for columns in [30, 40, 45, 60, 78, 100] {
            let mut out = String::new();
            hexdump(&[b'x'; 40], row_length(columns), &mut out).unwrap();
            let longest = out.lines().map(str::len).max().unwrap();
            assert!(longest <= columns, "{longest} > {columns}:\n{out}");
        }
    }
}
