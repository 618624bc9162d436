//! Scripts that are given messages and times.

use super::*;
use crate::script::{draft::Content, template::Scope};

const S: Duration = Duration::from_secs(1);

fn say(text: &str) -> Action {
    Action::message(Kind::Text, text)
}

fn expect(pattern: &str) -> Action {
    Action::Expect(Matcher::parse(pattern).unwrap())
}

fn until(pattern: &str) -> Goals {
    Goals { count: None, until: Some(Matcher::parse(pattern).unwrap()) }
}

fn script(actions: &[Action]) -> (Script, Instant) {
    (Script::new(actions.to_vec(), 10 * S, Goals::default()), Instant::now())
}

fn receive(script: &mut Script, text: &str, now: Instant) -> bool {
    script.receive(&Piece::whole(Kind::Text, text.as_bytes()), now).meets_goal
}

fn sent(script: &mut Script, now: Instant) -> Vec<String> {
    let all = std::iter::from_fn(|| script.next(now));
    all.map(|outgoing| match outgoing {
        Outgoing::Message(_, bytes) => String::from_utf8(bytes.into()).unwrap(),
        other => panic!("{other:?}"),
    })
    .collect()
}

#[test]
fn sends_until_a_message_is_expected() {
    let (mut script, start) = script(&[say("a"), say("b"), expect("1"), say("c")]);
    assert_eq!(script.unsent_messages(), 3);
    assert_eq!(sent(&mut script, start), ["a", "b"]);
    assert!(script.expect_deadline().is_some());
    assert_eq!(script.deadline(), Some(start + 10 * S));
    assert!(!receive(&mut script, "no", start + S));
    assert_eq!(sent(&mut script, start + S), [""; 0]);
    assert_eq!(script.unsent_messages(), 1);
    assert!(!receive(&mut script, "1", start + 2 * S));
    assert_eq!(script.deadline(), None);
    assert_eq!(sent(&mut script, start + 2 * S), ["c"]);
    assert_eq!((script.unsent_messages(), script.unmet(false)), (0, None));
}

#[test]
fn consecutive_expectations_are_met_without_running_the_script() {
    let (mut script, start) = script(&[expect("1"), expect("2"), say("a"), expect("3")]);
    assert_eq!(sent(&mut script, start), [""; 0]);
    receive(&mut script, "1", start + 4 * S);
    // Each expectation has its own deadline, and a message meets only one of them.
    assert_eq!(script.deadline(), Some(start + 14 * S));
    receive(&mut script, "1", start + 4 * S);
    assert!(script.expect_deadline().is_some());
    receive(&mut script, "2", start + 4 * S);
    assert!(script.expect_deadline().is_none());
    // A message that arrives before the script reaches an expectation does not meet it.
    receive(&mut script, "3", start + 4 * S);
    assert_eq!(sent(&mut script, start + 4 * S), ["a"]);
    assert!(script.expect_deadline().is_some());
}

#[test]
fn a_timeout_names_the_last_message_that_did_not_match() {
    let (mut script, start) = script(&[expect("1")]);
    script.next(start);
    script.delay(3 * S);
    assert_eq!(script.deadline(), Some(start + 13 * S));
    receive(&mut script, "no", start);
    receive(&mut script, "last", start);
    let unmet = |limit| UnmetExpectation::Expect {
        pattern: "1".to_owned(),
        limit,
        earlier: 0,
        received: 2,
        last: Some(Quote::new(b"last")),
    };
    assert_eq!(script.unmet(true), Some(unmet(Some(10 * S))));
    assert_eq!(script.unmet(false), Some(unmet(None)));
}

#[test]
fn an_expectation_that_was_not_reached_is_unmet() {
    let (mut script, start) = script(&[expect("1"), say("a"), expect("2")]);
    script.next(start);
    receive(&mut script, "1", start);
    let Some(UnmetExpectation::Expect { pattern, received: 0, last: None, .. }) =
        script.unmet(false)
    else {
        panic!("{:?}", script.unmet(false))
    };
    assert_eq!(pattern, "2");
}

