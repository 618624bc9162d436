//! Pipe mode as a table: what goes in and what the peer does, what the peer gets and what comes
//! out, and how it ends.

mod ending;
mod events;
mod input;
mod large;
mod output;
mod script;
mod typed;

use crate::support::{
    Peer, Stdin, Test,
    wire::{Frame, close},
};
use std::time::Duration;

/// What the peer does, in order, after the opening handshake.
pub enum Act {
    /// It gets this frame.
    Gets(u8, Vec<u8>),
    /// It gets this message, in however many frames.
    GetsWhole(u8, Vec<u8>),
    /// It sends these bytes.
    Sends(Vec<u8>),
    /// It gets a Close with this code and reason, and answers.
    Answers(u16, &'static str),
    /// It gets an empty Close and answers.
    AnswersEmpty,
    /// It closes with this code and is answered.
    Closes(u16),
    /// It drops the connection.
    Drops,
    /// It gets nothing but a Close with this code, and answers nothing.
    IsLeft(u16),
    /// It lets this many milliseconds pass.
    Waits(u64),
}

pub use Act::{Answers, AnswersEmpty, Closes, Drops, IsLeft, Sends, Waits};

pub fn gets(text: impl AsRef<[u8]>) -> Act {
    Act::Gets(0x81, text.as_ref().to_vec())
}

pub fn gets_binary(bytes: impl AsRef<[u8]>) -> Act {
    Act::Gets(0x82, bytes.as_ref().to_vec())
}

pub fn gets_whole(opcode: u8, bytes: impl AsRef<[u8]>) -> Act {
    Act::GetsWhole(opcode, bytes.as_ref().to_vec())
}

pub fn says(text: impl AsRef<[u8]>) -> Act {
    Sends(crate::support::wire::text(text))
}

pub fn says_binary(bytes: impl AsRef<[u8]>) -> Act {
    Sends(crate::support::wire::binary(bytes))
}

fn act(peer: &mut Peer, act: Act) {
    match act {
        Act::Gets(first, payload) => {
            let (got, expected) = (peer.frame(), Frame { first, payload });
            assert!(got == expected, "the peer got {got:?}, expected {expected:?}");
        }
        Act::GetsWhole(opcode, payload) => {
            let (mut bytes, mut expected) = (Vec::new(), opcode);
            loop {
                let frame = peer.frame();
                assert_eq!(frame.first & 0x7f, expected, "{frame:?}");
                bytes.extend(frame.payload);
                expected = 0;
                if frame.first & 0x80 != 0 {
                    break;
                }
            }
            assert!(bytes == payload, "the peer got {} of {} bytes", bytes.len(), payload.len());
        }
        Sends(bytes) => peer.send(bytes),
        Answers(code, reason) => {
            let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
            let (got, expected) = (peer.frame(), Frame { first: 0x88, payload });
            assert!(got == expected, "the peer got {got:?}, expected {expected:?}");
            peer.send(close(code, reason));
        }
        AnswersEmpty => {
            peer.expect_empty_close();
            peer.send([0x88, 0]);
        }
        Closes(code) => peer.close(code),
        Drops => {
            peer.half_close();
            peer.hold();
        }
        IsLeft(code) => {
            peer.expect_close(code);
            peer.hold();
        }
        Waits(milliseconds) => std::thread::sleep(Duration::from_millis(milliseconds)),
    }
}

/// A row of the table. What is not said must be empty, and the status 0.
pub struct Row {
    args: &'static str,
    stdin: Stdin,
    acts: Vec<Act>,
    stdout: Vec<u8>,
    stderr: String,
    status: i32,
}

/// A run with these arguments, separated by spaces. Stdin is an open pipe unless [`Row::stdin`]
/// says more.
pub fn row(args: &'static str) -> Row {
    let (stdin, stdout, stderr) = (Stdin::Open, Vec::new(), String::new());
    Row { args, stdin, acts: Vec::new(), stdout, stderr, status: 0 }
}

impl Row {
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Stdin::Bytes(bytes.as_ref().to_vec());
        self
    }

    pub fn no_stdin(mut self) -> Self {
        self.stdin = Stdin::Null;
        self
    }

    pub fn peer(mut self, acts: impl IntoIterator<Item = Act>) -> Self {
        self.acts = acts.into_iter().collect();
        self
    }

    pub fn stdout(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdout = bytes.as_ref().to_vec();
        self
    }

    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.stderr = text.into();
        self
    }

    pub fn status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }
}

/// Runs every row.
#[track_caller]
pub fn table(rows: impl IntoIterator<Item = Row>) {
    for Row { args, stdin, acts, stdout, stderr, status } in rows {
        Test::new()
            .args(args.split(' ').filter(|arg| !arg.is_empty()))
            .stdin(stdin)
            .peer(move |peer| {
                peer.open();
                for next in acts {
                    act(peer, next);
                }
            })
            .stdout(stdout)
            .stderr(stderr)
            .status(status)
            .run();
    }
}
