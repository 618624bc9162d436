//! What the body of an answer is, and what it says to people.

use super::text::short;
use crate::{
    escape::Escaped,
    proto::{handshake::Response, slice::Within},
};
use std::fmt;

/// The start of a body, read.
pub(super) struct Page {
    /// What it is; empty if there is none.
    pub(super) kind: String,
    /// The title of a page in HTML.
    pub(super) title: Option<String>,
    /// The same if it says more than the status and the lines do.
    pub(super) headline: Option<String>,
    /// How it is compressed, if it is: then it is not read.
    pub(super) packed: Option<String>,
    /// Its lines that say something, without what the status says already.
    pub(super) lines: Vec<String>,
}

impl Page {
    pub(super) fn read(response: &Response, body: &[u8]) -> Self {
        let packed = packed(response);
        let text = String::from_utf8_lossy(if packed.is_some() { &[] } else { body });
        let media = response.headers.get("Content-Type").unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let start: String = text.trim_start().chars().take(14).collect();
        let start = start.to_ascii_lowercase();
        let looks_html = start.starts_with("<!doctype html") || start.starts_with("<html");
        let (kind, title, lines) = match media.as_str() {
            "text/html" | "application/xhtml+xml" => html(&text),
            "" | "text/plain" if looks_html => html(&text),
            json if json.ends_with("json") => ("JSON".to_owned(), None, joined(&text)),
            "" if start.starts_with(['{', '[']) => ("JSON".to_owned(), None, joined(&text)),
            "text/plain" => ("plain text".to_owned(), None, plain(&text)),
            "" => (String::new(), None, plain(&text)),
            other => (other.to_owned(), None, plain(&text)),
        };
        let says_more = |line: &String| !repeats(line, response) && Some(line) != title.as_ref();
        let lines: Vec<_> = lines.into_iter().filter(says_more).collect();
        let is_new = |title: &&String| {
            let mut shown = lines.iter().take(LINES);
            !repeats(title, response)
                && shown.all(|line| core(line, response) != core(title, response))
        };
        let headline = title.as_ref().filter(is_new).cloned();
        Self { kind, title, headline, packed, lines }
    }

    /// The start of it, below a first line.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, headline: Option<&str>) -> fmt::Result {
        let lines = self.lines.iter().take(LINES).map(String::as_str);
        for line in headline.into_iter().chain(lines) {
            write!(f, "\n  {}", Escaped(&short(line)))?;
        }
        match &self.packed {
            Some(coding) => write!(f, "\n  (compressed with {})", Escaped(&short(coding))),
            None => Ok(()),
        }
    }

    /// Whether it says one of these, written in lower case.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        let lines = self.lines.iter().chain(&self.title);
        lines.map(|line| line.to_lowercase()).any(|line| words.iter().any(|it| line.contains(it)))
    }
}

/// How the body is compressed, if it has one that is (RFC 9110, 8.4).
fn packed(response: &Response) -> Option<String> {
    let headers = &response.headers;
    let codings = headers.list("Content-Encoding");
    let codings: Vec<_> = codings.filter(|name| !name.eq_ignore_ascii_case("identity")).collect();
    let is_empty = matches!(response.status, 204 | 304)
        || headers.get("Content-Length").is_some_and(|length| length.trim() == "0");
    (!codings.is_empty() && !is_empty).then(|| codings.join(", "))
}

/// Whether a line says no more than the status does.
fn repeats(line: &str, response: &Response) -> bool {
    let rest = core(line, response);
    rest.is_empty() || rest == letters(&response.reason)
}

/// What a line says beyond being an error with this status.
fn core(line: &str, response: &Response) -> String {
    let line = letters(line);
    let rest = line.strip_prefix("error").unwrap_or(&line);
    rest.strip_prefix(&response.status.to_string()).unwrap_or(rest).to_owned()
}

fn letters(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

fn plain(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// What is laid out for reading, in one line.
fn joined(text: &str) -> Vec<String> {
    vec![text.split_whitespace().collect::<Vec<_>>().join(" ")]
}

/// The title and the text of a page, as far as it goes.
fn html(page: &str) -> (String, Option<String>, Vec<String>) {
    let (mut text, mut title, mut rest) = (String::new(), None, page);
    while let Some((before, behind)) = rest.split_once('<') {
        text.push_str(&before.replace(['\r', '\n'], " "));
        if let Some(comment) = behind.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let (tag, after) = behind.split_once('>').unwrap_or((behind, ""));
        let opened = tag.trim_start_matches('/');
        let name = opened.split(|c: char| c.is_whitespace() || c == '/').next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        rest = after;
        let is_unseen = matches!(name.as_str(), "script" | "style" | "title" | "svg");
        if is_unseen && opened.len() == tag.len() {
            let end = ends(after, &name);
            if name == "title" {
                let inside = after.get(..end).unwrap_or(after);
                title = joined(&unescaped(inside)).pop().filter(|title| !title.is_empty());
            }
            rest = after.within(end..);
        } else if !INLINE.contains(&name.as_str()) {
            text.push('\n');
        }
    }
    text.push_str(&rest.replace(['\r', '\n'], " "));
    let text = unescaped(&text);
    let lines = text.lines().flat_map(joined).filter(|line| !line.is_empty()).collect();
    ("an HTML page".to_owned(), title, lines)
}

/// Where an element ends whose text is no text of the page.
fn ends(after: &str, name: &str) -> usize {
    let lower = after.to_ascii_lowercase();
    lower.find(&format!("</{name}")).unwrap_or(after.len())
}

fn unescaped(text: &str) -> String {
    let marks = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " ")];
    let text = marks.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

/// Lines shown: with status, one header, title and hint a message has six.
const LINES: usize = 2;
/// Elements that do not end a line.
const INLINE: [&str; 10] = ["a", "b", "code", "em", "font", "i", "small", "span", "strong", "tt"];

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
        let Page { kind, title, lines, .. } = Page::read(&response, body.as_bytes());
        (kind, title, lines)
    }

    #[test]
    fn a_page_is_read_as_a_person_would() {
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
    fn other_bodies_are_told_apart() {
        assert_eq!(read("application/json", "{\n  \"a\": 1\n}").2, ["{ \"a\": 1 }"]);
        assert_eq!(read("application/problem+json", "{}").0, "JSON");
        assert_eq!(read("", "[1]").0, "JSON");
        assert_eq!(read("text/plain", "Not found.\nat all\n").2, ["at all"]);
        assert_eq!(read("image/png", "").0, "image/png");
        assert_eq!(read("", "").0, "");
    }

    proptest! {
        #[test]
        fn nothing_makes_a_reader_panic(
            page in "(<|>|/|!--|-->|title|script|&lt;|[a-z \n\u{df}])*",
        ) {
            let (_, _, lines) = read("text/html", &page);
            prop_assert!(lines.iter().all(|line| !line.contains('\n')));
        }
    }
}
