//! Masking (RFC 6455, 5.3): the payload of every client frame is XORed with a fresh 32-bit key.

/// A source of unpredictable bytes, passed in from outside. Masking keys must be unpredictable, or a
/// hostile page could choose the bytes on the wire (10.3).
pub type Entropy = Box<dyn FnMut(&mut [u8]) + Send>;

/// Masking keys, drawn from the source in blocks.
pub struct MaskKeys {
    entropy: Entropy,
    block: [[u8; 4]; KEYS_PER_BLOCK],
    used: usize,
}

impl MaskKeys {
    /// Takes keys from `entropy`, of which nothing is drawn before the first frame.
    pub fn new(entropy: Entropy) -> Self {
        Self { entropy, block: [[0; 4]; KEYS_PER_BLOCK], used: KEYS_PER_BLOCK }
    }

    /// Returns a fresh key.
    pub fn draw(&mut self) -> [u8; 4] {
        if let Some(key) = self.block.get(self.used) {
            self.used += 1;
            return *key;
        }
        (self.entropy)(self.block.as_flattened_mut());
        self.used = 1;
        self.block[0]
    }
}

/// Masks or unmasks `data` in place; `offset` is the position of `data` in the frame's payload.
pub fn apply(data: &mut [u8], key: [u8; 4], offset: u64) {
    let word = word(key, offset);
    let (words, rest) = data.as_chunks_mut();
    for bytes in words {
        *bytes = masked(*bytes, word);
    }
    for (byte, key) in rest.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// Appends `data` to `out`, masked; `offset` is as in [`apply`].
#[inline]
pub fn append(out: &mut Vec<u8>, data: &[u8], key: [u8; 4], offset: u64) {
    let word = word(key, offset);
    if data.len() > SHORT_BYTES {
        return append_long(out, data, word);
    }
    out.reserve(data.len());
    let (blocks, rest) = data.as_chunks::<32>();
    for block in blocks {
        let mut block = *block;
        for bytes in block.as_chunks_mut().0 {
            *bytes = masked(*bytes, word);
        }
        out.extend_from_slice(&block);
    }
    let (words, rest) = rest.as_chunks();
    for bytes in words {
        out.extend_from_slice(&masked(*bytes, word));
    }
    for (byte, key) in rest.iter().zip(word.to_ne_bytes()) {
        out.push(byte ^ key);
    }
}

/// Masks in a loop that the compiler vectorizes, which does not pay for a short payload.
#[inline(never)]
fn append_long(out: &mut Vec<u8>, data: &[u8], word: u64) {
    let (words, rest) = data.as_chunks();
    out.extend(words.iter().flat_map(|bytes| masked(*bytes, word)));
    out.extend(rest.iter().zip(word.to_ne_bytes()).map(|(byte, key)| byte ^ key));
}

/// Returns the key repeated twice, rotated to begin at `offset`.
fn word(mut key: [u8; 4], offset: u64) -> u64 {
    key.rotate_left((offset % 4) as usize);
    u64::from(u32::from_ne_bytes(key)) * 0x1_0000_0001
}

fn masked(bytes: [u8; 8], word: u64) -> [u8; 8] {
    (u64::from_ne_bytes(bytes) ^ word).to_ne_bytes()
}

const KEYS_PER_BLOCK: usize = 128;

/// The longest payload masked without the vectorized loop.
const SHORT_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, 5.7: a single-frame masked text message, "Hello".
    #[test]
    fn masks_the_example_of_the_rfc() {
        let mut data = *b"Hello";
        apply(&mut data, [0x37, 0xfa, 0x21, 0x3d], 0);
        assert_eq!(data, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn masking_in_parts_gives_the_same_bytes() {
        let key = [1, 20, 0, 255];
        let plain: Vec<u8> = (0..200).collect();
        let mut whole = plain.clone();
        apply(&mut whole, key, 0);
        for (i, byte) in plain.iter().enumerate() {
            assert_eq!(whole[i], byte ^ key[i % 4]);
        }
        for cut in 0..plain.len() {
            let mut parts = plain.clone();
            let (head, tail) = parts.split_at_mut(cut);
            apply(head, key, 0);
            apply(tail, key, cut as u64);
            assert_eq!(parts, whole);
            let (head, tail) = plain.split_at(cut);
            let mut appended = Vec::new();
            append(&mut appended, head, key, 0);
            append(&mut appended, tail, key, cut as u64);
            assert_eq!(appended, whole);
        }
    }

    #[test]
    fn keys_are_drawn_in_blocks_and_used_once() {
        let mut next = 0u8;
        let mut keys = MaskKeys::new(Box::new(move |bytes| {
            for byte in bytes {
                *byte = next;
            }
            next += 1;
        }));
        for block in 0..3 {
            for _ in 0..KEYS_PER_BLOCK {
                assert_eq!(keys.draw(), [block; 4]);
            }
        }
    }
}
