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

/// Makes room for so many bytes more. A buffer over `heap_limit` bytes gets memory of its own from the
/// system, to which it returns; in the allocator's heap it would leave a hole.
#[inline]
pub(crate) fn reserve(buffer: &mut Vec<u8>, more: usize, heap_limit: usize) {
    let length = buffer.len().saturating_add(more);
    if length > heap_limit && buffer.capacity() < length.min(MAPPED_BYTES) {
        map(buffer);
    }
}

#[cold]
fn map(buffer: &mut Vec<u8>) {
    let mut mapped = Vec::new();
    // Without it, the buffer grows as it is filled.
    if mapped.try_reserve_exact(MAPPED_BYTES).is_ok() {
        mapped.extend_from_slice(buffer);
        give(std::mem::replace(buffer, mapped));
    }
}

/// The largest capacity of a buffer that is kept.
const KEPT_CAPACITY_BYTES: usize = 256 << 10;
/// Above the largest size that glibc ever takes from its heap (mallopt(3), `M_MMAP_THRESHOLD`). Pages
/// take memory only once they are used.
const MAPPED_BYTES: usize = 33 << 20;
/// The greatest number of buffers that are kept.
const KEPT_BUFFERS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_has_memory_of_its_own() {
        let mut buffer = b"start".to_vec();
        reserve(&mut buffer, 95, 100);
        assert!(buffer.capacity() < 100, "{}", buffer.capacity());
        reserve(&mut buffer, 96, 100);
        assert_eq!((&*buffer, buffer.capacity()), (&b"start"[..], MAPPED_BYTES));
        // It grows from there.
        buffer.resize(MAPPED_BYTES, 0);
        reserve(&mut buffer, 1, 100);
        assert_eq!(buffer.capacity(), MAPPED_BYTES);
    }

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
