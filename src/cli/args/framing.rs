//! Framing and format of messages on stdin and stdout.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Delimiter {
    /// Each message is a line; CRLF is accepted on stdin
    Lf,
    /// Each message ends with NUL
    Nul,
    /// All of stdin is one message; nothing separates messages on stdout
    None,
    /// Each message follows its length (4 bytes, big-endian)
    Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PipeFormat {
    /// Messages, framed according to --delimiter
    Text,
    /// One JSON object per line: actions on stdin, events on stdout
    Jsonl,
}
