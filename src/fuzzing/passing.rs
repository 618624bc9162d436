//! The frames, header fields and bodies that a proxy passes on, and the words for the end of a session.

use super::{
    handshake::{answer, receive},
    input::{Input, chunks},
};
use crate::proto::{
    CloseCode, Role,
    body::{BodyDecoder, BodyFraming, CHUNK_END, LAST_CHUNK, chunk_head},
    close::Close,
    codes::{Dialect, find},
    fields::elements,
    handshake::{Headers, Version},
    leg::Leg,
    mask::{self, MaskKeys},
    passing::{Purpose, acceptance_fields, answer_fields, request_fields},
    raw::{Length, RawFrame},
    raw_message::RawHeader,
    relay::{Boundary, FrameRelay, MAX_HELD_BYTES, RelayCounts},
    silence::{Silence, is_similar},
    trace::Direction,
    upgrade::UpgradeProgress,
    utf8::{Invalid, Utf8, is_valid, valid_up_to},
};
use std::time::{Duration, Instant};

/// The bytes that a relay has passed on, and what it knows of them.
#[derive(Debug, PartialEq, Eq)]
struct Passed {
    bytes: Vec<u8>,
    held: Vec<u8>,
    counts: RelayCounts,
    close: Option<Close>,
    is_between: (bool, bool),
}

/// Passes frames on: only masks change, and all chunkings give the same bytes.
pub(super) fn relay(data: &[u8]) {
    let mut input = Input::new(data);
    let seed = input.number();
    let sent = input.rest();
    if let [first, rest @ ..] = sent {
        let number = rest.iter().take(4).fold(0, |number, byte| number << 8 | u64::from(*byte));
        raw_frame(*first, number, rest.first_chunk().copied().filter(|_| seed & 1 == 0));
    }
    let whole = pass(&[sent]);
    assert_eq!(pass(&chunks(sent, seed)), whole);
    assert_eq!(whole.bytes.len() + whole.held.len(), sent.len());
    assert_eq!(whole.counts.bytes, whole.bytes.len() as u64);
    let (mut sent, mut passed) = (sent, &whole.bytes[..]);
    while let Some(header) = RawHeader::read(passed) {
        let before = RawHeader::read(sent).unwrap();
        assert_eq!(
            (header.first, header.length, header.size),
            (before.first, before.length, before.size)
        );
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let end = header.size.saturating_add(length).min(passed.len());
        let payload = |bytes: &[u8], key: Option<[u8; 4]>| {
            let mut payload = bytes[header.size..end].to_vec();
            mask::apply(&mut payload, key.unwrap_or_default(), 0);
            payload
        };
        assert_eq!(payload(passed, header.mask), payload(sent, before.mask));
        (sent, passed) = (&sent[end..], &passed[end..]);
    }
    assert!(passed.is_empty());
}

fn pass(chunks: &[&[u8]]) -> Passed {
    let mut key = 1u8;
    let mut keys = MaskKeys::new(Box::new(move |bytes: &mut [u8]| {
        for byte in bytes {
            key = key.wrapping_mul(13).wrapping_add(7);
            *byte = key;
        }
    }));
    let mut relay = FrameRelay::default();
    let mut bytes = Vec::new();
    for chunk in chunks {
        let mut buffer = [&[0; MAX_HELD_BYTES], *chunk].concat();
        let held = relay.copy_held(&mut buffer);
        buffer.drain(held..MAX_HELD_BYTES);
        let passed = relay.pass(&mut buffer, &mut keys);
        assert_eq!(relay.held(), &buffer[passed..]);
        bytes.extend_from_slice(&buffer[..passed]);
    }
    let close = relay.close();
    assert!(close.is_none() || relay.has_closed());
    let is_between = (relay.is_at(Boundary::Frame), relay.is_at(Boundary::Message));
    assert!(is_between.0 || !is_between.1);
    Passed { bytes, held: relay.held().to_vec(), counts: relay.counts(), close, is_between }
}

