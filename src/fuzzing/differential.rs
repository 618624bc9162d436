//! The same stream, read by `tungstenite`.

use super::input::{Input, chunks};
use crate::proto::{Connection, Event, Kind, Role, Settings, Violation, raw_message::RawHeader};
use std::{
    io::{self, Read, Write},
    num::NonZeroUsize,
    time::{Duration, Instant},
};
use tungstenite::{
    Error, Message,
    protocol::{self, WebSocket, WebSocketConfig},
};

/// A received message or control frame, or the end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Received {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The code and reason, if any.
    Close(Option<(u16, String)>),
}

/// The reason why no more is received.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// All bytes were read.
    Input,
    Close,
    /// The peer broke a rule, which is known for our own implementation.
    Failed(Option<Violation>),
}

/// Compares what both implementations receive.
pub(super) fn tungstenite(data: &[u8]) {
    let mut input = Input::new(data);
    let (bits, seed) = (input.byte(), input.number());
    let role = if bits & 1 == 0 { Role::Client } else { Role::Server };
    let bytes = input.rest();
    let (ours, our_end) = ours(role, &chunks(bytes, seed));
    let (mut theirs, their_end) = theirs(role, bytes);
    // They refuse 1014, which was registered after the others.
    if let Some(Received::Close(Some((1014, _)))) = ours.last()
        && theirs.len() == ours.len()
        && let Some(Received::Close(refused)) = theirs.last_mut()
        && refused.as_ref().is_some_and(|(code, _)| *code == 1002)
    {
        theirs.pop();
        theirs.extend(ours.last().cloned());
    }
    let shorter = ours.len().min(theirs.len());
    assert_eq!(ours[..shorter], theirs[..shorter]);
    match (our_end, their_end) {
        // They accept more than the standard does: a length in more bytes than necessary, also of a
        // control frame, and any close code, which they answer with 1002.
        (
            End::Failed(Some(
                Violation::LengthNotMinimal(_)
                | Violation::ControlTooLong(_)
                | Violation::CloseCodeInvalid(_),
            )),
            _,
        ) => {}
        // We report a fault as soon as it is known, they once the frame is complete.
        (End::Failed(_), End::Input) if !ends_between_frames(bytes) => {
            assert_eq!(ours.len(), theirs.len());
        }
        (our_end, their_end) => {
            assert_eq!(ours.len(), theirs.len(), "{our_end:?}, {their_end:?}");
            let is_same = match (&our_end, &their_end) {
                (End::Failed(_), End::Failed(_)) => true,
                (a, b) => a == b,
            };
            assert!(is_same, "{our_end:?} and {their_end:?}");
        }
    }
}

/// Reports whether the last frame is complete.
fn ends_between_frames(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(header) = RawHeader::read(rest) {
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let Some(after) = rest.get(header.size.saturating_add(length)..) else { return false };
        rest = after;
    }
    rest.is_empty()
}

fn ours(role: Role, chunks: &[&[u8]]) -> (Vec<Received>, End) {
    let settings = Settings {
        lenient: false,
        max_message: LIMIT as u64,
        ping_interval: None,
        ping_timeout: None,
        idle_timeout: None,
        close_timeout: Duration::from_secs(1),
        fragment: NonZeroUsize::MAX,
        compress_level: 1,
        compress_min: 0,
    };
    let now = Instant::now();
    let mut connection = Connection::new(role, settings, Box::new(|keys| keys.fill(7)), now);
    let (mut received, mut message, mut buffer) = (Vec::new(), Vec::new(), Vec::new());
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            let (used, event) = connection.receive(now, &mut buffer);
            let event = match event {
                None => None,
                Some(Event::Message(piece)) => {
                    message.extend_from_slice(piece.payload);
                    if piece.last {
                        received.push(Received::Message(piece.kind, std::mem::take(&mut message)));
                    }
                    Some(End::Input)
                }
                Some(Event::Ping(payload)) => {
                    received.push(Received::Ping(payload.to_vec()));
                    Some(End::Input)
                }
                Some(Event::Pong { payload, .. }) => {
                    received.push(Received::Pong(payload.to_vec()));
                    Some(End::Input)
                }
                Some(Event::Close(close)) => {
                    let code = close.code.number();
                    let close = (code != 1005).then(|| (code, close.reason.clone()));
                    received.push(Received::Close(close));
                    return (received, End::Close);
                }
                Some(Event::Failed(violation)) => {
                    return (received, End::Failed(Some(violation)));
                }
            };
            buffer.drain(..used);
            if event.is_none() {
                break;
            }
        }
    }
    (received, End::Input)
}

fn theirs(role: Role, bytes: &[u8]) -> (Vec<Received>, End) {
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(256)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let mut socket = WebSocket::from_raw_socket(Peer(bytes), role, Some(config));
    let mut received = Vec::new();
    loop {
        let message = match socket.read() {
            Ok(message) => message,
            Err(Error::Io(_)) => return (received, End::Input),
            Err(Error::ConnectionClosed) => return (received, End::Close),
            Err(_) => return (received, End::Failed(None)),
        };
        received.push(match message {
            Message::Text(text) => {
                Received::Message(Kind::Text, AsRef::<[u8]>::as_ref(&text).to_vec())
            }
            Message::Binary(bytes) => Received::Message(Kind::Binary, bytes.to_vec()),
            Message::Ping(bytes) => Received::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Received::Pong(bytes.to_vec()),
            Message::Close(close) => {
                let close = close.map(|it| (it.code.into(), it.reason.as_str().to_owned()));
                received.push(Received::Close(close));
                return (received, End::Close);
            }
            Message::Frame(_) => unreachable!("a whole frame is not returned"),
        });
    }
}

/// A transport with these bytes and no more. What is written is dropped.
struct Peer<'a>(&'a [u8]);

impl Read for Peer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            // An end would be reported as a fault of the protocol.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.read(buffer)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The longest frame and message of both.
const LIMIT: usize = 1 << 20;
