//! Signs of a secret: names of header fields and query parameters, and the look of a value.

use super::common::is_common;
use crate::proto::slice::Within;
use data_encoding::BASE64URL_NOPAD;
use std::{borrow::Cow, iter, ops::Range};

/// Returns the secrets in a header field that we send: the value of a field with a secret name, with
/// and without its authentication scheme; the tokens among subprotocols; a value that looks like a
/// token. The password or token in the Base64 of any of them is a secret too.
pub fn header_secrets<'a>(name: &str, value: &'a str) -> Vec<Cow<'a, str>> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("Sec-WebSocket-Protocol") {
        let found = subprotocol_secrets(value).into_iter().map(|range| value.within(range));
        return found.flat_map(|it| iter::once(it.into()).chain(decoded(it))).collect();
    }
    if is(":path") || is("Referer") {
        let found = secret_parameters(value).into_iter();
        return found.map(|range| value.within(range).into()).collect();
    }
    if is("Cookie") {
        return value.split(';').map(|pair| cookie_secret(pair.trim()).into()).collect();
    }
    let value = value.trim();
    let mut found: Vec<Cow<'_, str>> = Vec::new();
    if is_secret_header(name) {
        match value.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("Digest") => {
                let answer = rest.split("response=\"").nth(1).and_then(|it| it.split('"').next());
                found.extend(answer.map(Cow::from));
            }
            Some((scheme, rest)) if is_word(scheme) => {
                found.extend([value.into(), rest.trim().into()]);
            }
            _ => found.push(value.into()),
        }
    } else if !is_plain_header(name) && looks_secret(value) {
        found.push(value.into());
    }
    if !found.is_empty() {
        found.extend(basic_secrets(value));
    }
    found
}

/// Returns the user and password, and the password alone, in a value of the scheme Basic.
fn basic_secrets<'a>(value: &str) -> Vec<Cow<'a, str>> {
    let basic = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"));
    let Some(user) = basic.and_then(|(_, credentials)| decoded(credentials)) else {
        return Vec::new();
    };
    // A user without a password is a token.
    let password = user.split_once(':').map(|(user, password)| match password {
        "" => user.to_owned(),
        password => password.to_owned(),
    });
    password.map(Cow::from).into_iter().chain([user]).collect()
}

/// Returns the printable text of which this is the Base64, in either alphabet, if any.
fn decoded<'a>(base64: &str) -> Option<Cow<'a, str>> {
    let base64 = base64.trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
    let text = String::from_utf8(BASE64URL_NOPAD.decode(base64.as_bytes()).ok()?).ok()?;
    (!text.chars().any(char::is_control)).then_some(Cow::Owned(text))
}

/// Returns the value of a cookie, or the pair if the value is too short to be recognized.
fn cookie_secret(pair: &str) -> &str {
    match pair.split_once('=') {
        Some((_, value)) if value.len() >= 4 && !is_common(value) => value.trim_matches('"'),
        _ => pair,
    }
}

/// Reports whether the values of a header field are secret, by its name.
pub fn is_secret_header(name: &str) -> bool {
    !PLAIN.iter().any(|plain| name.eq_ignore_ascii_case(plain)) && is_secret_name(name)
}

/// Reports whether the name of a parameter or header field says that its value is secret.
pub fn is_secret_name(name: &str) -> bool {
    // Names vary in case and in the separators between words.
    let words = words(name);
    let joined = words.concat();
    let last = words.last().map_or("", String::as_str);
    NAMES.contains(&joined.as_str())
        || LAST_WORDS.contains(&last)
        || words.windows(2).any(|pair| PAIRS.contains(&pair.concat().as_str()))
}