/// Validates text in parts: the same result as for the whole.
pub(super) fn utf8(data: &[u8]) {
    let mut input = Input::new(data);
    let seed = input.number();
    let bytes = input.rest();
    let (whole, valid) = (std::str::from_utf8(bytes), valid_up_to(bytes));
    assert_eq!(is_valid(bytes), whole.is_ok());
    assert!(std::str::from_utf8(&bytes[..valid]).is_ok());
    let (mut state, mut seen) = (Utf8::default(), 0);
    for chunk in chunks(bytes, seed) {
        if let Err(Invalid { valid: in_chunk }) = state.push_all(chunk) {
            let fault = whole.unwrap_err();
            assert!(fault.error_len().is_some() && in_chunk <= chunk.len());
            assert!(seen + in_chunk >= valid && seen <= valid + 3);
            return;
        }
        seen += chunk.len();
    }
    assert!(whole.is_ok_and(|_| !state.is_partial()) || state.is_partial());
    assert_eq!(state.is_partial(), valid < bytes.len());
}

/// Builds frames without rules: their headers are read as they were chosen.
fn raw_frame(first: u8, length: u64, key: Option<[u8; 4]>) {
    let payload = vec![first; (length % 70_000) as usize];
    let lengths = [
        Length::Minimal,
        Length::Bits7(length as u8 & 0x7d),
        Length::Bits16(length as u16),
        Length::Bits64(length),
    ];
    for chosen in lengths {
        let mut frame = RawFrame::new(first).fin(first & 0x80 != 0).rsv(first).payload(&payload);
        frame = frame.length(chosen);
        if let Some(key) = key {
            frame = frame.mask(key);
        }
        let bytes = frame.encode();
        let header = RawHeader::read(&bytes).unwrap();
        assert_eq!(
            (header.first, header.mask, header.size + payload.len()),
            (first, key, bytes.len())
        );
        let expected = match chosen {
            Length::Minimal => payload.len() as u64,
            Length::Bits7(length) => length.into(),
            Length::Bits16(length) => length.into(),
            Length::Bits64(length) => length,
        };
        assert_eq!(header.length, expected);
    }
}

/// Passes on the heads of a request and its response, which stand behind each other, and their bodies.
pub(super) fn passing(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, bits) = (input.number(), input.byte());
    let key = (bits & 1 == 0).then_some("a2V5");
    let Some(Ok(read)) = receive(&[input.rest()]) else { return };
    let fault = read.accept.as_ref().err().copied();
    let Ok(purpose) = Purpose::of(fault) else { return };
    let host = (bits & 2 == 0).then_some("host");
    let sent = request_fields(&read.request, purpose, host, key);
    let named: Vec<_> = read.request.headers.all("Connection").flat_map(elements).collect();
    check_passed(&sent, &read.request.headers);
    if let Some(host) = host {
        assert_eq!(sent.all("Host").collect::<Vec<_>>(), [host]);
    }
    if purpose == Purpose::Page {
        assert_eq!(sent.get("Connection"), Some("close"));
        assert_eq!((sent.get("Upgrade"), sent.get("Expect")), (None, None));
    } else if let Some(key) = key {
        assert_eq!(sent.all("Sec-WebSocket-Key").collect::<Vec<_>>(), [key]);
    }
    for name in named.into_iter().filter(|name| name.starts_with("x-")) {
        assert_eq!(sent.get(name), None, "{name} is about the connection");
    }
    if let Ok(framing) = BodyFraming::of_request(&read.request.headers) {
        assert_ne!(framing, BodyFraming::UntilEnd);
        body(framing, &read.rest, seed);
    }
    let Ok(UpgradeProgress::Status { response, rest }) = answer(&[&read.rest]) else { return };
    for carrier in [Version::Http11, Version::Http2] {
        check_passed(&acceptance_fields(&response, carrier, key), &response.headers);
        let fields = answer_fields(&response, carrier);
        check_passed(&fields, &response.headers);
        assert_eq!(fields.get("Connection").is_some(), carrier == Version::Http11);
    }
    if let Ok(framing) = BodyFraming::of_response(&response, &read.method) {
        body(framing, &rest, seed);
    }
}

