//! The header fields of a request and its response on their way through a proxy: all of them pass
//! unchanged, in their order, except those that are about one connection (RFC 9110, 7.6.1; RFC 9113,
//! 8.2.2).

use super::{
    fields::elements,
    handshake::{Request, Response, Version},
    headers::Headers,
    request_fault::RequestFault,
};

/// The purpose of a client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It opens a session.
    Session,
    /// It is any other request of HTTP.
    Page,
}

impl Purpose {
    /// Returns the purpose of a request with this fault, or the fault if the request cannot be passed
    /// on. Rules that the server judges itself are no faults here.
    pub fn of(fault: Option<RequestFault>) -> Result<Self, RequestFault> {
        use RequestFault::{
            Http10, Key, Method, NoUpgrade, UpgradeRemoved, Version as OtherVersion,
        };
        match fault {
            None | Some(OtherVersion | Key) => Ok(Self::Session),
            Some(NoUpgrade | UpgradeRemoved | Method | Http10) => Ok(Self::Page),
            Some(fault) => Err(fault),
        }
    }
}

/// Returns the fields of the request to the server, for HTTP/1.1. `host` replaces the client's Host;
/// `key` is the `Sec-WebSocket-Key` of this connection, and `None` leaves that of the client.
pub fn request_fields(
    request: &Request,
    purpose: Purpose,
    host: Option<&str>,
    key: Option<&str>,
) -> Headers {
    let mut own = OwnFields::new();
    let given = request.authority().unwrap_or_default();
    own.add("Host", host.unwrap_or(given));
    match purpose {
        Purpose::Session => {
            let upgrade = request.headers.get("Upgrade").unwrap_or("websocket");
            own.add("Upgrade", upgrade);
            own.add("Connection", "Upgrade");
            if let Some(key) = key {
                own.add("Sec-WebSocket-Key", key);
            }
        }
        Purpose::Page => own.add("Connection", "close"),
    }
    let mut fields = own.merge(&request.headers);
    if purpose == Purpose::Page {
        // The client was told to send the body already.
        fields.retain(|name, _| !name.eq_ignore_ascii_case("Expect"));
    }
    fields
}

/// Returns the fields of the answer that opens a session, over HTTP/1.1 or HTTP/2. `accept` is the
/// `Sec-WebSocket-Accept` for the client, and `None` leaves that of the server.
pub fn acceptance_fields(response: &Response, carrier: Version, accept: Option<&str>) -> Headers {
    let mut own = OwnFields::new();
    if carrier != Version::Http2 {
        own.add("Upgrade", response.headers.get("Upgrade").unwrap_or("websocket"));
        own.add("Connection", "Upgrade");
        if let Some(accept) = accept {
            own.add("Sec-WebSocket-Accept", accept);
        }
    }
    let mut fields = own.merge(&response.headers);
    // Also drops what the server did not need to send.
    fields.retain(|name, _| {
        let is_accept = name.eq_ignore_ascii_case("Sec-WebSocket-Accept");
        let is_framing = name.eq_ignore_ascii_case("Content-Length");
        !(is_framing || is_accept && carrier == Version::Http2)
    });
    fields
}

/// Returns the fields of any other answer, after which an HTTP/1.1 connection ends. An Upgrade field
/// stays, which the status 426 requires.
pub fn answer_fields(response: &Response, carrier: Version) -> Headers {
    let mut own = OwnFields::new();
    if carrier != Version::Http2 {
        match response.headers.get("Upgrade") {
            Some(upgrade) => {
                own.add("Upgrade", upgrade);
                own.add("Connection", "Upgrade, close");
            }
            None => own.add("Connection", "close"),
        }
    }
    own.merge(&response.headers)
}

/// Fields that replace those of the same name.
struct OwnFields<'a>(Vec<(&'static str, &'a str)>);

impl<'a> OwnFields<'a> {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, name: &'static str, value: &'a str) {
        self.0.push((name, value));
    }

    /// Returns received fields without those about their connection. Where one of these fields was, its
    /// replacement is, in the same spelling; Host comes first otherwise, and others last.
    fn merge(mut self, received: &Headers) -> Headers {
        let named: Vec<&str> = received.all("Connection").flat_map(elements).collect();
        let mut fields = Headers::default();
        let has_host = received.iter().any(|(name, _)| name.eq_ignore_ascii_case("Host"));
        if !has_host && let Some(at) = self.0.iter().position(|(name, _)| *name == "Host") {
            let (name, value) = self.0.remove(at);
            fields.push(name, value);
        }
        let mut used = Vec::new();
        for (name, value) in received.iter() {
            let own = self.0.iter().position(|(own, _)| own.eq_ignore_ascii_case(name));
            if let Some((own, value)) = own.and_then(|at| self.0.get(at)).copied() {
                if !used.contains(&own) {
                    used.push(own);
                    fields.push(name, value);
                }
            } else if !is_of_connection(name, &named) {
                fields.push(name, value);
            }
        }
        for (name, value) in self.0.into_iter().filter(|(name, _)| !used.contains(name)) {
            fields.push(name, value);
        }
        fields
    }
}

