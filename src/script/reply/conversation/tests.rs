//! Conversations in virtual time.

use super::*;
use crate::script::reply::parse::{Surroundings, parse};
use proptest::prelude::*;

/// All values come from the JSON text that matched, not from the first that has them.
#[test]
fn a_template_takes_its_values_from_the_text_that_matched() {
    let script = "[[on]]\nmatch = 'json:/id=2'\nsend = '${json:/id} ${json:/op}'\n";
    let mut client = Client::new(script);
    let answers = client.answers("{\"id\":1,\"op\":\"a\"}\x1e{\"id\":2,\"op\":\"b\"}\x1e");
    assert_eq!(answers, ["2 b"]);
}

const MS: Duration = Duration::from_millis(1);

fn replies(text: &str, seed: u64) -> Arc<Replies> {
    let around = Surroundings {
        variable: &|_| Err(std::env::VarError::NotPresent),
        file: &|name| Ok(name.into()),
    };
    Arc::new(Replies::new(Arc::new(parse(text, &around).unwrap()), seed))
}

/// A client whose messages have times, in milliseconds after its connection.
struct Client {
    conversation: Conversation,
    start: Instant,
}

impl Client {
    fn of(replies: &Arc<Replies>, number: u64, path: &str) -> Self {
        let route = replies.route(path).unwrap();
        let mut conversation = Conversation::new(replies, route, number, &Headers::default());
        let start = Instant::now();
        conversation.opened(start);
        Self { conversation, start }
    }

    fn new(text: &str) -> Self {
        Self::of(&replies(text, 1), 1, "/")
    }

    /// Returns the actions until this time, each with its own.
    fn until(&mut self, end: u32) -> Vec<(u32, ReplyAction)> {
        let mut actions = Vec::new();
        while let Some(due) = self.conversation.deadline() {
            if due > self.start + MS * end {
                break;
            }
            let at = u32::try_from((due - self.start).as_millis()).unwrap();
            while let Some(action) = self.conversation.next(due, SystemTime::UNIX_EPOCH) {
                actions.push((at, action));
            }
        }
        actions
    }

    fn say(&mut self, at: u32, message: &str) -> Option<usize> {
        self.conversation.received(Kind::Text, message.as_bytes(), self.start + MS * at)
    }

    /// Says something at 0 ms and returns the messages at the same time.
    fn answers(&mut self, message: &str) -> Vec<String> {
        self.say(0, message);
        self.until(0).into_iter().map(|(_, action)| shown(&action)).collect()
    }
}

fn shown(action: &ReplyAction) -> String {
    match action {
        ReplyAction::Send { kind: Kind::Text, payload, to: Audience::Sender, .. } => {
            String::from_utf8(payload.clone()).unwrap()
        }
        other => format!("{other:?}"),
    }
}

fn timed(actions: &[(u32, ReplyAction)]) -> Vec<(u32, String)> {
    actions.iter().map(|(at, action)| (*at, shown(action))).collect()
}

