//! What Tab offers.

use crate::{
    escape::affects_terminal,
    proto::{CloseCode, slice::Within},
    script::command::{
        arguments::expand_home,
        table::{self, Completion},
    },
};
use rustyline::completion::Pair;
use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::Path,
};

/// What may be typed again, beside what is known anyway.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Subprotocols asked for.
    pub(crate) subprotocols: Vec<String>,
    /// The beginnings of the last messages.
    messages: VecDeque<String>,
}

impl Known {
    /// Notes a message, whose words may be typed again.
    pub(crate) fn learn(&mut self, message: &[u8]) {
        let start = message.get(..LEARNT).unwrap_or(message);
        // The oldest is written over: its memory serves again.
        let mut text = match self.messages.len() {
            MESSAGES.. => self.messages.pop_front().unwrap_or_default(),
            _ => String::new(),
        };
        text.clear();
        text.push_str(&String::from_utf8_lossy(start));
        self.messages.push_back(text);
    }

    /// The words of the last messages that begin so.
    fn words(&self, prefix: &str) -> Vec<String> {
        let words = self.messages.iter().flat_map(|message| message.split(|c| !is_of_word(c)));
        let words: BTreeSet<_> =
            words.filter(|word| word.len() > prefix.len() && word.starts_with(prefix)).collect();
        words.into_iter().take(OFFERED).map(ToOwned::to_owned).collect()
    }
}

/// Where the word before the cursor begins, and what it may become.
pub(super) fn complete(line: &str, cursor: usize, known: &Known) -> (usize, Vec<Pair>) {
    let before = line.get(..cursor).unwrap_or(line);
    if before.contains('\n') || !before.starts_with('/') || before.starts_with("//") {
        return words(before, known);
    }
    let Some((name, _)) = before.split_once(' ') else {
        let specs = table::TABLE.iter().filter(|spec| spec.name.starts_with(before));
        let offered = specs.map(|spec| {
            let space = if spec.arguments.is_empty() { "" } else { " " };
            pair(table::usage(spec), format!("{}{space}", spec.name))
        });
        return (0, offered.collect());
    };
    let start = before.rfind(' ').map_or(0, |at| at + 1);
    let word = before.within(start..);
    // Behind the name, the first argument begins here.
    let is_first = start == name.len() + 1;
    let all = before.within(name.len() + 1..);
    let choose = |from: &mut dyn Iterator<Item = &str>| {
        let offered = from.filter(|one| is_first && one.starts_with(word));
        (start, offered.map(|one| pair(one, one)).collect())
    };
    match table::find(name).map_or(Completion::Nothing, |spec| spec.completion) {
        Completion::Words => words(before, known),
        Completion::AtFile => match all.strip_prefix('@') {
            Some(path) => paths(path, name.len() + 2),
            None => words(before, known),
        },
        Completion::File => paths(all, name.len() + 1),
        Completion::Switch => choose(&mut ["on", "off"].into_iter()),
        Completion::Subprotocol => {
            let asked = known.subprotocols.iter().map(String::as_str);
            let more =
                REGISTERED.into_iter().filter(|one| !known.subprotocols.iter().any(|it| it == one));
            choose(&mut asked.chain(more))
        }
        Completion::CloseCode if is_first => {
            let codes = (1000..=3999).map(CloseCode::new).filter(|code| code.is_sendable());
            let named = codes.map(|code| (code.to_string(), code.name()));
            let named = named.filter(|(code, name)| !name.is_empty() && code.starts_with(word));
            let offered =
                named.map(|(code, name)| pair(format!("{code} {name}"), format!("{code} ")));
            (start, offered.collect())
        }
        Completion::CloseCode | Completion::Nothing => (cursor, Vec::new()),
    }
}

fn words(before: &str, known: &Known) -> (usize, Vec<Pair>) {
    let start = before.rfind(|c| !is_of_word(c)).map_or(0, |at| {
        at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    });
    let word = before.within(start..);
    if word.is_empty() {
        return (start, Vec::new());
    }
    (start, known.words(word).into_iter().map(|word| pair(word.clone(), word)).collect())
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '/' | '@')
}

