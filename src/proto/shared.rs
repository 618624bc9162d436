//! A message for many peers of a server, encoded once.
//!
//! A server does not mask, and this crate's servers compress every message without the context of
//! earlier ones, so that the frames are the same for all peers that agreed on the same window.

use super::{
    deflate::Deflater,
    event::Settings,
    extension::params::{MAX_BITS, MIN_BITS, Side},
    opcode::Kind,
    outbox::Outbox,
    role::Role,
    slice::Within as _,
};
use std::sync::OnceLock;

/// A message whose frames are encoded when the first peer needs them.
#[derive(Debug)]
pub struct SharedMessage {
    kind: Kind,
    payload: Vec<u8>,
    settings: Settings,
    plain: OnceLock<Frames>,
    /// The compressed frames, by window bits from [`MIN_BITS`].
    compressed: [OnceLock<Frames>; (MAX_BITS - MIN_BITS + 1) as usize],
}

/// The frames of a message.
#[derive(Debug)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// The end of each frame in `bytes`.
    ends: Vec<usize>,
    /// The number of payload bytes in the frames.
    pub(super) carried: u64,
}

impl SharedMessage {
    /// Creates a message. The settings give the length of fragments and the compression.
    pub fn new(kind: Kind, payload: Vec<u8>, settings: Settings) -> Self {
        let (plain, compressed) = Default::default();
        Self { kind, payload, settings, plain, compressed }
    }

    /// Returns the type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the frames, compressed with a window of this many bits, or not compressed.
    pub(super) fn frames(&self, window_bits: Option<u8>) -> &Frames {
        let compressed = window_bits.and_then(|bits| bits.checked_sub(MIN_BITS));
        let slot = compressed.and_then(|at| self.compressed.get(usize::from(at)));
        slot.unwrap_or(&self.plain).get_or_init(|| {
            let Settings { fragment, compress_level, .. } = self.settings;
            // A server does not mask.
            let mut outbox = Outbox::new(Role::Server, Box::new(|_| {}), fragment);
            if let Some(window_bits) = window_bits {
                let side = Side { window_bits, keeps_context: false };
                outbox.set_deflater(Deflater::new(side, compress_level, 0));
            }
            outbox.message(self.kind, &self.payload);
            let ends = outbox.frame_ends();
            let carried = outbox.tally().total().carried;
            Frames { bytes: outbox.into_bytes(), ends, carried }
        })
    }
}

impl Frames {
    /// Returns the frame with this number, from 0, and whether it is the last one.
    pub(super) fn frame(&self, number: usize) -> (&[u8], bool) {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(number).copied().unwrap_or(self.bytes.len());
        (self.bytes.within(start.unwrap_or(0)..end), number + 1 >= self.ends.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Connection, Event, extension::params::Deflate};
    use std::{
        num::NonZeroUsize,
        time::{Duration, Instant},
    };

    const SETTINGS: Settings = Settings {
        max_message: u64::MAX,
        ping_interval: None,
        ping_timeout: None,
        idle_timeout: None,
        close_timeout: Duration::from_secs(1),
        fragment: NonZeroUsize::new(1000).unwrap(),
        compress_level: 1,
        compress_min: 50,
        lenient: false,
    };

    fn side(window_bits: u8) -> Side {
        Side { window_bits, keeps_context: true }
    }

    /// Returns a server's connection and its client's, with compression if there are window bits.
    fn pair(window_bits: Option<u8>) -> (Connection, Connection) {
        let end = |role| {
            let connection = Connection::new(role, SETTINGS, Box::new(|_| {}), Instant::now());
            match window_bits {
                Some(bits) => {
                    connection.with_deflate(&Deflate { server: side(bits), client: side(15) })
                }
                None => connection,
            }
        };
        (end(Role::Server), end(Role::Client))
    }

    /// Takes all queued bytes.
    fn transmit(server: &mut Connection) -> Vec<u8> {
        let bytes = server.transmit().to_vec();
        server.transmitted(bytes.len(), Instant::now());
        server.flushed();
        bytes
    }

    fn receive(client: &mut Connection, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let (mut messages, mut message, mut at) = (Vec::new(), Vec::new(), 0);
        while let (used, Some(event)) = client.receive(Instant::now(), &mut bytes[at..]) {
            let Event::Message(piece) = event else { panic!("{event:?}") };
            message.extend_from_slice(piece.payload);
            if piece.last {
                messages.push(std::mem::take(&mut message));
            }
            at += used;
        }
        messages
    }

    #[test]
    fn every_peer_receives_the_message_between_its_own() {
        let text = "lines and lines of text ".repeat(500);
        let shared = SharedMessage::new(Kind::Text, text.clone().into_bytes(), SETTINGS);
        for window_bits in [None, Some(9), Some(15), Some(8)] {
            let (mut server, mut client) = pair(window_bits);
            for _ in 0..2 {
                server.send(Kind::Text, text.as_bytes()).unwrap();
                assert_eq!(server.send_shared(&shared, 0, usize::MAX), Ok(None));
                let received = receive(&mut client, transmit(&mut server));
                assert_eq!(received, [text.as_bytes(), text.as_bytes()], "{window_bits:?}");
            }
            assert_eq!(server.tallies().1, client.tallies().0);
        }
        assert!(shared.frames(Some(15)).bytes.len() < shared.frames(None).bytes.len() / 10);
    }

    #[test]
    fn a_long_message_is_queued_as_there_is_room() {
        let payload: Vec<u8> = (0..5500u32).map(|n| n.to_le_bytes()[0]).collect();
        let shared = SharedMessage::new(Kind::Binary, payload.clone(), SETTINGS);
        let (mut server, mut client) = pair(None);
        let (mut next, mut bytes) = (Some(0), Vec::new());
        let mut steps = 0;
        while let Some(number) = next {
            next = server.send_shared(&shared, number, 1500).unwrap();
            assert!(server.queued() < 2500);
            assert!(server.has_unsent_message());
            bytes.extend(transmit(&mut server));
            steps += 1;
        }
        assert_eq!(steps, 3);
        assert_eq!(receive(&mut client, bytes), [payload]);
        assert!(!server.has_unsent_message());
    }

    #[test]
    fn an_empty_message_and_a_short_one_have_one_frame() {
        for (payload, bytes) in [(&b""[..], 2), (b"short", 7)] {
            let shared = SharedMessage::new(Kind::Text, payload.to_vec(), SETTINGS);
            let (mut server, mut client) = pair(Some(15));
            assert_eq!(server.send_shared(&shared, 0, 0), Ok(None));
            assert_eq!(server.queued(), bytes);
            assert_eq!(receive(&mut client, transmit(&mut server)), [payload]);
        }
    }
}
