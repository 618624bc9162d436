//! The random source: what `proto` is given for keys and masks.

use crate::proto::Entropy;
use rand::{
    Rng as _, TryRng as _,
    rngs::{StdRng, SysRng},
};

/// Unpredictable bytes: the first from the system, which is enough for a short session, then from
/// a generator that the system seeds.
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

/// A number from 0 to 1.
pub fn fraction() -> f64 {
    let mut bytes = [0; 4];
    entropy()(&mut bytes);
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}

/// The 16 bytes of a Sec-WebSocket-Key.
pub fn nonce() -> [u8; 16] {
    let mut bytes = [0; 16];
    entropy()(&mut bytes);
    bytes
}
