//! Pipe mode as a table of runs: arguments and stdin, the peer's actions, the expected stdout,
//! stderr and status.

mod ending;
mod events;
mod incomplete;
mod input;
mod large;
mod output;
mod script;
mod talk;
mod typed;

use crate::support::{
    Peer, Stdin, Test,
    wire::{Frame, close},
};
use std::time::Duration;

/// An action of the peer. A row lists them in order, after the opening handshake.
pub enum Action {
    /// Expects this frame.
    Gets(u8, Vec<u8>),
    /// Expects this message, in any number of frames.
    GetsWhole(u8, Vec<u8>),
    /// Sends these bytes.
    Sends(Vec<u8>),
    /// Expects a Close with this code and reason, and echoes it.
    Answers(u16, &'static str),
    /// Expects an empty Close, and echoes it.
    AnswersEmpty,
    /// Sends a Close with this code, and expects its echo.
    Closes(u16),
    /// Drops the connection.
    Drops,
    /// Expects only a Close with this code, and leaves it unanswered.
    GetsClose(u16),
    /// Waits for this many milliseconds.
    Waits(u64),
}

pub use Action::{Answers, AnswersEmpty, Closes, Drops, GetsClose, Sends, Waits};

pub fn gets(text: impl AsRef<[u8]>) -> Action {
    Action::Gets(0x81, text.as_ref().to_vec())
}

pub fn gets_binary(bytes: impl AsRef<[u8]>) -> Action {
    Action::Gets(0x82, bytes.as_ref().to_vec())
}

pub fn gets_whole(opcode: u8, bytes: impl AsRef<[u8]>) -> Action {
    Action::GetsWhole(opcode, bytes.as_ref().to_vec())
}

pub fn says(text: impl AsRef<[u8]>) -> Action {
    Sends(crate::support::wire::text(text))
}

pub fn says_binary(bytes: impl AsRef<[u8]>) -> Action {
    Sends(crate::support::wire::binary(bytes))
}

fn perform(peer: &mut Peer, action: Action) {
    match action {
        Action::Gets(first, payload) => {
            let got = if first & 0x80 == 0 { peer.frame() } else { peer.message() };
            let expected = Frame { first, payload };
            assert!(got == expected, "the peer got {got:?}, expected {expected:?}");
        }
        Action::GetsWhole(opcode, payload) => {
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
            peer.discard_all();
        }
        GetsClose(code) => {
            peer.expect_close(code);
            peer.discard_all();
        }
        Waits(milliseconds) => std::thread::sleep(Duration::from_millis(milliseconds)),
    }
}

/// A row of the table. Unless set otherwise, streams must be empty and the status 0.
pub struct Row {
    args: &'static str,
    further_args: Vec<String>,
    stdin: Stdin,
    actions: Vec<Action>,
    stdout: Vec<u8>,
    stderr: String,
    status: i32,
}

/// Starts a row with these arguments, separated by spaces. Stdin is an open pipe by default.
pub fn row(args: &'static str) -> Row {
    let (stdin, stdout, stderr) = (Stdin::Open, Vec::new(), String::new());
    let (further_args, actions) = (Vec::new(), Vec::new());
    Row { args, further_args, stdin, actions, stdout, stderr, status: 0 }
}

impl Row {
    /// Adds arguments that may contain spaces.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.further_args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Stdin::Bytes(bytes.as_ref().to_vec());
        self
    }

    pub fn no_stdin(mut self) -> Self {
        self.stdin = Stdin::Null;
        self
    }

    pub fn peer(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.actions = actions.into_iter().collect();
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
    for Row { args, further_args, stdin, actions, stdout, stderr, status } in rows {
        Test::new()
            .args(args.split(' ').filter(|arg| !arg.is_empty()))
            .args(further_args)
            .stdin(stdin)
            .peer(move |peer| {
                peer.open();
                for next in actions {
                    perform(peer, next);
                }
            })
            .stdout(stdout)
            .stderr(stderr)
            .status(status)
            .run();
    }
}
