//! HAR 1.2 with the messages of each session, as the developer tools of Chrome write and read it:
//! an entry for each opening handshake, with `_webSocketMessages` at its end.

use crate::{
    connect::Timing,
    proto::{Kind, trace::Direction},
};
use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// A handshake, as far as it came. Secrets are hidden by whoever fills it in.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// When it began.
    pub started: Option<SystemTime>,
    /// The URL.
    pub url: String,
    /// The method of the request.
    pub method: String,
    /// The version of HTTP, as a number.
    pub http: String,
    /// The fields of the request.
    pub request: Vec<(String, String)>,
    /// The answer, if one came.
    pub answer: Option<Answer>,
    /// What it took.
    pub timing: Timing,
    /// The peer's address, without its port.
    pub address: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The fields.
    pub headers: Vec<(String, String)>,
}

/// What a file begins with: the entries follow.
pub fn head() -> String {
    let creator = json!({ "name": "sockeye", "version": env!("CARGO_PKG_VERSION") });
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[],\"entries\":[")
}

/// An entry up to its messages: they follow.
pub fn entry(exchange: &Exchange) -> String {
    let mut entry = value(exchange).to_string();
    // The object goes on.
    entry.pop();
    format!("\n{entry},\"_webSocketMessages\":[")
}

/// A message in an entry. `data` of a message of ours that was too long to be kept is empty.
pub fn message(direction: Direction, kind: Kind, data: Option<&[u8]>, at: SystemTime) -> String {
    let bytes = data.unwrap_or_default();
    let data = match (kind, std::str::from_utf8(bytes)) {
        (Kind::Text, Ok(text)) => text.to_owned(),
        _ => BASE64.encode(bytes),
    };
    let message = json!({
        "type": if direction == Direction::In { "receive" } else { "send" },
        "time": epoch(at),
        "opcode": if kind == Kind::Text { 1 } else { 2 },
        "data": data,
    });
    format!("\n{message}")
}

/// What ends the messages of an entry, and the entry.
pub const ENTRY_END: &str = "]}";
/// What ends a file behind its entries.
pub const END: &str = "]}}\n";

fn value(exchange: &Exchange) -> Value {
    let Exchange { url, method, http, request, timing, .. } = exchange;
    let http = format!("HTTP/{http}");
    let started = exchange.started.unwrap_or(SystemTime::UNIX_EPOCH);
    let answer = exchange.answer.clone().unwrap_or_default();
    let location = find(&answer.headers, "Location").unwrap_or_default().to_owned();
    let has_answer = exchange.answer.is_some();
    // As HAR has it, TLS is part of connecting.
    let connect = timing.connect + timing.proxy + timing.tls;
    let total = timing.resolve + connect + timing.handshake;
    let some = |time: Duration| if time.is_zero() { json!(-1) } else { json!(ms(time)) };
    let mut entry = json!({
        "startedDateTime": date(started),
        "time": ms(total),
        "request": {
            "method": method,
            "url": url,
            "httpVersion": http,
            "cookies": cookies(request, "Cookie", "; "),
            "headers": fields(request),
            "queryString": query(url),
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": answer.status,
            "statusText": answer.reason,
            "httpVersion": if has_answer { http.as_str() } else { "" },
            "cookies": cookies(&answer.headers, "Set-Cookie", "\0"),
            "headers": fields(&answer.headers),
            "content": { "size": 0, "mimeType": "x-unknown" },
            "redirectURL": location,
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {
            "blocked": -1,
            "dns": some(timing.resolve),
            "connect": some(connect),
            "ssl": some(timing.tls),
            "send": 0,
            "wait": ms(timing.handshake),
            "receive": 0,
        },
        "_resourceType": "websocket",
    });
    if let (Some(address), Some(entry)) = (&exchange.address, entry.as_object_mut()) {
        entry.insert("serverIPAddress".to_owned(), json!(address));
    }
    entry
}

fn fields(headers: &[(String, String)]) -> Value {
    headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The cookies that are to be seen, without their attributes.
fn cookies(headers: &[(String, String)], name: &str, separator: &str) -> Value {
    let values = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let pairs = values.flat_map(|(_, value)| value.split(separator));
    let pairs = pairs.filter_map(|pair| pair.split(';').next()?.split_once('='));
    pairs.map(|(name, value)| json!({ "name": name.trim(), "value": value })).collect()
}

fn query(url: &str) -> Value {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn date(at: SystemTime) -> String {
    Timestamp::try_from(at).map(|at| format!("{at:.3}")).unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Seconds since 1970.
fn epoch(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_behind_each_of_its_parts() {
        let exchange = Exchange {
            url: "wss://h/?a=b%20c".to_owned(),
            method: "GET".to_owned(),
            http: "1.1".to_owned(),
            request: vec![("Cookie".to_owned(), "x=1; y=2".to_owned())],
            timing: Timing { tls: Duration::from_micros(1500), ..Timing::default() },
            ..Exchange::default()
        };
        let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let mut file = head();
        assert_eq!(parse(&format!("{file}{END}"))["log"]["version"], "1.2");
        file.push_str(&entry(&exchange));
        let har = parse(&format!("{file}{ENTRY_END}{END}"));
        let entry = &har["log"]["entries"][0];
        assert_eq!(entry["request"]["queryString"][0]["value"], "b c");
        assert_eq!(entry["request"]["cookies"][1]["name"], "y");
        assert_eq!(entry["response"]["status"], 0);
        assert_eq!(
            (&entry["timings"]["ssl"], &entry["timings"]["dns"]),
            (&1.5.into(), &(-1).into())
        );
        assert_eq!(entry["time"], 1.5);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1500);
        file.push_str(&message(Direction::Out, Kind::Text, Some("\u{e9}\"".as_bytes()), at));
        file.push(',');
        file.push_str(&message(Direction::In, Kind::Binary, Some(&[0, 255]), at));
        let har = parse(&format!("{file}{ENTRY_END}{END}"));
        let messages = &har["log"]["entries"][0]["_webSocketMessages"];
        let sent = json!({ "type": "send", "time": 1.5, "opcode": 1, "data": "\u{e9}\"" });
        assert_eq!(messages[0], sent);
        assert_eq!((&messages[1]["data"], &messages[1]["opcode"]), (&"AP8=".into(), &2.into()));
    }
}