/// Returns the words of a name in lower case: `X-ApiKey_id` has the words x, api, key and id.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = after_lower && c.is_ascii_uppercase();
        if (starts || !c.is_ascii_alphanumeric()) && words.last().is_some_and(|it| !it.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
        after_lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the ranges of the values of secret parameters in the query and fragment of a URL.
pub fn secret_parameters(url: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(mut at) = url.find(['?', '#']) else { return found };
    for part in url.within(at..).split_inclusive(SEPARATORS) {
        let pair = part.strip_suffix(SEPARATORS).unwrap_or(part);
        if let Some((name, value)) = pair.split_once('=')
            && !value.is_empty()
            && is_secret_parameter(name, value)
        {
            found.push(at + name.len() + 1..at + pair.len());
        }
        at += part.len();
    }
    found
}

fn is_secret_parameter(name: &str, value: &str) -> bool {
    let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
    let name = decoded.map(|(name, _)| name.into_owned()).unwrap_or_default();
    is_secret_name(&name)
        || PARAMETERS.contains(&words(&name).concat().as_str())
        || (name == "code" && value.len() > SHORT_CODE_BYTES)
        || is_jwt(value)
        || value.split(|c: char| !c.is_ascii_alphanumeric()).any(is_long_token)
}

/// Reports whether a word is long and mixed enough that it is almost certainly a token.
fn is_long_token(word: &str) -> bool {
    word.len() >= 20 && is_mixed(word) && word.contains(|c: char| c.is_ascii_uppercase())
}

/// Returns the ranges of apparent tokens in a list of subprotocols: an item that looks like one,
/// the item after one such as `bearer`, and the rest of an item after such a word.
pub fn subprotocol_secrets(list: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut at, mut announced) = (0, false);
    for item in list.split(',') {
        let start = at + item.len() - item.trim_start().len();
        let name = item.trim();
        at += item.len() + 1;
        let after = marker(name).filter(|end| *end < name.len());
        if announced || (after.is_none() && looks_secret(name)) {
            found.push(start..start + name.len());
        } else if let Some(after) = after {
            found.push(start + after..start + name.len());
        }
        let is_marker = MARKERS.contains(&name.to_ascii_lowercase().as_str());
        announced = after.is_none() && (is_marker || is_secret_name(name));
    }
    found.retain(|range| !range.is_empty());
    found
}

/// Returns the end of the first word and separator that announce a token within a name.
fn marker(name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with(KUBERNETES) {
        return Some(KUBERNETES.len());
    }
    let end = |marker: &&str| {
        let at = lower.find(marker)?;
        let end = at + marker.len();
        let begins = at == 0 || !lower.as_bytes().get(at - 1)?.is_ascii_alphanumeric();
        let separates = match lower.as_bytes().get(end)? {
            b'.' | b'=' | b':' => true,
            // The whole may be a name, such as `token-stream`.
            b'-' | b'_' => *marker == "bearer" || has_letters_and_digits(name.within(end + 1..)),
            _ => false,
        };
        (begins && separates).then_some(end + 1)
    };
    MARKERS.iter().filter_map(end).min()
}

/// Reports whether a value looks like a token: a JSON Web Token, a UUID, a well-known kind of key, a
/// word in which letters and digits are mixed, or an authentication scheme and its credentials.
pub fn looks_secret(value: &str) -> bool {
    let value = value.trim();
    if let Some((scheme, rest)) = value.split_once(char::is_whitespace) {
        let rest = rest.trim();
        let is_one = !rest.contains(char::is_whitespace);
        return match scheme.to_ascii_lowercase().as_str() {
            "bearer" => is_one,
            "basic" => decoded(rest).is_some_and(|user| user.contains(':')),
            "token" | "negotiate" => is_one && rest.len() >= 12 && has_letters_and_digits(rest),
            "digest" => rest.contains("response="),
            _ => false,
        };
    }
    is_jwt(value)
        || is_uuid(value)
        || value.len() >= 12 && KEY_STARTS.iter().any(|start| value.starts_with(start))
        || value.split(|c: char| !c.is_ascii_alphanumeric()).any(is_mixed)
}

fn has_letters_and_digits(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.contains(|c: char| c.is_ascii_alphabetic())
}

