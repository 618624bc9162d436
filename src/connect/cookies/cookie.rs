//! A cookie with its scope, and its line in a file in the Netscape format of curl and browsers.

use crate::{secret::SecretString, target::Target};

/// A cookie of a file or of a server, with its scope (RFC 6265, 5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent attribute")]
pub struct Cookie {
    pub(super) name: String,
    pub(super) value: SecretString,
    /// In lower case, without a leading dot.
    pub(super) domain: String,
    /// The cookie applies to subdomains as well.
    pub(super) has_subdomains: bool,
    pub(super) path: String,
    pub(super) secure: bool,
    /// Scripts of a page cannot read it.
    pub(super) http_only: bool,
    /// Seconds since 1970; 0 for a session cookie, which does not expire here.
    pub(super) expires: u64,
    pub(super) source: Source,
}

/// The origin of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A file that is only read.
    File,
    /// The file of `--cookie-jar`.
    Jar,
    /// A server has set or removed it during this run.
    Server,
}

/// Domain, path and name. Two cookies that agree in them cannot exist at the same time (RFC 6265,
/// 5.3).
pub(super) type Scope = (String, String, String);

impl Cookie {
    /// Parses a file. The error names the line.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, String> {
        let mut cookies = Vec::new();
        for (i, line) in text.lines().enumerate() {
            // This prefix marks a cookie that scripts cannot read; it does not start a comment.
            let (http_only, line) = match line.strip_prefix(HTTP_ONLY) {
                Some(line) => (true, line),
                None => (false, line),
            };
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() || (!http_only && Self::is_comment(line)) {
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
                http_only,
                expires: expires.parse().unwrap_or(0),
                name: name.to_owned(),
                value: value.into(),
                source: Source::File,
            });
        }
        Ok(cookies)
    }

    /// Reports whether a line of a file is a comment.
    pub(super) fn is_comment(line: &str) -> bool {
        line.starts_with('#') && !line.starts_with(HTTP_ONLY)
    }

    /// Returns the line of the cookie in a file, without the line end.
    pub(super) fn line(&self) -> String {
        let prefix = if self.http_only { HTTP_ONLY } else { "" };
        let dot = if self.has_subdomains { "." } else { "" };
        let word = |is: bool| if is { "TRUE" } else { "FALSE" };
        format!(
            "{prefix}{dot}{}\t{}\t{}\t{}\t{}\t{}\t{}",
            self.domain,
            word(self.has_subdomains),
            self.path,
            word(self.secure),
            self.expires,
            self.name,
            self.value.expose()
        )
    }

    /// Returns `name=value`.
    pub(super) fn pair(&self) -> String {
        format!("{}={}", self.name, self.value.expose())
    }

    pub(super) fn scope(&self) -> Scope {
        (self.domain.clone(), self.path.clone(), self.name.clone())
    }

    pub(super) fn has_expired(&self, now: u64) -> bool {
        self.expires != 0 && self.expires <= now
    }

    /// Returns true if the cookie is sent to this target (RFC 6265, 5.4) at `now`, in seconds since
    /// 1970.
    pub(super) fn matches(&self, target: &Target, now: u64) -> bool {
        let host = target.host_name().to_ascii_lowercase();
        let domain = host.strip_suffix(&self.domain).is_some_and(|rest| {
            rest.is_empty()
                || (self.has_subdomains && rest.ends_with('.') && target.address().is_none())
        });
        let path = target.resource.split('?').next().unwrap_or_default();
        let path = path.strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        domain && path && (target.secure || !self.secure) && !self.has_expired(now)
    }
}

const HTTP_ONLY: &str = "#HttpOnly_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_as_it_was_read() {
        let lines = [
            ".example.com\tTRUE\t/\tFALSE\t0\ta\t1",
            "#HttpOnly_www.example.com\tFALSE\t/chat\tTRUE\t99999999999\tb\t2=3",
        ];
        let cookies = Cookie::parse_file(&lines.join("\r\n")).unwrap();
        assert_eq!(cookies.iter().map(Cookie::line).collect::<Vec<_>>(), lines);
        assert!(!format!("{cookies:?}").contains("2=3"));
        assert_eq!(
            Cookie::parse_file("\na b c"),
            Err("line 2: expected seven fields separated by tabs".to_owned())
        );
    }
}
