//! `--write-out`: the results of a run in a user-defined format, as in curl.

use crate::{escape::Escaped, proto::slice::Within, wording::nearest};
use serde_json::{Map, Value, json};
use std::{fmt::Write as _, time::Duration};

/// A parsed `--write-out` format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOutFormat(Vec<FormatPart>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum FormatPart {
    Text(String),
    /// The name of a variable in [`VARIABLES`].
    Variable(&'static str),
    /// The value of the response header field of this name.
    Header(String),
    Json,
    To(Stream),
}

/// The destination of the text that follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, the default.
    #[default]
    Stdout,
    /// Standard error, after `%{stderr}`.
    Stderr,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A string of text.
    Text(String),
    /// A count or a code.
    Number(u64),
    /// A duration, written in seconds with six decimals.
    Time(Duration),
    /// An HTTP status, written as three digits.
    Status(u16),
}

impl Fact {
    fn value(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Time(time) => json!((time.as_secs_f64() * 1e6).round() / 1e6),
            Self::Status(status) => json!(status),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Time(time) => format!("{:.6}", time.as_secs_f64()),
            Self::Status(status) => format!("{status:03}"),
        }
    }
}

/// A source of the results of a run.
pub trait Facts {
    /// Returns the value of a variable, or `None` if it has none.
    fn fact(&self, name: &str) -> Option<Fact>;

    /// Returns the value of a response header field, if present.
    fn header(&self, name: &str) -> Option<String>;
}

