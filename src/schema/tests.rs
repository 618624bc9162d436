//! Tests that write lines and read them again.

use super::{
    event::{
        Close, ClosedBy, Compression, Control, End, EndTiming, Event, Failure, Frame, Gap,
        Listening, Message, MessageKind, Open, OpenTiming, Refused, Request, Response, Side,
        Traffic, Violation,
    },
    line::{Line, LineWriter},
    scalar::{Base64, Direction, Hex, Leg, Seconds},
};
use crate::{
    escape::{Unit, units},
    proto::CloseCode,
    script::jsonl,
};
use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*};
use std::{borrow::Cow, time::Duration};

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    let c = prop_oneof![
        4 => any::<char>(),
        2 => prop::sample::select(vec!['"', '\\', '\n', '\0', '\x1b', '\x7f', '\u{9b}', '\u{202e}']),
        1 => prop::sample::select(vec!['\u{e0001}', '\u{2028}', '\u{feff}', '\u{1f600}', '/']),
    ];
    vec(c, 0..12).prop_map(|chars| chars.into_iter().collect::<String>().into())
}

fn bytes() -> impl Strategy<Value = Cow<'static, [u8]>> {
    prop_oneof![3 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 3070..3080)].prop_map(Cow::from)
}

fn seconds() -> impl Strategy<Value = Seconds> {
    prop_oneof![0..100_000_000u64, 0..1u64 << 50].prop_map(|n| Seconds(Duration::from_micros(n)))
}

fn headers() -> impl Strategy<Value = Vec<(Cow<'static, str>, Cow<'static, str>)>> {
    vec((text(), text()), 0..3)
}

type Content = (Option<Cow<'static, str>>, Option<Base64<'static>>);

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        text().prop_map(|text| (Some(text), None)),
        bytes().prop_map(|bytes| (None, Some(Base64(bytes)))),
    ]
}

/// Generates the payload of a control frame.
fn payload() -> impl Strategy<Value = Content> {
    prop_oneof![
        text().prop_map(|text| (Some(text), None)),
        vec(any::<u8>(), 0..126).prop_map(|bytes| (None, Some(Base64(bytes.into())))),
    ]
}

fn message(content: Content, carried: Option<(u64, u32)>, size: u64) -> Message<'static> {
    let ((data, base64), (wire_size, frames)) = (content, carried.unzip());
    Message { data, base64, size, wire_size, frames, decoded: None }
}

fn direction() -> impl Strategy<Value = Option<Direction>> {
    prop::sample::select(vec![Some(Direction::In), Some(Direction::Out)])
}

fn control() -> impl Strategy<Value = Control<'static>> {
    (payload(), any::<u64>(), option::of(seconds()))
        .prop_map(|((data, base64), size, rtt)| Control { data, base64, size, rtt })
}

fn close() -> impl Strategy<Value = Close<'static>> {
    let code = (1000..5000u16).prop_filter("sendable", |code| CloseCode::new(*code).is_sendable());
    prop_oneof![
        4 => (code, text(), text()).prop_map(|(code, reason, name)| Close { code, reason, name }),
        1 => text().prop_map(|name| Close { code: 1005, reason: "".into(), name }),
    ]
}

fn frame() -> impl Strategy<Value = Frame<'static>> {
    let bits = (any::<bool>(), 0..8u8, 0..16u8, any::<bool>(), any::<bool>());
    let sizes = (option::of(any::<u64>()), any::<u64>(), option::of(any::<u64>()));
    let kind = prop::sample::select(vec![None, Some(MessageKind::Text), Some(MessageKind::Binary)]);
    (bits, text(), sizes, option::of(any::<u64>()), kind, bytes(), content()).prop_map(
        |(bits, name, (size, wire_size, came), fragment, kind, header, (data, base64))| {
            let (fin, rsv, opcode, masked, compressed) = bits;
            let header = Hex(header);
            Frame {
                fin,
                rsv,
                opcode,
                name,
                masked,
                size,
                wire_size,
                fragment,
                kind,
                compressed,
                header,
                came,
                data,
                base64,
            }
        },
    )
}

