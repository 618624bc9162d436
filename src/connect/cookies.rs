//! Cookies, given as pairs or read from files in the Netscape format of curl and browser exports.

use crate::{secret::SecretString, target::Target};
use std::time::{SystemTime, UNIX_EPOCH};

/// Cookies to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cookies {
    /// Pairs `name=value` for the first origin only.
    pub pairs: Vec<SecretString>,
    /// Cookies of files, each for its own domain.
    pub jar: Vec<Cookie>,
}

/// A cookie of a file, with its scope (RFC 6265, 5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    domain: String,
    /// The cookie applies to subdomains as well.
    has_subdomains: bool,
    path: String,
    secure: bool,
    /// Seconds since 1970; 0 for a session cookie, which does not expire here.
    expires: u64,
    pair: SecretString,
}

impl Cookie {
    /// Parses a file. The error names the line.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, String> {
        let mut cookies = Vec::new();
        for (i, line) in text.lines().enumerate() {
            // This prefix marks a cookie that scripts cannot read; it does not start a comment.
            let line = line.strip_prefix("#HttpOnly_").unwrap_or(line).trim_end_matches('\r');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = line.split('\t').collect();
            let [domain, subdomains, path, secure, expires, name, value] = *fields else {
                return Err(format!("line {}: expected seven fields separated by tabs", i + 1));
            };
            if [name, value].iter().any(|s| s.chars().any(char::is_control)) {
                return Err(format!("line {}: control character in name or value", i + 1));
            }
            cookies.push(Self {
                domain: domain.trim_start_matches('.').to_ascii_lowercase(),
                has_subdomains: subdomains.eq_ignore_ascii_case("TRUE") || domain.starts_with('.'),
                path: path.to_owned(),
                secure: secure.eq_ignore_ascii_case("TRUE"),
                expires: expires.parse().unwrap_or(0),
                pair: format!("{name}={value}").into(),
            });
        }
        Ok(cookies)
    }

    /// Returns true if the cookie is sent to this target (RFC 6265, 5.4) at `now`, in seconds since
    /// 1970.
    fn matches(&self, target: &Target, now: u64) -> bool {
        let host = target.host_name().to_ascii_lowercase();
        let domain = host.strip_suffix(&self.domain).is_some_and(|rest| {
            rest.is_empty()
                || (self.has_subdomains && rest.ends_with('.') && target.address().is_none())
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
    /// Returns the value of the Cookie header field, if any cookie matches.
    pub(super) fn header(&self, target: &Target) -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let jar = self.jar.iter().filter(|cookie| cookie.matches(target, now));
        let all: Vec<&str> =
            self.pairs.iter().chain(jar.map(|c| &c.pair)).map(SecretString::expose).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Removes the cookies that are for the first origin only.
    pub(super) fn leave_origin(&mut self) {
        self.pairs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_of_a_file_are_sent_to_their_domain_and_path() {
        let file = "# Netscape HTTP Cookie File\n\n\
            .example.com\tTRUE\t/\tFALSE\t0\ta\t1\n\
            #HttpOnly_www.example.com\tFALSE\t/chat\tTRUE\t99999999999\tb\t2\n\
            example.com\tFALSE\t/\tFALSE\t1\told\t3\n";
        let mut cookies =
            Cookies { pairs: vec!["x=y".into()], jar: Cookie::parse_file(file).unwrap() };
        let header = |cookies: &Cookies, url: &str| {
            cookies.header(&Target::parse(url).unwrap()).unwrap_or_default()
        };
        assert!(!format!("{cookies:?}").contains("x=y"));
        assert!(!format!("{cookies:?}").contains("a=1"));
        assert_eq!(header(&cookies, "ws://example.com/"), "x=y; a=1");
        assert_eq!(header(&cookies, "wss://www.example.com/chat/1?q"), "x=y; a=1; b=2");
        assert_eq!(header(&cookies, "wss://www.example.com/chatter"), "x=y; a=1");
        assert_eq!(header(&cookies, "ws://www.example.com/chat"), "x=y; a=1");
        assert_eq!(header(&cookies, "ws://badexample.com/"), "x=y");
        cookies.leave_origin();
        assert_eq!(header(&cookies, "ws://other/"), "");
        assert_eq!(
            Cookie::parse_file("\na b c"),
            Err("line 2: expected seven fields separated by tabs".to_owned())
        );
    }
}
