//! One line: an object that is written member by member.

use crate::{
    escape::escape_json,
    proto::{Kind, handshake::Headers, slice::Within},
    redact::Secrets,
    render::buffer::OutputBuffer,
};
use data_encoding::BASE64;
use serde_json::ser::{CompactFormatter, Formatter as _};
use std::time::Duration;

/// An object that is being written.
pub(super) struct Object<'a> {
    out: &'a mut OutputBuffer,
    start: usize,
    terminal: bool,
}

impl<'a> Object<'a> {
    /// Begins one; `terminal`: what a terminal would act upon is escaped too.
    pub(super) fn begin(out: &'a mut OutputBuffer, terminal: bool) -> Self {
        let start = out.bytes().len();
        let mut object = Self { out, start, terminal };
        object.raw("{");
        object
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.out.bytes().extend_from_slice(text.as_bytes());
    }

    pub(super) fn name(&mut self, name: &str) {
        let first = self.out.bytes().ends_with(b"{");
        self.raw(if first { "\"" } else { ",\"" });
        self.raw(name);
        self.raw("\":");
    }

    pub(super) fn string(&mut self, text: &str) {
        // Writing to a Vec cannot fail.
        let _ = serde_json::to_writer(self.out.bytes(), text);
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.string(text);
    }

    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) {
        self.name(name);
        match text {
            Some(text) => self.string(text),
            None => self.raw("null"),
        }
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        // Writing to a Vec cannot fail.
        let _ = CompactFormatter.write_u64(self.out.bytes(), number);
    }

    pub(super) fn flag(&mut self, name: &str, flag: bool) {
        self.name(name);
        self.raw(if flag { "true" } else { "false" });
    }

    pub(super) fn seconds(&mut self, name: &str, time: Duration) {
        self.name(name);
        self.raw(&format!("{}.{:06}", time.as_secs(), time.subsec_micros()));
    }

    /// Seconds, or null.
    pub(super) fn optional_seconds(&mut self, name: &str, time: Option<Duration>) {
        match time {
            Some(time) => self.seconds(name, time),
            None => self.optional(name, None),
        }
    }

    /// Header fields, as pairs.
    pub(super) fn headers(&mut self, name: &str, headers: &Headers, secrets: Secrets) {
        self.name(name);
        self.raw("[");
        for (i, (name, value)) in secrets.headers(headers).enumerate() {
            self.raw(if i > 0 { ",[" } else { "[" });
            self.string(name);
            self.raw(",");
            self.string(&value);
            self.raw("]");
        }
        self.raw("]");
    }

    /// Text as it is, anything else in base64.
    pub(super) fn payload(&mut self, kind: Kind, bytes: &[u8]) {
        match (kind, std::str::from_utf8(bytes)) {
            (Kind::Text, Ok(text)) => self.text("data", text),
            _ => {
                self.name("base64");
                self.raw("\"");
                let out = self.out.bytes();
                let start = out.len();
                out.resize(start + BASE64.encode_len(bytes.len()), 0);
                BASE64.encode_mut(bytes, out.within_mut(start..));
                self.raw("\"");
            }
        }
    }

    pub(super) fn end(mut self) {
        self.raw("}");
        if self.terminal {
            let line = self.out.bytes().split_off(self.start);
            let line = escape_json(&String::from_utf8_lossy(&line));
            self.raw(&line);
        }
        self.raw("\n");
        self.out.release();
    }
}