fn open() -> impl Strategy<Value = Open<'static>> {
    let side = || {
        (8..16u64, any::<bool>())
            .prop_map(|(window_bits, context_takeover)| Side { window_bits, context_takeover })
    };
    let compression =
        option::of((side(), side()).prop_map(|(local, remote)| Compression { local, remote }));
    let timing = (seconds(), seconds(), seconds(), seconds(), seconds(), seconds());
    let peer = prop::array::uniform5(option::of(text()));
    let answer = (option::of(text()), option::of(any::<u16>()), option::of(headers()));
    let resource = (text(), option::of(text()));
    (resource, peer, compression, timing, answer).prop_map(
        |((url, target), [address, tls, alpn, sni, subprotocol], compression, timing, answer)| {
            let (http, status, headers) = answer;
            let (resolve, connect, proxy, tls_time, handshake, total) = timing;
            let timing = OpenTiming { resolve, connect, proxy, tls: tls_time, handshake, total };
            let version = super::line::VERSION;
            Open {
                version,
                url,
                target,
                address,
                tls,
                alpn,
                sni,
                subprotocol,
                compression,
                timing,
                http,
                status,
                headers,
            }
        },
    )
}

fn end() -> impl Strategy<Value = End<'static>> {
    let traffic = |unsent: bool| {
        (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
            move |(messages, size, wire_size, n)| Traffic {
                messages,
                size,
                wire_size,
                unsent: unsent.then_some(n),
            },
        )
    };
    let code = prop_oneof![
        (0..256u64).prop_map(|code| (Some(code), None)),
        (1..65u64).prop_map(|signal| (None, Some(signal))),
    ];
    let closed_by = prop::sample::select(vec![None, Some(ClosedBy::Local), Some(ClosedBy::Remote)]);
    let words = || option::of(text());
    let closing = (option::of(any::<u16>()), words(), closed_by, words(), words());
    let times = (option::of(seconds()), seconds());
    (code, traffic(false), traffic(true), times, closing).prop_map(
        |((code, signal), received, sent, (first_message, total), closing)| {
            let timing = EndTiming { first_message, total };
            let (close_code, close_reason, closed_by, message, violation) = closing;
            End {
                code,
                signal,
                close_code,
                close_reason,
                closed_by,
                message,
                violation,
                received,
                sent,
                timing,
            }
        },
    )
}

/// Generates an event with its direction.
fn event() -> impl Strategy<Value = (Option<Direction>, Event<'static>)> {
    let received = (content(), any::<u64>(), any::<u32>(), any::<u64>());
    let request = (text(), text(), text(), text(), headers());
    let response = (option::of(text()), option::of(any::<u16>()), option::of(headers()));
    prop_oneof![
        received.prop_map(|(content, wire_size, frames, size)| {
            let message = message(content, Some((wire_size, frames)), size);
            let is_text = message.data.is_some();
            (
                Some(Direction::In),
                if is_text { Event::Text(message) } else { Event::Binary(message) },
            )
        }),
        (option::of(text()), any::<u64>()).prop_map(|(data, size)| {
            (Some(Direction::Out), Event::Text(message((data, None), None, size)))
        }),
        (direction(), control()).prop_map(|(direction, it)| (direction, Event::Ping(it))),
        (direction(), control()).prop_map(|(direction, it)| (direction, Event::Pong(it))),
        (direction(), close()).prop_map(|(direction, it)| (direction, Event::Close(it))),
        (direction(), frame()).prop_map(|(direction, it)| (direction, Event::Frame(Box::new(it)))),
        (text(), text(), any::<u16>()).prop_map(|(message, section, code)| {
            (Some(Direction::In), Event::Violation(Violation { message, section, code }))
        }),
        text().prop_map(|message| (None, Event::Gap(Gap { message }))),
        (0..256u64, text(), option::of(text())).prop_map(|(code, message, hint)| {
            (None, Event::Error(Failure { code, message, hint }))
        }),
        end().prop_map(|end| (None, Event::End(Box::new(end)))),
        (1..2u64, text(), option::of(text())).prop_map(|(version, url, pin)| {
            (None, Event::Listening(Listening { version, url, pin }))
        }),
        (text(), option::of(any::<u16>()), text(), option::of(text()), option::of(text()))
            .prop_map(|(address, status, reason, rule, target)| {
                let refused = Refused { address, status, reason, rule, target };
                (Some(Direction::In), Event::Refused(refused))
            }),
        open().prop_map(|open| (None, Event::Open(Box::new(open)))),
        (direction(), request).prop_map(|(direction, (url, method, target, http, headers))| {
            let request = Request { url, method, target, http, headers };
            (direction, Event::Request(request))
        }),
        (direction(), response, content()).prop_map(|(direction, response, content)| {
            let ((http, status, headers), (data, base64)) = (response, content);
            let response = Response { http, status, headers, data, base64 };
            (direction, Event::Response(response))
        }),
        "[a-z]{9,12}".prop_map(|kind| (None, Event::Unknown(kind.into()))),
    ]
}

