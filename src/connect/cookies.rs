//! Cookies: typed, or of a file as browsers export and curl writes it (Netscape's form).

use crate::target::Target;
use std::time::{SystemTime, UNIX_EPOCH};

/// Cookies to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cookies {
    /// Pairs that go to the first origin.
    pub given: Vec<String>,
    /// Those of files, each with where it goes.
    pub jar: Vec<Cookie>,
}

/// A cookie of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    domain: String,
    /// Hosts below the domain get it too.
    below: bool,
    path: String,
    secure: bool,
    /// Seconds after 1970; 0: with the browser's session.
    expires: u64,
    pair: String,
}

impl Cookie {
    /// Those of a file; the error names the line.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, String> {
        let mut cookies = Vec::new();
        for (i, line) in text.lines().enumerate() {
            // A mark that scripts of a page do not see it, not a comment.
            let line = line.strip_prefix("#HttpOnly_").unwrap_or(line).trim_end_matches('\r');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = line.split('\t').collect();
            let [domain, below, path, secure, expires, name, value] = *fields else {
                return Err(format!("line {}: not seven fields with tabs between them", i + 1));
            };
            if [name, value].iter().any(|s| s.chars().any(char::is_control)) {
                return Err(format!("line {}: a control character", i + 1));
            }
            cookies.push(Self {
                domain: domain.trim_start_matches('.').to_ascii_lowercase(),
                below: below.eq_ignore_ascii_case("TRUE") || domain.starts_with('.'),
                path: path.to_owned(),
                secure: secure.eq_ignore_ascii_case("TRUE"),
                expires: expires.parse().unwrap_or(0),
                pair: format!("{name}={value}"),
            });
        }
        Ok(cookies)
    }

    /// Whether it goes there (RFC 6265, 5.4).
    fn is_for(&self, target: &Target, now: u64) -> bool {
        let host = target.host_name().to_ascii_lowercase();
        let domain = host.strip_suffix(&self.domain).is_some_and(|rest| {
            rest.is_empty() || (self.below && rest.ends_with('.') && target.address().is_none())
        });
        let path = target.resource.split('?').next().unwrap_or_default();
        let path = path.strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        domain
            && path
            && (target.secure || !self.secure)
            && (self.expires == 0 || self.expires > now)
    }
}

impl Cookies {
    pub(super) fn header(&self, target: &Target) -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let jar = self.jar.iter().filter(|cookie| cookie.is_for(target, now));
        let all: Vec<&str> =
            self.given.iter().map(String::as_str).chain(jar.map(|c| c.pair.as_str())).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Those without a host of their own stay behind.
    pub(super) fn leave(&mut self) {
        self.given.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_of_a_file_go_where_they_belong() {
        let file = "# Netscape HTTP Cookie File\n\n\
            .example.com\tTRUE\t/\tFALSE\t0\ta\t1\n\
            #HttpOnly_www.example.com\tFALSE\t/chat\tTRUE\t99999999999\tb\t2\n\
            example.com\tFALSE\t/\tFALSE\t1\told\t3\n";
        let mut cookies =
            Cookies { given: vec!["x=y".to_owned()], jar: Cookie::parse_file(file).unwrap() };
        let header = |cookies: &Cookies, url: &str| {
            cookies.header(&Target::parse(url).unwrap()).unwrap_or_default()
        };
        assert_eq!(header(&cookies, "ws://example.com/"), "x=y; a=1");
        assert_eq!(header(&cookies, "wss://www.example.com/chat/1?q"), "x=y; a=1; b=2");
        assert_eq!(header(&cookies, "wss://www.example.com/chatter"), "x=y; a=1");
        assert_eq!(header(&cookies, "ws://www.example.com/chat"), "x=y; a=1");
        assert_eq!(header(&cookies, "ws://badexample.com/"), "x=y");
        cookies.leave();
        assert_eq!(header(&cookies, "ws://other/"), "");
        assert_eq!(
            Cookie::parse_file("\na b c"),
            Err("line 2: not seven fields with tabs between them".to_owned())
        );
    }
}
