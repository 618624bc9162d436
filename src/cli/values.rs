//! Parsers for option values. clap puts the option's name before their error messages.

use crate::{
    connect::{ConnectTo, ResolveOverride},
    escape::Escaped,
    job::{
        listen::{ForcedRefusal, RefusalScope},
        wait::Wait,
    },
    known,
    net::tcp::LocalAddr,
    proto::{
        Close, CloseCode,
        extension::Offers,
        handshake::{HeaderEdit, is_token},
    },
    render::write_out::WriteOutFormat,
    script::{
        fault::{FaultRule, RuleFault},
        matcher::Matcher,
    },
    secret::without_line_end,
    wording::position,
};
use std::{
    env::VarError,
    ffi::{OsStr, OsString},
    num::NonZeroUsize,
    os::unix::ffi::OsStrExt as _,
    path::PathBuf,
    time::Duration,
};

/// Parses a number of seconds from 0 to 10⁹, which may have a fraction.
pub fn seconds(s: &str) -> Result<Duration, String> {
    let seconds: f64 = s.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.0..=1e9).contains(&seconds) {
        return Err("not between 0 and 1000000000 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Parses the time between two messages: seconds as for [`seconds()`], but at least
/// a millisecond.
pub fn interval(s: &str) -> Result<Duration, String> {
    let interval = seconds(s)?;
    if interval < crate::script::repeats::MIN_INTERVAL {
        Err("less than 0.001 seconds".to_owned())
    } else {
        Ok(interval)
    }
}

/// Parses the path of a cookie jar. stdout is only for messages.
pub fn cookie_jar(path: OsString) -> Result<PathBuf, String> {
    if path == "-" {
        return Err("cookies are not written to stdout (a file of this name is ./-)".to_owned());
    }
    Ok(path.into())
}

/// A message of `-x`, as typed, or a pattern of `--expect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptArg {
    /// `-x`.
    Message(String),
    /// `--expect`.
    Expect(Matcher),
}

/// The bytes of `--append`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended(pub Vec<u8>);

/// Parses text with the escapes `\0`, `\n`, `\r`, `\t`, `\xNN` and `\\`, of at most 1 KiB.
pub fn appended(s: &str) -> Result<Appended, String> {
    let mut bytes = Vec::with_capacity(s.len());
    let mut rest = s;
    while let Some((text, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(text.as_bytes());
        let mut chars = escape.chars();
        bytes.push(match chars.next() {
            Some('0') => 0,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('\\') => b'\\',
            Some('x') => {
                let digits =
                    escape.get(1..3).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                chars.nth(1);
                byte.ok_or_else(|| "\\x needs two hexadecimal digits".to_owned())?
            }
            Some(c) => {
                return Err(format!(
                    "unknown escape '\\{}', use {ESCAPES}",
                    Escaped(&c.to_string())
                ));
            }
            None => return Err("ends with a single backslash, use \\\\".to_owned()),
        });
        rest = chars.as_str();
    }
    bytes.extend_from_slice(rest.as_bytes());
    if bytes.len() > MAX_APPENDED_BYTES {
        return Err(format!("longer than {MAX_APPENDED_BYTES} bytes"));
    }
    Ok(Appended(bytes))
}

/// Parses a number of seconds, or -1 for no limit.
pub fn wait(s: &str) -> Result<Wait, String> {
    if s.parse() == Ok(-1.0) {
        return Ok(Wait::UntilClosed);
    }
    seconds(s).map(Wait::For).map_err(|fault| format!("{fault}, or -1 for no limit"))
}

/// Parses a number of bytes. The suffixes K, M and G stand for powers of 1024.
pub fn bytes(s: &str) -> Result<u64, String> {
    let (digits, factor) = match s.as_bytes().last() {
        Some(b'k' | b'K') => (s.get(..s.len() - 1), 1 << 10),
        Some(b'm' | b'M') => (s.get(..s.len() - 1), 1 << 20),
        Some(b'g' | b'G') => (s.get(..s.len() - 1), 1 << 30),
        _ => (Some(s), 1),
    };
    let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "not a number of bytes (K, M, G stand for powers of 1024)".to_owned())
}

/// Parses a number of at least one thing.
pub fn count(s: &str) -> Result<u64, String> {
    s.parse().ok().filter(|n| *n > 0).ok_or_else(|| "not a whole number, at least 1".to_owned())
}

/// Parses a whole number.
pub fn number(s: &str) -> Result<u64, String> {
    s.parse().map_err(|_| "not a whole number".to_owned())
}

/// Parses a level of compression.
pub fn compress_level(s: &str) -> Result<u32, String> {
    let level = s.parse().ok().filter(|level| (1..=9).contains(level));
    level.ok_or_else(|| "not a whole number from 1 to 9".to_owned())
}

/// Parses a version of the WebSocket protocol (RFC 6455, section 11.6).
pub fn version(s: &str) -> Result<u8, String> {
    s.parse().map_err(|_| "not a whole number from 0 to 255".to_owned())
}

/// Parses the maximum payload of a frame: a number of bytes as for [`bytes()`], but not 0.
pub fn fragment(s: &str) -> Result<NonZeroUsize, String> {
    let length = usize::try_from(bytes(s)?).unwrap_or(usize::MAX);
    NonZeroUsize::new(length).ok_or_else(|| "not a number of bytes, at least 1".to_owned())
}

/// Parses a `--write-out` format, `@FILE` for one in a file, or `@-` for one on stdin.
pub fn write_out(value: OsString) -> Result<WriteOut, String> {
    Ok(match file_of(&value) {
        None => WriteOut::Format(WriteOutFormat::parse(&utf8(value)?)?),
        Some(path) if path == "-" => WriteOut::File("/dev/stdin".into()),
        Some(path) => WriteOut::File(path.into()),
    })
}

/// Returns the path of a value `@FILE`, which need not be UTF-8.
fn file_of(value: &OsStr) -> Option<&OsStr> {
    value.as_bytes().strip_prefix(b"@").map(OsStr::from_bytes)
}

fn utf8(value: OsString) -> Result<String, String> {
    value.into_string().map_err(|_| "not valid UTF-8".to_owned())
}

/// The argument of `--write-out`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOut {
    /// A format.
    Format(WriteOutFormat),
    /// A file with a format.
    File(PathBuf),
}

