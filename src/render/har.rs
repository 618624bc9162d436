//! HAR 1.2 with WebSocket messages, as Chrome's developer tools export and import it: one entry per
//! opening handshake, ending with `_webSocketMessages`.

use super::long_content::{Encoding, LongContent};
use crate::{
    connect::Timing,
    proto::{Kind, trace::Direction},
    stored::StoredMessage,
};
use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// An opening handshake, possibly incomplete. The caller hides secrets before filling it in.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// Time at which the handshake began.
    pub started: Option<SystemTime>,
    /// URL of the request.
    pub url: String,
    /// Request method.
    pub method: String,
    /// HTTP version number, such as `1.1`.
    pub http: String,
    /// Request header fields.
    pub request: Vec<(String, String)>,
    /// Response, if one was received.
    pub answer: Option<Answer>,
    /// Start of the body, or of the bytes that were received instead of a response.
    pub body: Option<Vec<u8>>,
    /// Time taken by each step.
    pub timing: Timing,
    /// IP address of the server, without the port.
    pub address: Option<String>,
    /// Number of the connection, if there are several.
    pub connection: Option<u64>,
}

/// The response to an opening handshake.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// Response header fields.
    pub headers: Vec<(String, String)>,
}

/// Returns the start of a file, up to its entries.
pub fn head() -> String {
    let creator = json!({ "name": "sockeye", "version": env!("CARGO_PKG_VERSION") });
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[],\"entries\":[")
}

/// Returns the start of an entry, up to its messages.
pub fn entry(exchange: &Exchange) -> String {
    let mut entry = value(exchange).to_string();
    // Drop the closing brace: the messages follow inside the object.
    entry.pop();
    format!("\n{entry},\"_webSocketMessages\":[")
}

/// Returns a message of an entry. A sent message that was too long to keep has `None` as `data`,
/// which is written as an empty string.
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

/// Returns a long message of an entry, to be written in parts.
pub fn long_message(
    direction: Direction,
    kind: Kind,
    message: StoredMessage,
    at: SystemTime,
) -> LongContent {
    let rendered = self::message(direction, kind, None, at).into_bytes();
    let encoding = match kind {
        Kind::Text => Encoding::Text { terminal: false },
        Kind::Binary => Encoding::Base64,
    };
    LongContent::new(rendered, "data", message, encoding)
}

/// Closes the messages of an entry and the entry itself.
pub const ENTRY_END: &str = "]}";
/// Closes the list of entries and the file.
pub const END: &str = "]}}\n";

fn value(exchange: &Exchange) -> Value {
    let Exchange { url, method, http, request, timing, .. } = exchange;
    let http = format!("HTTP/{http}");
    let started = exchange.started.unwrap_or(SystemTime::UNIX_EPOCH);
    let answer = exchange.answer.clone().unwrap_or_default();
    let location = find(&answer.headers, "Location").unwrap_or_default().to_owned();
    let has_answer = exchange.answer.is_some();
    // In HAR, the connect time includes TLS.
    let connect = timing.connect.saturating_add(timing.proxy).saturating_add(timing.tls);
    let total = timing.total();
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
            "content": content(exchange.body.as_deref(), find(&answer.headers, "Content-Type")),
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
    if let Some(entry) = entry.as_object_mut() {
        let address = exchange.address.as_ref().map(|it| ("serverIPAddress", it.clone()));
        let connection = exchange.connection.map(|it| ("connection", it.to_string()));
        for (name, value) in address.into_iter().chain(connection) {
            entry.insert(name.to_owned(), json!(value));
        }
    }
    entry
}

fn content(body: Option<&[u8]>, mime_type: Option<&str>) -> Value {
    let bytes = body.unwrap_or_default();
    let mime_type = mime_type.filter(|_| body.is_some()).unwrap_or("x-unknown");
    let mut content = json!({ "size": bytes.len(), "mimeType": mime_type });
    if let (false, Some(fields)) = (bytes.is_empty(), content.as_object_mut()) {
        let text = std::str::from_utf8(bytes);
        if text.is_err() {
            fields.insert("encoding".to_owned(), json!("base64"));
        }
        let text = text.map_or_else(|_| BASE64.encode(bytes), ToOwned::to_owned);
        fields.insert("text".to_owned(), json!(text));
    }
    content
}

fn fields(headers: &[(String, String)]) -> Value {
    headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// Returns the cookies that are not redacted, without their attributes.
fn cookies(headers: &[(String, String)], name: &str, separator: &str) -> Value {
    let values = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let pairs = values.flat_map(|(_, value)| value.split(separator));
    let pairs = pairs.filter_map(|pair| pair.split(';').next()?.split_once('='));
    let pairs = pairs.take(MAX_PAIRS);
    pairs.map(|(name, value)| json!({ "name": name.trim(), "value": value })).collect()
}

fn query(url: &str) -> Value {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes()).take(MAX_PAIRS);
    pairs.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn date(at: SystemTime) -> String {
    Timestamp::try_from(at).map(|at| format!("{at:.3}")).unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Returns the seconds since the Unix epoch, to the microsecond.
fn epoch(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e6).round() / 1e6
}

/// Largest number of cookies of a field, and of parameters of a query, that are listed one by one.
const MAX_PAIRS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_har_is_valid_after_each_part() {
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
