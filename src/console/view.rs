//! The display of messages: filtering, pausing and formatting.

use super::{prompt_look::PromptLook, screen::screen};
use crate::{
    job::prompt_habits::PromptHabits,
    proto::{Kind, trace::Direction},
    redact::ShownPath,
    render::{dialogue::Dialogue, extent::Extent},
    script::{addressee::Addressee, matcher::Matcher},
    stored::{Content, StoredMessage},
    sys::unix::set_private_mode,
    wording::system_error,
};
use std::{
    io::{self, Write as _},
    path::Path,
    time::{Duration, SystemTime},
};

/// The display of messages above the prompt.
#[derive(Debug, Default)]
pub(crate) struct View {
    dialogue: Dialogue,
    /// True if messages are not cut to the screen.
    shows_all: bool,
    /// The pattern of `/filter`. Messages that do not match are hidden.
    filter: Option<Matcher>,
    /// The number of hidden messages since the filter was set.
    hidden: u64,
    /// The output held since `/pause`.
    held: Option<Held>,
    /// The last message received.
    last: Option<(Kind, LastMessage)>,
    /// The client that sent it, in a server.
    last_peer: Option<Addressee>,
    /// Its direction, in a proxy.
    last_direction: Direction,
}

#[derive(Debug)]
enum LastMessage {
    Short(Vec<u8>),
    Long(StoredMessage),
}

#[derive(Debug, Default)]
struct Held {
    text: String,
    messages: u64,
    /// True once the note about the limit was returned.
    limit_noted: bool,
}

impl View {
    /// Creates the display above a prompt with these habits.
    pub(crate) fn new(dialogue: Dialogue, habits: PromptHabits) -> Self {
        Self { dialogue, shows_all: !habits.has_commands, ..Self::default() }
    }

    /// Returns the look of the prompt below the messages.
    pub(crate) fn look(&self) -> PromptLook {
        PromptLook { times: self.dialogue.times, paused: self.is_paused(), ..PromptLook::default() }
    }

    /// Adapts to the current size of the screen.
    pub(crate) fn fit(&mut self) {
        if !self.shows_all {
            self.dialogue.extent = Extent::Screen(screen());
        }
    }

    /// Names the other side of the messages that follow, in a server.
    pub(crate) fn set_peer(&mut self, peer: Addressee) {
        self.dialogue.peer = Some(peer);
    }

    /// Stores a received message as the last one. Returns true if it passes the filter.
    pub(crate) fn admits(&mut self, kind: Kind, message: Content<'_>) -> bool {
        self.keep(kind, message);
        self.last_peer = self.dialogue.peer;
        let Some(filter) = &self.filter else { return true };
        let matches = match message {
            Content::Short(bytes) => filter.is_match(bytes),
            // A pattern needs the whole message in memory. What cannot be read is shown.
            Content::Long(stored) => {
                stored.read_at(0, usize::MAX).map_or(true, |bytes| filter.is_match(&bytes))
            }
        };
        self.hidden += u64::from(!matches);
        matches
    }

    fn keep(&mut self, kind: Kind, message: Content<'_>) {
        let bytes = match message {
            Content::Short(bytes) => bytes,
            Content::Long(stored) => {
                self.last = Some((kind, LastMessage::Long(stored.clone())));
                return;
            }
        };
        if let Some((last, LastMessage::Short(kept))) = &mut self.last {
            *last = kind;
            kept.clear();
            kept.extend_from_slice(bytes);
        } else {
            self.last = Some((kind, LastMessage::Short(bytes.to_vec())));
        }
    }

    /// Shows a received message that passed the filter. Returns what to print now, if anything.
    pub(crate) fn received(
        &mut self,
        kind: Kind,
        message: Content<'_>,
        is_decoded: bool,
    ) -> Option<String> {
        match message {
            Content::Short(bytes) if is_decoded => {
                let now = SystemTime::now();
                let text = self.dialogue.decoded(Direction::In, kind, bytes, now);
                self.count_and_show(text)
            }
            message => self.passed(Direction::In, kind, message),
        }
    }

