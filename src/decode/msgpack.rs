//! `MessagePack` to JSON, without a tree in memory.

use super::{encoding::Encoding, fault::DecodeFault};
use data_encoding::BASE64;
use std::io::Write as _;

/// Writes a message that is one `MessagePack` value as JSON. Binary data becomes Base64; an extension
/// becomes an object with its type and data, or the time that it stands for; a map key that is not a
/// string becomes one with the JSON of the key.
pub(super) fn to_json(message: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), DecodeFault> {
    let mut reader = Reader { rest: message, limit };
    match reader.value(out, 0) {
        Some(()) if reader.rest.is_empty() => Ok(()),
        _ if out.len() > limit => Err(DecodeFault::TooLong(limit)),
        _ => Err(DecodeFault::Encoding(Encoding::Msgpack)),
    }
}

/// Reports whether a message begins with a map or an array that is not empty.
pub(super) fn is_collection(message: &[u8]) -> bool {
    matches!(message, [0x81..=0x8f | 0x91..=0x9f | 0xdc..=0xdf, _, ..])
}

struct Reader<'a> {
    rest: &'a [u8],
    /// The greatest length of the output.
    limit: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Reads an unsigned number of this many bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        Some(self.take(bytes)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn length(&mut self, bytes: usize) -> Option<usize> {
        usize::try_from(self.number(bytes)?).ok()
    }

    /// Writes the next value. Returns `None` if it is malformed, too deep or too long.
    fn value(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH || out.len() > self.limit {
            return None;
        }
        let marker = *self.take(1)?.first()?;
        match marker {
            0x00..=0x7f => write_number(out, marker),
            0x80..=0x8f => self.map(usize::from(marker & 0x0f), out, depth),
            0x90..=0x9f => self.array(usize::from(marker & 0x0f), out, depth),
            0xa0..=0xbf => self.string(usize::from(marker & 0x1f), out),
            0xc0 => write_word(out, "null"),
            0xc2 => write_word(out, "false"),
            0xc3 => write_word(out, "true"),
            0xc4..=0xc6 => {
                let length = self.length(1 << (marker - 0xc4))?;
                write_word(out, "\"")?;
                out.extend_from_slice(BASE64.encode(self.take(length)?).as_bytes());
                write_word(out, "\"")
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (marker - 0xc7))?;
                self.extension(length, out)
            }
            0xca => write_float(out, f32::from_bits(u32::try_from(self.number(4)?).ok()?)),
            0xcb => write_float(out, f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => write_number(out, self.number(1 << (marker - 0xcc))?),
            0xd0..=0xd3 => {
                let bytes = 1 << (marker - 0xd0);
                let unused = 64 - 8 * bytes;
                let number = self.number(bytes)?;
                write_number(out, (number << unused).cast_signed() >> unused)
            }
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4), out),
            0xd9..=0xdb => {
                let length = self.length(1 << (marker - 0xd9))?;
                self.string(length, out)
            }
            0xdc | 0xdd => {
                let count = self.length(2 << (marker - 0xdc))?;
                self.array(count, out, depth)
            }
            0xde | 0xdf => {
                let count = self.length(2 << (marker - 0xde))?;
                self.map(count, out, depth)
            }
            0xe0..=0xff => write_number(out, marker.cast_signed()),
            // Never used in MessagePack.
            0xc1 => None,
        }
    }

    fn string(&mut self, length: usize, out: &mut Vec<u8>) -> Option<()> {
        write_string(out, &String::from_utf8_lossy(self.take(length)?))
    }

    fn array(&mut self, count: usize, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        out.push(b'[');
        for at in 0..count {
            if at > 0 {
                out.push(b',');
            }
            self.value(out, depth + 1)?;
        }
        write_word(out, "]")
    }

    fn map(&mut self, count: usize, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        out.push(b'{');
        for at in 0..count {
            if at > 0 {
                out.push(b',');
            }
            let start = out.len();
            self.value(out, depth + 1)?;
            if out.get(start) != Some(&b'"') {
                let key = String::from_utf8(out.split_off(start)).ok()?;
                write_string(out, &key)?;
            }
            out.push(b':');
            self.value(out, depth + 1)?;
        }
        write_word(out, "}")
    }

    fn extension(&mut self, length: usize, out: &mut Vec<u8>) -> Option<()> {
        let kind = self.take(1)?.first()?.cast_signed();
        let data = self.take(length)?;
        if kind == TIMESTAMP
            && let Some(time) = timestamp(data)
        {
            return write_string(out, &time);
        }
        write!(out, "{{\"ext\":{kind},\"base64\":\"{}\"}}", BASE64.encode(data)).ok()
    }
}

/// Returns the time of a timestamp extension, as in RFC 3339.
fn timestamp(data: &[u8]) -> Option<String> {
    let mut reader = Reader { rest: data, limit: 0 };
    let (seconds, nanoseconds) = match data.len() {
        4 => (reader.number(4)?.cast_signed(), 0),
        8 => {
            let both = reader.number(8)?;
            ((both & 0x3_ffff_ffff).cast_signed(), both >> 34)
        }
        12 => {
            let nanoseconds = reader.number(4)?;
            (reader.number(8)?.cast_signed(), nanoseconds)
        }
        _ => return None,
    };
    let nanoseconds = i32::try_from(nanoseconds).ok().filter(|it| *it < 1_000_000_000)?;
    Some(jiff::Timestamp::new(seconds, nanoseconds).ok()?.to_string())
}

#[allow(clippy::unnecessary_wraps, reason = "has the form of the other writers")]
fn write_word(out: &mut Vec<u8>, word: &str) -> Option<()> {
    out.extend_from_slice(word.as_bytes());
    Some(())
}

fn write_number(out: &mut Vec<u8>, number: impl std::fmt::Display) -> Option<()> {
    write!(out, "{number}").ok()
}

fn write_string(out: &mut Vec<u8>, text: &str) -> Option<()> {
    serde_json::to_writer(out, text).ok()
}

/// Writes a number that JSON may not have as a string.
fn write_float<F: Into<f64> + serde::Serialize + Copy>(out: &mut Vec<u8>, float: F) -> Option<()> {
    let wide: f64 = float.into();
    if wide.is_finite() {
        return serde_json::to_writer(out, &float).ok();
    }
    let sign = if wide < 0.0 { "-" } else { "" };
    write_string(out, &if wide.is_nan() { "NaN".to_owned() } else { format!("{sign}Infinity") })
}

/// The greatest depth of nested values.
const MAX_DEPTH: usize = 128;
/// The type of the timestamp extension.
const TIMESTAMP: i8 = -1;