/// The files and directories that a path, which begins at `at`, may become.
fn paths(path: &str, at: usize) -> (usize, Vec<Pair>) {
    let (directory, prefix) = match path.rfind('/') {
        Some(slash) => path.split_at(slash + 1),
        None => ("", path),
    };
    let place =
        if directory.is_empty() { Path::new(".").to_owned() } else { expand_home(directory) };
    let Ok(entries) = fs::read_dir(place) else { return (at, Vec::new()) };
    let mut offered: Vec<_> = entries
        .take(ENTRIES)
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
    offered.truncate(OFFERED);
    (at, offered)
}

fn pair(display: impl Into<String>, replacement: impl Into<String>) -> Pair {
    Pair { display: display.into(), replacement: replacement.into() }
}

/// Registered subprotocols that are met most.
const REGISTERED: [&str; 8] = [
    "graphql-transport-ws",
    "graphql-ws",
    "mqtt",
    "ocpp1.6",
    "ocpp2.0.1",
    "v12.stomp",
    "wamp.2.json",
    "xmpp",
];
/// Messages remembered.
const MESSAGES: usize = 100;
/// Bytes remembered of each.
const LEARNT: usize = 2048;
/// Candidates offered at most.
const OFFERED: usize = 200;
/// Entries of a directory looked at.
const ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str, known: &Known) -> (usize, Vec<String>) {
        let (start, pairs) = complete(line, line.len(), known);
        (start, pairs.into_iter().map(|pair| pair.replacement).collect())
    }

    fn all(line: &str) -> Vec<String> {
        offered(line, &Known::default()).1
    }

    #[test]
    fn commands() {
        assert_eq!(all("/pi"), ["/ping "]);
        assert_eq!(all("/he"), ["/headers", "/help"]);
        assert_eq!(all("/nope"), [""; 0]);
        assert_eq!(all("//pi"), [""; 0]);
        assert_eq!(all("/").len(), table::TABLE.len());
        assert_eq!(all("a\n/pi"), [""; 0]);
    }

    #[test]
    fn arguments() {
        assert_eq!(
            all("/close 100"),
            ["1000 ", "1001 ", "1002 ", "1003 ", "1007 ", "1008 ", "1009 "]
        );
        assert_eq!(all("/close 1000 1"), [""; 0]);
        assert_eq!(all("/json o"), ["on", "off"]);
        assert_eq!(all("/reconnect mq"), ["mqtt"]);
        let known = Known { subprotocols: vec!["mine".into()], ..Known::default() };
        assert_eq!(offered("/reconnect m", &known), (11, vec!["mine".into(), "mqtt".into()]));
    }

    #[test]
    fn words_of_earlier_messages() {
        let mut known = Known::default();
        known.learn(br#"{"subscribe": "ticker.btc", "id": 1}"#);
        known.learn("gr\u{fc}\u{df}e sub".as_bytes());
        assert_eq!(offered("{\"x\":\"tick", &known), (6, vec!["ticker.btc".into()]));
        assert_eq!(offered("su", &known), (0, vec!["sub".into(), "subscribe".into()]));
        assert_eq!(offered("\u{fc} gr\u{fc}", &known), (3, vec!["gr\u{fc}\u{df}e".into()]));
        assert_eq!(offered("a ", &known), (2, vec![]));
        assert_eq!(offered("/every 2 subs", &known), (9, vec!["subscribe".into()]));
        for n in 0..1000 {
            known.learn(format!("word{n}").as_bytes());
        }
        assert_eq!(known.messages.len(), MESSAGES);
    }

    #[test]
    fn files() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a file.json"), "").unwrap();
        fs::write(dir.path().join(".hidden"), "").unwrap();
        fs::create_dir(dir.path().join("a directory")).unwrap();
        let path = dir.path().to_str().unwrap();
        let (start, offered) = offered(&format!("/text @{path}/a "), &Known::default());
        assert_eq!(start, 7);
        assert_eq!(offered, [format!("{path}/a directory/"), format!("{path}/a file.json")]);
        assert_eq!(all(&format!("/save {path}/.")), [format!("{path}/.hidden")]);
    }
}
