//! Sessions on the test bed: how they end, their deadlines, back-pressure and observation.

mod deadlines;
mod ends;
mod observation;
mod pressure;
mod wire;

use super::testbed::{self, Bed, End, Happened, Pair, Player, SETTINGS, Wire};
use crate::proto::{Kind, Role, Settings};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A second.
const S: Duration = Duration::from_secs(1);

/// A frame of the peer of this role: its first byte, and a payload of at most 125 bytes.
fn frame(to: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    match to {
        Role::Client => [&[first, length], payload].concat(),
        // The masking key is zero.
        Role::Server => [&[first, length | 0x80, 0, 0, 0, 0], payload].concat(),
    }
}

/// A session of this role, and its peer byte by byte.
fn one(bed: Bed, role: Role) -> (Player, End, Wire) {
    let (session, peer, wire) = match role {
        Role::Client => bed.client(),
        Role::Server => bed.server(),
    };
    (Player::new(session), peer, wire)
}

/// A bed on which both sides have these settings.
fn with(settings: Settings) -> Bed {
    Bed { client: settings, server: settings, ..Bed::default() }
}
