//! DEFLATE streams, whole and split anywhere.

use super::*;
use hex_literal::hex;
use proptest::prelude::*;

fn side(window_bits: u8, keeps_context: bool) -> Side {
    Side { window_bits, keeps_context }
}

/// Inflates a message that arrives in `chunks`, at most `room` bytes at a time.
fn inflate(
    inflater: &mut Inflater,
    chunks: &[&[u8]],
    room: usize,
) -> Result<Vec<u8>, InvalidDeflate> {
    let mut message = Vec::new();
    inflater.begin();
    for (i, chunk) in chunks.iter().enumerate() {
        let (mut rest, last) = (*chunk, i + 1 == chunks.len());
        loop {
            let used = inflater.inflate(rest, last, room)?;
            rest = &rest[used..];
            let n = inflater.output().len();
            assert!(n <= room);
            let range = inflater.take(n);
            message.extend_from_slice(inflater.taken(range));
            if inflater.is_broken() {
                return Err(InvalidDeflate);
            }
            if (last && inflater.has_ended()) || (!last && rest.is_empty() && n < room) {
                break;
            }
        }
    }
    Ok(message)
}

#[test]
fn examples_of_the_rfc() {
    let mut inflater = Inflater::new(side(15, true));
    let cases: &[&[u8]] = &[
        // 7.2.3.1, 7.2.3.2 with context takeover, 7.2.3.3 (stored), 7.2.3.4 (BFINAL), 7.2.3.5
        // (two blocks).
        &hex!("f248cdc9c90700"),
        &hex!("f200110000"),
        &hex!("000500faff48656c6c6f00"),
        &hex!("f348cdc9c9070000"),
        &hex!("f248050000 00ffff cac9c90700"),
    ];
    for case in cases {
        assert_eq!(inflate(&mut inflater, &[case], 100).as_deref(), Ok(&b"Hello"[..]), "{case:x?}");
        let bytes: Vec<&[u8]> = case.chunks(1).collect();
        let mut fresh = Inflater::new(side(15, true));
        inflate(&mut fresh, &[&hex!("f248cdc9c90700")], 100).unwrap();
        assert_eq!(inflate(&mut fresh, &bytes, 1).as_deref(), Ok(&b"Hello"[..]), "{case:x?}");
    }
    // 7.2.3.6, and an empty input.
    assert_eq!(inflate(&mut inflater, &[&hex!("00")], 9), Ok(Vec::new()));
    assert_eq!(inflate(&mut inflater, &[b""], 9), Ok(Vec::new()));
    assert_eq!(inflate(&mut inflater, &[&hex!("f248cdc9c90700")], 9).unwrap(), b"Hello");
}

#[test]
fn a_final_block_may_end_the_message() {
    let mut inflater = Inflater::new(side(15, true));
    for _ in 0..3 {
        assert_eq!(inflate(&mut inflater, &[&hex!("f348cdc9c90700")], 99).unwrap(), b"Hello");
        assert_eq!(inflate(&mut inflater, &[&hex!("f248cdc9c90700")], 99).unwrap(), b"Hello");
    }
}

#[test]
fn nothing_is_left_to_take_once_memory_is_released() {
    for keeps_context in [false, true] {
        let mut inflater = Inflater::new(side(15, keeps_context));
        for _ in 0..2 {
            assert_eq!(inflate(&mut inflater, &[&hex!("f248cdc9c90700")], 99).unwrap(), b"Hello");
            inflater.release_memory();
            assert!(inflater.output().is_empty());
        }
    }
}

#[test]
fn truncated_and_invalid_data_is_rejected() {
    let whole = hex!("f248cdc9c90700");
    for n in 1..whole.len() - 1 {
        let mut inflater = Inflater::new(side(15, true));
        assert_eq!(inflate(&mut inflater, &[&whole[..n]], 99), Err(InvalidDeflate), "{n}");
    }
    // A block with dynamic codes, truncated anywhere, the table of codes included.
    let mut deflater = Deflater::new(side(15, true), 9, 0);
    deflater.message(b"transfer 100");
    let first = deflater.output().to_vec();
    let letters: Vec<u8> = (0..400u32).map(|i| b'a' + (i * i * 31 % 26) as u8).collect();
    deflater.message(&letters);
    let second = deflater.output().to_vec();
    for n in 1..second.len() - 1 {
        let mut inflater = Inflater::new(side(15, true));
        inflate(&mut inflater, &[&first], 99).unwrap();
        assert_eq!(inflate(&mut inflater, &[&second[..n]], 999), Err(InvalidDeflate), "{n}");
    }
    for bytes in [
        &hex!("ff")[..],             // a reserved block type
        &hex!("000500faff48656c6c"), // a truncated stored block
        &hex!("0005000000"),         // its lengths do not match
        &hex!("f20011000f"),         // a distance before the start
        b"Hello, this is no deflate",
    ] {
        let mut inflater = Inflater::new(side(15, true));
        assert_eq!(inflate(&mut inflater, &[bytes], 99), Err(InvalidDeflate), "{bytes:x?}");
    }
}

