//! Random numbers, among others for the keys and masks of `proto`.

use crate::proto::Entropy;
use rand::{
    Rng as _, TryRng as _,
    rngs::{StdRng, SysRng},
};

/// Returns a source of unpredictable bytes. The first request goes to the system, which suffices for
/// a short session; later ones go to a generator seeded by the system.
pub fn entropy() -> Entropy {
    let mut generator: Option<StdRng> = None;
    let mut first = true;
    Box::new(move |bytes| {
        if std::mem::take(&mut first) && SysRng.try_fill_bytes(bytes).is_ok() {
            return;
        }
        generator.get_or_insert_with(rand::make_rng).fill_bytes(bytes);
    })
}

/// Returns a random number from 0 to 1, both inclusive.
pub fn fraction() -> f64 {
    let mut bytes = [0; 4];
    entropy()(&mut bytes);
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}

/// Returns the 16 bytes of a `Sec-WebSocket-Key` (RFC 6455, 4.1).
pub fn nonce() -> [u8; 16] {
    let mut bytes = [0; 16];
    entropy()(&mut bytes);
    bytes
}
