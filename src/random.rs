//! Random numbers, among others for the keys and masks of `proto`.

use crate::proto::Entropy;
use rand::{
    Rng as _, SeedableRng as _, TryRng as _,
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

/// Returns a number that differs from run to run and is short enough to be typed.
pub fn seed() -> u64 {
    let mut bytes = [0; 4];
    entropy()(&mut bytes);
    u64::from(u32::from_ne_bytes(bytes))
}

/// Returns the 16 bytes of a `Sec-WebSocket-Key` (RFC 6455, 4.1).
pub fn nonce() -> [u8; 16] {
    let mut bytes = [0; 16];
    entropy()(&mut bytes);
    bytes
}

/// A source of random numbers that repeats itself for the same seed.
#[derive(Debug)]
pub struct Seeded(StdRng);

impl Seeded {
    /// Creates the source with this number of those that a seed has.
    pub fn new(seed: u64, number: u64) -> Self {
        Self::stream(seed, number, 0)
    }

    /// Creates one of the sources with this number that a seed has. [`Self::new`] is that of stream 0.
    pub fn stream(seed: u64, number: u64, stream: u64) -> Self {
        let mut bytes = [0; 32];
        let given = [seed.to_le_bytes(), number.to_le_bytes(), stream.to_le_bytes()].concat();
        for (to, from) in bytes.iter_mut().zip(given) {
            *to = from;
        }
        Self(StdRng::from_seed(bytes))
    }

    /// Returns 16 random bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Returns a random number from 0 up to and without 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }
}
