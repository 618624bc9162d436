//! Hints for the answers and ends in the corpora, whatever the request had.

use super::*;
use crate::{
    connect::{RequestPart, RequestSummary},
    proto::{
        Close, CloseCode,
        handshake::{Headers, Response, Version},
    },
    session::{SentMessages, SessionContext, SessionError},
    target::Target,
};
use proptest::{prelude::*, sample::subsequence};
use serde_json::Value;
use std::time::Duration;

const ANSWERS: [&str; 3] = [
    include_str!("../../../tests/diagnosis/answers.jsonl"),
    include_str!("../../../tests/diagnosis/documented.jsonl"),
    include_str!("../../../tests/diagnosis/near.jsonl"),
];
const ENDINGS: &str = include_str!("../../../tests/diagnosis/endings.jsonl");

/// The parts that a request may have or lack.
const PARTS: [RequestPart; 6] = [
    RequestPart::Subprotocols,
    RequestPart::Origin,
    RequestPart::Credentials,
    RequestPart::Compression,
    RequestPart::UserAgent,
    RequestPart::OtherSecrets,
];

fn rows(corpus: &'static str) -> impl Iterator<Item = Value> {
    corpus.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().replace("{peer}", "h:1")
}

fn request(parts: &[RequestPart], path: &str, secure: bool) -> RequestSummary {
    let scheme = if secure { "wss" } else { "ws" };
    let has_subprotocol = parts.contains(&RequestPart::Subprotocols);
    RequestSummary {
        target: Target::parse(&format!("{scheme}://h:1{path}")).unwrap(),
        parts: parts.iter().copied().chain([RequestPart::Upgrade]).collect(),
        version: Some("13".into()),
        subprotocols: if has_subprotocol { vec!["v1".into()] } else { vec![] },
    }
}

/// Reads the answer of a row. `None` if it is empty.
fn answer(row: &Value) -> Option<(Response, Vec<u8>)> {
    let answer = text(row, "answer");
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let mut start = lines.next()?.splitn(3, ' ');
    let (_, status, reason) = (start.next(), start.next()?.parse().ok()?, start.next());
    let mut headers = Headers::default();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.push(name, value.trim());
    }
    let reason = reason.unwrap_or_default().to_owned();
    let response = Response { version: Version::Http11, status, reason, headers };
    Some((response, body.as_bytes().to_vec()))
}

/// Fails if a hint asks for what the request has, or to change what it lacks.
fn assert_possible(hint: &str, request: &RequestSummary) {
    let says = |words: &[&str]| words.iter().any(|word| hint.contains(word));
    let mut wrong = Vec::new();
    let mut refuse = |part, if_present: &[&str], if_absent: &[&str]| {
        let has = request.has(part);
        let words = if has { if_present } else { if_absent };
        if says(words) {
            wrong.push(part);
        }
    };
    refuse(
        RequestPart::Origin,
        &["an origin (-o", "such as -o ", "accepts: -o http"],
        &["another origin", "out -o", "the origin (-o)"],
    );
    refuse(
        RequestPart::Subprotocols,
        &["a subprotocol with", "a subprotocol (", "the subprotocol (", "its subprotocol:"],
        &["another subprotocol", "requested subprotocols", "later sub", "earlier sub"],
    );
    refuse(RequestPart::Compression, &["offer compression"], &["without compression"]);
    if !says(&["rejected the credentials"]) {
        let credentials = &["authenticate with", "credentials (--auth"];
        refuse(RequestPart::Credentials, credentials, &[]);
    }
    if !request.has(RequestPart::OtherSecrets) {
        refuse(RequestPart::Credentials, &[], &["rejected the credentials"]);
    }
    assert!(wrong.is_empty(), "{hint:?} with {:?}", request.parts);
    assert!(!(request.target.secure && says(&["wss://"])), "{hint:?} with TLS");
    // Each hint is a sentence without its full stop, and the second one adds something.
    let hints: Vec<_> = hint.split("; otherwise ").collect();
    assert!(hints.len() <= 2 && !hint.ends_with('.') && !hint.is_empty(), "{hint:?}");
    assert!(hints.iter().skip(1).all(|second| !hints[0].contains(second)), "{hint:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_hint_for_an_answer_asks_for_what_the_request_has(
        parts in subsequence(&PARTS[..], 0..=PARTS.len()),
        other_path in prop::option::of(prop::sample::select(&[
            "/", "/ws", "/ws?token=abcdefgh", "/socket", "/cable", "/socket.io/?EIO=4&transport=websocket",
            "/graphql", "/mqtt", "/socket/websocket?vsn=2.0.0", "/sockjs/info",
        ][..])),
        secure: bool,
        http2: bool,
    ) {
        for row in ANSWERS.into_iter().flat_map(rows) {
            let path = text(&row, "path");
            let request = request(&parts, other_path.unwrap_or(&path), secure);
            let Some((mut response, body)) = answer(&row) else { continue };
            if http2 {
                response.version = Version::Http2;
            }
            let refusal = Refusal::new(&request, &response, &body, None);
            let Some(hint) = of_refusal(&refusal).hint() else { continue };
            assert_possible(&hint, &request);
            let wrong = if http2 { "Connection headers" } else { "without --http2" };
            prop_assert!(!hint.contains(wrong), "{hint:?} over {:?}", response.version);
        }
    }

    #[test]
    fn no_hint_for_an_end_asks_for_what_the_request_has(
        parts in subsequence(&PARTS[..], 0..=PARTS.len()),
        other_path in prop::option::of(prop::sample::select(&[
            "/", "/ws", "/socket.io/?EIO=4&transport=websocket", "/graphql", "/mqtt",
        ][..])),
        selects: bool,
        sent in (0_u64..2, 0_u64..2),
        received in 0_u64..2,
        lasted in 0_u64..5,
        unanswered in prop::option::of(0_u64..5),
    ) {
        let codes = [1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 1011, 1012, 3000, 3003, 4001];
        let reasons = rows(ENDINGS).filter_map(|row| {
            let line = text(&row, "line");
            let (code, reason) = line.strip_prefix("closed the connection: ")?.split_once(' ')?;
            let reason = reason.split_once("): ").map_or("", |(_, reason)| reason).to_owned();
            Some((code.parse::<u16>().ok()?, reason, text(&row, "path")))
        });
        let unexplained = codes.map(|code| (code, String::new(), "/".to_owned()));
        for (code, reason, path) in reasons.chain(unexplained) {
            let request = request(&parts, other_path.unwrap_or(&path), false);
            let subprotocol = request.subprotocols.first().filter(|_| selects).cloned();
            let context = SessionContext {
                subprotocol,
                compression: request.has(RequestPart::Compression),
                lasted: Duration::from_secs(lasted),
                received,
                sent: SentMessages { text: sent.0, binary: sent.1 },
                unanswered: unanswered.map(Duration::from_secs),
                request: request.clone(),
            };
            let close = Close { code: CloseCode::from(code), reason };
            let (authority, context) = ("h:1".to_owned(), Some(Box::new(context)));
            let ending = Ending::new(&SessionError::Closed { authority, close, context });
            if let Some(hint) = of_ending(&ending).hint() {
                assert_possible(&hint, &request);
            }
        }
    }
}