/// A header from `-H` or the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderArg {
    /// A header to set or remove.
    One(HeaderEdit),
    /// A file with one header per line.
    File(PathBuf),
    /// A header whose value is a secret reference; only the configuration file allows these.
    Reference {
        /// The header's name.
        name: String,
        /// `env:NAME`, `file:PATH` or `cmd:COMMAND`.
        reference: String,
        /// Location in the configuration file, for errors.
        location: String,
    },
}

impl HeaderArg {
    /// Returns the header's name, or `None` for a file.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::One(HeaderEdit::Set(name, _) | HeaderEdit::Remove(name))
            | Self::Reference { name, .. } => Some(name),
            Self::File(_) => None,
        }
    }
}

/// Parses the argument of `-H`: a header as for [`header`], or `@FILE`, as in curl.
pub fn header_arg(value: OsString) -> Result<HeaderArg, String> {
    match file_of(&value) {
        Some(path) => Ok(HeaderArg::File(path.into())),
        None => header(&utf8(value)?).map(HeaderArg::One),
    }
}

/// Parses the argument of `--cookie`: text for a header field, or the path of a file.
pub fn cookie(value: OsString) -> Result<OsString, String> {
    match value.to_str() {
        Some(text) => secret(text).map(OsString::from),
        None if value.as_bytes().contains(&b'=') => Err("not valid UTF-8".to_owned()),
        None => Ok(value),
    }
}

