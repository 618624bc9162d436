//! Addresses, and what is sent to them.

use super::input::Input;
use crate::{
    connect::{
        cookies::{Cookie, CookieJar, Cookies},
        digest::Challenge,
        netrc::Netrc,
    },
    net::proxy::{NoProxy, Proxy},
    proto::handshake::{Headers, Response, Version},
    target::{DotSegments, Target, without_user},
};

/// Parses a URL: it is the same when it is written and parsed again, and has no character that would
/// end a line of a request.
pub(super) fn url(data: &[u8]) {
    let mut input = Input::new(data);
    let dots = if input.flag() { DotSegments::Kept } else { DotSegments::Removed };
    let Some(text) = input.text() else { return };
    let mut lines = text.splitn(2, '\n');
    let (text, reference) = (lines.next().unwrap_or_default(), lines.next());
    let _ = Proxy::parse(text);
    let _ = without_user(text);
    let target = match Target::parse_with(text, dots) {
        Ok(target) => target,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    check(&target, dots);
    let Some(reference) = reference else { return };
    if let Ok(joined) = target.join(reference) {
        check(&joined, DotSegments::Removed);
        let is_same = joined.is_same_origin(&target);
        assert!(is_same || joined.socket.is_none());
    }
}

fn check(target: &Target, dots: DotSegments) {
    let is_plain = |text: &str| text.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    assert!(target.resource.starts_with('/') && is_plain(&target.resource), "{target:?}");
    assert!(!target.resource.contains('#'));
    assert!(is_plain(&target.host_header()) && is_plain(&target.host_name()));
    assert_ne!(target.port, 0);
    let plain = Target { user: None, socket: None, ..target.clone() };
    let written = target.to_string();
    assert!(!written.chars().any(char::is_control));
    let again = Target::parse_with(&written, dots).map_err(|fault| fault.to_string());
    assert_eq!(again, Ok(plain), "{written}");
}

/// Parses `NO_PROXY`: an entry matches the same hosts alone and in a list.
pub(super) fn no_proxy(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let (host, list) = text.split_once('\n').unwrap_or(("example.com", text));
    let (parsed, faults) = NoProxy::parse(list);
    let entries = || list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    assert!(faults.iter().all(|fault| entries().any(|entry| entry == fault)));
    let fixed = ["ws://example.com", "wss://sub.example.com:8443", "ws://192.0.2.1", "ws://[::1]"];
    for url in fixed.into_iter().chain([host]) {
        let Ok(target) = Target::parse(url) else { continue };
        let is_match = parsed.matches(&target);
        let any = entries().any(|entry| NoProxy::parse(entry).0.matches(&target));
        assert_eq!(is_match, any, "{url}");
    }
}

/// Answers a challenge: the answer has the parameters of the challenge, and no line end.
pub(super) fn digest(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let (user, field) = text.split_once('\n').unwrap_or(("user", text));
    let Some(challenge) = Challenge::find(field) else { return };
    let Some(answer) = challenge.answer(user, "secret", "GET", "/a?b=\"", "cnonce") else {
        assert!(text.chars().any(char::is_control));
        return;
    };
    assert!(!answer.chars().any(char::is_control));
    let mut expected = challenge;
    expected.stale = false;
    assert_eq!(Challenge::find(&answer), Some(expected), "{answer}");
}

/// Stores a cookie of a server: it is the same when it is written to a file and read again, and
/// belongs to the server's domain.
pub(super) fn cookies(data: &[u8]) {
    let mut input = Input::new(data);
    let is_file = input.flag();
    let Some(text) = input.text() else { return };
    if is_file {
        let Ok(cookies) = Cookie::parse_file(text) else {
            assert!(CookieJar::default().merged_into(text).is_err());
            return;
        };
        let jar = CookieJar::default();
        jar.add(cookies);
        let merged = |text| jar.merged_into(text).unwrap_or_else(|fault| panic!("{fault}"));
        let once = merged("");
        assert_eq!(merged(&once), once);
        return;
    }
    for url in
        ["ws://example.com/a/b", "wss://www.example.co.uk/", "ws://192.0.2.1/", "ws://localhost/x"]
    {
        let target = Target::parse(url).unwrap_or_else(|fault| panic!("{fault}"));
        receive(text, &target);
    }
}

/// Receives a Set-Cookie field.
fn receive(field: &str, target: &Target) {
    let mut headers = Headers::default();
    headers.push("Set-Cookie", field);
    let (version, status, reason) = (Version::Http11, 101, String::new());
    let cookies = Cookies::default();
    cookies.receive(target, &Response { version, status, reason, headers });
    let file = cookies.jar.merged_into("").unwrap_or_else(|fault| panic!("{fault}"));
    let stored: Vec<_> = file.lines().skip(1).collect();
    assert!(stored.len() <= 1, "{file:?}");
    let Some(line) = stored.first() else { return };
    let fields: Vec<_> = line.trim_start_matches("#HttpOnly_").split('\t').collect();
    let domain = fields[0].trim_start_matches('.');
    let host = target.host_name();
    let is_own = host.strip_suffix(domain).is_some_and(|it| it.is_empty() || it.ends_with('.'));
    assert!(is_own && !matches!(domain, "com" | "co.uk" | "uk"), "{line:?}");
    let read = Cookie::parse_file(line).unwrap_or_else(|fault| panic!("{fault}: {line:?}"));
    let jar = CookieJar::default();
    jar.add(read);
    assert_eq!(jar.merged_into(""), Ok(file.clone()));
    if let Some(sent) = cookies.header(target) {
        assert_eq!(sent, format!("{}={}", fields[5], fields[6]));
        assert!(!sent.chars().any(char::is_control));
    }
}

/// Parses a netrc file. An entry that is written with quotes is found again.
pub(super) fn netrc(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    match Netrc::parse(text) {
        Ok(netrc) => {
            let _ = netrc.find("example.com");
        }
        // The error names a line and nothing of it.
        Err(words) => {
            let rest = words.strip_prefix("line ").and_then(|words| words.split_once(": "));
            let (number, words) = rest.unwrap_or_else(|| panic!("{words}"));
            assert!(number.parse::<usize>().is_ok_and(|it| it <= text.lines().count()));
            assert!(matches!(words, "unterminated quote" | "not valid in netrc(5)"));
        }
    }
    let mut words = text.split('\n');
    let mut word = || words.next().unwrap_or_default().trim_end_matches('\r');
    let (machine, login, password) = (word(), word(), word());
    let quoted = |word: &str| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
    let entry = format!(
        "machine {} login {} password {}\n",
        quoted(machine),
        quoted(login),
        quoted(password)
    );
    let netrc = Netrc::parse(&entry).unwrap_or_else(|fault| panic!("{fault}: {entry}"));
    let (user, secret) = netrc.find(machine).unwrap_or_else(|| panic!("{entry}"));
    assert_eq!((user.as_str(), secret.expose()), (login, password));
}