/// Checks fields that were passed on: no other field of the connection remains, and no value changes.
fn check_passed(passed: &Headers, received: &Headers) {
    for (name, value) in passed.iter() {
        let is = |other: &&str| other.eq_ignore_ascii_case(name);
        assert!(!["Keep-Alive", "TE", "Trailer", "Transfer-Encoding"].iter().any(is), "{name}");
        let own = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Accept"];
        assert!(own.iter().any(is) || received.all(name).any(|it| it == value), "{name}: {value}");
    }
}

/// Decodes a body: the same content for every chunking. What is encoded again has the same content.
fn body(framing: BodyFraming, bytes: &[u8], seed: u16) {
    let whole = content(framing, &[bytes]);
    assert_eq!(content(framing, &chunks(bytes, seed)), whole);
    let Ok((content_of_it, ..)) = whole else { return };
    let mut chunked = Vec::new();
    if !content_of_it.is_empty() {
        chunked = [&chunk_head(content_of_it.len()), &content_of_it[..], CHUNK_END].concat();
    }
    chunked.extend_from_slice(LAST_CHUNK);
    assert_eq!(content(BodyFraming::Chunked, &[&chunked]), Ok((content_of_it, true, true)));
}

/// Returns the content, whether the body is complete, and whether it may end.
fn content(framing: BodyFraming, chunks: &[&[u8]]) -> Result<(Vec<u8>, bool, bool), ()> {
    let mut decoder = BodyDecoder::new(framing);
    let mut content = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        while !rest.is_empty() && !decoder.is_done() {
            let (used, range) = decoder.decode(rest).map_err(drop)?;
            content.extend_from_slice(&rest[range]);
            rest = &rest[used..];
        }
    }
    Ok((content, decoder.is_done(), decoder.may_end()))
}

/// Names codes, and what ended a session.
pub(super) fn endings(data: &[u8]) {
    let mut input = Input::new(data);
    let code = CloseCode::new(input.number());
    let (heard, sent, end) = (input.byte(), input.byte(), input.byte());
    let number = find(input.number()).map_or(0, |registered| registered.code);
    for words in [code.name(), code.meaning(), CloseCode::new(number).name()] {
        assert!(!words.contains(char::is_control));
    }
    assert!(code.to_string().starts_with(|first: char| first.is_ascii_digit()));
    let at = |seconds: u8| Duration::from_secs(seconds.into());
    let start = Instant::now();
    let mut silence = Silence::default();
    silence.sent(start + at(sent), start + at(heard), start);
    let before = silence.before(start + at(end), start + at(heard), start + at(sent));
    assert!(before.is_none_or(|it| it >= at(5) && is_similar(it, it)));
    for carrier in [Version::Http10, Version::Http11, Version::Http2] {
        assert_eq!(carrier.method() == "CONNECT", carrier == Version::Http2);
        assert!(
            carrier.to_string().ends_with(carrier.number())
                && carrier.accepting_status().as_u16() < 201
        );
    }
    assert!(!code.is_error() || code != CloseCode::NORMAL);
    for leg in Leg::BOTH {
        assert_eq!((Leg::parse(leg.name()), leg.other().other()), (Some(leg), leg));
        assert_eq!(leg.role() == Role::Server, leg == Leg::Client);
        assert_ne!(leg.as_client_sees(Direction::In), leg.as_client_sees(Direction::Out));
        assert_eq!(leg.to_string(), leg.name());
    }
    let Some(text) = input.text() else { return };
    let (subprotocol, host) = text.split_once('\n').unwrap_or((text, ""));
    let subprotocol = Some(subprotocol).filter(|it| !it.is_empty());
    let Some(dialect) = Dialect::of(subprotocol, host) else { return };
    for number in 4000..4600 {
        assert!(!dialect.meaning(number).contains(char::is_control));
    }
    assert!(!dialect.meaning(code.into()).contains(char::is_control) && !dialect.name().is_empty());
}