/// Reports whether a field is about one connection. `named` are the options of its Connection field,
/// which name further ones.
fn is_of_connection(name: &str, named: &[&str]) -> bool {
    let is = |other: &&str| other.eq_ignore_ascii_case(name);
    // What the request is about cannot be about its connection.
    let is_needed = END_TO_END.iter().any(is) || starts_with(name, "sec-websocket-");
    name.starts_with(':')
        || starts_with(name, "proxy-")
        || CONNECTION_FIELDS.iter().any(is)
        || (named.iter().any(is) && !is_needed)
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Fields about one connection, beside those that begin with `Proxy-`.
const CONNECTION_FIELDS: [&str; 6] =
    ["Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade"];
/// Fields that no Connection option removes.
const END_TO_END: [&str; 3] = ["Host", "Content-Length", "Cookie"];

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &str)]) -> Request {
        Request { version: Version::Http11, target: "/".to_owned(), headers: Headers::of(fields) }
    }

    fn response(fields: &[(&str, &str)]) -> Response {
        let (version, reason) = (Version::Http11, String::new());
        Response { version, status: 101, reason, headers: Headers::of(fields) }
    }

    /// Prevents a request that a server could tell from that of the client.
    #[test]
    fn a_request_keeps_names_case_order_and_values() {
        let given = [
            ("host", "proxy:9000"),
            ("connection", "keep-alive, Upgrade, X-Hop"),
            ("PRAGMA", "no-cache"),
            ("upgrade", "WebSocket"),
            ("Origin", "http://page"),
            ("x-hop", "1"),
            ("Sec-WebSocket-Version", "13"),
            ("Cookie", "a=b"),
            ("cookie", "c=d"),
            ("Keep-Alive", "5"),
            ("Proxy-Authorization", "Basic x"),
            ("TE", "trailers"),
            ("Sec-Websocket-Key", "theirs"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x"),
        ];
        let fields = request_fields(&request(&given), Purpose::Session, Some("h:1"), Some("ours"));
        let expected = [
            ("host", "h:1"),
            ("connection", "Upgrade"),
            ("PRAGMA", "no-cache"),
            ("upgrade", "WebSocket"),
            ("Origin", "http://page"),
            ("Sec-WebSocket-Version", "13"),
            ("Cookie", "a=b"),
            ("cookie", "c=d"),
            ("Sec-Websocket-Key", "ours"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x"),
        ];
        assert_eq!(fields, Headers::of(&expected));
        let kept = request_fields(&request(&given), Purpose::Session, None, None);
        assert_eq!(kept.get("host"), Some("proxy:9000"));
        assert_eq!(kept.get("Sec-WebSocket-Key"), Some("theirs"));
    }

    #[test]
    fn a_request_over_http_2_becomes_an_upgrade() {
        let given = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":authority", "proxy"),
            (":path", "/"),
            ("origin", "o"),
            ("sec-websocket-version", "13"),
        ];
        let fields = request_fields(&request(&given), Purpose::Session, None, Some("k"));
        let expected = [
            ("Host", "proxy"),
            ("origin", "o"),
            ("sec-websocket-version", "13"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "k"),
        ];
        assert_eq!(fields, Headers::of(&expected));
    }

    #[test]
    fn a_page_is_asked_for_on_a_connection_of_its_own() {
        let given = [
            ("Host", "p"),
            ("Connection", "keep-alive"),
            ("Upgrade", "h2c"),
            ("Expect", "100-continue"),
            ("Content-Length", "3"),
        ];
        let fields = request_fields(&request(&given), Purpose::Page, Some("h"), None);
        let expected = [("Host", "h"), ("Connection", "close"), ("Content-Length", "3")];
        assert_eq!(fields, Headers::of(&expected));
    }

    #[test]
    fn an_answer_has_the_key_of_its_own_leg() {
        let answer = response(&[
            ("upgrade", "websocket"),
            ("Server", "s"),
            ("connection", "upgrade"),
            ("sec-websocket-accept", "theirs"),
            ("Set-Cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ]);
        let fields = acceptance_fields(&answer, Version::Http11, Some("ours"));
        let expected = [
            ("upgrade", "websocket"),
            ("Server", "s"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "ours"),
            ("Set-Cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ];
        assert_eq!(fields, Headers::of(&expected));
        let fields = acceptance_fields(&answer, Version::Http2, None);
        assert_eq!(fields.iter().count(), 4);
        assert_eq!(fields.get("sec-websocket-accept"), None);
        let answer = response(&[("server", "s")]);
        let fields = acceptance_fields(&answer, Version::Http11, Some("a"));
        let expected = [
            ("server", "s"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", "a"),
        ];
        assert_eq!(fields, Headers::of(&expected));
    }

    #[test]
    fn a_refusal_keeps_what_its_status_needs() {
        let answer = response(&[
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("WWW-Authenticate", "Basic realm=x"),
            ("Content-Length", "4"),
            ("Transfer-Encoding", "chunked"),
        ]);
        let fields = answer_fields(&answer, Version::Http11);
        assert_eq!(fields.get("Connection"), Some("Upgrade, close"));
        assert_eq!(fields.get("WWW-Authenticate"), Some("Basic realm=x"));
        assert_eq!(fields.get("Content-Length"), Some("4"));
        assert_eq!(fields.get("Transfer-Encoding"), None);
        assert_eq!(answer_fields(&answer, Version::Http2).get("Upgrade"), None);
    }

    #[test]
    fn requests_that_a_server_judges_itself_are_passed_on() {
        use RequestFault as F;
        for fault in [None, Some(F::Version), Some(F::Key)] {
            assert_eq!(Purpose::of(fault), Ok(Purpose::Session), "{fault:?}");
        }
        for fault in [F::NoUpgrade, F::UpgradeRemoved, F::Method, F::Http10] {
            assert_eq!(Purpose::of(Some(fault)), Ok(Purpose::Page), "{fault:?}");
        }
        for fault in [F::NoHost, F::Hosts, F::Target, F::Tunnel, F::Protocol] {
            assert_eq!(Purpose::of(Some(fault)), Err(fault));
        }
    }
}