    /// Shows a message of this direction that passed the filter. Returns what to print now, if
    /// anything.
    pub(crate) fn passed(
        &mut self,
        direction: Direction,
        kind: Kind,
        message: Content<'_>,
    ) -> Option<String> {
        self.last_direction = direction;
        let text = match message {
            Content::Short(bytes) => {
                self.dialogue.message(direction, kind, bytes, SystemTime::now())
            }
            Content::Long(stored) => {
                start_of(&self.dialogue, (direction, kind), stored, SCREEN_BYTES)
            }
        };
        self.count_and_show(text)
    }

    fn count_and_show(&mut self, text: String) -> Option<String> {
        if let Some(held) = &mut self.held {
            held.messages += 1;
        }
        self.show(text)
    }

    /// Shows a message that was sent by a command. Returns what to print now, if anything.
    pub(crate) fn sent(&mut self, kind: Kind, message: &[u8]) -> Option<String> {
        let text = self.dialogue.message(Direction::Out, kind, message, SystemTime::now());
        self.show(text)
    }

    /// Shows a received ping or pong. Returns what to print now, if anything.
    pub(crate) fn control(
        &mut self,
        name: &str,
        payload: &[u8],
        rtt: Option<Duration>,
    ) -> Option<String> {
        let text = self.dialogue.control(Direction::In, name, payload, rtt, SystemTime::now());
        self.show(text)
    }

    fn show(&mut self, text: String) -> Option<String> {
        let Some(held) = &mut self.held else { return Some(text) };
        held.text.push_str(&text);
        held.text.push('\n');
        if held.text.len() >= HELD_LIMIT_BYTES && !held.limit_noted {
            held.limit_noted = true;
            return Some(FULL_NOTE.to_owned());
        }
        None
    }

    /// Reports whether received messages are held.
    pub(crate) fn is_paused(&self) -> bool {
        self.held.is_some()
    }

    /// Reports whether the held text has reached its limit, at which the session is no longer read.
    pub(crate) fn is_full(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.text.len() >= HELD_LIMIT_BYTES)
    }

    /// Starts holding messages. Returns the text to print: the state, if already paused.
    pub(crate) fn pause(&mut self) -> String {
        match &self.held {
            Some(_) => self.state().unwrap_or_default(),
            None => {
                self.held = Some(Held::default());
                "paused: /resume shows the messages received in the meantime".to_owned()
            }
        }
    }

    /// Stops holding messages. Returns the held text.
    pub(crate) fn resume(&mut self) -> String {
        match self.held.take() {
            None => "not paused".to_owned(),
            Some(Held { mut text, messages, .. }) => {
                text.push_str("resumed: ");
                text.push_str(&were_held(messages));
                text
            }
        }
    }

    /// Returns the number of held messages as a text, or `None` if not paused.
    pub(crate) fn state(&self) -> Option<String> {
        self.held.as_ref().map(|held| format!("paused: {}", were_held(held.messages)))
    }

    /// Sets or removes the filter. Returns the text to print.
    pub(crate) fn filter(&mut self, filter: Option<Matcher>) -> String {
        let hidden = std::mem::take(&mut self.hidden);
        let had_filter = self.filter.is_some();
        let before = if had_filter { format!("; {hidden} did not match") } else { String::new() };
        self.filter = filter;
        match &self.filter {
            Some(filter) => format!("showing messages that match {filter}{before}"),
            None => format!("showing all messages{before}"),
        }
    }

    /// Switches or toggles pretty-printing. Returns the text to print.
    pub(crate) fn json(&mut self, wanted: Option<bool>) -> &'static str {
        let pretty = &mut self.dialogue.pretty;
        *pretty = wanted.unwrap_or(!*pretty);
        if *pretty { "JSON is pretty-printed" } else { "JSON is shown as received" }
    }

    /// Switches or toggles timestamps. Returns the text to print.
    pub(crate) fn time(&mut self, wanted: Option<bool>) -> &'static str {
        let times = &mut self.dialogue.times;
        *times = wanted.unwrap_or(!*times);
        if *times { "timestamps are shown" } else { "timestamps are not shown" }
    }

    /// Returns the last received message, or only its start if it is too long to read.
    pub(crate) fn last(&self) -> String {
        let Some((kind, message)) = &self.last else { return NONE_YET.to_owned() };
        let extent = Extent::Start(LAST_LIMIT_BYTES);
        let dialogue = Dialogue { extent, times: false, peer: self.last_peer, ..self.dialogue };
        match message {
            LastMessage::Short(bytes) => {
                dialogue.message(self.last_direction, *kind, bytes, SystemTime::now())
            }
            LastMessage::Long(stored) => {
                let last = (self.last_direction, *kind);
                start_of(&dialogue, last, stored, LAST_LIMIT_BYTES)
            }
        }
    }

    /// Writes the last received message to a new file. Returns the text to print.
    pub(crate) fn save(&self, path: &Path) -> String {
        let Some((_, message)) = &self.last else { return NONE_YET.to_owned() };
        let write = || -> io::Result<u64> {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            set_private_mode(&mut options);
            let mut file = options.open(path)?;
            let written = match message {
                LastMessage::Short(bytes) => file.write_all(bytes).map(|()| bytes.len() as u64),
                LastMessage::Long(stored) => stored.write_to(&mut file),
            };
            if written.is_err() {
                let _ = std::fs::remove_file(path);
            }
            written
        };
        match write() {
            Ok(length) => format!("{length} bytes written to {}", ShownPath(path)),
            Err(cause) => {
                format!("cannot write {}: {}", ShownPath(path), system_error(&cause))
            }
        }
    }
}

