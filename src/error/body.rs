//! The readable text in the body of an HTTP response.

use super::text::{paragraph, short};
use crate::{
    escape::Escaped,
    proto::{handshake::Response, slice::Within},
};
use encoding_rs::Encoding;
use serde_json::Value;
use std::{borrow::Cow, fmt};

/// The type and the readable text of a body, of which the start suffices.
#[derive(Debug)]
pub(super) struct BodySummary {
    /// The type in words; empty if it is unknown.
    pub(super) kind: String,
    /// The title of an HTML page.
    pub(super) title: Option<String>,
    /// The title, if it adds something to the status and `lines`.
    pub(super) headline: Option<String>,
    /// The value of `Content-Encoding`, if the body could not be decoded.
    pub(super) content_encoding: Option<String>,
    /// Lines of text, except those that only repeat the status. Of JSON, the message in it.
    pub(super) lines: Vec<String>,
    /// The whole text, if it is JSON, on one line without white space between its tokens.
    pub(super) json: Option<String>,
}

impl BodySummary {
    pub(super) fn read(response: &Response, body: &[u8]) -> Self {
        let content_encoding = content_encoding(response);
        // Otherwise the body was decoded.
        let content_encoding = content_encoding.filter(|_| body.is_empty());
        let content_type = response.headers.get("Content-Type").unwrap_or_default();
        let text = decoded(content_type, body);
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let start: String = text.trim_start().chars().take(14).collect();
        let start = start.to_ascii_lowercase();
        let looks_html = start.starts_with("<!doctype html") || start.starts_with("<html");
        let is_json =
            media.ends_with("json") || (media.is_empty() && start.starts_with(['{', '[']));
        let json = is_json.then(|| Json::read(&text));
        let (kind, title, lines) = match media.as_str() {
            "text/html" | "application/xhtml+xml" => html(&text),
            "" | "text/plain" if looks_html => html(&text),
            _ if is_json => {
                ("JSON".to_owned(), None, json.iter().map(|json| json.message.clone()).collect())
            }
            "text/plain" => ("plain text".to_owned(), None, plain(&text)),
            "" => (String::new(), None, plain(&text)),
            other => (other.to_owned(), None, plain(&text)),
        };
        let says_more = |line: &String| {
            !repeats_status(line, response)
                && !repeats_server(line, response)
                && Some(line) != title.as_ref()
        };
        let lines: Vec<_> = lines.into_iter().filter(says_more).collect();
        let is_new = |title: &&String| {
            let mut shown = lines.iter().take(SHOWN_LINES);
            !repeats_status(title, response)
                && shown
                    .all(|line| without_status(line, response) != without_status(title, response))
        };
        let headline = title.as_ref().filter(is_new).cloned();
        let json = json.map(|json| json.text);
        Self { kind, title, headline, content_encoding, lines, json }
    }

    /// Writes the headline and the first lines, one per line and indented. `above` is the number of
    /// lines that the error has between its sentence and these.
    pub(super) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        headline: Option<&str>,
        above: usize,
    ) -> fmt::Result {
        let lines = self.lines.iter().map(String::as_str).filter(|line| !line.trim().is_empty());
        for line in headline.into_iter().chain(lines).take(SHOWN_LINES.saturating_sub(above)) {
            write!(f, "\n  {}", Escaped(&paragraph(line)))?;
        }
        match &self.content_encoding {
            Some(coding) => write!(f, "\n  (compressed with {})", Escaped(&short(coding))),
            None => Ok(()),
        }
    }
}

/// Returns the content codings of a body that is not empty (RFC 9110, 8.4).
fn content_encoding(response: &Response) -> Option<String> {
    let headers = &response.headers;
    let codings = headers.list("Content-Encoding");
    let codings: Vec<_> = codings.filter(|name| !name.eq_ignore_ascii_case("identity")).collect();
    let is_empty = matches!(response.status, 204 | 304)
        || headers.get("Content-Length").is_some_and(|length| length.trim() == "0");
    (!codings.is_empty() && !is_empty).then(|| codings.join(", "))
}

/// Reports whether a line only repeats the status.
fn repeats_status(line: &str, response: &Response) -> bool {
    let rest = without_status(line, response);
    rest.is_empty() || rest == alphanumeric(&response.reason)
}

/// Reports whether a line only names the server, as the last line of the pages of nginx does.
fn repeats_server(line: &str, response: &Response) -> bool {
    let server = response.headers.get("Server").unwrap_or_default().to_ascii_lowercase();
    let product = server.split(['/', ' ']).next().unwrap_or_default();
    let line = line.trim().to_ascii_lowercase();
    !line.is_empty() && (line == server || line.split('/').next() == Some(product))
}

