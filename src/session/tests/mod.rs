//! Sessions on the test bed: outcomes, deadlines, back-pressure and observation.

mod deadlines;
mod ends;
mod evidence;
mod held;
mod observation;
mod pressure;
mod wire;

use super::testbed::{self, Bed, End, OwnedEvent, Pair, Player, SETTINGS, Wire};
use crate::proto::{Kind, Role, Settings};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// One second.
const S: Duration = Duration::from_secs(1);

/// Encodes a frame sent to this role, from its first byte and a payload of at most 125 bytes.
fn frame(to: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    match to {
        Role::Client => [&[first, length], payload].concat(),
        // The masking key is zero.
        Role::Server => [&[first, length | 0x80, 0, 0, 0, 0], payload].concat(),
    }
}

/// Creates a session of this role and the raw end of its peer.
fn session_with_raw_peer(bed: Bed, role: Role) -> (Player, End, Wire) {
    let (session, peer, wire) = match role {
        Role::Client => bed.client(),
        Role::Server => bed.server(),
    };
    (Player::new(session), peer, wire)
}

/// A bed on which both sides have these settings.
fn bed_with(settings: Settings) -> Bed {
    Bed { client: settings, server: settings, ..Bed::default() }
}