#[test]
fn every_rule_names_where_it_was_seen() {
    let refusals = [product_rules::RULES, refusal_rules::RULES].into_iter().flatten();
    let refusals = refusals.map(|rule| rule.seen_at);
    let silences = no_answer_rules::RULES.iter().map(|rule| rule.seen_at);
    let endings = ending_rules::RULES.iter().map(|rule| rule.seen_at);
    let all: Vec<_> = refusals.chain(silences).chain(endings).collect();
    assert!(all.len() > 100 && all.iter().all(|seen_at| !seen_at.is_empty()));
}

/// Builds the request of a row from the arguments of its run.
fn request_of(row: &Value) -> RequestSummary {
    let args: Vec<_> =
        row["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let has = |names: &[&str]| args.iter().any(|arg| names.contains(arg));
    let after = |name: &'static str| {
        args.windows(2).filter(move |pair| pair[0] == name).map(|pair| pair[1])
    };
    let mut parts = vec![RequestPart::Upgrade, RequestPart::Compression, RequestPart::UserAgent];
    let mut request = request(&[], &text(row, "path"), false);
    request.subprotocols = after("-s").map(ToOwned::to_owned).collect();
    if let Some(version) = after("-p").next() {
        request.version = Some(version.to_owned());
    }
    for (part, given) in [
        (RequestPart::Subprotocols, has(&["-s"])),
        (RequestPart::Origin, has(&["-o"])),
        (RequestPart::Credentials, has(&["--auth", "--bearer", "--cookie"])),
    ] {
        if given {
            parts.push(part);
        }
    }
    parts.retain(|part| match part {
        RequestPart::Upgrade => !has(&["Upgrade:"]),
        RequestPart::Compression => !has(&["--no-compress"]),
        _ => true,
    });
    request.parts = parts;
    request
}

#[test]
fn rules_for_refusals_were_observed_or_say_that_they_were_not() {
    let recorded: Vec<_> = rows(ANSWERS[0])
        .filter_map(|row| {
            let (response, body) = answer(&row)?;
            let location = response.headers.get("Location").map(ToOwned::to_owned);
            Some(Refusal::new(&request_of(&row), &response, &body, location.as_deref()))
        })
        .collect();
    let rules = [product_rules::RULES, refusal_rules::RULES].into_iter().flatten();
    let unseen: Vec<_> = rules
        .filter(|rule| !rule.seen_at.ends_with("(documented)"))
        .filter(|rule| !recorded.iter().any(|refusal| (rule.applies)(refusal)))
        .map(|rule| rule.seen_at)
        .collect();
    assert_eq!(unseen, Vec::<&str>::new());
}