#[test]
fn compresses_as_in_the_rfc() {
    let mut deflater = Deflater::new(side(15, true), 6, 0);
    for expected in [&hex!("f248cdc9c90700")[..], &hex!("f200110000")] {
        deflater.message(b"Hello");
        assert_eq!(deflater.output(), expected);
    }
    deflater.message(b"");
    assert_eq!(deflater.output(), hex!("00"));
    let mut without_context = Deflater::new(side(15, false), 6, 0);
    for _ in 0..2 {
        without_context.message(b"Hello");
        assert_eq!(without_context.output(), hex!("f248cdc9c90700"));
    }
}

#[test]
fn short_messages_and_small_windows_are_not_compressed() {
    let deflater = Deflater::new(side(9, true), 1, 1024);
    assert!(!deflater.should_compress(Some(1023)));
    assert!(deflater.should_compress(Some(1024)) && deflater.should_compress(None));
    assert!(!Deflater::new(side(8, true), 1, 0).should_compress(Some(5000)));
}

#[test]
fn a_gigabyte_of_zeros_is_inflated_in_bounded_memory() {
    let mut deflater = Deflater::new(side(15, false), 9, 0);
    deflater.message(&vec![0; 1 << 20]);
    let mut inflater = Inflater::new(side(15, true));
    inflater.begin();
    // Blocks without context can be concatenated once each has its tail again.
    let block = [deflater.output(), &SYNC_FLUSH_TAIL].concat();
    let mut made = 0u64;
    for _ in 0..1024 {
        let mut rest = &block[..];
        loop {
            let used = inflater.inflate(rest, false, usize::MAX).unwrap();
            rest = &rest[used..];
            let n = inflater.output().len();
            assert!(inflater.output().iter().all(|byte| *byte == 0));
            inflater.take(n);
            made += n as u64;
            if rest.is_empty() && n < SCRATCH_BYTES {
                break;
            }
        }
    }
    assert_eq!(made, 1 << 30);
    assert_eq!(inflater.out.capacity(), SCRATCH_BYTES);
}

/// Repetitive content, partly with repeats too far apart for the window.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        "[a-c]{1,8}".prop_map(String::into_bytes),
        any::<[u8; 3]>().prop_map(|b| b.to_vec())
    ];
    (proptest::collection::vec(word, 0..60), 1usize..40)
        .prop_map(|(words, times)| words.concat().repeat(times))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_message_survives_any_parameters_and_chunking(
        messages in proptest::collection::vec(message(), 1..5),
        window_bits in 9u8..=15,
        keeps_context: bool,
        level in 1u32..=9,
        in_size in 1usize..700,
        out_size in 1usize..700,
        room in 1usize..5000,
    ) {
        let mut deflater = Deflater::new(side(window_bits, keeps_context), level, 0);
        let mut inflater = Inflater::new(side(window_bits, keeps_context));
        for (i, message) in messages.iter().enumerate() {
            let mut sent = Vec::new();
            if i % 2 == 0 {
                deflater.message(message);
            } else {
                deflater.begin();
                for part in message.chunks(in_size) {
                    deflater.push(part);
                    sent.extend_from_slice(deflater.output());
                    deflater.clear();
                }
                deflater.end();
            }
            sent.extend_from_slice(deflater.output());
            let chunks: Vec<&[u8]> = sent.chunks(out_size).collect();
            let got = inflate(&mut inflater, &chunks, room);
            prop_assert_eq!(got.as_ref(), Ok(message));
        }
    }

    #[test]
    fn chunking_does_not_change_the_result_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let whole = inflate(&mut Inflater::new(side(15, true)), &[&bytes], usize::MAX);
        let cuts: Vec<&[u8]> = bytes.chunks(1).collect();
        if !bytes.is_empty() {
            prop_assert_eq!(inflate(&mut Inflater::new(side(15, true)), &cuts, 7).ok(), whole.ok());
        }
    }
}
