//! Cookies of a client: given as pairs, read from files, and set by servers during the run.

mod cookie;
mod date;
mod jar;
mod set_cookie;

pub use cookie::Cookie;
pub use jar::CookieJar;

use cookie::Source;
use date::now;

use crate::{
    known,
    proto::handshake::{Headers, Response},
    secret::SecretString,
    target::Target,
};

/// Cookies to send. Clones share the jar.
#[derive(Clone, Debug, Default)]
pub struct Cookies {
    /// Pairs `name=value` for the first origin only.
    pub pairs: Vec<SecretString>,
    /// Cookies of files and of servers, each for its own domain.
    pub jar: CookieJar,
}

impl Cookies {
    /// Returns the value of the Cookie header field, if any cookie matches. A cookie that a server
    /// has set replaces a pair of its name.
    pub(crate) fn header(&self, target: &Target) -> Option<String> {
        let jar = self.jar.matching(target, now());
        let is_replaced = |pair: &SecretString| {
            let name = pair.expose().split('=').next().unwrap_or_default();
            jar.iter().any(|cookie| cookie.source == Source::Server && cookie.name == name)
        };
        let pairs = self.pairs.iter().filter(|pair| !is_replaced(pair));
        let mut all: Vec<String> = pairs.map(|pair| pair.expose().to_owned()).collect();
        all.extend(jar.iter().map(Cookie::pair));
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Stores the cookies of a response (RFC 6265, 5.3). Their values are never shown from then on.
    pub(crate) fn receive(&self, target: &Target, response: &Response) {
        for value in response.headers.all("Set-Cookie") {
            if let Some(cookie) = set_cookie::parse(value, target, now()) {
                let mut sent = Headers::default();
                sent.push("Cookie", cookie.pair());
                known::add_request(&sent, "");
                self.jar.set(cookie, now());
            }
        }
    }

    /// Removes the cookies that are for the first origin only.
    pub(super) fn leave_origin(&mut self) {
        self.pairs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::handshake::Version;

    fn header(cookies: &Cookies, url: &str) -> String {
        cookies.header(&Target::parse(url).unwrap()).unwrap_or_default()
    }

    fn receive(cookies: &Cookies, url: &str, values: &[&str]) {
        let mut headers = Headers::default();
        for value in values {
            headers.push("set-cookie", *value);
        }
        let response =
            Response { version: Version::Http11, status: 302, reason: String::new(), headers };
        cookies.receive(&Target::parse(url).unwrap(), &response);
    }

    #[test]
    fn cookies_of_a_file_are_sent_to_their_domain_and_path() {
        let file = "# Netscape HTTP Cookie File\n\n\
            .example.com\tTRUE\t/\tFALSE\t0\ta\t1\n\
            #HttpOnly_www.example.com\tFALSE\t/chat\tTRUE\t99999999999\tb\t2\n\
            example.com\tFALSE\t/\tFALSE\t1\told\t3\n";
        let mut cookies = Cookies { pairs: vec!["x=y".into()], ..Cookies::default() };
        cookies.jar.add(Cookie::parse_file(file).unwrap());
        assert!(!format!("{cookies:?}").contains("x=y"));
        assert_eq!(header(&cookies, "ws://example.com/"), "x=y; a=1");
        assert_eq!(header(&cookies, "wss://www.example.com/chat/1?q"), "x=y; b=2; a=1");
        assert_eq!(header(&cookies, "wss://www.example.com/chatter"), "x=y; a=1");
        assert_eq!(header(&cookies, "ws://www.example.com/chat"), "x=y; a=1");
        assert_eq!(header(&cookies, "ws://badexample.com/"), "x=y");
        cookies.leave_origin();
        assert_eq!(header(&cookies, "ws://other/"), "");
    }

    #[test]
    fn a_received_cookie_is_for_its_host_and_path_only() {
        let cookies = Cookies::default();
        receive(
            &cookies,
            "ws://h.example.com/a/b?c",
            &["s=1", "p=2; Path=/", "t=3; path=/x; Secure"],
        );
        assert_eq!(header(&cookies, "ws://h.example.com/a/z"), "s=1; p=2");
        assert_eq!(header(&cookies, "ws://H.example.com:99/b"), "p=2");
        assert_eq!(header(&cookies, "wss://h.example.com/x"), "t=3; p=2");
        assert_eq!(header(&cookies, "ws://h.example.com/x"), "p=2");
        for other in ["ws://example.com/a/", "ws://x.h.example.com/a/", "ws://other/a/"] {
            assert_eq!(header(&cookies, other), "", "{other}");
        }
    }

    #[test]
    fn a_domain_widens_a_cookie_within_the_host_s_own() {
        let cookies = Cookies::default();
        let values = [
            "a=1; Domain=.Example.com",
            "b=2; Domain=com",
            "c=3; Domain=other.com",
            "d=4; Domain=x.h.example.com",
            "e=5; Domain=ample.com",
        ];
        receive(&cookies, "ws://h.example.com/", &values);
        assert_eq!(header(&cookies, "ws://example.com/"), "a=1");
        assert_eq!(header(&cookies, "ws://other.example.com/"), "a=1");
        receive(&cookies, "ws://10.0.0.1/", &["i=6; Domain=0.0.1", "j=7; Domain=10.0.0.1"]);
        assert_eq!(header(&cookies, "ws://10.0.0.1/"), "j=7");
        receive(&cookies, "ws://localhost/", &["l=8; Domain=localhost"]);
        assert_eq!(header(&cookies, "ws://localhost/"), "l=8");
    }

    #[test]
    fn a_cookie_for_a_public_suffix_is_not_sent_to_other_hosts() {
        for (host, other, suffix) in [
            ("a.co.uk", "b.co.uk", "co.uk"),
            ("a.github.io", "b.github.io", "github.io"),
            ("a.b.ck", "c.b.ck", "b.ck"),
            ("a.internal", "b.internal", "internal"),
        ] {
            let cookies = Cookies::default();
            receive(
                &cookies,
                &format!("ws://x.{host}/"),
                &[&format!("s=1; Domain={suffix}"), &format!("t=2; Domain={host}")],
            );
            assert_eq!(header(&cookies, &format!("ws://{other}/")), "");
            assert_eq!(header(&cookies, &format!("ws://y.{host}/")), "t=2");
            // The host of the suffix itself may set a cookie, but only for itself.
            receive(&cookies, &format!("ws://{suffix}/"), &[&format!("u=3; Domain={suffix}")]);
            assert_eq!(header(&cookies, &format!("ws://{suffix}/")), "u=3");
            assert_eq!(header(&cookies, &format!("ws://{other}/")), "");
        }
    }

    #[test]
    fn a_server_replaces_and_removes_cookies() {
        let cookies = Cookies { pairs: vec!["s=old".into(), "t=x".into()], ..Cookies::default() };
        receive(&cookies, "ws://h/", &["s=new", "u=1; Max-Age=60", "u=2"]);
        assert_eq!(header(&cookies, "ws://h/"), "t=x; s=new; u=2");
        let gone = [
            "u=; Max-Age=0",
            "s=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "v=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9",
        ];
        receive(&cookies, "ws://h/", &gone);
        assert_eq!(header(&cookies, "ws://h/"), "s=old; t=x; v=1");
    }

    #[test]
    fn malformed_and_endless_cookies_are_ignored() {
        let cookies = Cookies::default();
        let long = format!("long={}", "x".repeat(6000));
        receive(
            &cookies,
            "ws://h/",
            &["", "novalue", "=1", "a=b\u{1}c", "a=b\tc", &long, "\"k\"=v"],
        );
        assert_eq!(header(&cookies, "ws://h/"), "\"k\"=v");
        for i in 0..2000 {
            receive(&cookies, "ws://h/", &[&format!("c{i}=1")]);
        }
        let count = header(&cookies, "ws://h/").split("; ").count();
        assert!((1..=jar::MAX_RECEIVED).contains(&count), "{count}");
        assert!(header(&cookies, "ws://h/").ends_with("c1999=1"));
    }
}