#[test]
fn a_new_session_has_no_values_of_the_lost_one() {
    let draft = |name| {
        let scope = Scope {
            names: &["t"],
            has_message: true,
            variable: &|_| Err(std::env::VarError::NotPresent),
        };
        let template = Template::parse(name, &scope).unwrap();
        Draft { kind: Kind::Text, content: Content::Template(template) }
    };
    let use_value = Action::Expand(draft(b"use ${t}"));
    let ticks =
        [&b"hb ${t}"[..], b"${json:/0}"].map(|text| Tick { interval: S, draft: draft(text) });
    let actions = vec![expect("(?<t>[a-z])"), use_value];
    let script = Script::new(actions, 10 * S, Goals::default());
    let mut script = script.beside(Vec::new(), ticks.to_vec(), Ambient::default());
    let start = Instant::now();
    let ticked = |script: &mut Script, at| {
        std::iter::from_fn(|| script.next_tick(at)).map(|(_, bytes)| bytes).collect::<Vec<_>>()
    };
    script.start(start);
    assert_eq!(sent(&mut script, start), [""; 0]);
    assert!(ticked(&mut script, start + S).is_empty());
    receive(&mut script, "[\"a\"]", start + S);
    assert_eq!(sent(&mut script, start + S), ["use a"]);
    assert_eq!(ticked(&mut script, start + 2 * S), [&b"hb a"[..], b"a"]);
    script.start(start + 3 * S);
    assert_eq!(sent(&mut script, start + 3 * S), [""; 0]);
    assert!(ticked(&mut script, start + 5 * S).is_empty());
    receive(&mut script, "[\"b\"]", start + 5 * S);
    assert_eq!(sent(&mut script, start + 5 * S), ["use b"]);
    assert_eq!(ticked(&mut script, start + 7 * S), [&b"hb b"[..], b"b"]);
}