#[test]
fn the_first_rule_that_matches_replies() {
    let mut client = Client::new(
        r#"
        [[on]]
        text = "ping"
        send = "pong"
        [[on]]
        match = '^add (?P<what>\d+)$'
        send = 'added ${what} for ${client}'
        [[on]]
        json = { op = "sub" }
        send = '{"id":${json:/id}}'
        [[on]]
        match = "json:/op=un"
        do = "ignore"
        [[on]]
        otherwise = true
        do = "echo"
        "#,
    );
    for (message, answers) in [
        ("ping", vec!["pong"]),
        ("add 7", vec!["added 7 for 1"]),
        (r#"{"id":"x","op":"sub"}"#, vec![r#"{"id":"x"}"#]),
        (r#"{"op":"un"}"#, vec![]),
        ("pings", vec!["pings"]),
    ] {
        assert_eq!(client.answers(message), answers, "{message}");
    }
}

#[test]
fn a_rule_may_be_used_only_the_nth_time() {
    let text = "[[on]]\ntext = 'a'\nnth = 3\nsend = 'third'\n[[on]]\ntext = 'a'\nsend = 'other'";
    let mut client = Client::new(text);
    let answers: Vec<_> = (0..4).flat_map(|_| client.answers("a")).collect();
    assert_eq!(answers, ["other", "other", "third", "other"]);
    // The event of a new client counts for all clients.
    let replies = replies("[[on]]\nopen = true\nnth = 2\nclose = 1013", 1);
    let closed = |number| !Client::of(&replies, number, "/").until(0).is_empty();
    assert_eq!([1, 2, 3].map(closed), [false, true, false]);
}

#[test]
fn a_conversation_has_states() {
    let text = "[[on]]\nstate = 'start'\ntext = 'login'\nset = 'in'\nsend = 'hello'\n\
                [[on]]\nstate = 'in'\ntext = 'get'\nsend = 'data'\n\
                [[on]]\notherwise = true\nsend = 'no'";
    let mut client = Client::new(text);
    let answers = ["get", "login", "get", "login"].map(|message| client.answers(message));
    assert_eq!(answers.concat(), ["no", "hello", "data", "no"]);
}

#[test]
fn steps_follow_each_other_in_time() {
    let mut client = Client::new(
        r#"
        [[on]]
        open = true
        delay = 0.1
        send = "a"
        then = [{ wait = 0.2 }, { every = 1, times = 2, send = "${n}" }, { binary = "00 fF" }]
        close = { code = 4001, reason = "told" }
        "#,
    );
    let binary = ReplyAction::Send {
        kind: Kind::Binary,
        payload: vec![0, 255],
        to: Audience::Sender,
        faults: Vec::new(),
    };
    let close = Close { code: 4001.into(), reason: "told".to_owned() };
    let text = |text: &str| ReplyAction::Send {
        kind: Kind::Text,
        payload: text.into(),
        to: Audience::Sender,
        faults: Vec::new(),
    };
    assert_eq!(
        client.until(10_000),
        [
            (100, text("a")),
            (1300, text("1")),
            (2300, text("2")),
            (2300, binary),
            (2300, ReplyAction::Close(close))
        ]
    );
    assert_eq!(client.conversation.deadline(), None);
}

#[test]
fn replies_run_beside_each_other() {
    let text =
        "[[on]]\ntext = 'slow'\ndelay = 1\ndo = 'echo'\n[[on]]\notherwise = true\ndo = 'echo'";
    let mut client = Client::new(text);
    client.say(0, "slow");
    client.say(100, "fast");
    assert_eq!(timed(&client.until(5000)), [(100, "fast".to_owned()), (1000, "slow".to_owned())]);
}

#[test]
fn an_interval_without_an_end_is_not_started_twice() {
    let text = "[[on]]\nmatch = '.'\nthen = [{ every = 1, send = '${n} ${json:}' }]";
    let mut client = Client::new(text);
    client.say(0, "[0]");
    client.say(500, "[1]");
    let expected = [(1500, "1 [1]".to_owned()), (2500, "2 [1]".to_owned())];
    assert_eq!(timed(&client.until(3000)), expected);
}

#[test]
fn nothing_follows_the_end_of_a_connection() {
    for (key, action) in [
        ("reset = true", ReplyAction::Reset),
        ("cut = true", ReplyAction::Cut),
        ("stall = true", ReplyAction::Stall(None)),
    ] {
        let text = format!(
            "[[on]]\nopen = true\nthen = [{{ wait = 1 }}, {{ send = 'x' }}]\n[[on]]\ntext = 'a'\n{key}"
        );
        let mut client = Client::new(&text);
        client.say(0, "a");
        assert_eq!(client.until(5000), [(0, action)], "{key}");
    }
}

#[test]
fn paths_have_rules_of_their_own() {
    let replies = replies(
        "[[path]]\npath = '/chat/{room}'\n[[path.on]]\nopen = true\nsend = '${path.room}'\n\
         [[path]]\npath = '/b'\n[[path.on]]\nopen = true\nsend = 'b'",
        1,
    );
    let first = |path| Client::of(&replies, 1, path).until(0);
    assert_eq!(shown(&first("/chat/x")[0].1), "x");
    assert_eq!(shown(&first("/b")[0].1), "b");
    assert!(replies.route("/c").is_none());
}

#[test]
fn a_missing_value_is_reported() {
    let text =
        "[[on]]\ntext = 'a'\nsend = '${what}'\n[[on]]\nmatch = '(?P<what>.)'\nsend = '${what}'";
    let mut client = Client::new(text);
    client.say(0, "a");
    let missing = ReplyAction::Missing { line: 1, value: MissingValue("${what}".to_owned()) };
    assert_eq!(client.until(0), [(0, missing)]);
    assert_eq!([client.answers("b"), client.answers("a")].concat(), ["b", "b"]);
}

#[test]
fn messages_wait_while_too_many_replies_are_under_way() {
    let mut client = Client::new("[[on]]\notherwise = true\ndelay = 1\ndo = 'echo'");
    for _ in 0..MAX_TURNS {
        assert!(!client.conversation.is_full());
        client.say(0, "x");
    }
    assert!(client.conversation.is_full());
    assert_eq!(client.until(1000).len(), MAX_TURNS);
    client.say(1000, &"x".repeat(MAX_HELD_BYTES));
    assert!(client.conversation.is_full());
    client.until(2000);
    assert!(!client.conversation.is_full());
}

#[test]
fn expectations_are_judged_at_the_end() {
    use crate::error::UnmetReply;
    let text = "[[on]]\ntext = 'a'\n[[on]]\ntext = 'b'\n[[on]]\ntext = 'c'\ndo = 'fail'\n\
                [expect]\non = [1]\nnever = [2]\nheaders = { Authorization = '/^Bearer /', X = false }";
    let replies = replies(text, 1);
    let no_client = UnmetReply::NoClient { path: None };
    assert_eq!(replies.unmet(), [UnmetReply::NotUsed { rule: 1, line: 1 }, no_client]);
    let mut headers = Headers::default();
    headers.push("Authorization", "Bearer x");
    let route = || replies.route("/").unwrap();
    let mut met = Conversation::new(&replies, route(), 1, &headers);
    met.received(Kind::Text, b"a", Instant::now());
    assert_eq!(replies.unmet(), []);
    headers.push("x", "");
    let mut unmet = Conversation::new(&replies, route(), 2, &headers);
    unmet.received(Kind::Text, b"b", Instant::now());
    unmet.received(Kind::Text, b"c", Instant::now());
    let header = UnmetReply::Header { client: 2, name: "X".to_owned() };
    let unexpected = UnmetReply::Unexpected { client: 2, line: 5 };
    let used = UnmetReply::Used { rule: 2, line: 3, times: 1 };
    assert_eq!(replies.unmet(), [header, unexpected, used]);
}

const RANDOM: &str = "
    [[on]]
    open = true
    then = [{ every = 0.3, times = 20, send = '${uuid}' }]
    [[on]]
    text = 'a'
    chance = 0.5
    delay = [0.1, 0.5]
    do = 'echo'
    [[on]]
    otherwise = true
    delay = [0.0, 2.0]
    send = '${n} ${uuid}'
    stall = [1, 2]
";

/// Holds a conversation with messages at these times.
fn talk(seed: u64, client: u64, messages: &[(u32, bool)]) -> Vec<(u32, ReplyAction)> {
    let mut client = Client::of(&replies(RANDOM, seed), client, "/");
    let mut actions = Vec::new();
    let mut now = 0;
    for (wait, is_a) in messages {
        now += wait;
        actions.extend(client.until(now));
        client.say(now, if *is_a { "a" } else { "b" });
    }
    actions.extend(client.until(now + 100_000));
    actions
}

proptest! {
    #[test]
    fn one_seed_gives_the_same_conversation_twice(
        seed: u64,
        messages in prop::collection::vec((0..1000u32, any::<bool>()), 0..20),
    ) {
        let first = talk(seed, 1, &messages);
        prop_assert_eq!(&first, &talk(seed, 1, &messages));
        prop_assert_ne!(&first, &talk(seed ^ 1, 1, &messages));
        prop_assert_ne!(&first, &talk(seed, 2, &messages));
    }
}
