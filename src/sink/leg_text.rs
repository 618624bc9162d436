//! The messages of a proxy on stdout or above a prompt, each with its client and direction.

use super::{Interest, Print, Sink, jsonl::EventBuffer};
use crate::{
    proto::{Kind, Leg, trace::Direction},
    render::{dialogue::Dialogue, long_content::LongContent},
    script::addressee::Addressee,
    session::SessionEvent,
    stored::{Content, StoredMessage, WholeMessage},
};
use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
    time::{Instant, SystemTime},
};

/// The messages of a proxy's sessions as text.
#[derive(Clone)]
pub(crate) enum LegOutput {
    /// `--output jsonl`.
    Events(EventBuffer),
    /// Messages as text, each followed by this byte.
    Text(EventBuffer, u8),
    /// Messages above a prompt.
    Calls(Arc<dyn Fn(&LegMessage<'_>) + Send + Sync>),
}

/// A message that passes, or that the proxy sends itself.
pub(crate) struct LegMessage<'a> {
    pub(crate) conn: u64,
    /// As the client sees it: out to the server, in to the client.
    pub(crate) direction: Direction,
    pub(crate) kind: Kind,
    pub(crate) content: Content<'a>,
    /// True if it is one of the proxy.
    pub(crate) is_ours: bool,
}

/// The sink of a leg that shows its messages.
pub(super) struct LegMessages {
    target: LegTarget,
    conn: u64,
    leg: Leg,
    print: Option<Print>,
}

/// The place where messages are shown.
enum LegTarget {
    Stdout(LegText),
    /// Above a prompt.
    Call(Arc<dyn Fn(&LegMessage<'_>) + Send + Sync>),
}

/// Messages on stdout. For a program, `1>`, a tab, and the message as it is: `>` to the server, `<` to
/// the client.
struct LegText {
    events: EventBuffer,
    terminator: u8,
    /// Set if stdout is a terminal.
    dialogue: Option<Dialogue>,
}

impl LegMessages {
    /// Creates the sink that writes messages to stdout, each followed by this byte.
    pub(super) fn on_stdout(
        events: EventBuffer,
        terminator: u8,
        (conn, leg): (u64, Leg),
    ) -> Box<dyn Sink> {
        let peer = Some(Addressee::Client(conn));
        let dialogue = io::stdout().is_terminal().then(|| Dialogue { peer, ..Dialogue::default() });
        let target = LegTarget::Stdout(LegText { events, terminator, dialogue });
        Box::new(Self { target, conn, leg, print: None })
    }

    /// Creates the sink that passes messages to a function.
    pub(super) fn to_calls(
        show: Arc<dyn Fn(&LegMessage<'_>) + Send + Sync>,
        (conn, leg): (u64, Leg),
    ) -> Box<dyn Sink> {
        Box::new(Self { target: LegTarget::Call(show), conn, leg, print: None })
    }

    fn show(&self, direction: Direction, kind: Kind, content: Content<'_>) {
        let (conn, is_ours) = (self.conn, direction == Direction::Out);
        let direction = self.leg.as_client_sees(direction);
        let message = LegMessage { conn, direction, kind, content, is_ours };
        match &self.target {
            LegTarget::Stdout(text) => text.write(&message),
            LegTarget::Call(show) => show(&message),
        }
    }
}

impl LegText {
    fn write(&self, message: &LegMessage<'_>) {
        let mark = if message.direction == Direction::Out { '>' } else { '<' };
        self.events.message(|buffer| {
            let bytes = buffer.bytes();
            let mut long = None;
            match (&self.dialogue, message.content) {
                (Some(dialogue), _) => {
                    bytes.extend_from_slice(shown(dialogue, message).as_bytes());
                    bytes.push(b'\n');
                }
                (None, Content::Short(content)) => {
                    // Writing to memory does not fail.
                    let _ = write!(bytes, "{}{mark}\t", message.conn);
                    bytes.extend_from_slice(content);
                    bytes.push(self.terminator);
                }
                (None, Content::Long(stored)) => {
                    let label = format!("{}{mark}\t", message.conn).into_bytes();
                    let end = vec![self.terminator];
                    long = Some(LongContent::raw(label, stored.clone(), end));
                }
            }
            buffer.release();
            long
        });
    }
}

impl Sink for LegMessages {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn see(&mut self, _at: Instant, seen: &SessionEvent<'_>) {
        match seen {
            SessionEvent::Sent(kind, Some(data), _) => {
                self.show(Direction::Out, *kind, Content::Short(data));
            }
            SessionEvent::TooLong(_, size, ..) => {
                tell_too_long(self.print.as_ref(), (self.conn, self.leg), *size);
            }
            _ => {}
        }
    }

    fn message(&mut self, _at: Instant, message: &WholeMessage<'_>) {
        self.show(Direction::In, message.kind, message.content);
    }

    fn rest(&mut self) {
        if let LegTarget::Stdout(text) = &self.target {
            text.events.tell();
        }
    }

    fn print_with(&mut self, print: Option<&Print>) {
        self.print = print.cloned();
    }
}

/// Prints a line about a message that is not shown.
fn tell_too_long(print: Option<&Print>, (conn, leg): (u64, Leg), size: u64) {
    if let Some(print) = print {
        let line =
            format!("sockeye: client {conn}: a message of the {leg} is not shown: {size} bytes");
        print(&format!("{line}\n"));
    }
}

/// Returns a message for a terminal. Of a long one, only the start.
fn shown(dialogue: &Dialogue, message: &LegMessage<'_>) -> String {
    let (direction, kind, now) = (message.direction, message.kind, SystemTime::now());
    match message.content {
        Content::Short(bytes) => dialogue.message(direction, kind, bytes, now),
        Content::Long(stored) => {
            let start = start_of(kind, stored).unwrap_or_default();
            let length = usize::try_from(stored.length()).unwrap_or(usize::MAX);
            dialogue.long_message(direction, kind, (&start, length), now)
        }
    }
}

fn start_of(kind: Kind, stored: &StoredMessage) -> io::Result<Vec<u8>> {
    match kind {
        Kind::Text => stored.read_text_at(0, SHOWN_BYTES).map(String::into_bytes),
        Kind::Binary => stored.read_at(0, SHOWN_BYTES),
    }
}

/// The number of bytes of a long message that are shown on a terminal.
const SHOWN_BYTES: usize = 64 << 10;