/// Parses `NAME` or `NAME:VALUE`.
pub fn required_header(s: &str) -> Result<(String, Option<String>), String> {
    let (name, value) = match s.split_once(':') {
        Some((name, value)) => (name, Some(value.trim().to_owned())),
        None => (s, None),
    };
    let name = name.trim();
    if !is_token(name) {
        return Err("not the name of a header".to_owned());
    }
    Ok((name.to_owned(), value.filter(|value| !value.is_empty())))
}

/// Parses a pattern of paths.
pub fn path_pattern(s: &str) -> Result<String, String> {
    if s.starts_with(['/', '*', '?']) {
        return Ok(s.to_owned());
    }
    Err(format!("a path begins with /, as in /{}", Escaped(s)))
}

/// Parses `CODE`, `CODE:N` (the first N requests) or `CODE:TIMEs` (for a time).
pub fn refusal(s: &str) -> Result<ForcedRefusal, String> {
    let (code, scope) = match s.split_once(':') {
        Some((code, scope)) => (code, Some(scope)),
        None => (s, None),
    };
    let status = code.parse().ok().filter(|status| (300..600).contains(status));
    let status = status.ok_or_else(|| "not a status from 300 to 599".to_owned())?;
    let scope = match (scope, scope.and_then(|scope| scope.strip_suffix('s'))) {
        (None, _) => RefusalScope::Always,
        (_, Some(time)) => RefusalScope::Within(seconds(time)?),
        (Some(number), None) => RefusalScope::First(number.parse().map_err(|_| {
            "after the colon, give a number of requests, or a time such as 2s".to_owned()
        })?),
    };
    Ok(ForcedRefusal { status, scope })
}

/// Parses a rule of `--fault`. The error names the column of the fault.
pub fn fault_rule(s: &str) -> Result<FaultRule, String> {
    FaultRule::parse_with(s, &variable).map_err(|fault| rule_fault(s, &fault))
}

/// Parses the value of `--rewrite`.
pub fn rewrite_rule(s: &str) -> Result<FaultRule, String> {
    FaultRule::parse_rewrite(s, &variable).map_err(|fault| rule_fault(s, &fault))
}

/// Parses the value of `--inject`.
pub fn inject_rule(s: &str) -> Result<FaultRule, String> {
    FaultRule::parse_inject(s, &variable).map_err(|fault| rule_fault(s, &fault))
}

fn rule_fault(s: &str, RuleFault { at, words }: &RuleFault) -> String {
    let (_, column) = position(s, *at);
    format!("{words} at column {column}")
}

/// Returns the value of an environment variable for a template, which may be a secret.
pub fn variable(name: &str) -> Result<String, VarError> {
    let value = std::env::var(name)?;
    known::add(&value);
    Ok(value)
}

/// Checks a number of redirects. An empty value is accepted, and so is a URL, which clap may have
/// taken for the optional value.
pub fn redirects(s: &str) -> Result<String, String> {
    if s.is_empty() || s.contains("://") || s.parse::<usize>().is_ok() {
        return Ok(s.to_owned());
    }
    Err("not a number of redirects".to_owned())
}

/// Parses `HOST:PORT:ADDRESS[,ADDRESS]...`. `*` stands for any host or port.
pub fn resolve(s: &str) -> Result<ResolveOverride, String> {
    let malformed = || "not HOST:PORT:ADDRESS".to_owned();
    let (host, rest) = split_host(s).ok_or_else(malformed)?;
    let (port, addresses) = rest.split_once(':').ok_or_else(malformed)?;
    let addresses: Result<Vec<_>, _> = addresses
        .split(',')
        .map(|one| {
            let one = one.strip_prefix('[').and_then(|one| one.strip_suffix(']')).unwrap_or(one);
            one.parse().map_err(|_| format!("'{}' is not an address", Escaped(one)))
        })
        .collect();
    let host = Some(host.to_owned()).filter(|host| host != "*");
    Ok(ResolveOverride { host, port: optional_port(port)?, addresses: addresses? })
}

