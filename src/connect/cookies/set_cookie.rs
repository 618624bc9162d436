//! The Set-Cookie header field (RFC 6265, 5.2 and 5.3).

use super::{
    cookie::{Cookie, Source},
    date::parse_date,
};
use crate::target::Target;

/// Parses the value of a Set-Cookie field in a response of `target` at `now`, in seconds since 1970.
/// Returns `None` for a cookie that must be ignored.
pub(super) fn parse(value: &str, target: &Target, now: u64) -> Option<Cookie> {
    // A tab is a separator in files.
    if value.len() > MAX_BYTES || value.chars().any(char::is_control) {
        return None;
    }
    let mut parts = value.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let host = target.host_name().to_ascii_lowercase();
    let mut cookie = Cookie {
        name: name.trim().to_owned(),
        value: value.trim().into(),
        domain: host.clone(),
        has_subdomains: false,
        path: default_path(&target.resource),
        secure: false,
        http_only: false,
        expires: 0,
        source: Source::Server,
    };
    if cookie.name.is_empty() {
        return None;
    }
    let mut max_age = None;
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match attribute.trim().to_ascii_lowercase().as_str() {
            "expires" => {
                if let Some(expires) = parse_date(value) {
                    // 0 stands for a session cookie.
                    cookie.expires = expires.max(1);
                }
            }
            "max-age" => max_age = parse_age(value).or(max_age),
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                let is_shared = target.address().is_some() || is_public_suffix(&domain);
                if domain.is_empty() || domain == host {
                    cookie.has_subdomains = !domain.is_empty() && !is_shared;
                    continue;
                }
                let is_parent = host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'));
                if !is_parent || is_shared {
                    return None;
                }
                (cookie.domain, cookie.has_subdomains) = (domain, true);
            }
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "path" => cookie.path = default_path(&target.resource),
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            _ => {}
        }
    }
    if let Some(age) = max_age {
        cookie.expires = if age == 0 { 1 } else { now.saturating_add(age) };
    }
    Some(cookie)
}

/// Reports whether a domain belongs to nobody, because anybody can register names below it (RFC
/// 6265, 5.3). An unknown domain without a dot does, too.
fn is_public_suffix(domain: &str) -> bool {
    psl::suffix_str(domain) == Some(domain)
}

/// Returns the directory of a request target (RFC 6265, 5.1.4).
fn default_path(resource: &str) -> String {
    let path = resource.split('?').next().unwrap_or_default();
    match path.rsplit_once('/') {
        Some((directory, _)) if !directory.is_empty() => directory.to_owned(),
        _ => "/".to_owned(),
    }
}

/// Parses a number of seconds; a negative one is 0.
fn parse_age(value: &str) -> Option<u64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(if digits == value { value.parse().unwrap_or(u64::MAX) } else { 0 })
}

/// The longest field value that is accepted, with all attributes.
const MAX_BYTES: usize = 4096 + 1024;
