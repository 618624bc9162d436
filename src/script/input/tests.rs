//! Lines and messages from chunks of any size.

use super::*;
use proptest::prelude::*;

/// Reads chunks. Returns the messages and the number of bytes missing from the last one.
fn read(framing: Framing, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    read_with(Input::new(framing), chunks)
}

/// Does so with fragments of this many bytes. Checks the parts and the memory.
fn read_in_parts(framing: Framing, fragment: usize, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    read_with(Input::new(framing).in_parts(NonZeroUsize::new(fragment).unwrap()), chunks)
}

fn read_with(mut input: Input, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    let (mut messages, mut missing, mut whole) = (Vec::new(), 0, Vec::new());
    for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()).chain(&[&b""[..]]) {
        let mut rest = *chunk;
        loop {
            let room = input.room();
            let n = rest.len().min(room.len());
            room[..n].copy_from_slice(&rest[..n]);
            input.filled(n);
            rest = &rest[n..];
            loop {
                let has_next = input.has_next();
                let next = input.take();
                assert_eq!(next.is_some(), has_next);
                match next {
                    None => break,
                    Some(Next::Message(range)) => messages.push(input.bytes(range).to_vec()),
                    Some(Next::Truncated(n)) => missing = n,
                    Some(Next::TooLong(_)) => panic!(),
                    Some(Next::Part { range, last }) => {
                        if let Some(grain) = input.grain.filter(|_| !last) {
                            assert!(range.len() % grain == 0 && !range.is_empty());
                        }
                        whole.extend_from_slice(input.bytes(range));
                        if last {
                            messages.push(std::mem::take(&mut whole));
                        }
                    }
                }
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    assert!(input.is_done() && input.waiting() == 0);
    assert!(input.grain.is_none() || input.buffer.len() <= MAX_IDLE_BYTES);
    if missing > 0 {
        whole.clear();
    }
    assert!(whole.is_empty());
    assert_eq!(input.number(), messages.len() as u64 + u64::from(missing > 0));
    (messages, missing)
}

fn lines(terminator: u8, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    read(Framing::Lines(terminator), chunks).0
}

#[test]
fn splits_length_prefixed_messages() {
    let cases: &[(&[u8], &[&str], usize)] = &[
        (b"", &[], 0),
        (b"\0\0\0\0", &[""], 0),
        (b"\0\0\0\x03a\nb\0\0\0\x01c", &["a\nb", "c"], 0),
        (b"\0\0\0\x01a\0\0\0\x03b", &["a"], 2),
        (b"\0\0\0\x01a\0\0", &["a"], 2),
    ];
    for (bytes, messages, missing) in cases {
        let expected = (messages.iter().map(|m| m.as_bytes().to_vec()).collect(), *missing);
        assert_eq!(read(Framing::Lengths, &[bytes]), expected, "{bytes:?}");
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(Framing::Lengths, &bytewise), expected, "{bytes:?}");
    }
    let long = vec![b'x'; 3 * BLOCK_BYTES];
    let bytes = [&(long.len() as u32).to_be_bytes()[..], &long].concat();
    assert_eq!(read(Framing::Lengths, &[&bytes]), (vec![long], 0));
}

#[test]
fn takes_the_whole_stream_as_one_message() {
    for bytes in [&b""[..], b"a\n\0b", &[b'x'; 3000]] {
        let expected = (vec![bytes.to_vec()], 0);
        assert_eq!(read(Framing::Whole, &[bytes]), expected);
        assert_eq!(read(Framing::Whole, &bytes.chunks(7).collect::<Vec<_>>()), expected);
    }
}

#[test]
fn accepts_lf_crlf_and_nul_line_ends() {
    let cases: &[(&[u8], &[&str])] = &[
        (b"", &[]),
        (b"a", &["a"]),
        (b"a\n", &["a"]),
        (b"a\r\nb\n", &["a", "b"]),
        (b"\n\r\n", &["", ""]),
        (b"a\r", &["a\r"]),
        (b"a\rb\r\r\n", &["a\rb\r"]),
        (b"a\n\nb", &["a", "", "b"]),
    ];
    for (bytes, expected) in cases {
        let whole = lines(b'\n', &[bytes]);
        assert_eq!(whole, expected.iter().map(|l| l.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(whole, lines(b'\n', &bytes.chunks(1).collect::<Vec<_>>()));
    }
    assert_eq!(lines(0, &[b"a\r\nb\0c"]), [b"a\r\nb".to_vec(), b"c".to_vec()]);
}

#[test]
fn takes_lines_longer_than_the_buffer() {
    let long = vec![b'x'; 5 * BLOCK_BYTES + 1];
    let bytes = [&long[..], b"\nshort\n", &long].concat();
    assert_eq!(lines(b'\n', &[&bytes]), [long.clone(), b"short".to_vec(), long]);
}

/// Such a line took all memory.
#[test]
fn a_line_over_the_limit_is_refused_before_its_end() {
    for (bytes, taken) in [
        (&b"1234"[..], None),
        (b"1234\n56789", Some(Next::Message(0..4))),
        (b"12345", Some(Next::TooLong(4))),
        (b"12345\n", Some(Next::TooLong(4))),
    ] {
        let mut input = Input::new(Framing::Lines(b'\n')).with_max_line(4);
        input.room()[..bytes.len()].copy_from_slice(bytes);
        input.filled(bytes.len());
        assert_eq!(input.has_next(), taken.is_some(), "{bytes:?}");
        assert_eq!(input.take(), taken, "{bytes:?}");
    }
}

#[test]
fn counts_waiting_messages() {
    let mut input = Input::new(Framing::Lines(b'\n'));
    input.room()[..5].copy_from_slice(b"a\nb\nc");
    input.filled(5);
    input.take();
    assert_eq!(input.waiting(), 1);
    input.filled(0);
    assert_eq!(input.waiting(), 2);
    let mut input = Input::new(Framing::Lengths);
    input.room()[..12].copy_from_slice(b"\0\0\0\x01a\0\0\0\x01b\0\0");
    input.filled(12);
    assert_eq!(input.waiting(), 2);
    input.take();
    assert_eq!(input.waiting(), 1);
}

/// A line without an end took all memory, and nothing of it was sent.
#[test]
fn a_line_over_the_limit_is_taken_in_parts() {
    for (length, fragment, chunk) in [
        (LONG_BYTES, 1, 64 << 10),
        (LONG_BYTES + 5, 1, 64 << 10),
        (LONG_BYTES + PART_BYTES, 64 << 10, 1 << 16),
        (3 * LONG_BYTES, 1000, 99_999),
        (3 * LONG_BYTES + 7, 1 << 30, 1 << 20),
        (5 * LONG_BYTES + 1, 50_000, 10 << 20),
    ] {
        let long: Vec<u8> = (0..length).map(|i| b'a' + (i % 23) as u8).collect();
        for (terminator, end) in [(b'\n', &b"\n"[..]), (b'\n', b"\r\n"), (0, b"\0")] {
            let stream = [&long[..], end, b"short", end, &long, end, end, &long].concat();
            let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
            let (lines, _) = read_in_parts(Framing::Lines(terminator), fragment, &chunks);
            let expected = [&long[..], b"short", &long, b"", &long];
            assert!(lines == expected, "{length} {fragment} {chunk} {terminator}");
        }
    }
}

#[test]
fn a_cr_at_the_end_of_a_part_may_belong_to_the_line_end() {
    let long = [&vec![b'x'; LONG_BYTES][..], &[b'\r'; 3]].concat();
    for (end, expected) in [(&b"\n"[..], &long[..long.len() - 1]), (b"", &long), (b"x", &long)] {
        for cut in LONG_BYTES - 1..=long.len() {
            let chunks = [&long[..cut], &long[cut..], end];
            let (lines, _) = read_in_parts(Framing::Lines(b'\n'), 1, &chunks);
            let expected = [expected, if end == b"x" { end } else { b"" }].concat();
            assert!(lines == [expected], "{end:?} {cut}");
        }
    }
}

#[test]
fn a_message_with_a_prefix_over_the_limit_is_taken_in_parts() {
    for (length, chunk) in [(LONG_BYTES, 4096), (3 * LONG_BYTES + 7, 64 << 10)] {
        let long: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let prefix = (length as u32).to_be_bytes();
        let short = b"\0\0\0\x01a";
        let stream = [&prefix[..], &long, short, &prefix, &long].concat();
        let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
        let (messages, missing) = read_in_parts(Framing::Lengths, 1000, &chunks);
        assert!(messages == [&long[..], b"a", &long] && missing == 0, "{length}");
        let cut: Vec<&[u8]> = stream[..stream.len() - 5].chunks(chunk).collect();
        let (messages, missing) = read_in_parts(Framing::Lengths, 1000, &cut);
        assert!(messages == [&long[..], b"a"] && missing == 5, "{length}");
    }
    let (messages, missing) = read_in_parts(Framing::Lengths, 1, &[b"\xff\xff\xff\xff", b"abc"]);
    assert_eq!((messages, missing), (Vec::new(), u32::MAX as usize - 3));
}

#[test]
fn the_rest_of_a_message_that_was_begun_does_not_wait() {
    let mut input = Input::new(Framing::Lines(b'\n')).in_parts(NonZeroUsize::MIN);
    let mut rest = &vec![b'x'; LONG_BYTES + 2][..];
    while !rest.is_empty() {
        let room = input.room();
        let n = rest.len().min(room.len());
        room[..n].copy_from_slice(&rest[..n]);
        input.filled(n);
        rest = &rest[n..];
    }
    assert!(matches!(input.take(), Some(Next::Part { last: false, .. })));
    assert!(input.is_inside() && input.number() == 1);
    input.room()[..5].copy_from_slice(b"\na\nb\n");
    input.filled(5);
    assert_eq!(input.waiting(), 2);
}

proptest! {
    #[test]
    fn chunk_sizes_do_not_change_the_lines(bytes in "[ab\\r\\n]{0,60}", size in 1usize..9) {
        let chunks: Vec<&[u8]> = bytes.as_bytes().chunks(size).collect();
        prop_assert_eq!(lines(b'\n', &chunks), lines(b'\n', &[bytes.as_bytes()]));
    }
}