/// Parses `HOST1:PORT1:HOST2:PORT2`. Each part may be empty.
pub fn connect_to(s: &str) -> Result<ConnectTo, String> {
    let malformed = || "not HOST1:PORT1:HOST2:PORT2".to_owned();
    let (host, rest) = split_host(s).ok_or_else(malformed)?;
    let (port, rest) = rest.split_once(':').ok_or_else(malformed)?;
    let (to_host, to_port) = split_host(rest).ok_or_else(malformed)?;
    let nonempty = |s: &str| Some(s.to_owned()).filter(|s| !s.is_empty());
    Ok(ConnectTo {
        host: nonempty(host),
        port: optional_port(port)?,
        to_host: nonempty(to_host),
        to_port: optional_port(to_port)?,
    })
}

/// Splits off a host, which may be an IPv6 address in brackets, at the colon after it.
fn split_host(s: &str) -> Option<(&str, &str)> {
    match s.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => s.split_once(':'),
    }
}

fn optional_port(s: &str) -> Result<Option<u16>, String> {
    match s {
        "" | "*" => Ok(None),
        s => s.parse().map(Some).map_err(|_| format!("'{}' is not a port", Escaped(s))),
    }
}

/// SHA-256 hashes of public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins(pub Vec<[u8; 32]>);

/// Parses `sha256//` followed by a hash in base64, or several separated by `;`, as in curl.
pub fn pins(s: &str) -> Result<Pins, String> {
    let pin = |one: &str| {
        let hash = one.trim().strip_prefix("sha256//")?;
        data_encoding::BASE64.decode(hash.as_bytes()).ok()?.try_into().ok()
    };
    let pins: Option<Vec<_>> = s.split(';').map(pin).collect();
    pins.map(Pins).ok_or_else(|| "not sha256// followed by 32 bytes in base64".to_owned())
}

/// Parses a local address; anything else is the name of a network interface.
pub fn interface(s: &str) -> Result<LocalAddr, String> {
    match s.parse() {
        Ok(address) => Ok(LocalAddr::Address(address)),
        Err(_) if s.is_empty() => Err("not an address or an interface".to_owned()),
        Err(_) => Ok(LocalAddr::Interface(s.to_owned())),
    }
}

/// Parses `Name: value`, `Name:` (removes the header) or `Name;` (sends it empty), as in curl.
pub fn header(s: &str) -> Result<HeaderEdit, String> {
    if s.contains(['\r', '\n', '\0']) {
        return Err("a header must not contain line breaks or NUL".to_owned());
    }
    let (name, edit) = match s.split_once(':') {
        Some((name, value)) if value.trim().is_empty() => {
            (name, HeaderEdit::Remove(name.trim().to_owned()))
        }
        Some((name, value)) => {
            (name, HeaderEdit::Set(name.trim().to_owned(), value.trim().to_owned()))
        }
        None => match s.strip_suffix(';') {
            Some(name) => (name, HeaderEdit::Set(name.trim().to_owned(), String::new())),
            None => return Err("not NAME:VALUE, NAME: or NAME;".to_owned()),
        },
    };
    if !is_token(name.trim()) {
        // The message does not quote the text: it may be a secret without its header name.
        return Err("the text before the colon is not a header name".to_owned());
    }
    Ok(edit)
}

/// Checks a subprotocol name, or several separated by commas.
pub fn subprotocol(s: &str) -> Result<String, String> {
    if s.split(',').all(|name| is_token(name.trim_matches([' ', '\t']))) {
        return Ok(s.to_owned());
    }
    Err("not a subprotocol name".to_owned())
}

