//! The memory for bodies of requests over HTTP/2, which are read before they are passed on.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that all bodies hold.
#[derive(Debug, Default)]
pub(super) struct Bodies(AtomicUsize);

/// The room of one body, until it is dropped.
pub(super) struct BodyRoom<'a> {
    all: &'a AtomicUsize,
    taken: usize,
}

/// Why a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// It is longer than [`MAX_BODY_BYTES`].
    TooLong,
    /// All bodies would be longer than [`MAX_BODIES_BYTES`].
    TooMany,
}

impl Bodies {
    pub(super) fn room(&self) -> BodyRoom<'_> {
        BodyRoom { all: &self.0, taken: 0 }
    }
}

impl BodyRoom<'_> {
    /// Takes room for a body of this length so far.
    pub(super) fn extend_to(&mut self, length: usize) -> Result<(), NoRoom> {
        if length > MAX_BODY_BYTES {
            return Err(NoRoom::TooLong);
        }
        let more = length.saturating_sub(self.taken);
        let all = self.all.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        self.taken += more;
        if all > MAX_BODIES_BYTES { Err(NoRoom::TooMany) } else { Ok(()) }
    }
}

impl Drop for BodyRoom<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

/// The longest body.
const MAX_BODY_BYTES: usize = 16 << 20;
/// The length of all bodies that are read or passed on at the same time.
const MAX_BODIES_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_all_bodies_is_limited() {
        let bodies = Bodies::default();
        let mut rooms: Vec<_> = (0..4).map(|_| bodies.room()).collect();
        for room in &mut rooms {
            assert_eq!(room.extend_to(MAX_BODY_BYTES / 2), Ok(()));
            assert_eq!(room.extend_to(MAX_BODY_BYTES), Ok(()));
            assert_eq!(room.extend_to(MAX_BODY_BYTES + 1), Err(NoRoom::TooLong));
        }
        assert_eq!(bodies.room().extend_to(1), Err(NoRoom::TooMany));
        rooms.pop();
        assert_eq!(bodies.room().extend_to(MAX_BODY_BYTES), Ok(()));
    }
}
