//! A request of an opening handshake over HTTP/1.1 in which everything can be changed.

use crate::{
    proto::{
        handshake::{Response, Version},
        headers::Headers,
        upgrade,
    },
    random::nonce,
};
use std::time::Duration;

/// The head of a request, line by line.
#[derive(Clone, Debug)]
pub(crate) struct RequestDraft {
    /// The method.
    pub(crate) method: String,
    /// The request target.
    pub(crate) target: String,
    /// The version of HTTP, such as `HTTP/1.1`.
    pub(crate) version: String,
    lines: Vec<(String, Vec<u8>)>,
    /// Bytes after the head.
    pub(crate) tail: Vec<u8>,
    /// The number of parts in which the head is sent.
    pub(crate) parts: usize,
    /// The time between the parts.
    pub(crate) pause: Duration,
}

impl RequestDraft {
    /// Creates the request that a session was opened with, but with another key.
    pub(crate) fn new(target: &str, headers: &Headers) -> Self {
        let mut draft = Self {
            method: "GET".to_owned(),
            target: target.to_owned(),
            version: "HTTP/1.1".to_owned(),
            lines: Vec::new(),
            tail: Vec::new(),
            parts: 1,
            pause: PART_PAUSE,
        };
        for (name, value) in headers.iter() {
            draft.add(name, value);
        }
        draft.set(KEY, &upgrade::key(nonce()));
        draft
    }

    /// Returns the value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let (_, line) = self.lines.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        let line = String::from_utf8_lossy(line);
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    }

    /// Adds a field after the others.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.lines.push((name.to_owned(), format!("{name}: {value}").into_bytes()));
    }

    /// Adds a line as it is, without its end.
    pub(crate) fn add_line(&mut self, line: impl Into<Vec<u8>>) {
        self.lines.push((String::new(), line.into()));
    }

    /// Replaces all fields of this name, in the place of the first.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.set_line(name, format!("{name}: {value}"));
    }

    /// Replaces all fields of this name by a line.
    pub(crate) fn set_line(&mut self, name: &str, line: impl Into<Vec<u8>>) {
        let is = |(found, _): &(String, Vec<u8>)| found.eq_ignore_ascii_case(name);
        let at = self.lines.iter().position(is).unwrap_or(self.lines.len());
        self.remove(name);
        self.lines.insert(at.min(self.lines.len()), (name.to_owned(), line.into()));
    }

    /// Removes all fields.
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
    }

    /// Removes all fields of this name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.lines.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
    }

    /// Moves the fields of this name before all others.
    pub(crate) fn move_to_front(&mut self, name: &str) {
        self.lines.sort_by_key(|(found, _)| !found.eq_ignore_ascii_case(name));
    }

    /// Changes the names of all fields.
    pub(crate) fn rename_fields(&mut self, rename: impl Fn(&str) -> String) {
        for (name, line) in &mut self.lines {
            if let Some(value) = line.get(name.len()..) {
                *line = [rename(name).as_bytes(), value].concat();
            }
        }
    }

    /// Encodes the request.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let first = format!("{} {} {}\r\n", self.method, self.target, self.version);
        let mut bytes = first.into_bytes();
        for (_, line) in &self.lines {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// Reports whether a response accepts this request.
    pub(crate) fn is_accepted_by(&self, response: &Response) -> bool {
        if response.version == Version::Http2 {
            return (200..300).contains(&response.status);
        }
        let upgrade = response.headers.get("Upgrade").unwrap_or_default();
        response.status == 101
            && upgrade.trim().eq_ignore_ascii_case("websocket")
            && response.headers.get(ACCEPT).map(str::trim) == Some(&*self.accept())
    }

    /// Returns the `Sec-WebSocket-Accept` for the key.
    pub(crate) fn accept(&self) -> String {
        upgrade::accept_for(&self.get(KEY).unwrap_or_default())
    }

    /// Returns the fields that have a name.
    pub(crate) fn headers(&self) -> Headers {
        let mut headers = Headers::default();
        for (name, line) in self.lines.iter().filter(|(name, _)| !name.is_empty()) {
            if let Some((_, value)) = String::from_utf8_lossy(line).split_once(':') {
                headers.push(name.clone(), value.trim());
            }
        }
        headers
    }
}

/// The time between the parts of a request, in which also a busy server reads each alone.
const PART_PAUSE: Duration = Duration::from_millis(60);
pub(crate) const KEY: &str = "Sec-WebSocket-Key";
pub(crate) const ACCEPT: &str = "Sec-WebSocket-Accept";
pub(crate) const VERSION: &str = "Sec-WebSocket-Version";
pub(crate) const PROTOCOL: &str = "Sec-WebSocket-Protocol";
pub(crate) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