/// Parses `CODE` or `CODE:REASON`. The code must be one that may be sent (RFC 6455, 7.4).
pub fn close(s: &str) -> Result<Close, String> {
    let (code, reason) = s.split_once(':').unwrap_or((s, ""));
    let code: u16 = code.parse().map_err(|_| "not a close code".to_owned())?;
    let code = CloseCode::new(code);
    if !code.is_sendable() {
        return Err(format!("the close code {code} must not be sent (RFC 6455, 7.4)"));
    }
    if reason.len() > 123 {
        return Err("a close reason is at most 123 bytes (RFC 6455, 5.5)".to_owned());
    }
    Ok(Close { code, reason: reason.to_owned() })
}

/// Parses permessage-deflate parameters.
pub fn offers(s: &str) -> Result<Offers, String> {
    Offers::parse(s).map_err(|fault| Escaped(&fault.to_string()).to_string())
}

/// Parses a secret as [`line()`] does, without one line end, which a file or a command leaves after it.
pub fn secret(s: &str) -> Result<String, String> {
    line(without_line_end(s))
}

/// Trims a value that is sent in a header, and rejects control characters other than tab.
pub fn line(s: &str) -> Result<String, String> {
    if s.chars().any(|c| c.is_control() && c != '\t') {
        return Err("must not contain control characters".to_owned());
    }
    Ok(s.trim().to_owned())
}

/// The escapes of `--append`.
const ESCAPES: &str = "\\0, \\n, \\r, \\t, \\xNN or \\\\";
/// The limit of `--append`. What is appended to a message is never sent in parts.
const MAX_APPENDED_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_escapes() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("END", b"END"),
            (r"\x1e", b"\x1e"),
            (r";\0\n\r\t\\n", b";\0\n\r\t\\n"),
            (r"\xc3\xA9é", "éé".as_bytes()),
        ] {
            assert_eq!(appended(text), Ok(Appended(bytes.to_vec())), "{text}");
        }
        for (text, fault) in [
            (r"\q", r"unknown escape '\q', use \0, \n, \r, \t, \xNN or \\"),
            (r"\x1", r"\x needs two hexadecimal digits"),
            (r"\xzz", r"\x needs two hexadecimal digits"),
            (r"\x+1", r"\x needs two hexadecimal digits"),
            (r"\xé", r"\x needs two hexadecimal digits"),
            (r"a\", r"ends with a single backslash, use \\"),
            (&"x".repeat(1025), "longer than 1024 bytes"),
        ] {
            assert_eq!(appended(text), Err(fault.to_owned()), "{text}");
        }
    }

    #[test]
    fn parses_seconds() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for bad in ["", "x", "-1", "-0.5", "nan", "inf", "1e99", "1s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(wait("-1"), Ok(Wait::UntilClosed));
        assert_eq!(wait("2"), Ok(Wait::For(Duration::from_secs(2))));
        assert!(wait("-2").is_err());
    }

    #[test]
    fn parses_byte_counts() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("64k"), Ok(65_536));
        assert_eq!(bytes("100M"), Ok(100 << 20));
        for bad in ["", "k", "-1", "1.5", "99999999999999999999", "99999999999G", "1KB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fragment_has_at_least_one_byte() {
        assert_eq!(fragment("1").map(NonZeroUsize::get), Ok(1));
        assert_eq!(fragment("32k").map(NonZeroUsize::get), Ok(32 << 10));
        for bad in ["0", "0K", "", "x", "-1", "1.5"] {
            assert!(fragment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parses_headers() {
        let set = |name: &str, value: &str| Ok(HeaderEdit::Set(name.into(), value.into()));
        assert_eq!(header("X-A: b: c"), set("X-A", "b: c"));
        assert_eq!(header("x-a:b"), set("x-a", "b"));
        assert_eq!(header("X-A;"), set("X-A", ""));
        assert_eq!(header("Origin:"), Ok(HeaderEdit::Remove("Origin".into())));
        for bad in ["", "X-A", ":x", "X A: b", "X\u{e9}: b", "A: b\r\nC: d", "A\n: b", ";", "(): b"]
        {
            assert!(header(bad).is_err(), "{bad:?}");
        }
    }
}
