//! The opening handshake over HTTP/2 (RFC 8441): the extended CONNECT request, its check by a server
//! and the check of its response. The caller handles HTTP/2 frames.

use super::{
    handshake::{Agreement, Request, Response, ResponseFault, Version, validate},
    headers::Headers,
    request_fault::RequestFault,
};

/// Builds the extended CONNECT request (RFC 8441, 4 and 5) from the headers of an HTTP/1.1 request
/// without those of its upgrade. Host becomes `:authority`, which is `authority` otherwise; names
/// are lowercased, and fields that HTTP/2 forbids are dropped (RFC 9113, 8.2).
pub fn request(secure: bool, authority: &str, target: &str, headers: &Headers) -> Request {
    let mut fields = Headers::default();
    fields.push(":method", "CONNECT");
    fields.push(":protocol", "websocket");
    fields.push(":scheme", if secure { "https" } else { "http" });
    fields.push(
        ":authority",
        headers.get("Host").filter(|host| !host.is_empty()).unwrap_or(authority),
    );
    fields.push(":path", target);
    for (name, value) in headers.iter() {
        let name = name.to_ascii_lowercase();
        if name != "host" && !CONNECTION_FIELDS.contains(&name.as_str()) {
            fields.push(name, value);
        }
    }
    Request { version: Version::Http2, target: target.to_owned(), headers: fields }
}

/// Validates the response. Returns `None` for a status other than 2xx, which opens no session (RFC
/// 8441, 5).
pub fn validate_response(
    request: &Request,
    answer: &Response,
) -> Result<Option<Agreement>, ResponseFault> {
    if !(200..300).contains(&answer.status) {
        return Ok(None);
    }
    validate(&request.headers, &answer.headers).map(Some)
}

/// Checks a client's request, as a server. Missing and malformed pseudo-header fields are faults of
/// HTTP/2.
pub fn check_request(request: &Request) -> Result<(), RequestFault> {
    let headers = &request.headers;
    if headers.get(":method") != Some("CONNECT") {
        let is_websocket = headers.get("Sec-WebSocket-Key").is_some();
        return Err(if is_websocket {
            RequestFault::UpgradeRemoved
        } else {
            RequestFault::NoUpgrade
        });
    }
    match headers.get(":protocol") {
        Some("websocket") => {}
        Some(_) => return Err(RequestFault::Protocol),
        None => return Err(RequestFault::Tunnel),
    }
    if !request.target.starts_with('/') {
        return Err(RequestFault::Target);
    }
    if request.authority().is_none() {
        return Err(RequestFault::NoHost);
    }
    let mut versions = headers.all("Sec-WebSocket-Version").map(str::trim);
    if (versions.next(), versions.next()) != (Some("13"), None) {
        return Err(RequestFault::Version);
    }
    Ok(())
}

/// Returns the fields of a response without those that HTTP/2 forbids.
pub fn response_headers(headers: &Headers) -> Headers {
    let mut allowed = headers.clone();
    allowed.retain(|name, _| {
        !CONNECTION_FIELDS.iter().any(|forbidden| forbidden.eq_ignore_ascii_case(name))
    });
    allowed
}

/// Connection-specific fields (RFC 9113, 8.2.2).
const CONNECTION_FIELDS: [&str; 5] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, fields: &[(&str, &str)]) -> Response {
        let headers = Headers::of(fields);
        Response { version: Version::Http2, status, reason: String::new(), headers }
    }

    #[test]
    fn builds_the_request_of_rfc_8441() {
        let given = Headers::of(&[
            ("Origin", "http://www.example.com"),
            ("Sec-WebSocket-Version", "13"),
            ("Upgrade", "websocket"),
            ("Connection", "keep-alive"),
        ]);
        let request = request(true, "server.example.com", "/chat", &given);
        let expected = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":authority", "server.example.com"),
            (":path", "/chat"),
            ("origin", "http://www.example.com"),
            ("sec-websocket-version", "13"),
        ];
        assert_eq!(request.headers, Headers::of(&expected));
    }

    #[test]
    fn a_host_header_becomes_the_authority() {
        let request = request(false, "a:1", "/", &Headers::of(&[("host", "b"), ("X-A", "1")]));
        assert_eq!(request.headers.get(":authority"), Some("b"));
        assert_eq!(request.headers.get(":scheme"), Some("http"));
        assert_eq!(request.headers.all("host").count(), 0);
        assert_eq!(request.headers.get("x-a"), Some("1"));
    }

    #[test]
    fn a_server_checks_what_it_needs_of_a_request() {
        use RequestFault::{NoHost, NoUpgrade, Protocol, Target, Tunnel, UpgradeRemoved};
        let good = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":authority", "h"),
            (":path", "/"),
            ("sec-websocket-version", "13"),
        ];
        let check = |edit: &[(&str, Option<&str>)], target: &str| {
            let mut headers = Headers::of(&good);
            for (name, value) in edit {
                headers.retain(|other, _| other != *name);
                if let Some(value) = value {
                    headers.push(*name, *value);
                }
            }
            check_request(&Request { version: Version::Http2, target: target.to_owned(), headers })
        };
        assert_eq!(check(&[], "/"), Ok(()));
        assert_eq!(check(&[(":authority", None), ("host", Some("h"))], "/"), Ok(()));
        assert_eq!(check(&[(":authority", None)], "/"), Err(NoHost));
        assert_eq!(check(&[], "*"), Err(Target));
        assert_eq!(check(&[(":protocol", None)], "/"), Err(Tunnel));
        assert_eq!(check(&[(":protocol", Some("connect-udp"))], "/"), Err(Protocol));
        for version in [None, Some("8"), Some("13, 8")] {
            let fault = check(&[("sec-websocket-version", version)], "/");
            assert_eq!(fault, Err(RequestFault::Version), "{version:?}");
        }
        assert_eq!(check(&[(":method", Some("GET"))], "/"), Err(NoUpgrade));
        let key = ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZQ=="));
        assert_eq!(check(&[(":method", Some("GET")), key], "/"), Err(UpgradeRemoved));
    }

    #[test]
    fn a_response_drops_what_http_2_forbids() {
        let headers = Headers::of(&[("Upgrade", "a"), ("X", "1"), ("connection", "close")]);
        assert_eq!(response_headers(&headers), Headers::of(&[("X", "1")]));
    }

    #[test]
    fn any_2xx_opens_and_is_checked_as_over_http_1() {
        let asked = Headers::of(&[("Sec-WebSocket-Protocol", "a, b")]);
        let request = request(true, "h", "/", &asked);
        let chosen = [("sec-websocket-protocol", "b"), ("sec-websocket-accept", "leaked")];
        let agreement = validate_response(&request, &answer(204, &chosen)).unwrap().unwrap();
        assert_eq!(agreement.subprotocol.as_deref(), Some("b"));
        for status in [199, 300, 404] {
            assert_eq!(validate_response(&request, &answer(status, &[])), Ok(None));
        }
        let other = [("sec-websocket-protocol", "c")];
        let refusal = validate_response(&request, &answer(200, &other));
        assert_eq!(refusal, Err(ResponseFault::Subprotocol("c".into())));
    }
}
