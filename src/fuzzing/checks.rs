//! The answers and frames that `check` reads.

use super::{
    input::{Input, chunks},
    scripted::{ScriptedPeer, run},
};
use crate::mode::read_for_checks;

/// Reads the answer of a server, and the frames after it: the same for every chunking, with words that
/// have no control character.
pub(super) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, bits) = (input.number(), input.byte());
    let head: &[u8] = if bits & 1 == 0 { b"HTTP/1.1 101 S\r\n\r\n" } else { b"" };
    let sent = [head, input.rest()].concat();
    let [whole, parts] = [vec![&sent[..]], chunks(&sent, seed)].map(|chunks| {
        let (peer, _) = ScriptedPeer::new(&chunks);
        let reading = run(read_for_checks(Box::new(peer)));
        for words in &reading.words {
            assert!(!words.contains(char::is_control), "{words:?}");
        }
        let (frames, rest) = reading.sizes;
        assert!(frames + rest <= sent.len());
        reading
    });
    if whole.status.is_none() {
        // Bytes that are not a response may be known for that before all have arrived.
        assert_eq!(parts.status, None);
    } else {
        assert_eq!(whole, parts);
    }
}
