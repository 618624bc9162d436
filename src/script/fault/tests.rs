use super::*;
use crate::{
    proto::{Close, CloseCode, raw::RawFrame, trace::Direction},
    script::matcher::Matcher,
};
use proptest::prelude::*;
use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
    time::{Duration, Instant},
};

fn fault(text: &str) -> String {
    let RuleFault { at, words } = FaultRule::parse(text).unwrap_err();
    format!("{at}: {words}")
}

fn schedule(rules: &[&str], seed: u64) -> FaultSchedule {
    let rules: Vec<_> = rules.iter().map(|text| FaultRule::parse(text).unwrap()).collect();
    FaultSchedule::new(rules.into(), seed, 1, Instant::now())
}

#[test]
fn rules_are_read_and_written() {
    for text in [
        "drop every 3 out",
        "delay 0.2 jitter 0.1 in",
        "delay 1",
        "throttle 1000 after 2 s",
        "duplicate chance 0.5",
        "corrupt match json:/a=1",
        "split 3",
        "stall 0.5 after 2 messages",
        "stall every 2",
        "cut",
        "cut frame every 2 out",
        "cut 3 match x",
        "reset after 1.5 s",
        "close 4001:bye after 5 messages",
        "close 1000",
        "close \"4001:good bye\" match \"a \\\"b\\\" \\\\d\"",
        "swallow ping in",
        "swallow pong",
        "refuse 503 every 2 after 1 s chance 0.5",
    ] {
        let rule = FaultRule::parse(text).unwrap_or_else(|it| panic!("{text}: {it:?}"));
        assert_eq!(rule.to_string(), text);
    }
    for (text, same) in [
        ("jitter 0.1", "delay 0 jitter 0.1"),
        ("drop  out every 3", "drop every 3 out"),
        ("close 4001:'good bye'", "close \"4001:good bye\""),
        (r"drop match '\d \w'", r#"drop match "\\d \\w""#),
        (r"drop match ^\d+$", r"drop match ^\d+$"),
        ("cut after 1 message", "cut after 1 messages"),
        ("cut after 2 seconds", "cut after 2 s"),
    ] {
        assert_eq!(FaultRule::parse(text).unwrap().to_string(), same);
    }
}

#[test]
fn rewrites_and_injections_are_read() {
    let variable = |name: &str| Ok(format!("<{name}>"));
    let rewrite = |text| FaultRule::parse_rewrite(text, &variable).unwrap().to_string();
    assert_eq!(rewrite("a=b=c"), "rewrite b=c match a");
    assert_eq!(rewrite(r"client:a\=\d=${0}!"), r"rewrite ${0}! in match a=\d");
    assert_eq!(rewrite(r"server:json:/op\=sub=a b"), "rewrite \"a b\" out match json:/op=sub");
    let inject = |text| FaultRule::parse_inject(text, &variable).unwrap().to_string();
    assert_eq!(inject("client 'a b' every 3"), "inject client \"a b\" every 3");
    assert_eq!(inject("server ${n} match x"), "inject server ${n} match x");
    let fault = |text| {
        let fault = FaultRule::parse_rewrite(text, &variable).unwrap_err();
        format!("{}: {}", fault.at, fault.words)
    };
    assert_eq!(fault("ab"), "2: MATCH=TEXT has no '='");
    assert_eq!(fault("client:(=b"), "7: unclosed group");
    assert!(fault("a=x${1}").starts_with("2: unknown name '${1}', at column 2 of the text"));
    let fault = |text| FaultRule::parse_inject(text, &variable).unwrap_err();
    assert_eq!(fault("clint x").at, 0);
    assert_eq!(fault("client x evry 3").at, 9);
}

#[test]
fn a_fault_of_a_rule_has_a_place() {
    for (text, expected) in [
        ("", "0: a rule begins with delay, jitter, throttle,"),
        ("dorp", "0: unknown fault 'dorp', did you mean 'drop'?"),
        ("drop evry 3", "5: unknown condition 'evry', did you mean 'every'?"),
        (
            "drop 3",
            "5: unknown condition '3': use every, after, in, out, client, server, match, chance",
        ),
        ("drop every", "10: 'every' needs a number from 1"),
        ("drop every 0", "11: 'every' needs a number from 1"),
        ("drop every 2 every 3", "13: 'every' is given twice"),
        ("drop in out", "8: a rule has one direction"),
        ("drop after 5", "12: 'after' needs N messages or N s"),
        ("drop after x messages", "11: 'after' needs N messages or N s"),
        ("drop after 5 minutes", "13: 'after' needs N messages or N s"),
        ("drop chance 2", "12: 'chance' needs a number from 0 to 1"),
        ("drop chance NaN", "12: 'chance' needs a number from 0 to 1"),
        ("drop match (", "11: unclosed group"),
        ("drop match 'a b", "11: there is no closing '"),
        ("delay", "5: 'delay' needs a time in seconds"),
        ("delay x", "6: 'delay' needs a time in seconds"),
        ("delay 1 jitter -1", "15: 'jitter' needs a time in seconds"),
        ("delay 1e300", "6: 'delay' needs a time in seconds"),
        ("throttle 0", "9: 'throttle' needs a number of bytes a second"),
        ("split 1", "6: 'split' needs a number of fragments from 2 to 10000"),
        ("close", "5: 'close' needs CODE or CODE:REASON"),
        ("close 1005", "6: a close code is 1000 to 1003,"),
        ("swallow close", "8: 'swallow' needs ping or pong"),
        ("refuse 200", "7: 'refuse' needs a status from 300 to 599"),
        ("refuse 503 in", "0: 'refuse' has no direction"),
        ("refuse 503 after 2 messages", "0: 'refuse' concerns requests"),
        ("swallow ping match x", "0: 'swallow' concerns pings and pongs"),
        ("\u{1b}x", "0: unknown fault '\\x1bx': use delay"),
    ] {
        let found = fault(text);
        assert!(found.starts_with(expected), "{text}: {found}");
    }
    assert!(fault(&format!("close 4000:{}", "x".repeat(124))).starts_with("6: a reason has"));
}

fn any_rule() -> impl Strategy<Value = FaultRule> {
    let time = || (0u64..1_000_000).prop_map(Duration::from_millis);
    let reason = "[ -~\u{e9}]{0,20}";
    let fault = prop_oneof![
        (time(), time()).prop_map(|(time, jitter)| Fault::Delay { time, jitter }),
        (1u64..).prop_map(|rate| Fault::Throttle(NonZeroU64::new(rate).unwrap())),
        Just(Fault::Drop),
        Just(Fault::Duplicate),
        Just(Fault::Corrupt),
        (2u32..=10_000).prop_map(|it| Fault::Split(NonZeroU32::new(it).unwrap())),
        prop::option::of(time()).prop_map(Fault::Stall),
        Just(Fault::Cut(CutPlace::Boundary)),
        Just(Fault::Cut(CutPlace::InsideFrame)),
        (1u64..).prop_map(|it| Fault::Cut(CutPlace::AfterBytes(NonZeroU64::new(it).unwrap()))),
        Just(Fault::Reset),
        (3000u16..5000, reason)
            .prop_map(|(code, reason)| Fault::Close(Close { code: CloseCode::new(code), reason })),
    ];
    let after =
        prop_oneof![any::<u64>().prop_map(Threshold::Messages), time().prop_map(Threshold::Time)];
    let direction = prop_oneof![Just(Direction::In), Just(Direction::Out)];
    let matcher =
        "[a-z \"'\\\\.]{0,8}".prop_filter_map("no pattern", |it| Matcher::parse(&it).ok());
    let when = (
        prop::option::of((1u64..).prop_map(|it| NonZeroU64::new(it).unwrap())),
        prop::option::of(after),
        prop::option::of(direction),
        prop::option::of(matcher),
        prop::option::of(0.0..=1.0f64),
    );
    (fault, when).prop_map(|(fault, (every, after, direction, matcher, chance))| FaultRule {
        fault,
        when: Condition { every, after, direction, matcher, chance },
    })
}

/// Passes frames through a stream, in chunks of this many bytes, and returns what leaves in the end.
fn pass(
    schedule: &mut FaultSchedule,
    bytes: &[u8],
    chunk: usize,
) -> (Vec<u8>, Option<FaultEnding>) {
    let (mut stream, now) = (FaultStream::new(Direction::Out), Instant::now());
    let mut ending = None;
    'all: for mut chunk in bytes.chunks(chunk) {
        while !chunk.is_empty() {
            let (used, end) = stream.push(chunk, schedule, now);
            chunk = &chunk[used..];
            if end.is_some() {
                ending = end;
                break 'all;
            }
        }
    }
    let (mut out, later) = (Vec::new(), now + Duration::from_secs(10_000_000));
    loop {
        let ready = stream.ready(later).to_vec();
        if ready.is_empty() {
            return (out, ending);
        }
        // Not all at once.
        let n = ready.len().div_ceil(2);
        out.extend_from_slice(&ready[..n]);
        stream.advance(n, now);
    }
}

