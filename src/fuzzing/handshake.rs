//! Opening handshakes: heads over HTTP/1.1, extensions, and HTTP/2.

use super::input::{Input, chunks};
use crate::{
    net::http2::receive_first_frame,
    proto::{
        Role, extended,
        extension::{Offers, list, params::Deflate},
        handshake::{
            Agreement, Choices, Headers, MAX_HEAD_BYTES, Request, Response, Subprotocols, Version,
            choose, is_token, validate,
        },
        headers::HeaderEdit,
        server_upgrade::{
            RequestHead, ServerUpgrade, encode_acceptance, encode_refusal, refusal_headers,
        },
        upgrade::{ClientUpgrade, UpgradeProgress, head},
    },
};
use http::StatusCode;
use std::borrow::Cow;

/// Reads the head of a request: in any chunks, and again as it is encoded.
pub(super) fn request(data: &[u8]) {
    let mut input = Input::new(data);
    let seed = input.number();
    let bytes = &*stretched(input.rest(), seed);
    let whole = receive(&[bytes]);
    let Some(Ok(read)) = whole else {
        assert!(!matches!(receive(&chunks(bytes, seed)), Some(Ok(_))));
        return;
    };
    assert_eq!(receive(&chunks(bytes, seed)), Some(Ok(copy(&read))));
    let request = &read.request;
    for (name, value) in request.headers.iter() {
        assert!(is_token(name), "{name:?}");
        assert_eq!(value, value.trim());
        assert!(!value.contains(['\r', '\n', '\0']));
    }
    let (mut edited, name) = (request.headers.clone(), "X-Edited");
    edited.edit(&[
        HeaderEdit::Remove("Host".to_owned()),
        HeaderEdit::Set(name.to_owned(), "1".to_owned()),
    ]);
    assert_eq!((edited.get("Host"), edited.get(name)), (None, Some("1")));
    assert!(format!("{edited:?}").contains(name));
    let first = format!("{} {} {}", read.method, request.target, request.version);
    let again = receive(&[&head(&first, &request.headers)]);
    assert_eq!(again, Some(Ok(RequestHead { rest: Vec::new(), ..copy(&read) })));
    let accept = match &read.accept {
        Ok(accept) => accept,
        Err(fault) => {
            assert!(!fault.to_string().is_empty() && !fault.body().is_empty());
            let (status, _) = fault.status(request.version);
            assert!(status.is_client_error() || status.is_server_error());
            refuse(&read, status);
            return;
        }
    };
    // Our own client accepts the answer of our own server.
    let choices = Choices { subprotocols: Subprotocols::Any, compress: Some(Offers::default()) };
    let Ok((agreement, headers)) = choose(&request.headers, &choices) else { return };
    let mut client = ClientUpgrade::new(request.clone());
    let answer = client.receive(&encode_acceptance(accept, &headers));
    match answer {
        Ok(UpgradeProgress::Open { agreement: same, response, rest }) => {
            assert_eq!((same.subprotocol, rest), (agreement.subprotocol, Vec::new()));
            assert_eq!(response.status, 101);
            assert_eq!(same.deflate.map(server), agreement.deflate.map(server));
        }
        other => panic!("{other:?}"),
    }
}

/// Our own client reads how our own server refuses a request.
fn refuse(read: &RequestHead, status: StatusCode) {
    let is_head = read.method == "HEAD";
    let bytes = encode_refusal(status, &read.request.headers, "no", is_head);
    if let Ok(UpgradeProgress::Status { response, rest }) = answer(&[&bytes]) {
        assert_eq!(
            (response.status, &rest[..]),
            (status.as_u16(), &b"no"[..if is_head { 0 } else { 2 }])
        );
    }
    let own = refusal_headers(&Headers::default(), "no");
    assert_eq!(own.get("Content-Length"), Some("2"));
}

fn server(deflate: Deflate) -> (u8, bool) {
    let side = deflate.side(Role::Server);
    (side.window_bits, side.keeps_context)
}