impl WriteOutFormat {
    /// Parses a format: `%{name}`, `%header{name}`, `%%`, `\n`, `\r`, `\t` and `\\`; any other text
    /// is literal. Fails if a variable is unknown.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = rest.within(c.len_utf8()..);
            let (skipped, part) = match c {
                '\\' => (escape(after, &mut plain), None),
                '%' => percent(after, &mut plain)?,
                c => {
                    plain.push(c);
                    (0, None)
                }
            };
            if let Some(part) = part {
                if !plain.is_empty() {
                    parts.push(FormatPart::Text(std::mem::take(&mut plain)));
                }
                parts.push(part);
            }
            rest = after.within(skipped..);
        }
        if !plain.is_empty() {
            parts.push(FormatPart::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Returns the text to write to each stream, in order.
    pub fn fill(&self, facts: &impl Facts) -> Vec<(Stream, String)> {
        let mut out = vec![(Stream::default(), String::new())];
        for part in &self.0 {
            let text = match part {
                FormatPart::Text(text) => text.clone(),
                FormatPart::Variable(name) => {
                    facts.fact(name).map_or_else(String::new, |it| it.text())
                }
                FormatPart::Header(name) => facts.header(name).unwrap_or_default(),
                FormatPart::Json => all(facts),
                FormatPart::To(stream) => {
                    out.push((*stream, String::new()));
                    continue;
                }
            };
            if let Some((_, last)) = out.last_mut() {
                last.push_str(&text);
            }
        }
        out.retain(|(_, text)| !text.is_empty());
        out
    }
}

/// Returns all variables as a JSON object.
fn all(facts: &impl Facts) -> String {
    let member = |(name, _): &(&str, &str)| {
        let value = facts.fact(name).map_or(Value::Null, |fact| fact.value());
        ((*name).to_owned(), value)
    };
    Value::Object(VARIABLES.iter().map(member).collect::<Map<_, _>>()).to_string()
}

/// Parses the text after a backslash and returns the number of bytes consumed.
fn escape(after: &str, plain: &mut String) -> usize {
    match after.chars().next() {
        Some('n') => plain.push('\n'),
        Some('r') => plain.push('\r'),
        Some('t') => plain.push('\t'),
        Some('\\') => plain.push('\\'),
        _ => {
            plain.push('\\');
            return 0;
        }
    }
    1
}

/// Parses the text after a percent sign and returns the number of bytes consumed.
fn percent(after: &str, plain: &mut String) -> Result<(usize, Option<FormatPart>), String> {
    if after.starts_with('%') {
        plain.push('%');
        return Ok((1, None));
    }
    let braced = |prefix: &str| {
        let rest = after.strip_prefix(prefix)?.strip_prefix('{')?;
        let (name, _) = rest.split_once('}')?;
        Some((prefix.len() + name.len() + 2, name))
    };
    if let Some((used, name)) = braced("header") {
        return Ok((used, Some(FormatPart::Header(name.to_owned()))));
    }
    let Some((used, name)) = braced("") else {
        plain.push('%');
        return Ok((0, None));
    };
    let part = match name {
        "json" => FormatPart::Json,
        "stdout" => FormatPart::To(Stream::Stdout),
        "stderr" => FormatPart::To(Stream::Stderr),
        name => match VARIABLES.iter().find(|(known, _)| *known == name) {
            Some((known, _)) => FormatPart::Variable(known),
            None => return Err(unknown(name)),
        },
    };
    Ok((used, Some(part)))
}

fn unknown(name: &str) -> String {
    let names = VARIABLES.iter().map(|(name, _)| *name).chain(["json", "stdout", "stderr"]);
    let mut text = format!("unknown variable '{}'", Escaped(name));
    if let Some(near) = nearest(name, names) {
        let _ = write!(text, "; did you mean '{near}'?");
    }
    text
}

/// The variables and their descriptions for the man page, sorted by name.
pub const VARIABLES: [(&str, &str); 47] = [
    ("bytes_received", "payload bytes of received messages"),
    ("bytes_sent", "payload bytes of sent messages"),
    ("close_code", "code of the Close that ended the session; 1006 if none was received"),
    ("close_reason", "reason in that Close"),
    ("closed_by", "side that closed the session: remote or local; empty without a session"),
    ("errormsg", "first line of the error message; empty if the run succeeded"),
    ("exitcode", "exit code; 128 plus the number of the signal that ended the run"),
    ("extensions", "Sec-WebSocket-Extensions of the server's response"),
    ("http_code", "status of the last HTTP response"),
    ("http_version", "version of HTTP"),
    ("messages_received", "number of messages received"),
    ("messages_sent", "number of messages sent"),
    ("messages_unsent", "number of messages that could not be sent"),
    ("method", "GET, or CONNECT over HTTP/2"),
    ("num_connects", "number of connections made"),
    ("num_redirects", "number of redirects followed"),
    ("pings_received", "number of pings received"),
    ("pings_sent", "number of pings sent"),
    ("pongs_received", "number of pongs received"),
    ("pongs_sent", "number of pongs sent"),
    ("remote_ip", "IP address of the server or proxy"),
    ("remote_port", "port of the server or proxy"),
    ("response_code", "same as http_code"),
    ("rtt_avg", "mean round-trip time of pings"),
    ("rtt_max", "longest round-trip time of pings"),
    ("rtt_min", "shortest round-trip time of pings"),
    ("rtt_p99", "99th percentile of the round-trip times of pings"),
    ("scheme", "scheme of the URL: ws or wss"),
    ("silence", "longest time without a byte from the server"),
    ("size_download", "same as wire_received"),
    ("size_upload", "same as wire_sent"),
    ("subprotocol", "subprotocol that the server selected"),
    ("time_appconnect", "time until the TLS handshake was complete"),
    (
        "time_connect",
        "time until the TCP connection was established, through the proxy if there is one",
    ),
    ("time_first_message", "time until the first message was received"),
    ("time_handshake", "time until the session was open"),
    ("time_namelookup", "time until the host name was resolved"),
    ("time_pretransfer", "time until the request was sent"),
    ("time_proxy", "part of time_connect that was spent on the proxy"),
    ("time_session", "duration of the session"),
    ("time_starttransfer", "same as time_handshake"),
    ("time_total", "duration of the run"),
    ("tls", "TLS version and cipher suite"),
    ("url", "URL as given"),
    ("url_effective", "URL after all redirects"),
    ("wire_received", "payload bytes received, before decompression"),
    ("wire_sent", "payload bytes sent, after compression"),
];

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Facts for Known {
        fn fact(&self, name: &str) -> Option<Fact> {
            match name {
                "http_code" => Some(Fact::Status(0)),
                "exitcode" => Some(Fact::Number(7)),
                "time_total" => Some(Fact::Time(Duration::from_micros(1500))),
                "url" => Some(Fact::Text("ws://h/\"".to_owned())),
                _ => None,
            }
        }

        fn header(&self, name: &str) -> Option<String> {
            (name == "Server").then(|| "fish".to_owned())
        }
    }

    fn filled(text: &str) -> Vec<(Stream, String)> {
        WriteOutFormat::parse(text).unwrap().fill(&Known)
    }

    #[test]
    fn variables_and_escapes() {
        for (form, expected) in [
            (r"%{http_code} %{exitcode}\n", "000 7\n"),
            (r"%{time_total}s\t100%%\r", "0.001500s\t100%\r"),
            (r"[%{tls}]%header{Server}%header{X}", "[]fish"),
            (r"100% %{open \x \\ é", "100% %{open \\x \\ é"),
            (r"\", "\\"),
        ] {
            assert_eq!(filled(form), [(Stream::Stdout, expected.to_owned())], "{form}");
        }
        assert_eq!(filled(""), []);
    }

    #[test]
    fn streams_are_switched() {
        let expected = [
            (Stream::Stdout, "a".to_owned()),
            (Stream::Stderr, "b".to_owned()),
            (Stream::Stdout, "c".to_owned()),
        ];
        assert_eq!(filled("a%{stderr}b%{stdout}c"), expected);
        assert_eq!(filled("%{stderr}b"), expected[1..2]);
    }

    #[test]
    fn json_contains_every_variable() {
        let all: Value = serde_json::from_str(&filled("%{json}")[0].1).unwrap();
        assert_eq!(all.as_object().unwrap().len(), VARIABLES.len());
        assert_eq!((&all["url"], &all["time_total"]), (&"ws://h/\"".into(), &0.0015.into()));
        assert!(all["tls"].is_null());
    }

    #[test]
    fn an_unknown_variable_suggests_the_nearest_one() {
        let fault = WriteOutFormat::parse("%{http_cod}").unwrap_err();
        assert_eq!(fault, "unknown variable 'http_cod'; did you mean 'http_code'?");
    }

    #[test]
    fn variables_are_sorted() {
        assert!(VARIABLES.is_sorted_by_key(|(name, _)| *name));
    }
}