fn text(payload: &str) -> Vec<u8> {
    RawFrame::new(1).payload(payload).encode()
}

/// Returns the messages `0`, `1`, … that leave a stream with these rules.
fn messages(rules: &[&str], seed: u64, number: u8) -> (String, Option<FaultEnding>) {
    let bytes: Vec<_> = (0..number).flat_map(|n| text(&n.to_string())).collect();
    let (out, ending) = pass(&mut schedule(rules, seed), &bytes, usize::MAX);
    let payloads = out.chunks(3).map(|frame| *frame.last().unwrap_or(&b' '));
    (payloads.map(char::from).collect(), ending)
}

#[test]
fn faults_happen_to_the_messages_of_their_conditions() {
    for (rules, expected) in [
        (&["drop every 3"][..], "0134679"),
        (&["drop every 3 in"], "0123456789"),
        (&["drop match [2-4]"], "0156789"),
        (&["drop match [2-4] every 2"], "012456789"),
        (&["drop after 7 messages"], "0123456"),
        (&["drop after 100 s"], "0123456789"),
        (&["drop chance 0"], "0123456789"),
        (&["drop chance 1"], ""),
        (&["duplicate match 5", "drop match [^5]"], "55"),
        (&["duplicate every 5", "drop match 4"], "01235678 99"),
    ] {
        let found = messages(rules, 1, 10).0;
        assert_eq!(found, expected.replace(' ', ""), "{rules:?}");
    }
}

