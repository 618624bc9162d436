//! Read buffers, shared by the sessions of a thread: a session has one only while it has received
//! bytes to decode.

use std::cell::RefCell;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Returns a buffer of [`READ_BUFFER_BYTES`], whose content is arbitrary.
pub(crate) fn take() -> Vec<u8> {
    // Zeroed pages from the allocator cost nothing until they are used.
    BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; READ_BUFFER_BYTES])
}

/// Leaves a buffer to the next caller of [`take`].
pub(crate) fn give(buffer: Vec<u8>) {
    BUFFERS.with_borrow_mut(|buffers| {
        if buffers.len() < KEPT_BUFFERS {
            buffers.push(buffer);
        }
    });
}

/// Size of the read buffer. From this size on, the allocator maps fresh pages, which take memory
/// only once they are used.
pub(crate) const READ_BUFFER_BYTES: usize = 128 << 10;
/// The greatest number of buffers that are kept.
const KEPT_BUFFERS: usize = 4;