/// Reports whether letters and digits are mixed in a word as they hardly are in the name of a thing
/// and its version: there are digits between letters at two places, or in a long word at one.
fn is_mixed(word: &str) -> bool {
    let inner = word.trim_matches(|c: char| c.is_ascii_digit());
    let places = inner.split(|c: char| !c.is_ascii_digit()).filter(|it| !it.is_empty()).count();
    let has = |is: fn(&u8) -> bool| word.bytes().any(|c| is(&c));
    let both = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    match word.len() {
        0..6 => false,
        6..16 => both && places >= 2,
        16..20 => places >= 2,
        _ => places >= 1,
    }
}

/// Reports whether a value is a JSON Web Token: Base64 of an object, and two more parts.
fn is_jwt(value: &str) -> bool {
    value.starts_with("eyJ") && value.matches('.').count() >= 2
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-')
        && value.matches('-').count() == 4
}

/// Reports whether a text is a single word, as an authentication scheme is.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// Reports whether a header field without a secret name has a public meaning, whatever its value
/// looks like.
pub(super) fn is_plain_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PLAIN.contains(&name.as_str())
        || PLAIN_STARTS.iter().any(|start| name.starts_with(start))
            && name != "sec-websocket-protocol"
}

/// Characters that precede a URL parameter.
const SEPARATORS: [char; 4] = ['?', '#', '&', ';'];

/// Names of parameters and header fields, without separators between words.
const NAMES: [&str; 22] = [
    "accesskey",
    "apikey",
    "auth",
    "authkey",
    "authorization",
    "authtoken",
    "cookie",
    "cookie2",
    "credential",
    "credentials",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "proxyauthorization",
    "pwd",
    "secret",
    "sessionid",
    "setcookie",
    "setcookie2",
    "sig",
    "xauth",
];
/// Last words of such names.
const LAST_WORDS: [&str; 22] = [
    "apikey",
    "apikeys",
    "assertion",
    "authentication",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "otp",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "pwd",
    "secret",
    "session",
    "signature",
    "ticket",
    "token",
];
/// Pairs of words anywhere in such names.
const PAIRS: [&str; 8] = [
    "accesskey",
    "apikey",
    "apikeys",
    "authkey",
    "secretkey",
    "sessionid",
    "sessionkey",
    "subscriptionkey",
];
/// Names of query parameters alone.
const PARAMETERS: [&str; 2] = ["key", "bearer"];
/// The length up to which a parameter `code` is that of a country, a status or a room. Longer ones are
/// authorization codes (RFC 6749, 4.1.2).
const SHORT_CODE_BYTES: usize = 6;
/// Words in subprotocols that announce a token.
const MARKERS: [&str; 11] = [
    "access_token",
    "access-token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "jwt",
    "secret",
    "token",
];
/// The subprotocol that carries a token to a Kubernetes API server.
const KUBERNETES: &str = "base64url.bearer.authorization.k8s.io.";
/// Beginnings of well-known kinds of keys.
const KEY_STARTS: [&str; 8] =
    ["sk-", "sk_", "ghp_", "gho_", "github_pat_", "glpat-", "xox", "AKIA"];
