//! The random source: what `proto` is given for keys and masks.

use crate::proto::Entropy;
use rand::{Rng as _, rngs::StdRng};

/// Unpredictable bytes, from a generator of its own that the system seeds at first use.
pub fn entropy() -> Entropy {
    let mut generator: Option<StdRng> = None;
    Box::new(move |bytes| generator.get_or_insert_with(rand::make_rng).fill_bytes(bytes))
}

/// The 16 bytes of a Sec-WebSocket-Key.
pub fn nonce() -> [u8; 16] {
    let mut bytes = [0; 16];
    entropy()(&mut bytes);
    bytes
}
