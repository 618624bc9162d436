//! A recoder changes the compression of messages, but not their content.

use super::*;
use proptest::prelude::*;

const SIDE: Side = Side { window_bits: 15, keeps_context: true };

fn messages() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    let text = prop::collection::vec(0_u8..4, 0..300);
    let long = (0_u8..4, 0_usize..200_000).prop_map(|(byte, length)| vec![byte; length]);
    prop::collection::vec((any::<bool>(), prop_oneof![4 => text, 1 => long]), 1..6)
}

/// Returns frames of messages, of which some are compressed, with a ping inside of each.
fn encode(messages: &[(bool, Vec<u8>)], is_masked: bool) -> Vec<u8> {
    let (mut deflater, mut bytes) = (Deflater::new(SIDE, 6, 0), Vec::new());
    let mut append = |frame: RawFrame| {
        let frame = if is_masked { frame.mask([1, 2, 3, 4]) } else { frame };
        frame.append(&mut bytes);
    };
    for (is_compressed, content) in messages {
        let payload = if *is_compressed {
            deflater.message(content);
            deflater.output().to_vec()
        } else {
            content.clone()
        };
        let (start, end) = payload.split_at(payload.len() / 2);
        let rsv = if *is_compressed { RSV1 } else { 0 };
        append(RawFrame::new(2).rsv(rsv).fin(false).payload(start));
        append(RawFrame::new(9).payload("ping"));
        append(RawFrame::new(0).payload(end));
    }
    bytes
}

/// Returns the messages of a stream, with their first bytes, and the number of pings.
fn decode(mut bytes: &[u8], mut inflater: Option<Inflater>) -> (Vec<(bool, Vec<u8>)>, usize) {
    let (mut messages, mut pings, mut payload, mut is_compressed) = (Vec::new(), 0, vec![], false);
    while let Some(header) = RawHeader::read(bytes) {
        let end = header.size + usize::try_from(header.length).unwrap();
        let mut part = bytes[header.size..end].to_vec();
        if let Some(key) = header.mask {
            mask::apply(&mut part, key, 0);
        }
        bytes = &bytes[end..];
        if header.is_control() {
            pings += 1;
            continue;
        }
        if header.opcode() != 0 {
            is_compressed = header.first & RSV1 != 0;
        }
        payload.extend(part);
        if !header.fin() {
            continue;
        }
        let mut content = std::mem::take(&mut payload);
        if is_compressed && let Some(inflater) = &mut inflater {
            let input = std::mem::take(&mut content);
            inflater.begin();
            let mut at = 0;
            while !inflater.has_ended() {
                at += inflater.inflate(&input[at..], true, 1000).unwrap();
                content.extend_from_slice(inflater.output());
                inflater.take(inflater.output().len());
            }
        }
        messages.push((is_compressed, content));
    }
    assert!(bytes.is_empty());
    (messages, pings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Prevents messages that change on their way, in whatever parts they arrive.
    #[test]
    fn content_survives(
        messages in messages(),
        part in 1_usize..5000,
        is_masked: bool,
        side in prop_oneof![
            Just(SIDE),
            Just(Side { window_bits: 9, keeps_context: false }),
            Just(Side { window_bits: 8, keeps_context: true }),
        ],
    ) {
        let bytes = encode(&messages, is_masked);
        let (mut inflater, mut deflater) = (MessageInflater::new(SIDE), MessageDeflater::new(side));
        let (mut plain, mut out) = (Vec::new(), Vec::new());
        for mut part in bytes.chunks(part) {
            while !part.is_empty() {
                let mut some = Vec::new();
                let used = inflater.push(part, &mut some, 1000).unwrap();
                // Whatever the length of the content.
                prop_assert!(some.len() < 600_000);
                part = &part[used..];
                deflater.push(&some, &mut out);
                plain.extend(some);
            }
        }
        let (read, pings) = decode(&plain, None);
        prop_assert_eq!((&read, pings), (&messages, messages.len()));
        let (read, pings) = decode(&out, Some(Inflater::new(SIDE)));
        let contents: Vec<_> = read.iter().map(|(_, content)| content).collect();
        prop_assert_eq!(contents, messages.iter().map(|(_, it)| it).collect::<Vec<_>>());
        let is_compressed: Vec<_> = read.iter().map(|(is_compressed, _)| *is_compressed).collect();
        let expected: Vec<_> = messages.iter().map(|(is, _)| *is && side.window_bits > 8).collect();
        prop_assert_eq!(is_compressed, expected);
        prop_assert_eq!(pings, messages.len());
    }
}

#[test]
fn invalid_data_is_a_fault() {
    let frame = RawFrame::new(1).rsv(RSV1).payload([0xff; 9]).encode();
    let mut inflater = MessageInflater::new(SIDE);
    assert_eq!(inflater.push(&frame, &mut Vec::new(), 1000), Err(InvalidDeflate));
}

#[test]
fn a_frame_that_is_cut_stays_one() {
    let mut deflater = MessageDeflater::new(SIDE);
    let mut out = Vec::new();
    let whole = RawFrame::new(1).rsv(RSV1).payload("hello hello").encode();
    deflater.push(&whole[..6], &mut out);
    assert_eq!(out, b"");
    deflater.finish(&mut out);
    let header = RawHeader::read(&out).unwrap();
    assert_eq!(header.first, 0xc1);
    assert!(header.length > (out.len() - header.size) as u64);
    let mut deflater = MessageDeflater::new(SIDE);
    let mut out = Vec::new();
    deflater.push(&whole[..1], &mut out);
    deflater.finish(&mut out);
    assert_eq!(out, &whole[..1]);
}