/// Returns the start of a long received message, in which `limit` bytes are looked at.
fn start_of(
    dialogue: &Dialogue,
    (direction, kind): (Direction, Kind),
    stored: &StoredMessage,
    limit: usize,
) -> String {
    let start = match kind {
        Kind::Text => stored.read_text_at(0, limit).map(String::into_bytes),
        Kind::Binary => stored.read_at(0, limit),
    };
    let length = usize::try_from(stored.length()).unwrap_or(usize::MAX);
    match start {
        Ok(start) => dialogue.long_message(direction, kind, (&start, length), SystemTime::now()),
        Err(cause) => format!("(cannot read {length} bytes: {})", system_error(&cause)),
    }
}

fn were_held(messages: u64) -> String {
    let s = if messages == 1 { "" } else { "s" };
    format!("{messages} message{s} held")
}

const FULL_NOTE: &str = "(limit reached: nothing more is read from the peer until /resume)";
/// The output of `/last`, in bytes.
const LAST_LIMIT_BYTES: usize = 4 << 20;
const NONE_YET: &str = "no message received yet";
/// The maximum size of held text, at which reading from the session stops.
const HELD_LIMIT_BYTES: usize = 8 << 20;
/// The start of a long message that is looked at to fill the screen, in bytes.
const SCREEN_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{proto::Piece, stored::Collector};

    /// Receives a text message. Returns the text to print.
    fn receive(view: &mut View, text: &str) -> Option<String> {
        let message = Content::Short(text.as_bytes());
        if view.admits(Kind::Text, message) {
            view.received(Kind::Text, message, false)
        } else {
            None
        }
    }

    fn matcher(pattern: &str) -> Matcher {
        Matcher::parse(pattern).unwrap()
    }

    #[test]
    fn messages_are_shown_at_once_or_when_resumed() {
        let mut view = View::default();
        assert!(receive(&mut view, "one").unwrap().contains("one"));
        assert_eq!(view.resume(), "not paused");
        assert!(view.pause().contains("/resume"));
        assert!(view.is_paused());
        assert_eq!(receive(&mut view, "two"), None);
        assert_eq!(view.sent(Kind::Text, b"three"), None);
        assert_eq!(view.control("pong", b"four", None), None);
        // Only received messages are counted.
        assert_eq!(view.state().unwrap(), "paused: 1 message held");
        assert_eq!(view.pause(), view.state().unwrap());
        let shown = view.resume();
        let places = ["two", "three", "four", "resumed: 1 message held"];
        let places = places.map(|text| shown.find(text).unwrap());
        assert!(places.is_sorted(), "{shown}");
        assert!(!view.is_paused());
        assert_eq!(view.state(), None);
        assert!(receive(&mut view, "five").is_some());
    }

    #[test]
    fn held_text_is_limited_and_the_limit_is_noted_once() {
        let mut view = View::default();
        view.pause();
        let half = "x".repeat(HELD_LIMIT_BYTES / 2);
        assert_eq!(receive(&mut view, &half), None);
        assert!(!view.is_full());
        assert_eq!(receive(&mut view, &half).as_deref(), Some(FULL_NOTE));
        assert!(view.is_full());
        assert_eq!(receive(&mut view, "more"), None);
        assert!(view.resume().ends_with("resumed: 3 messages held"));
        assert!(!view.is_full());
    }

    #[test]
    fn a_filter_hides_and_counts() {
        let mut view = View::default();
        assert_eq!(view.filter(Some(matcher("^a"))), "showing messages that match ^a");
        assert!(receive(&mut view, "ab").is_some());
        assert_eq!(receive(&mut view, "ba"), None);
        assert_eq!(receive(&mut view, "b"), None);
        assert_eq!(
            view.filter(Some(matcher("b"))),
            "showing messages that match b; 2 did not match"
        );
        assert!(receive(&mut view, "ba").is_some());
        assert_eq!(view.filter(None), "showing all messages; 0 did not match");
        assert_eq!(view.filter(None), "showing all messages");
        assert!(receive(&mut view, "c").is_some());
    }

    #[test]
    fn a_message_is_cut_to_the_screen_and_the_last_is_shown_whole() {
        let mut view = View::default();
        assert_eq!(view.last(), NONE_YET);
        let room = crate::render::extent::Room { columns: 20, rows: 3 };
        view.dialogue.extent = Extent::Screen(room);
        let long = format!("{}end", "x".repeat(200));
        assert!(!receive(&mut view, &long).unwrap().contains("end"));
        assert!(view.last().contains(&long));
        // A message that the filter hides is stored too.
        view.filter(Some(matcher("never")));
        assert_eq!(receive(&mut view, "hidden"), None);
        assert!(view.last().contains("hidden"));
    }

    #[test]
    fn the_last_message_is_saved_to_a_new_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("message");
        let mut view = View::default();
        assert_eq!(view.save(&path), NONE_YET);
        view.admits(Kind::Binary, Content::Short(b"\0\xff"));
        assert!(view.save(&path).starts_with("2 bytes written to"));
        assert_eq!(std::fs::read(&path).unwrap(), b"\0\xff");
        assert!(view.save(&path).starts_with("cannot write"));
    }

    #[test]
    fn a_long_message_is_shown_in_part_and_saved_whole() {
        let message = format!("{}\u{e9}nd", "x".repeat(6 << 20));
        let mut collector = Collector::default();
        let (start, end) = message.as_bytes().split_at(1000);
        let piece =
            |payload, first| Piece { first, last: !first, ..Piece::whole(Kind::Text, payload) };
        assert!(collector.push(&piece(start, true)).is_none());
        let long = collector.push(&piece(end, false)).unwrap();
        let mut view = View::default();
        let room = crate::render::extent::Room { columns: 20, rows: 3 };
        view.dialogue.extent = Extent::Screen(room);
        assert!(view.admits(Kind::Text, long.content()));
        let shown = view.received(Kind::Text, long.content(), false).unwrap();
        let hint = format!("of {} bytes; /last shows more, /save FILE keeps it)", message.len());
        assert_eq!(shown, format!("< {}\n(58 {hint}", "x".repeat(58)));
        assert!((4 << 20..5 << 20).contains(&view.last().len()));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("message");
        assert!(view.save(&path).starts_with(&format!("{} bytes written to", message.len())));
        assert!(std::fs::read_to_string(&path).unwrap() == message);
        // A pattern is compared with all of it.
        view.filter(Some(matcher("^x+\u{e9}nd$")));
        assert!(view.admits(Kind::Text, long.content()));
        view.filter(Some(matcher("^x+$")));
        assert!(!view.admits(Kind::Text, long.content()));
        assert!(receive(&mut view, "x").unwrap().contains('x'));
        assert_eq!(view.last(), "< x");
    }

    #[test]
    fn switches_are_set_or_toggled() {
        let mut view = View::default();
        let json = [None, None, Some(true), Some(true), Some(false)].map(|it| view.json(it));
        let (on, off) = ("JSON is pretty-printed", "JSON is shown as received");
        assert_eq!(json, [on, off, on, on, off]);
        let times = [Some(false), None, Some(true)].map(|it| view.time(it));
        assert_eq!(
            times,
            ["timestamps are not shown", "timestamps are shown", "timestamps are shown"]
        );
    }
}
