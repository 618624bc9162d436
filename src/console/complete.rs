//! Tab completion.

use crate::{
    escape::affects_terminal,
    proto::{CloseCode, codes::REGISTERED, slice::Within},
    script::command::{
        arguments::expand_home,
        place::Place,
        table::{self, Completion},
    },
};
use rustyline::completion::Pair;
use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::Path,
};

/// Returns the clients of a server: their numbers, perhaps with a word about each.
type Clients = Box<dyn Fn() -> Vec<(u64, Option<String>)> + Send>;

/// The words of the session that Tab offers, in addition to commands and paths.
#[derive(Default)]
pub(crate) struct Vocabulary {
    /// The prompt, which decides the commands.
    pub(crate) place: Place,
    pub(crate) clients: Option<Clients>,
    /// The requested subprotocols.
    pub(crate) subprotocols: Vec<String>,
    /// The starts of the most recent messages.
    messages: VecDeque<String>,
}

impl Vocabulary {
    /// Returns the words at a prompt where nothing was sent or received yet.
    pub(super) fn new(place: Place) -> Self {
        Self { place, ..Self::default() }
    }

    /// Adds the words of a message.
    pub(crate) fn learn(&mut self, message: &[u8]) {
        let start = message.get(..MAX_LEARNT_BYTES).unwrap_or(message);
        // The memory of the oldest message is reused.
        let mut text = match self.messages.len() {
            MAX_MESSAGES.. => self.messages.pop_front().unwrap_or_default(),
            _ => String::new(),
        };
        text.clear();
        text.push_str(&String::from_utf8_lossy(start));
        self.messages.push_back(text);
    }

    /// Returns the words that start with `prefix`, sorted.
    fn words(&self, prefix: &str) -> Vec<String> {
        let words = self.messages.iter().flat_map(|message| message.split(|c| !is_word_char(c)));
        let words: BTreeSet<_> =
            words.filter(|word| word.len() > prefix.len() && word.starts_with(prefix)).collect();
        words.into_iter().take(MAX_CANDIDATES).map(ToOwned::to_owned).collect()
    }
}

/// Returns the start of the word before the cursor and its completions.
pub(super) fn complete(line: &str, cursor: usize, vocabulary: &Vocabulary) -> (usize, Vec<Pair>) {
    let before = line.get(..cursor).unwrap_or(line);
    if before.contains('\n') || !before.starts_with('/') || before.starts_with("//") {
        return complete_word(before, vocabulary);
    }
    let Some((name, _)) = before.split_once(' ') else {
        let specs = table::commands(vocabulary.place);
        let specs = specs.filter(|spec| spec.name.starts_with(before));
        let offered = specs.map(|spec| {
            let space = if spec.arguments.is_empty() { "" } else { " " };
            pair(table::usage(spec), format!("{}{space}", spec.name))
        });
        return (0, offered.collect());
    };
    let start = before.rfind(' ').map_or(0, |at| at + 1);
    let word = before.within(start..);
    let is_first = start == name.len() + 1;
    let is_second = all_words_before(before.within(name.len() + 1..start)) == 1;
    let all = before.within(name.len() + 1..);
    let choose = |from: &mut dyn Iterator<Item = &str>| {
        let offered = from.filter(|one| is_first && one.starts_with(word));
        (start, offered.map(|one| pair(one, one)).collect())
    };
    let found = table::find(name, vocabulary.place);
    match found.map_or(Completion::Nothing, |spec| spec.completion) {
        Completion::AtFile => match all.strip_prefix('@') {
            Some(path) => complete_path(path, name.len() + 2),
            None => complete_word(before, vocabulary),
        },
        Completion::File => complete_path(all, name.len() + 1),
        Completion::Switch => choose(&mut ["on", "off"].into_iter()),
        Completion::Subprotocol => {
            let requested = &vocabulary.subprotocols;
            let others =
                COMMON_SUBPROTOCOLS.into_iter().filter(|one| !requested.iter().any(|it| it == one));
            choose(&mut requested.iter().map(String::as_str).chain(others))
        }
        Completion::Client | Completion::ClientAndCode if is_first => {
            (start, clients(word, vocabulary))
        }
        Completion::Words | Completion::Client => complete_word(before, vocabulary),
        Completion::CloseCode if is_first => (start, close_codes(word)),
        Completion::ClientAndCode if is_second => (start, close_codes(word)),
        Completion::Refusal => choose(&mut REFUSALS.into_iter()),
        Completion::Command => {
            let names = table::commands(vocabulary.place).map(|spec| spec.name);
            choose(&mut names.chain(["all"]))
        }
        Completion::CloseCode | Completion::ClientAndCode | Completion::Nothing => {
            (cursor, Vec::new())
        }
    }
}

