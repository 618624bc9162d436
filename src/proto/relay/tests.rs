//! A relay passes on the same frames with other masking keys.

use super::*;
use crate::proto::raw::{Length, RawFrame};
use proptest::prelude::*;

/// A source of keys that never repeats one that a test uses.
fn keys() -> MaskKeys {
    let mut next = 0x5a_u8;
    MaskKeys::new(Box::new(move |bytes| {
        for byte in bytes {
            next = next.wrapping_mul(31).wrapping_add(7);
            *byte = next;
        }
    }))
}

/// Passes the parts of a stream. Returns what comes out, at the end with what is held back.
fn relay(relay: &mut FrameRelay, parts: &[&[u8]]) -> Vec<u8> {
    let (mut keys, mut out) = (keys(), Vec::new());
    for part in parts {
        let mut buffer = vec![0xee; MAX_HELD_BYTES + part.len()];
        let held = relay.copy_held(&mut buffer);
        buffer[held..held + part.len()].copy_from_slice(part);
        let buffer = &mut buffer[..held + part.len()];
        let passed = relay.pass(buffer, &mut keys);
        assert_eq!(relay.held(), &buffer[passed..], "the rest is held");
        out.extend_from_slice(&buffer[..passed]);
    }
    out.extend_from_slice(relay.held());
    out
}

/// The frames of a stream, unmasked: the header without the key, then the payload.
fn plain(mut bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(header) = RawHeader::read(bytes) {
        let key_bytes = if header.mask.is_some() { 4 } else { 0 };
        let bits = bytes[..header.size - key_bytes].to_vec();
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let end = header.size.saturating_add(length).min(bytes.len());
        let mut payload = bytes[header.size..end].to_vec();
        if let Some(key) = header.mask {
            mask::apply(&mut payload, key, 0);
        }
        frames.push((bits, payload));
        bytes = &bytes[end..];
    }
    frames.push((bytes.to_vec(), Vec::new()));
    frames
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        4 => Just(None),
        1 => any::<u16>().prop_map(|length| Some(Length::Bits16(length % 300))),
        1 => any::<u64>().prop_map(|length| Some(Length::Bits64(length))),
    ];
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    (any::<u8>(), any::<Option<[u8; 4]>>(), length, payload).prop_map(
        |(first, mask, length, payload)| {
            let mut frame = RawFrame::new(first & 0xf).fin(first & 0x80 != 0).rsv(first);
            if let Some(key) = mask {
                frame = frame.mask(key);
            }
            if let Some(length) = length {
                frame = frame.length(length);
            }
            frame.payload(payload).encode()
        },
    )
}

proptest! {
    /// Prevents a relay that changes anything but keys, whatever is sent in whatever parts.
    #[test]
    fn any_stream_keeps_its_frames(
        frames in prop::collection::vec(any_frame(), 0..8),
        cuts in prop::collection::vec(0_usize..2500, 0..12),
        end in 0_usize..2500,
    ) {
        let mut bytes = frames.concat();
        bytes.truncate(end);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let ends = cuts.iter().copied().chain([bytes.len()]);
        let parts: Vec<&[u8]> =
            [0].into_iter().chain(cuts.iter().copied()).zip(ends).map(|(a, b)| &bytes[a..b]).collect();
        let out = relay(&mut FrameRelay::default(), &parts);
        prop_assert_eq!(out.len(), bytes.len());
        prop_assert_eq!(plain(&out), plain(&bytes));
    }
}

#[test]
fn a_conversation_may_be_cut_at_every_byte() {
    let key = [1, 2, 3, 4];
    let frames = [
        RawFrame::new(1).fin(false).mask(key).payload("Hel"),
        RawFrame::new(9).mask(key).payload("ping"),
        RawFrame::new(0).mask(key).payload("lo"),
        RawFrame::new(2).rsv(0x40).mask(key).payload([7; 300]),
        RawFrame::new(2).mask(key).payload(vec![8; 70_000]),
        RawFrame::new(8).mask(key).payload(b"\x03\xe8bye"),
    ];
    let bytes: Vec<u8> = frames.iter().flat_map(RawFrame::encode).collect();
    let expected = plain(&bytes);
    for cut in (0..400).chain(bytes.len() - 40..bytes.len()) {
        let mut side = FrameRelay::default();
        let out = relay(&mut side, &[&bytes[..cut], &bytes[cut..]]);
        assert_eq!(plain(&out), expected, "{cut}");
        assert_eq!(side.close().unwrap().reason, "bye");
        let counts = RelayCounts { messages: 3, controls: 2, bytes: bytes.len() as u64 };
        assert_eq!(side.counts(), counts);
    }
    let mut single = FrameRelay::default();
    let parts: Vec<&[u8]> = bytes[..500].chunks(1).collect();
    assert_eq!(plain(&relay(&mut single, &parts)), plain(&bytes[..500]));
}

/// Prevents keys that a page could predict: a proxy is a client of the server.
#[test]
fn each_masked_frame_has_a_new_key() {
    let frame = RawFrame::new(1).mask([9, 9, 9, 9]).payload("same").encode();
    let bytes = [&frame[..], &frame, &frame].concat();
    let out = relay(&mut FrameRelay::default(), &[&bytes]);
    let keys: Vec<_> = out.chunks(frame.len()).map(|frame| frame[2..6].to_vec()).collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != [9, 9, 9, 9]);
}

#[test]
fn frames_that_are_not_masked_stay_as_they_are() {
    let bytes = [RawFrame::new(1).payload("a").encode(), RawFrame::new(8).encode()].concat();
    let mut side = FrameRelay::default();
    assert_eq!(relay(&mut side, &[&bytes]), bytes);
    assert_eq!(side.close(), Some(Close::parse(b"").unwrap()));
}

#[test]
fn it_is_known_where_frames_and_messages_end() {
    let first = RawFrame::new(1).fin(false).payload("ab").encode();
    let ping = RawFrame::new(9).payload("").encode();
    let last = RawFrame::new(0).payload("").encode();
    let mut side = FrameRelay::default();
    assert!(side.is_at(Boundary::Message));
    relay(&mut side, &[&first[..3]]);
    assert!(!side.is_at(Boundary::Frame));
    relay(&mut side, &[&first[3..]]);
    assert!(side.is_at(Boundary::Frame) && !side.is_at(Boundary::Message));
    relay(&mut side, &[&ping]);
    assert!(!side.is_at(Boundary::Message));
    relay(&mut side, &[&last]);
    assert!(side.is_at(Boundary::Message) && !side.has_closed());
}

#[test]
fn bytes_pass_to_the_next_boundary() {
    let mut side = FrameRelay::default();
    let mut bytes = b"\x01\x01a\x80\x01b\x81\x01c".to_vec();
    let keys = &mut keys();
    assert_eq!(side.pass_to(Boundary::Frame, &mut bytes, keys), 3);
    assert_eq!(side.pass_to(Boundary::Message, &mut bytes[3..], keys), 3);
    // A boundary at the start is not the next one.
    assert_eq!(side.pass_to(Boundary::Message, &mut bytes[6..8], keys), 2);
    assert!(!side.is_at(Boundary::Frame));
}
