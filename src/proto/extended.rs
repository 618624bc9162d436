//! The opening handshake over HTTP/2 (RFC 8441): the extended CONNECT request and the check of its
//! response. The caller handles HTTP/2 frames.

use super::{
    handshake::{Agreement, Request, Response, ResponseFault, Version, validate},
    headers::Headers,
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