fn line() -> impl Strategy<Value = Line<'static>> {
    let time = (0..4_000_000_000_000_000i64)
        .prop_map(|micros| Timestamp::from_microsecond(micros).unwrap());
    let leg = prop::sample::select(vec![None, Some(Leg::Client), Some(Leg::Server)]);
    (event(), time, seconds(), option::of(any::<u64>()), leg).prop_map(
        |((direction, event), time, elapsed, conn, leg)| Line {
            conn,
            leg,
            direction,
            time,
            elapsed,
            event,
        },
    )
}

fn written(line: &Line<'_>, terminal: bool) -> String {
    let mut out = Vec::new();
    LineWriter::new(terminal).write(line, &mut out);
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn a_line_is_read_as_it_was_written(line in line(), terminal: bool) {
        let written = written(&line, terminal);
        prop_assert_eq!(written.matches('\n').count(), 1);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
        if terminal {
            let is_safe = |unit| !matches!(unit, Unit::Escaped(_));
            prop_assert!(units(written.trim_end()).all(is_safe), "{}", written);
        }
        prop_assert_eq!(Line::read(written.trim_end()), Ok(line));
    }

    /// A run sends the messages that another run received, and skips all other events.
    #[test]
    fn a_line_is_an_order_or_is_skipped(line in line(), terminal: bool) {
        let written = written(&line, terminal);
        let action = jsonl::parse(written.as_bytes());
        let sends = line.direction == Some(Direction::In)
            && matches!(
                line.event,
                Event::Text(_) | Event::Binary(_) | Event::Ping(_) | Event::Close(_)
            );
        prop_assert_eq!(action.map(|action| action.is_some()), Ok(sends), "{}", written);
    }
}

/// The exact bytes of lines, on which scripts depend.
#[test]
fn lines_have_their_fields_in_order() {
    let line = |direction, event| {
        let time = Timestamp::from_microsecond(1_795_510_282_333_850).unwrap();
        let elapsed = Seconds(Duration::from_micros(385));
        written(&Line { conn: None, leg: None, direction, time, elapsed, event }, false)
    };
    let message = message((Some("h\"i\u{9b}".into()), None), Some((5, 1)), 5);
    assert_eq!(
        line(Some(Direction::In), Event::Text(message)),
        "{\"type\":\"text\",\"direction\":\"in\",\"time\":\"2026-11-24T08:51:22.333850Z\",\
         \"elapsed\":0.000385,\"data\":\"h\\\"i\u{9b}\",\"size\":5,\"wire_size\":5,\"frames\":1}\n"
    );
    let received = Traffic { messages: 1, size: 2, wire_size: 3, unsent: None };
    let sent = Traffic { unsent: Some(0), ..received };
    let timing = EndTiming { first_message: None, total: Seconds(Duration::from_millis(1500)) };
    assert_eq!(
        line(
            None,
            Event::End(Box::new(End { code: Some(0), received, sent, timing, ..End::default() }))
        ),
        "{\"type\":\"end\",\"time\":\"2026-11-24T08:51:22.333850Z\",\"elapsed\":0.000385,\"code\":0,\
         \"received\":{\"messages\":1,\"size\":2,\"wire_size\":3},\
         \"sent\":{\"messages\":1,\"size\":2,\"wire_size\":3,\"unsent\":0},\
         \"timing\":{\"first_message\":null,\"total\":1.500000}}\n"
    );
    let base64 = Some(Base64(Cow::from(&[0u8, 255][..])));
    let control = Control { data: None, base64, size: 2, rtt: Some(Seconds::default()) };
    assert_eq!(
        line(Some(Direction::Out), Event::Pong(control)),
        "{\"type\":\"pong\",\"direction\":\"out\",\"time\":\"2026-11-24T08:51:22.333850Z\",\
         \"elapsed\":0.000385,\"base64\":\"AP8=\",\"size\":2,\"rtt\":0.000000}\n"
    );
}
