//! Lines typed at the prompt: messages and slash commands.

pub(crate) mod arguments;
mod line;
pub(crate) mod message_file;
pub(crate) mod place;
pub(crate) mod server;
mod server_arguments;
pub(crate) mod table;

use super::{action::Outgoing, matcher::Matcher};
use crate::proto::Kind;
use server::ServerCommand;
use std::{path::PathBuf, time::Duration};

/// A parsed line of the prompt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// An empty line.
    Empty,
    /// A message of the session's type. It is not echoed, since the typed line is on the screen.
    Message(String),
    Send(Outgoing),
    /// A file to send as a message. Without a type it is text if it is valid UTF-8.
    SendFile(Option<Kind>, PathBuf),
    /// Closes the session and exits.
    Quit,
    /// Opens an external editor on this text.
    Edit(String),
    /// Sends a message repeatedly: `times` times, or until [`Command::Stop`].
    Repeat {
        times: Option<u64>,
        interval: Duration,
        message: String,
    },
    /// Lists the repeats.
    Repeats,
    /// Ends the repeat with this number; `None` ends all.
    Stop(Option<u64>),
    /// Switches pretty-printing; `None` toggles it.
    Json(Option<bool>),
    /// Switches timestamps; `None` toggles them.
    Time(Option<bool>),
    /// Hides messages that do not match; `None` shows all.
    Filter(Option<Matcher>),
    /// Holds received messages until [`Command::Resume`].
    Pause,
    /// Shows the held messages.
    Resume,
    /// Shows the last received message in full.
    Last,
    /// Writes the last received message to a file.
    Save(PathBuf),
    /// Shows the statistics of the session.
    Stats,
    /// Shows the opening handshake.
    Headers,
    /// Opens a new session, with this subprotocol if one is given.
    Reconnect(Option<String>),
    Clear,
    /// Lists the commands, or describes the one that is named.
    Help(String),
    Server(ServerCommand),
}
