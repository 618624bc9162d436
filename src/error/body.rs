//! The readable text in the body of an HTTP response.

use super::text::short;
use crate::{
    escape::Escaped,
    proto::{handshake::Response, slice::Within},
};
use std::fmt;

/// The type and the readable text of a body, of which the start suffices.
pub(super) struct BodySummary {
    /// The type in words; empty if it is unknown.
    pub(super) kind: String,
    /// The title of an HTML page.
    pub(super) title: Option<String>,
    /// The title, if it adds something to the status and `lines`.
    pub(super) headline: Option<String>,
    /// The value of `Content-Encoding`, if the body is compressed. Such a body is not decoded.
    pub(super) content_encoding: Option<String>,
    /// Lines of text, except those that only repeat the status.
    pub(super) lines: Vec<String>,
}

impl BodySummary {
    pub(super) fn read(response: &Response, body: &[u8]) -> Self {
        let content_encoding = content_encoding(response);
        let text = String::from_utf8_lossy(if content_encoding.is_some() { &[] } else { body });
        let media = response.headers.get("Content-Type").unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let start: String = text.trim_start().chars().take(14).collect();
        let start = start.to_ascii_lowercase();
        let looks_html = start.starts_with("<!doctype html") || start.starts_with("<html");
        let (kind, title, lines) = match media.as_str() {
            "text/html" | "application/xhtml+xml" => html(&text),
            "" | "text/plain" if looks_html => html(&text),
            json if json.ends_with("json") => ("JSON".to_owned(), None, single_line(&text)),
            "" if start.starts_with(['{', '[']) => ("JSON".to_owned(), None, single_line(&text)),
            "text/plain" => ("plain text".to_owned(), None, plain(&text)),
            "" => (String::new(), None, plain(&text)),
            other => (other.to_owned(), None, plain(&text)),
        };
        let says_more =
            |line: &String| !repeats_status(line, response) && Some(line) != title.as_ref();
        let lines: Vec<_> = lines.into_iter().filter(says_more).collect();
        let is_new = |title: &&String| {
            let mut shown = lines.iter().take(SHOWN_LINES);
            !repeats_status(title, response)
                && shown
                    .all(|line| without_status(line, response) != without_status(title, response))
        };
        let headline = title.as_ref().filter(is_new).cloned();
        Self { kind, title, headline, content_encoding, lines }
    }

    /// Writes the headline and the first lines, one per line and indented.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, headline: Option<&str>) -> fmt::Result {
        let lines = self.lines.iter().take(SHOWN_LINES).map(String::as_str);
        for line in headline.into_iter().chain(lines) {
            write!(f, "\n  {}", Escaped(&short(line)))?;
        }
        match &self.content_encoding {
            Some(coding) => write!(f, "\n  (compressed with {})", Escaped(&short(coding))),
            None => Ok(()),
        }
    }

    /// Reports whether the text contains one of these phrases, which are in lower case.
    pub(super) fn mentions(&self, phrases: &[&str]) -> bool {
        let lines = self.lines.iter().chain(&self.title);
        lines.map(|line| line.to_lowercase()).any(|line| phrases.iter().any(|it| line.contains(it)))
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
fn single_line(text: &str) -> Vec<String> {
    vec![text.split_whitespace().collect::<Vec<_>>().join(" ")]
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
                title = single_line(&unescaped(inside)).pop().filter(|title| !title.is_empty());
            }
            rest = after.within(end..);
        } else if !INLINE_ELEMENTS.contains(&name.as_str()) {
            text.push('\n');
        }
    }
    text.push_str(&rest.replace(['\r', '\n'], " "));
    let text = unescaped(&text);
    let lines = text.lines().flat_map(single_line).filter(|line| !line.is_empty()).collect();
    ("an HTML page".to_owned(), title, lines)
}

/// Returns the offset of the end tag of an element whose text is not displayed.
fn find_end_tag(after: &str, name: &str) -> usize {
    let lower = after.to_ascii_lowercase();
    lower.find(&format!("</{name}")).unwrap_or(after.len())
}

fn unescaped(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " ")];
    let text = entities.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

/// Lines of text in a message. With the status, a header field, the title and the hint it has six.
const SHOWN_LINES: usize = 2;
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
        assert_eq!(read("application/json", "{\n  \"a\": 1\n}").2, ["{ \"a\": 1 }"]);
        assert_eq!(read("application/problem+json", "{}").0, "JSON");
        assert_eq!(read("", "[1]").0, "JSON");
        assert_eq!(read("text/plain", "Not found.\nat all\n").2, ["at all"]);
        assert_eq!(read("image/png", "").0, "image/png");
        assert_eq!(read("", "").0, "");
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
