//! Buffers shared by the connections of a thread, so that an idle connection keeps none.

use std::cell::RefCell;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Returns an empty buffer, which may have a capacity.
pub(crate) fn take() -> Vec<u8> {
    BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Leaves a buffer to the next caller of [`take`]. A very large one is freed, so that one long
/// message does not hold its memory.
pub(crate) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > KEPT_CAPACITY_BYTES {
        return;
    }
    buffer.clear();
    BUFFERS.with_borrow_mut(|buffers| {
        if buffers.len() < KEPT_BUFFERS {
            buffers.push(buffer);
        }
    });
}

/// The largest capacity of a buffer that is kept.
const KEPT_CAPACITY_BYTES: usize = 256 << 10;
/// The greatest number of buffers that are kept.
const KEPT_BUFFERS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_reused_unless_they_are_large() {
        give(Vec::with_capacity(KEPT_CAPACITY_BYTES + 1));
        assert_eq!(take().capacity(), 0);
        let mut buffer = Vec::with_capacity(100);
        buffer.push(1);
        give(buffer);
        let buffer = take();
        assert!(buffer.is_empty() && buffer.capacity() >= 100);
        for _ in 0..=KEPT_BUFFERS {
            give(vec![0; 10]);
        }
        let kept = std::iter::repeat_with(take).take_while(|it| it.capacity() > 0).count();
        assert_eq!(kept, KEPT_BUFFERS);
    }
}