/// Returns the letters and digits of a line, without a leading "error" and status.
fn without_status(line: &str, response: &Response) -> String {
    let line = alphanumeric(line);
    let rest = line.strip_prefix("error").unwrap_or(&line);
    rest.strip_prefix(&response.status.to_string()).unwrap_or(rest).to_owned()
}

fn alphanumeric(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

fn plain(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Collapses all white space, for JSON and HTML that are laid out over several lines.
fn single_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Extracts the title and the text of an HTML page, which may be truncated.
fn html(page: &str) -> (String, Option<String>, Vec<String>) {
    let (mut text, mut title, mut rest) = (String::new(), None, page);
    while let Some((before, tag_and_rest)) = rest.split_once('<') {
        text.push_str(&before.replace(['\r', '\n'], " "));
        if let Some(comment) = tag_and_rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let (tag, after) = tag_and_rest.split_once('>').unwrap_or((tag_and_rest, ""));
        let element = tag.trim_start_matches('/');
        let name = element.split(|c: char| c.is_whitespace() || c == '/').next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        rest = after;
        let is_hidden = matches!(name.as_str(), "script" | "style" | "title" | "svg");
        if is_hidden && element.len() == tag.len() {
            let end = find_end_tag(after, &name);
            if name == "title" {
                let inside = after.get(..end).unwrap_or(after);
                title = Some(single_line(&unescaped(inside))).filter(|title| !title.is_empty());
            }
            rest = after.within(end..);
        } else if !INLINE_ELEMENTS.contains(&name.as_str()) {
            text.push('\n');
        }
    }
    text.push_str(&rest.replace(['\r', '\n'], " "));
    let text = unescaped(&text);
    let lines = text.lines().map(single_line).filter(|line| !line.is_empty()).collect();
    (HTML.to_owned(), title, lines)
}

/// Returns the offset of the end tag of an element whose text is not displayed.
fn find_end_tag(after: &str, name: &str) -> usize {
    let lower = after.to_ascii_lowercase();
    lower.find(&format!("</{name}")).unwrap_or(after.len())
}

fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let name = after.split(|c: char| !c.is_ascii_alphanumeric() && c != '#').next();
        let name = name.unwrap_or_default();
        let tail = after.get(name.len()..).unwrap_or_default();
        match (character(name), tail.strip_prefix(';')) {
            (Some(c), Some(tail)) => {
                plain.push(c);
                rest = tail;
            }
            _ => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Returns the character that an HTML entity names, or that it gives by its number.
fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = match hex {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    let names = [
        ("amp", '&'),
        ("apos", '\''),
        ("copy", '\u{a9}'),
        ("gt", '>'),
        ("hellip", '\u{2026}'),
        ("ldquo", '\u{201c}'),
        ("lt", '<'),
        ("mdash", '\u{2014}'),
        ("middot", '\u{b7}'),
        ("nbsp", ' '),
        ("ndash", '\u{2013}'),
        ("quot", '"'),
        ("rdquo", '\u{201d}'),
        ("rsquo", '\u{2019}'),
    ];
    names.iter().find(|(name, _)| *name == entity).map(|(_, c)| *c)
}

/// A JSON text and the message in it.
struct Json {
    text: String,
    message: String,
}

impl Json {
    /// Reads a text, which may be truncated.
    fn read(text: &str) -> Self {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => {
                let text = value.to_string();
                let message = message(&value, 0).unwrap_or_else(|| text.clone());
                Self { text, message }
            }
            Err(_) => {
                let text = single_line(text);
                Self { message: text.clone(), text }
            }
        }
    }
}

/// Returns what an error in JSON says, by the usual names.
fn message(value: &Value, depth: u8) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(values) => message(values.first()?, depth),
        Value::Object(fields) if depth < 4 => {
            MESSAGE_FIELDS.iter().find_map(|name| message(fields.get(*name)?, depth + 1))
        }
        _ => None,
    }
}

/// Decodes a body by its declared charset; without one it is UTF-8.
fn decoded<'a>(content_type: &str, body: &'a [u8]) -> Cow<'a, str> {
    let parameters = content_type.split(';').skip(1).filter_map(|it| it.split_once('='));
    let charset = parameters
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .find_map(|(_, value)| Encoding::for_label(value.trim().trim_matches('"').as_bytes()));
    match charset {
        Some(charset) => charset.decode(body).0,
        None => String::from_utf8_lossy(body),
    }
}

