//! Answers with an HTML page, complete or truncated.

use super::status::{PASSES_ON, answers};
use crate::support::{Test, says};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

#[test]
fn ordinary_pages() {
    let page = "<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title>\
        <style>body { width: 35em }</style></head>\n<body><h1>Welcome to nginx!</h1>\n\
        <p>If you see this page, the <em>nginx</em> web server is working.</p>";
    answers(
        &[],
        "200 OK",
        "Server: nginx/1.22.1\nContent-Type: text/html\n",
        page,
        ": an HTML page, 'Welcome to nginx!'\n  \
         Server: nginx/1.22.1\n  \
         If you see this page, the nginx web server is working.\n\n\
         hint: check the path and port, and that nginx forwards the Upgrade and Connection headers",
    );
    answers(
        &[],
        "200 OK",
        "Content-Type: application/json; charset=utf-8\n",
        "{\n  \"name\": \"api\",\n  \"version\": 3\n}\n",
        &format!(
            ": JSON\n  {{\"name\":\"api\",\"version\":3}}\n\n\
             hint: check the path and port, and {PASSES_ON}"
        ),
    );
    answers(
        &[],
        "200 OK",
        "Content-Type: text/plain\n",
        "pong\x1b]0;x\x07\n",
        &format!(
            ": plain text\n  pong\\x1b]0;x\\x07\n\nhint: check the path and port, and {PASSES_ON}"
        ),
    );
    answers(
        &[],
        "204 No Content",
        "",
        "",
        &format!("\n\nhint: check the path and port, and {PASSES_ON}"),
    );
}

#[test]
fn pages_that_say_why_in_their_title() {
    let page = "<html><head><title>Blocked by the web filter</title></head>\
        <body><h1>Sorry!</h1><p>Ask your administrator.<p>Case 7";
    answers(
        &["--bearer", "t"],
        "403 Forbidden",
        "Content-Type: text/html\n",
        page,
        "\n  Blocked by the web filter\n  Sorry!\n  Ask your administrator.\n  Case 7",
    );
    answers(
        &[],
        "404 Not Found",
        "Server: nginx\nContent-Type: text/html\n",
        page,
        "\n  Server: nginx\n  Blocked by the web filter\n  Sorry!\n  Ask your administrator.\n\n\
         hint: check the path; otherwise check that nginx forwards the Upgrade and Connection headers",
    );
    // The page with which Cloudflare checks a browser.
    answers(
        &[],
        "403 Forbidden",
        "Server: cloudflare\nCf-Mitigated: challenge\nContent-Type: text/html; charset=UTF-8\n",
        "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>\
         <noscript>Enable JavaScript and cookies to continue</noscript></body></html>",
        ": the server requires a browser to solve a challenge\n  \
         Cf-Mitigated: challenge\n  Just a moment...\n  \
         Enable JavaScript and cookies to continue\n\n\
         hint: solve it in a browser, then pass its cookie with --cookie cf_clearance=VALUE and its User-Agent with -A",
    );
}

/// The body is that of a proxy which compresses everything.
#[test]
fn compressed_pages_are_decoded() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"gone &mdash; for good").unwrap();
    let body = gzip.finish().unwrap();
    let test = Test::new().peer(move |peer| {
        peer.answer(
            "HTTP/1.1 410 Gone\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n",
        );
        peer.send(&body);
        peer.half_close();
        peer.discard_all();
    });
    says(
        test,
        22,
        "ws://{peer}/ answered 410 (Gone) instead of upgrading to WebSocket\n  gone \u{2014} for \
         good\n\nhint: the endpoint was removed: look for its new path",
    );
}

#[test]
fn pages_that_cannot_be_read() {
    answers(
        &[],
        "200 OK",
        "Content-Type: text/html\nContent-Encoding: gzip\n",
        "?",
        &format!(
            ": an HTML page\n  (compressed with gzip)\n\n\
             hint: check the path and port, and {PASSES_ON}"
        ),
    );
    answers(
        &[],
        "410 Gone",
        "Content-Encoding: br\n",
        "?",
        "\n  (compressed with br)\n\nhint: the endpoint was removed: look for its new path",
    );
    answers(
        &[],
        "410 Gone",
        "Content-Encoding: identity\n",
        "for good",
        "\n  for good\n\nhint: the endpoint was removed: look for its new path",
    );
    answers(
        &[],
        "410 Gone",
        "Content-Encoding: gzip\nContent-Length: 0\n",
        "",
        "\n\nhint: the endpoint was removed: look for its new path",
    );
}