fn all_words_before(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Returns the numbers of clients that start with `prefix`.
fn clients(prefix: &str, vocabulary: &Vocabulary) -> Vec<Pair> {
    let all = vocabulary.clients.as_ref().map(|clients| clients()).unwrap_or_default();
    let all = all.into_iter().map(|(id, word)| (id.to_string(), word.unwrap_or_default()));
    let some = all.filter(|(id, _)| id.starts_with(prefix)).take(MAX_CANDIDATES);
    some.map(|(id, word)| pair(format!("{id} {word}").trim_end(), format!("{id} "))).collect()
}

/// Returns the close codes that start with `prefix`.
fn close_codes(prefix: &str) -> Vec<Pair> {
    let sendable = REGISTERED.iter().filter(|one| CloseCode::new(one.code).is_sendable());
    let offered = sendable.map(|one| (one.code.to_string(), one.name));
    let offered = offered.filter(|(code, _)| code.starts_with(prefix));
    offered.map(|(code, name)| pair(format!("{code} {name}"), format!("{code} "))).collect()
}

fn complete_word(before: &str, vocabulary: &Vocabulary) -> (usize, Vec<Pair>) {
    let start = before.rfind(|c| !is_word_char(c)).map_or(0, |at| {
        at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    });
    let word = before.within(start..);
    if word.is_empty() {
        return (start, Vec::new());
    }
    (start, vocabulary.words(word).into_iter().map(|word| pair(word.clone(), word)).collect())
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '/' | '@')
}

/// Returns the completions of a path that starts at `at` in the line.
fn complete_path(path: &str, at: usize) -> (usize, Vec<Pair>) {
    let (directory, prefix) = match path.rfind('/') {
        Some(slash) => path.split_at(slash + 1),
        None => ("", path),
    };
    let parent =
        if directory.is_empty() { Path::new(".").to_owned() } else { expand_home(directory) };
    let Ok(entries) = fs::read_dir(parent) else { return (at, Vec::new()) };
    let mut offered: Vec<_> = entries
        .take(MAX_DIRECTORY_ENTRIES)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let is_hidden = name.starts_with('.') && !prefix.starts_with('.');
            if is_hidden || !name.starts_with(prefix) || name.contains(affects_terminal) {
                return None;
            }
            let slash = if entry.path().is_dir() { "/" } else { "" };
            Some(pair(format!("{name}{slash}"), format!("{directory}{name}{slash}")))
        })
        .collect();
    offered.sort_by(|one, other| one.display.cmp(&other.display));
    offered.truncate(MAX_CANDIDATES);
    (at, offered)
}

fn pair(display: impl Into<String>, replacement: impl Into<String>) -> Pair {
    Pair { display: display.into(), replacement: replacement.into() }
}

