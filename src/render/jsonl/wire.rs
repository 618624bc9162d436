//! What a recording tells beside the events of a session: requests, frames, broken rules.

use super::JsonLines;
use crate::{
    proto::{
        Kind, Violation,
        handshake::{Request, Version},
        trace::{Direction, Frame},
    },
    render::buffer::OutputBuffer,
};
use data_encoding::HEXLOWER;
use std::time::Instant;

impl JsonLines {
    /// A request of ours, for this URL.
    pub fn request(&mut self, url: &str, request: &Request, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let mut object = self.object("request", Some(Direction::Out), out);
        object.text("url", &self.secrets.url(url));
        object.text("method", method(request.version));
        object.text("target", &self.secrets.url(&request.target));
        object.text("http", request.version.number());
        object.headers("headers", &request.headers, self.secrets);
        object.end();
    }

    /// A frame, or as much of it as came before the end.
    pub fn frame(&self, direction: Direction, frame: &Frame, out: &mut OutputBuffer) {
        let mut object = self.object("frame", Some(direction), out);
        object.flag("fin", frame.fin());
        object.number("rsv", u64::from(frame.rsv() >> 4));
        object.number("opcode", frame.opcode().into());
        object.text("name", &frame.name().to_string());
        object.flag("masked", frame.is_masked());
        match frame.length {
            Some(length) => object.number("size", length),
            None => object.optional("size", None),
        }
        object.number("wire_size", frame.wire_length());
        if let Some(fragment) = frame.fragment {
            object.number("fragment", fragment);
        }
        if let Some(kind) = frame.kind {
            object.text("kind", super::kind_name(kind));
        }
        object.flag("compressed", frame.compressed);
        object.text("header", &HEXLOWER.encode(frame.header()));
        if !frame.is_whole() {
            object.number("came", frame.came);
        }
        let is_text = frame.kind == Some(Kind::Text) && !frame.compressed;
        let kind = if is_text || frame.is_control() { Kind::Text } else { Kind::Binary };
        object.payload(kind, &frame.preview);
        object.end();
    }

    /// The frame that was told last broke a rule.
    pub fn violation(&self, violation: Violation, out: &mut OutputBuffer) {
        let mut object = self.object("violation", Some(Direction::In), out);
        object.text("message", &violation.to_string());
        object.text("section", violation.section());
        object.number("code", violation.close_code().number().into());
        object.end();
    }
}

/// The method of a request: that of HTTP/2 is in its pseudo-header fields too.
pub fn method(version: Version) -> &'static str {
    if version == Version::Http2 { "CONNECT" } else { "GET" }
}