#[test]
fn a_connection_ends_at_a_message_or_after_some() {
    let closed =
        Some(FaultEnding::Close(Close { code: CloseCode::new(4001), reason: "bye".into() }));
    for (rule, passed, ending) in [
        ("cut after 3 messages", "012", Some(FaultEnding::Cut(CutPlace::Boundary))),
        ("cut every 3", "01", Some(FaultEnding::Cut(CutPlace::Boundary))),
        ("reset match 4", "0123", Some(FaultEnding::Reset)),
        ("close 4001:bye after 5 messages", "01234", closed),
        ("stall 2 after 1 messages", "0", Some(FaultEnding::Stall(Some(Duration::from_secs(2))))),
        ("cut after 3 messages in", "0123456789", None),
        ("reset after 100 s", "0123456789", None),
    ] {
        assert_eq!(messages(&[rule], 1, 10), (passed.to_owned(), ending), "{rule}");
    }
    let now = Instant::now();
    assert_eq!(schedule(&["reset"], 1).due(now), Some(FaultEnding::Reset));
    let mut timed = schedule(&["reset after 50 s"], 1);
    let deadline = timed.deadline().unwrap();
    assert_eq!(timed.due(now), None);
    assert_eq!(timed.due(deadline), Some(FaultEnding::Reset));
    assert_eq!((timed.due(deadline), timed.deadline()), (None, None));
}

#[test]
fn a_frame_is_cut_inside() {
    let bytes = [text("abcd"), text("efgh")].concat();
    for (rule, passed) in [
        ("cut frame match f", &b"\x81\x04abcd\x81\x04ef"[..]),
        ("cut frame", b"\x81\x04ab"),
        ("cut 1", b"\x81"),
        ("cut 100 every 2", b"\x81\x04abcd\x81\x04efgh"),
    ] {
        let (out, ending) = pass(&mut schedule(&[rule], 1), &bytes, 3);
        assert_eq!(out, passed, "{rule}");
        assert!(matches!(ending, Some(FaultEnding::Cut(_))), "{rule}");
    }
}

#[test]
fn pings_and_pongs_are_swallowed_and_overtake_a_message_that_is_held() {
    let ping = RawFrame::new(9).payload("p").encode();
    let answer = RawFrame::new(10).encode();
    let begin = RawFrame::new(1).fin(false).payload("a").encode();
    let end = RawFrame::new(0).payload("b").encode();
    let bytes = [&begin[..], &ping, &answer, &end].concat();
    let passed = |rule| pass(&mut schedule(&[rule], 1), &bytes, 1).0;
    assert_eq!(passed("swallow ping"), [&answer[..], &begin, &end].concat());
    assert_eq!(passed("swallow pong out"), [&ping[..], &begin, &end].concat());
    assert_eq!(passed("swallow pong in"), [&ping[..], &answer, &begin, &end].concat());
    assert_eq!(passed("swallow ping every 2"), [&ping[..], &answer, &begin, &end].concat());
    assert_eq!(passed("drop"), [&ping[..], &answer].concat());
}

#[test]
fn a_long_message_is_judged_by_its_front() {
    let payload = vec![b'x'; HELD + 10];
    let long = RawFrame::new(2).payload(&payload).encode();
    let bytes = [&long[..], &text("a")].concat();
    for (rule, expected) in [
        ("drop match x", text("a")),
        ("drop match a", long.clone()),
        ("duplicate match x", bytes.clone()),
        ("split 2 match x", bytes.clone()),
    ] {
        let (out, ending) = pass(&mut schedule(&[rule], 1), &bytes, 10_000);
        assert!(out == expected && ending.is_none(), "{rule}: {} bytes", out.len());
    }
}

