//! Lines typed at the prompt: messages and slash commands.

pub(crate) mod arguments;
mod line;
pub(crate) mod table;

use super::{action::Outgoing, matcher::Matcher};
use crate::proto::Kind;
use std::{path::PathBuf, time::Duration};

/// A line typed at the prompt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// An empty line.
    Nothing,
    /// A message of the session's type, which is on the screen already.
    Say(String),
    /// Something to send.
    Send(Outgoing),
    /// A file to send as a message. Without a type it is text if it is UTF-8.
    SendFile(Option<Kind>, PathBuf),
    /// Closes the session and leaves.
    Quit,
    /// Opens an external editor on this text.
    Edit(String),
    /// Sends a message repeatedly; without a number until [`Command::Stop`].
    Repeat { times: Option<u64>, interval: Duration, message: String },
    /// Ends all repetition.
    Stop,
    /// Lays JSON out, or not; `None`: the other way.
    Json(Option<bool>),
    /// Shows times, or not; `None`: the other way.
    Time(Option<bool>),
    /// Shows only messages that match, or all.
    Filter(Option<Matcher>),
    /// Holds messages back until [`Command::Resume`].
    Pause,
    /// Shows the messages held back.
    Resume,
    /// Shows the last message in full.
    Last,
    /// Writes the last message to a file.
    Save(PathBuf),
    /// Shows the statistics of the session.
    Stats,
    /// Shows the opening handshake.
    Headers,
    /// Opens the session again, with this subprotocol if one is given.
    Reconnect(Option<String>),
    /// Clears the screen.
    Clear,
    /// Lists the commands.
    Help,
}