/// Repeats the last line of a head up to the greatest size, if the seed says so: a fuzzer rarely finds
/// heads that are too long.
fn stretched(bytes: &[u8], seed: u16) -> Cow<'_, [u8]> {
    let line = bytes.split_inclusive(|byte| *byte == b'\n').next_back().unwrap_or_default();
    if seed < 0xfff0 || line.is_empty() {
        return bytes.into();
    }
    let mut long = bytes.to_vec();
    while long.len() <= MAX_HEAD_BYTES {
        long.extend_from_slice(line);
    }
    long.into()
}

fn copy(head: &RequestHead) -> RequestHead {
    RequestHead {
        request: head.request.clone(),
        method: head.method.clone(),
        accept: head.accept.clone(),
        rest: head.rest.clone(),
    }
}

/// Receives a request. All bytes after its head are its rest.
pub(super) fn receive(chunks: &[&[u8]]) -> Option<Result<RequestHead, ()>> {
    let mut upgrade = ServerUpgrade::default();
    for (number, chunk) in chunks.iter().enumerate() {
        match upgrade.receive(chunk) {
            Ok(None) => {}
            Ok(Some(mut head)) => {
                head.rest.extend(chunks[number + 1..].concat());
                return Some(Ok(head));
            }
            Err(fault) => {
                let (status, _) = fault.status(Version::Http11);
                assert!(!fault.to_string().is_empty() && !fault.body().is_empty());
                assert!(status.is_client_error() || status.is_server_error());
                return Some(Err(()));
            }
        }
    }
    None
}

/// Reads responses, in any chunks.
pub(super) fn response(data: &[u8]) {
    let mut input = Input::new(data);
    let seed = input.number();
    let bytes = &*stretched(input.rest(), seed);
    let whole = answer(&[bytes]);
    let parts = answer(&chunks(bytes, seed));
    match (&whole, &parts) {
        // A fault may be known before the end of its head.
        (Err(()), Err(())) => {}
        _ => assert_eq!(whole, parts),
    }
    if let Ok(UpgradeProgress::Open { response, .. } | UpgradeProgress::Status { response, .. }) =
        whole
    {
        assert!(response.status == 101 || response.status >= 200);
        assert!(!response.reason.contains(['\r', '\n']));
        for (name, value) in response.headers.iter() {
            assert!(is_token(name), "{name:?}");
            assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
        }
    }
}

pub(super) fn answer(chunks: &[&[u8]]) -> Result<UpgradeProgress, ()> {
    let mut client = ClientUpgrade::new(example());
    assert_eq!(receive(&[&client.head()]).map(|it| it.map(|it| it.request)), Some(Ok(example())));
    let mut passed = ClientUpgrade::passed(client.request().clone());
    for (number, chunk) in chunks.iter().enumerate() {
        let later = || chunks[number + 1..].concat();
        let progress = client.receive(chunk);
        // What the client of a proxy judges by itself is passed on.
        if let (Ok(UpgradeProgress::Open { .. }), Err(fault)) = (&progress, passed.receive(chunk)) {
            panic!("{fault}");
        }
        match progress {
            Ok(UpgradeProgress::Pending) => {
                assert!(client.has_begun() || !client.unparsed().is_empty() || chunk.is_empty());
            }
            Ok(UpgradeProgress::Open { agreement, response, mut rest }) => {
                rest.extend(later());
                return Ok(UpgradeProgress::Open { agreement, response, rest });
            }
            Ok(UpgradeProgress::Status { response, mut rest }) => {
                rest.extend(later());
                return Ok(UpgradeProgress::Status { response, rest });
            }
            Err(fault) => {
                assert!(!fault.to_string().is_empty());
                assert!(client.refused().is_none_or(|response| response.status == 101));
                return Err(());
            }
        }
    }
    Ok(UpgradeProgress::Pending)
}