/// The most common registered subprotocols.
const COMMON_SUBPROTOCOLS: [&str; 8] = [
    "graphql-transport-ws",
    "graphql-ws",
    "mqtt",
    "ocpp1.6",
    "ocpp2.0.1",
    "v12.stomp",
    "wamp.2.json",
    "xmpp",
];
/// The statuses with which servers refuse clients most often.
const REFUSALS: [&str; 9] = ["off", "301", "401", "403", "404", "426", "429", "500", "503"];
/// The number of messages whose words are offered.
const MAX_MESSAGES: usize = 100;
/// The number of bytes at the start of a message whose words are offered.
const MAX_LEARNT_BYTES: usize = 2048;
const MAX_CANDIDATES: usize = 200;
/// The number of directory entries that are examined.
const MAX_DIRECTORY_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str, vocabulary: &Vocabulary) -> (usize, Vec<String>) {
        let (start, pairs) = complete(line, line.len(), vocabulary);
        (start, pairs.into_iter().map(|pair| pair.replacement).collect())
    }

    fn all(line: &str) -> Vec<String> {
        offered(line, &Vocabulary::default()).1
    }

    #[test]
    fn completes_commands() {
        assert_eq!(all("/pi"), ["/ping "]);
        assert_eq!(all("/he"), ["/headers", "/help "]);
        assert_eq!(all("/help /pi"), ["/ping"]);
        assert_eq!(all("/help a"), ["all"]);
        assert_eq!(all("/nope"), [""; 0]);
        assert_eq!(all("//pi"), [""; 0]);
        assert_eq!(all("/").len(), table::commands(Place::Client).count());
        assert_eq!(all("/wh"), [""; 0]);
        assert_eq!(all("a\n/pi"), [""; 0]);
    }

    #[test]
    fn completes_arguments() {
        assert_eq!(
            all("/close 100"),
            ["1000 ", "1001 ", "1002 ", "1003 ", "1007 ", "1008 ", "1009 "]
        );
        assert_eq!(all("/close 3"), ["3000 ", "3003 ", "3008 "]);
        assert_eq!(all("/close ").len(), 15);
        assert_eq!(all("/close 1000 1"), [""; 0]);
        assert_eq!(all("/json o"), ["on", "off"]);
        assert_eq!(all("/reconnect mq"), ["mqtt"]);
        let vocabulary = Vocabulary { subprotocols: vec!["mine".into()], ..Vocabulary::default() };
        assert_eq!(offered("/reconnect m", &vocabulary), (11, vec!["mine".into(), "mqtt".into()]));
    }

    #[test]
    fn a_server_completes_its_commands_and_clients() {
        let clients = || vec![(1, Some("/chat".to_owned())), (12, None), (2, None)];
        let vocabulary = Vocabulary {
            place: Place::Talk,
            clients: Some(Box::new(clients)),
            ..Vocabulary::default()
        };
        let all = |line: &str| offered(line, &vocabulary).1;
        assert_eq!(all("/w"), ["/who"]);
        assert_eq!(all("/re"), ["/repeat ", "/refuse ", "/resume"]);
        assert_eq!(all("/reconnect"), [""; 0]);
        assert_eq!(all("/to "), ["1 ", "12 ", "2 "]);
        assert_eq!(all("/to 1"), ["1 ", "12 "]);
        assert_eq!(all("/kick 2"), ["2 "]);
        assert_eq!(all("/kick 2 300"), ["3000 ", "3003 ", "3008 "]);
        assert_eq!(all("/kick 2 3000 3"), [""; 0]);
        assert_eq!(all("/refuse 4"), ["401", "403", "404", "426", "429"]);
        assert_eq!(all("/refuse o"), ["off"]);
        let (_, pairs) = complete("/drop 1", 7, &vocabulary);
        assert_eq!(pairs[0].display, "1 /chat");
    }

    #[test]
    fn completes_words_of_earlier_messages() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.learn(br#"{"subscribe": "ticker.btc", "id": 1}"#);
        vocabulary.learn("gr\u{fc}\u{df}e sub".as_bytes());
        assert_eq!(offered("{\"x\":\"tick", &vocabulary), (6, vec!["ticker.btc".into()]));
        assert_eq!(offered("su", &vocabulary), (0, vec!["sub".into(), "subscribe".into()]));
        assert_eq!(offered("\u{fc} gr\u{fc}", &vocabulary), (3, vec!["gr\u{fc}\u{df}e".into()]));
        assert_eq!(offered("a ", &vocabulary), (2, vec![]));
        assert_eq!(offered("/every 2 subs", &vocabulary), (9, vec!["subscribe".into()]));
        for n in 0..1000 {
            vocabulary.learn(format!("word{n}").as_bytes());
        }
        assert_eq!(vocabulary.messages.len(), MAX_MESSAGES);
    }

    #[test]
    fn completes_paths() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a file.json"), "").unwrap();
        fs::write(dir.path().join(".hidden"), "").unwrap();
        fs::create_dir(dir.path().join("a directory")).unwrap();
        let path = dir.path().to_str().unwrap();
        let (start, offered) = offered(&format!("/text @{path}/a "), &Vocabulary::default());
        assert_eq!(start, 7);
        assert_eq!(offered, [format!("{path}/a directory/"), format!("{path}/a file.json")]);
        assert_eq!(all(&format!("/save {path}/.")), [format!("{path}/.hidden")]);
    }
}