/// Header fields with a public meaning, in lower case.
const PLAIN: [&str; 22] = [
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "etag",
    "forwarded",
    "from",
    "host",
    "if-none-match",
    "keep-alive",
    "origin",
    "pragma",
    "server",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "www-authenticate",
];
/// Beginnings of such names.
const PLAIN_STARTS: [&str; 6] =
    ["accept", "proxy-authenticate", "sec-", "x-forwarded-", "x-request-id", "x-b3-"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognized_in_any_spelling() {
        for name in [
            "Authorization",
            "authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "X-Api-Key",
            "x-apikey",
            "apiKey",
            "X-Auth-Token",
            "X-CSRF-Token",
            "Private-Token",
            "Ocp-Apim-Subscription-Key",
            "X-Auth_Token",
            "client_secret",
            "X-Amz-Signature",
            "X-Forwarded-Access-Token",
            "Sec-Auth-Token",
            "X-Request-Id-Token",
            "X-Authentication",
            "X-Goog-Iap-Jwt-Assertion",
            "X-Session",
            "Cookie2",
            "X-Api-Keys",
            "X-Pass",
            "X-GitHub-OTP",
        ] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in [
            "Host",
            "Origin",
            "Sec-WebSocket-Key",
            "WWW-Authenticate",
            "X-Request-Id",
            "X-Forwarded-For",
            "Sec-WebSocket-Protocol",
            "Accept",
            "Keep-Alive",
            "X-Monkey",
            "tokens",
            "Author",
        ] {
            assert!(!is_secret_header(name), "{name}");
        }
    }

    #[test]
    fn tokens_are_recognized_by_their_look() {
        for value in [
            "S3cr3tT0ken",
            "S3cr3t",
            "Bearer x",
            "eyJhbGciOiJub25lIn0.e30.",
            "550e8400-e29b-41d4-a716-446655440000",
            "d41d8cd98f00b204e9800998ecf8427e",
            "sk-proj-abcD3fgh",
            "Basic bWU6eA==",
            "Token abcdefghijk1",
        ] {
            assert!(looks_secret(value), "{value}");
        }
        for value in [
            "",
            "en-US",
            "Mozilla/5.0 (X11; Linux)",
            "gzip, deflate",
            "graphql-transport-ws",
            "actioncable-v1-json",
            "ocpp2.0.1",
            "v12.stomp",
            "https://example.com",
            "2026-01-02T03:04:05Z",
            "Python3",
            "application/json",
            "Basic Plan",
            "Token user",
            "iPhone15Pro",
            "2024BuildA1",
            "H2Control",
        ] {
            assert!(!looks_secret(value), "{value}");
        }
    }

    #[test]
    fn tokens_are_found_among_subprotocols() {
        let found = |list: &str| {
            let ranges = subprotocol_secrets(list);
            ranges.into_iter().map(|range| list[range].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("graphql-transport-ws, ocpp1.6, v4.channel.k8s.io"), [""; 0]);
        assert_eq!(found("chat, S3cr3tT0ken"), ["S3cr3tT0ken"]);
        assert_eq!(found("access_token, opensesame , chat"), ["opensesame"]);
        assert_eq!(found("Bearer,opensesame"), ["opensesame"]);
        assert_eq!(found("bearer.opensesame"), ["opensesame"]);
        assert_eq!(
            found("realtime, openai-insecure-api-key.sk-abc, openai-beta.realtime-v1"),
            ["sk-abc"]
        );
        assert_eq!(
            found("base64url.bearer.authorization.k8s.io.b3Blbg, base64.binary.k8s.io"),
            ["b3Blbg"]
        );
        assert_eq!(found("authors, tokenring, token-stream, H2Control"), [""; 0]);
        assert_eq!(found("token-abc123, bearer-opensesame"), ["abc123", "opensesame"]);
    }

    #[test]
    fn secrets_are_found_in_header_fields() {
        for (name, value, expected) in [
            ("Authorization", "Bearer abc", vec!["Bearer abc", "abc"]),
            ("Authorization", "abcd", vec!["abcd"]),
            ("Authorization", "Digest username=\"u\", response=\"0123\", qop=auth", vec!["0123"]),
            (
                "Proxy-Authorization",
                "basic bWU6b3BlbnNlc2FtZQ==",
                vec![
                    "basic bWU6b3BlbnNlc2FtZQ==",
                    "bWU6b3BlbnNlc2FtZQ==",
                    "opensesame",
                    "me:opensesame",
                ],
            ),
            (
                "Sec-WebSocket-Protocol",
                "base64url.bearer.authorization.k8s.io.b3BlbnNlc2FtZQ",
                vec!["b3BlbnNlc2FtZQ", "opensesame"],
            ),
            ("Cookie", "a=1; sid=\"opensesame\"", vec!["a=1", "opensesame"]),
            ("X-Api-Key", "k", vec!["k"]),
            ("X-Custom", "S3cr3tT0ken", vec!["S3cr3tT0ken"]),
            ("X-Custom", "plain", vec![]),
            ("User-Agent", "S3cr3tT0ken", vec![]),
            (":path", "/?token=abc&x=y", vec!["abc"]),
        ] {
            assert_eq!(header_secrets(name, value), expected, "{name}: {value}");
        }
    }
}