/// The request of RFC 6455, 1.3.
fn example() -> Request {
    let mut headers = Headers::default();
    headers.push("Host", "server.example.com");
    headers.push("Upgrade", "websocket");
    headers.push("Connection", "Upgrade");
    headers.push("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    headers.push("Sec-WebSocket-Protocol", "chat, superchat");
    headers.push("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    headers.push("Sec-WebSocket-Version", "13");
    Request { version: Version::Http11, target: "/chat".to_owned(), headers }
}

/// Negotiates extensions: a list is read as it is written, and what a server chooses from the offers
/// of a client is valid for that client.
pub(super) fn extensions(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let mut fields = text.split('\n');
    let (offered, preferred, answered) =
        (fields.next().unwrap_or_default(), fields.next(), fields.next());
    if let Some(elements) = list::parse(offered) {
        let written: Vec<_> = elements.iter().map(ToString::to_string).collect();
        assert_eq!(list::parse(&written.join(", ")), Some(elements));
    }
    let field = |value: &str| {
        let mut headers = Headers::default();
        headers.push("Sec-WebSocket-Extensions", value);
        headers
    };
    let mut requests = vec![field(offered)];
    match Offers::parse(offered) {
        Ok(offers) => {
            assert_eq!(Offers::parse(&offers.header()), Ok(offers.clone()));
            requests.push(field(&offers.header()));
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
    let ours = preferred.and_then(|text| Offers::parse(text).ok());
    let ours = ours.filter(Offers::is_valid_for_server).unwrap_or_default();
    let choices = Choices { compress: Some(ours), ..Choices::default() };
    for request in requests {
        let Ok((agreement, answer)) = choose(&request, &choices) else { continue };
        let Agreement { deflate: chosen, .. } = agreement;
        let valid = validate(&request, &answer).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(valid.deflate.map(server), chosen.map(server));
        if let (Some(client), Some(server)) = (valid.deflate, chosen) {
            let (client, server) = (client.side(Role::Client), server.side(Role::Client));
            assert!(client.window_bits <= server.window_bits);
            assert!(!client.keeps_context || server.keeps_context);
        }
        let Some(answered) = answered else { continue };
        match validate(&request, &field(answered)) {
            Ok(Agreement { deflate: Some(deflate), .. }) => {
                for side in [deflate.server, deflate.client] {
                    assert!((8..=15).contains(&side.window_bits));
                }
            }
            Ok(_) => {}
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
    }
}

/// Handles the heads and the preface of HTTP/2.
pub(super) fn http2(data: &[u8]) {
    let mut input = Input::new(data);
    let (bits, seed) = (input.byte(), input.number());
    let length = usize::from(input.byte());
    let preface = input.take(length);
    let whole = receive_first_frame(&[preface]);
    assert_eq!(receive_first_frame(&chunks(preface, seed)), whole);
    let Some(text) = input.text() else { return };
    let mut headers = Headers::default();
    for line in text.split('\n') {
        let (name, value) = line.rsplit_once(':').unwrap_or((line, ""));
        headers.push(name, value);
    }
    let target = headers.get(":path").unwrap_or("/").to_owned();
    let received = Request { version: Version::Http2, target: target.clone(), headers };
    if let Err(fault) = extended::check_request(&received) {
        let (status, _) = fault.status(Version::Http2);
        assert!(!fault.to_string().is_empty() && !fault.body().is_empty());
        assert!(status.is_client_error() || status.is_server_error());
    }
    let request = extended::request(bits & 1 == 0, "h", &target, &received.headers);
    for (name, _) in request.headers.iter() {
        assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()));
    }
    for forbidden in ["host", "connection", "upgrade", "transfer-encoding", "keep-alive"] {
        assert_eq!(request.headers.get(forbidden), None);
        let answer = extended::response_headers(&received.headers);
        assert!(forbidden == "host" || answer.get(forbidden).is_none());
    }
    let status = u16::from(bits) + 99;
    let answer = Response {
        version: Version::Http2,
        status,
        reason: String::new(),
        headers: received.headers,
    };
    if let Ok(Some(agreement)) = extended::validate_response(&request, &answer) {
        assert!((200..300).contains(&status));
        let asked = request.headers.list("Sec-WebSocket-Protocol");
        let asked: Vec<_> = asked.collect();
        assert!(agreement.subprotocol.is_none_or(|it| asked.contains(&it.as_str())));
    }
}