const HELD: usize = stream::HELD_LIMIT_BYTES;

#[test]
fn delays_keep_the_order_and_a_throttle_the_pace() {
    let start = Instant::now();
    let ms = Duration::from_millis;
    let mut delayed = schedule(&["delay 0.5 every 2"], 1);
    let mut stream = FaultStream::new(Direction::Out);
    stream.push(&[text("a"), text("b"), text("c")].concat(), &mut delayed, start);
    assert_eq!(stream.ready(start), text("a"));
    stream.advance(3, start);
    assert_eq!(stream.deadline(), Some(start + ms(500)));
    assert_eq!(stream.ready(start + ms(499)), b"");
    let mut rest = Vec::new();
    while !stream.ready(start + ms(500)).is_empty() {
        let ready = stream.ready(start + ms(500)).to_vec();
        stream.advance(ready.len(), start);
        rest.extend(ready);
    }
    assert_eq!(rest, [text("b"), text("c")].concat());
    let mut throttled = schedule(&["throttle 100"], 1);
    let mut stream = FaultStream::new(Direction::Out);
    stream.push(&text(&"x".repeat(98)), &mut throttled, start);
    let (mut now, mut bytes) = (start, 0);
    while let Some(deadline) = stream.deadline() {
        now = now.max(deadline);
        let ready = stream.ready(now).len();
        assert_eq!(ready, 2);
        stream.advance(ready, now);
        bytes += ready;
    }
    assert_eq!((bytes, now - start), (100, ms(980)));
    assert_eq!(stream.queued(), 0);
}

#[test]
fn single_messages_have_faults_of_their_own() {
    let mut schedule = schedule(&[], 1);
    schedule.add_once(2, &[Fault::Duplicate, Fault::Split(NonZeroU32::new(2).unwrap())]);
    let bytes = [text("ab"), text("cd"), text("ef")].concat();
    let (out, _) = pass(&mut schedule, &bytes, 1);
    let split =
        [RawFrame::new(1).fin(false).payload("c").encode(), RawFrame::new(0).payload("d").encode()];
    let expected = [text("ab"), split.concat(), split.concat(), text("ef")].concat();
    assert_eq!(out, expected);
}

#[test]
fn frames_that_break_a_rule_are_passed_on() {
    for bytes in [
        RawFrame::new(0).payload("x").encode(),
        RawFrame::new(9).payload([b'x'; 200]).encode(),
        [RawFrame::new(1).fin(false).payload("a").encode(), text("b")].concat(),
        RawFrame::new(0xb).rsv(0x70).payload("x").encode(),
    ] {
        assert_eq!(pass(&mut schedule(&["drop match nothing"], 1), &bytes, 1).0, bytes);
    }
}

#[test]
fn requests_are_refused() {
    let rules: Vec<_> = ["refuse 503 every 2", "refuse 500 every 3 after 1 s", "drop"]
        .iter()
        .map(|text| FaultRule::parse(text).unwrap())
        .collect();
    let mut schedule = RefusalSchedule::new(&rules, 1);
    let found = [0, 0, 1, 1, 1].map(|seconds| schedule.request(Duration::from_secs(seconds)));
    assert_eq!(found, [None, Some(503), None, Some(503), Some(500)]);
}

proptest! {
    #[test]
    fn a_written_rule_is_read_again(rule in any_rule()) {
        let text = rule.to_string();
        prop_assert_eq!(FaultRule::parse(&text), Ok(rule), "{}", text);
    }

    #[test]
    fn one_seed_makes_the_same_faults_with_any_chunking(
        rules in prop::collection::vec(any_rule(), 0..4),
        seed in any::<u64>(),
        payloads in prop::collection::vec("[a-z]{0,9}", 0..20),
        chunk in 1usize..40,
    ) {
        let rules: Arc<[FaultRule]> = rules.into();
        let start = Instant::now();
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| text(payload)).collect();
        let run = |chunk| {
            let mut schedule = FaultSchedule::new(Arc::clone(&rules), seed, 1, start);
            pass(&mut schedule, &bytes, chunk)
        };
        prop_assert_eq!(run(chunk), run(usize::MAX));
    }

    #[test]
    fn text_that_is_not_a_rule_is_a_fault_inside_of_it(text in "[a-z0-9 .'\"\\\\:(-]{0,40}") {
        if let Err(RuleFault { at, .. }) = FaultRule::parse(&text) {
            prop_assert!(text.is_char_boundary(at));
        }
    }
}
