//! The request target of a URL: its path and query, as typed.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The treatment of the path segments `.` and `..`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DotSegments {
    /// They are resolved and removed (RFC 3986, 5.2.4).
    #[default]
    Removed,
    /// They are sent to the server.
    Kept,
}

/// Returns the request target for the part of a URL that follows the authority. It is sent as typed
/// except for dot segments and for characters that must be percent-encoded.
pub(super) fn encode(raw: &str, dots: DotSegments) -> String {
    let raw = raw.split('#').next().unwrap_or_default();
    let (path, query) = raw.split_once('?').map_or((raw, None), |(path, it)| (path, Some(it)));
    let path = match dots {
        DotSegments::Removed => without_dot_segments(path),
        DotSegments::Kept => path.to_owned(),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut resource = format!("{slash}{}", utf8_percent_encode(&path, PATH));
    if let Some(query) = query {
        resource.push('?');
        resource.extend(utf8_percent_encode(query, QUERY));
    }
    resource
}

fn without_dot_segments(path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        if dots == ".." {
            kept.pop();
        } else if dots != "." {
            kept.push(segment);
            continue;
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

/// Characters that a query must not contain, in browsers and in RFC 3986.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

/// Characters that a path must not contain. Some servers take a backslash for a slash.
const PATH: &AsciiSet = &QUERY.add(b'\\').add(b'^').add(b'`').add(b'{').add(b'}');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_target_is_sent_as_typed() {
        for (raw, sent) in [
            ("", "/"),
            ("?x", "/?x"),
            ("/a'b(c)*!$&+,;=:@|~[1]", "/a'b(c)*!$&+,;=:@|~[1]"),
            ("//a///b/", "//a///b/"),
            ("/%41%zz%", "/%41%zz%"),
            ("/?q='a'&b[]={1}|/../x?y\\`^", "/?q='a'&b[]={1}|/../x?y\\`^"),
            ("/caf\u{e9}/{id}\\\"<>?\"<\u{e9}>", "/caf%C3%A9/%7Bid%7D%5C%22%3C%3E?%22%3C%C3%A9%3E"),
        ] {
            assert_eq!(encode(raw, DotSegments::Removed), sent, "{raw}");
            assert_eq!(encode(raw, DotSegments::Kept), sent, "{raw}");
        }
    }

    #[test]
    fn dot_segments_are_removed_or_kept() {
        for (raw, removed) in [
            ("/a/./b/../c", "/a/c"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/../../a", "/a"),
            ("/a/%2E%2e/%2e/b", "/b"),
            ("/a//../b", "/a/b"),
            ("/..a/b../...", "/..a/b../..."),
            ("/a/../?x=/../y", "/?x=/../y"),
        ] {
            assert_eq!(encode(raw, DotSegments::Removed), removed, "{raw}");
            assert_eq!(encode(raw, DotSegments::Kept), raw);
        }
    }
}