/// The kind of an HTML page.
pub(super) const HTML: &str = "an HTML page";
/// Lines between the sentence and the hint of an error: a header field, the title and text.
const SHOWN_LINES: usize = 4;
/// The names under which JSON gives its message, the most telling first. `error` comes late: in
/// some APIs it only repeats the status.
const MESSAGE_FIELDS: [&str; 8] =
    ["message", "msg", "detail", "error_description", "errors", "error", "reason", "title"];
/// Elements that do not start a new line.
const INLINE_ELEMENTS: [&str; 10] =
    ["a", "b", "code", "em", "font", "i", "small", "span", "strong", "tt"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::handshake::{Headers, Version};
    use proptest::prelude::*;

    fn read(media: &str, body: &str) -> (String, Option<String>, Vec<String>) {
        let mut headers = Headers::default();
        if !media.is_empty() {
            headers.push("Content-Type", media);
        }
        let reason = "Not Found".to_owned();
        let response = Response { version: Version::Http11, status: 404, reason, headers };
        let BodySummary { kind, title, lines, .. } = BodySummary::read(&response, body.as_bytes());
        (kind, title, lines)
    }

    #[test]
    fn extracts_the_visible_text_of_html() {
        let nginx = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n\
            <center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n";
        let (kind, title, lines) = read("text/html; charset=utf-8", nginx);
        assert_eq!((&*kind, title.as_deref()), ("an HTML page", Some("404 Not Found")));
        assert_eq!(lines, ["nginx"]);
        let page = "<!DOCTYPE html><style>p {}</style><script>a < b</script><!-- no <p> -->\
            <p>Fish &amp; <b>chips</b> are\n<i>out</i><p>Sorry<br/>!";
        let (_, title, lines) = read("", page);
        assert_eq!((title, lines), (None, vec!["Fish & chips are out".into(), "Sorry".into()]));
    }

    #[test]
    fn recognizes_other_types_of_body() {
        assert_eq!(read("application/json", "{\n  \"a\": 1\n}").2, ["{\"a\":1}"]);
        assert_eq!(read("application/json", "{\n  \"a\": ").2, ["{ \"a\":"]);
        assert_eq!(read("application/problem+json", "{}").0, "JSON");
        assert_eq!(read("", "[1]").0, "JSON");
        assert_eq!(read("text/plain", "Not found.\nat all\n").2, ["at all"]);
        assert_eq!(read("image/png", "").0, "image/png");
        assert_eq!(read("", "").0, "");
    }

    #[test]
    fn finds_the_message_of_an_error_in_json() {
        for (json, message) in [
            (r#"{"code":3,"message":"Bad request"}"#, "Bad request"),
            (r#"{"error":{"code":401,"message":"Invalid key"}}"#, "Invalid key"),
            (r#"{"detail":[{"loc":["query","token"],"msg":"Field required"}]}"#, "Field required"),
            (
                r#"{"message":"Route GET:/x not found","error":"Not Found"}"#,
                "Route GET:/x not found",
            ),
            (r#"{"errors":[{"message":"a"},{"message":"b"}]}"#, "a"),
            (r#"{"error":"invalid_token","error_description":"it expired"}"#, "it expired"),
            (r#"{"error":true,"at":1}"#, r#"{"at":1,"error":true}"#),
            (r#""Not an accepted origin.""#, "Not an accepted origin."),
        ] {
            assert_eq!(read("application/json", json).2, [message], "{json}");
        }
    }

    #[test]
    fn replaces_entities_of_html() {
        for (html, text) in [
            ("Fish &amp; chips", "Fish & chips"),
            ("&#x27;host&#39; &middot; &lt;b&gt;", "'host' \u{b7} <b>"),
            ("AT&T & &unknown; &#xd800; &#;", "AT&T & &unknown; &#xd800; &#;"),
            ("&amp;lt;", "&lt;"),
        ] {
            assert_eq!(unescaped(html), text);
        }
    }

    #[test]
    fn decodes_the_declared_charset() {
        let decode = |media: &str, body| decoded(media, body).into_owned();
        assert_eq!(decode("text/plain; charset=ISO-8859-1", b"caf\xe9"), "caf\u{e9}");
        assert_eq!(decode("text/html;Charset=\"shift_jis\"", b"\x83\x65"), "\u{30c6}");
        assert_eq!(decode("text/plain; charset=none", b"caf\xc3\xa9"), "caf\u{e9}");
        assert_eq!(decode("text/plain", b"caf\xe9"), "caf\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_html_yields_single_lines(
            page in "(<|>|/|!--|-->|title|script|&lt;|[a-z \n\u{df}])*",
        ) {
            let (_, _, lines) = read("text/html", &page);
            prop_assert!(lines.iter().all(|line| !line.contains('\n')));
        }
    }
}
