//! What of a session is shown, and how.

use crate::{
    console::{prompt::Prompt, screen::screen},
    proto::{Kind, trace::Direction},
    render::dialogue::Dialogue,
    script::matcher::Matcher,
    sys::unix::private,
};
use std::{
    io::{self, Write as _},
    path::Path,
    time::{Duration, SystemTime},
};

/// The stream of messages above the line.
#[derive(Debug, Default)]
pub(super) struct View {
    dialogue: Dialogue,
    /// Only messages that match are shown.
    filter: Option<Matcher>,
    /// Messages that did not match.
    hidden: u64,
    /// `/pause`: what has come since.
    held: Option<Held>,
    /// The last message received.
    last: Option<(Kind, Vec<u8>)>,
}

#[derive(Debug, Default)]
struct Held {
    text: String,
    messages: u64,
    /// That it is too much has been said.
    told: bool,
}

impl View {
    pub(super) fn new(dialogue: Dialogue) -> Self {
        Self { dialogue, ..Self::default() }
    }

    /// The screen may have another size now.
    pub(super) fn fit(&mut self) {
        self.dialogue.room = Some(screen());
    }

    /// A message has come.
    pub(super) fn received(&mut self, kind: Kind, message: &[u8], prompt: &Prompt) {
        let (last, bytes) = self.last.get_or_insert_with(|| (kind, Vec::new()));
        *last = kind;
        bytes.clear();
        bytes.extend_from_slice(message);
        if bytes.capacity() > KEPT && message.len() <= KEPT {
            bytes.shrink_to(KEPT);
        }
        if self.filter.as_ref().is_some_and(|filter| !filter.is_match(message)) {
            self.hidden += 1;
            return;
        }
        if kind == Kind::Text {
            prompt.known().learn(message);
        }
        let text = self.dialogue.message(Direction::In, kind, message, SystemTime::now());
        if let Some(held) = &mut self.held {
            held.messages += 1;
        }
        self.show(&text, prompt);
    }

    /// A message has gone that was not typed as it is.
    pub(super) fn sent(&mut self, kind: Kind, message: &[u8], prompt: &Prompt) {
        let text = self.dialogue.message(Direction::Out, kind, message, SystemTime::now());
        self.show(&text, prompt);
    }

    /// A ping or pong has come.
    pub(super) fn control(
        &mut self,
        name: &str,
        payload: &[u8],
        rtt: Option<Duration>,
        prompt: &Prompt,
    ) {
        let text = self.dialogue.control(Direction::In, name, payload, rtt, SystemTime::now());
        self.show(&text, prompt);
    }

    fn show(&mut self, text: &str, prompt: &Prompt) {
        let Some(held) = &mut self.held else { return prompt.print(text) };
        held.text.push_str(text);
        held.text.push('\n');
        if held.text.len() >= MOST && !held.told {
            held.told = true;
            prompt.print("(that is all that can be held: the rest waits at the peer; /resume)");
        }
    }

    /// Whether what comes is held.
    pub(super) fn is_paused(&self) -> bool {
        self.held.is_some()
    }

    /// Whether so much is held that nothing more should be read.
    pub(super) fn is_full(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.text.len() >= MOST)
    }

    /// Shows nothing from now on; says how much is held if it did so already.
    pub(super) fn pause(&mut self) -> String {
        match &self.held {
            Some(_) => self.state().unwrap_or_default(),
            None => {
                self.held = Some(Held::default());
                "paused: /resume shows what comes until then".to_owned()
            }
        }
    }

    /// Shows what was held.
    pub(super) fn resume(&mut self) -> String {
        match self.held.take() {
            None => "not paused".to_owned(),
            Some(Held { mut text, messages, .. }) => {
                text.push_str("resumed: ");
                text.push_str(&were_held(messages));
                text
            }
        }
    }

    /// What is not shown now, if something is not.
    pub(super) fn state(&self) -> Option<String> {
        self.held.as_ref().map(|held| format!("paused: {}", were_held(held.messages)))
    }

    /// Shows only messages that match.
    pub(super) fn filter(&mut self, filter: Option<Matcher>) -> String {
        let hidden = std::mem::take(&mut self.hidden);
        let told = self.filter.is_some();
        let before = if told { format!("; {hidden} did not match") } else { String::new() };
        self.filter = filter;
        match &self.filter {
            Some(filter) => format!("showing messages that match {filter}{before}"),
            None => format!("showing all messages{before}"),
        }
    }

    /// Lays JSON out, or not.
    pub(super) fn json(&mut self, wanted: Option<bool>) -> &'static str {
        let pretty = &mut self.dialogue.pretty;
        *pretty = wanted.unwrap_or(!*pretty);
        if *pretty { "JSON is laid out" } else { "JSON is shown as it comes" }
    }

    /// Shows times, or not.
    pub(super) fn time(&mut self, wanted: Option<bool>) -> &'static str {
        let times = &mut self.dialogue.times;
        *times = wanted.unwrap_or(!*times);
        if *times { "times are shown" } else { "times are not shown" }
    }

    /// The last message, whole.
    pub(super) fn last(&self) -> String {
        match &self.last {
            None => NONE_YET.to_owned(),
            Some((kind, message)) => Dialogue { room: None, times: false, ..self.dialogue }
                .message(Direction::In, *kind, message, SystemTime::now()),
        }
    }

    /// Writes the last message to a file that is not there yet.
    pub(super) fn save(&self, path: &Path) -> String {
        let Some((_, message)) = &self.last else { return NONE_YET.to_owned() };
        let write = || -> io::Result<()> {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            private(&mut options);
            options.open(path)?.write_all(message)
        };
        match write() {
            Ok(()) => format!("{} bytes written to {}", message.len(), path.display()),
            Err(cause) => {
                format!("cannot write {}: {}", path.display(), crate::wording::system_error(&cause))
            }
        }
    }
}

fn were_held(messages: u64) -> String {
    let s = if messages == 1 { "" } else { "s" };
    format!("{messages} message{s} held")
}

const NONE_YET: &str = "no message has come yet";
/// Bytes of text held at which nothing more is read.
const MOST: usize = 8 << 20;
/// Room kept for the last message when a longer one has gone.
const KEPT: usize = 1 << 20;