/// Each text of a batch is answered, with its own values.
#[test]
fn each_json_text_that_matches_is_answered() {
    let answers = |pattern, batch: &str| {
        let scope = Scope {
            names: &[],
            has_message: true,
            variable: &|_| Err(std::env::VarError::NotPresent),
        };
        let template = Template::parse(b"${json:/id} ${json:/t}", &scope).unwrap();
        let draft = Draft { kind: Kind::Text, content: Content::Template(template) };
        let answer = Answer { matcher: Matcher::parse(pattern).unwrap(), draft };
        let script = Script::new(Vec::new(), S, Goals::default());
        let mut script = script.beside(vec![answer], Vec::new(), Ambient::default());
        receive(&mut script, batch, Instant::now());
        std::iter::from_fn(|| script.next_answer())
            .map(|(_, bytes)| String::from_utf8(bytes).unwrap())
            .collect::<Vec<_>>()
    };
    for end in ["\x1e", "\n", "\r\n"] {
        let batch = [r#"{"t":6}"#, r#"{"t":1,"id":11}"#, r#"{"t":1,"id":12}"#, ""].join(end);
        assert_eq!(answers("json:/id", &batch), ["11 1", "12 1"]);
        assert_eq!(answers("json:/id=12", &batch), ["12 1"]);
        // A message matches a regular expression once.
        assert_eq!(answers("6|12", &batch), ["11 1"]);
        assert_eq!(answers("12", &batch), ["12 1"]);
    }
}

#[test]
fn the_memory_of_the_answers_to_one_message_is_bounded() {
    let draft = Draft { kind: Kind::Text, content: Content::Fixed(vec![0; 1 << 20]) };
    let answer = Answer { matcher: Matcher::parse("json:/a").unwrap(), draft };
    let script = Script::new(Vec::new(), S, Goals::default());
    let mut script = script.beside(vec![answer], Vec::new(), Ambient::default());
    receive(&mut script, &"{\"a\":1}\n".repeat(100), Instant::now());
    assert_eq!(script.waiting_answers(), 8);
    assert!(matches!(script.take_news()[..], [News::Overflowed { .. }]));
}

#[test]
fn a_wait_delays_the_actions_appended_after_it() {
    let (mut script, start) = script(&[]);
    assert_eq!(script.next(start), None);
    script.append(Action::Wait(2 * S));
    script.append(say("a"));
    assert_eq!(sent(&mut script, start), [""; 0]);
    assert_eq!(script.deadline(), Some(start + 2 * S));
    assert!(script.is_waiting(start + S));
    assert_eq!(sent(&mut script, start + S), [""; 0]);
    assert_eq!(sent(&mut script, start + 2 * S), ["a"]);
    assert!(!script.is_waiting(start + 2 * S));
    assert_eq!(script.deadline(), None);
}

#[test]
fn goals_count_and_match_complete_messages() {
    let now = Instant::now();
    let goals = Goals { count: Some(2), until: None };
    let mut script = Script::new(Vec::new(), S, goals);
    let piece = Piece::whole(Kind::Text, b"ab");
    let (first, last) = (Piece { last: false, ..piece }, Piece { first: false, ..piece });
    assert_eq!([&piece, &first].map(|piece| script.receive(piece, now).meets_goal), [false, false]);
    assert_eq!(script.unmet(false), Some(UnmetExpectation::Count { received: 1, expected: 2 }));
    assert!(script.receive(&last, now).meets_goal);
    assert_eq!(script.unmet(false), None);

    let mut script = Script::new(Vec::new(), S, until("^abab$"));
    assert_eq!(
        [&piece, &first, &last].map(|piece| script.receive(piece, now).meets_goal),
        [false, false, true]
    );
}

#[test]
fn a_message_can_meet_an_expectation_and_a_goal() {
    let now = Instant::now();
    let mut script = Script::new(vec![expect("a"), say("b")], S, until("a"));
    script.next(now);
    assert!(receive(&mut script, "a", now));
    assert_eq!(sent(&mut script, now), ["b"]);
}

#[test]
fn rewinding_repeats_the_script_but_not_appended_actions() {
    let (mut script, start) = script(&[say("a"), expect("1")]);
    assert_eq!(sent(&mut script, start), ["a"]);
    receive(&mut script, "1", start);
    script.append(say("b"));
    assert_eq!(sent(&mut script, start), ["b"]);
    script.append(Action::Wait(2 * S));
    script.next(start);
    script.start(start);
    assert!(script.expect_deadline().is_none());
    script.append(say("c"));
    assert_eq!(sent(&mut script, start + S), ["a"]);
    receive(&mut script, "1", start + S);
    // The interrupted wait continues.
    assert_eq!(sent(&mut script, start + S), [""; 0]);
    assert_eq!(script.deadline(), Some(start + 2 * S));
    assert_eq!(sent(&mut script, start + 2 * S), ["c"]);
}

#[test]
fn rewinding_discards_an_incomplete_message() {
    let now = Instant::now();
    let mut script = Script::new(Vec::new(), S, until("^ab$"));
    let piece = Piece::whole(Kind::Text, b"a");
    script.receive(&Piece { last: false, ..piece }, now);
    script.start(now);
    assert!(!script.receive(&Piece { payload: b"b", ..piece }, now).meets_goal);
    assert!(receive(&mut script, "ab", now));
}

#[test]
fn matches_are_reported_with_the_start_of_the_message() {
    let now = Instant::now();
    let mut script = Script::new(vec![expect("1")], S, until("^2"));
    script.next(now);
    receive(&mut script, "0", now);
    assert_eq!(script.take_news(), []);
    receive(&mut script, "1", now);
    receive(&mut script, "2345", now);
    let matched = |option, pattern: &str, message: &[u8]| News::Matched {
        option,
        pattern: pattern.to_owned(),
        message: Quote::new(message),
    };
    let news = [matched("--expect", "1", b"1"), matched("--until", "^2", b"2345")];
    assert_eq!(script.take_news(), news);
    assert_eq!(script.take_news(), []);
}
