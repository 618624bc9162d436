//! Messages in, bytes out.

use super::*;
use crate::proto::extension::Side;
use hex_literal::hex;

const FRAGMENT_BYTES: usize = 64 << 10;

fn fragment(bytes: usize) -> NonZeroUsize {
    NonZeroUsize::new(bytes).unwrap()
}

fn client() -> Outbox {
    Outbox::new(Role::Client, Box::new(|bytes| bytes.fill(0)), fragment(FRAGMENT_BYTES))
}

fn server() -> Outbox {
    server_with(FRAGMENT_BYTES)
}

fn server_with(bytes: usize) -> Outbox {
    Outbox::new(Role::Server, Box::new(|_| {}), fragment(bytes))
}

/// Lets the transport accept and flush `n` bytes.
fn flush(outbox: &mut Outbox, n: usize) {
    outbox.advance(n);
    outbox.flushed();
}

#[test]
fn examples_of_the_rfc() {
    let mut outbox = server();
    outbox.message(Kind::Text, b"Hello");
    assert_eq!(outbox.pending(), hex!("81 05 48656c6c6f"));
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut keys = key.into_iter().cycle();
    let mut outbox = Outbox::new(
        Role::Client,
        Box::new(move |bytes| bytes.iter_mut().for_each(|b| *b = keys.next().unwrap())),
        fragment(FRAGMENT_BYTES),
    );
    outbox.message(Kind::Text, b"Hello");
    assert_eq!(outbox.pending(), hex!("81 85 37fa213d 7f9f4d5158"));
}

#[test]
fn a_message_is_cut_into_fragments() {
    for (length, expected) in [
        (0, &hex!("81 00")[..]),
        (2, &hex!("81 02 6161")),
        (3, &hex!("01 02 6161 80 01 61")),
        (4, &hex!("01 02 6161 80 02 6161")),
        (5, &hex!("01 02 6161 00 02 6161 80 01 61")),
    ] {
        let (mut whole, mut parts) = (server_with(2), server_with(2));
        let payload = vec![b'a'; length];
        whole.message(Kind::Text, &payload);
        assert_eq!(whole.pending(), expected);
        parts.begin(Kind::Text, None);
        parts.part(&payload, true);
        assert_eq!(parts.pending(), expected);
        for outbox in [whole, parts] {
            assert_eq!((outbox.tally().messages(), outbox.unsent_messages()), (1, 1));
        }
    }
    let mut outbox = server_with(2);
    outbox.begin(Kind::Binary, None);
    outbox.part(b"", false);
    outbox.part(b"ab", false);
    assert_eq!((outbox.tally().messages(), outbox.unsent_messages()), (0, 1));
    outbox.part(b"", true);
    assert_eq!(outbox.pending(), hex!("02 02 6162 80 00"));
    assert_eq!((outbox.tally().messages(), outbox.unsent_messages()), (1, 1));
}

#[test]
fn a_ping_is_sent_between_fragments() {
    let mut outbox = server();
    outbox.begin(Kind::Text, Some(5));
    outbox.part(b"Hel", false);
    outbox.control(Opcode::Ping, b"");
    outbox.part(b"lo", true);
    assert_eq!(outbox.pending(), hex!("01 03 48656c 89 00 80 02 6c6f"));
}

/// Otherwise a server that pings us drops the session in the middle of our upload.
#[test]
fn a_pong_does_not_wait_for_a_long_message() {
    for accepted in [0, 1, FRAGMENT_BYTES, FRAGMENT_BYTES + 10, FRAGMENT_BYTES + 11] {
        let mut outbox = server();
        outbox.message(Kind::Binary, &vec![0; 5 * FRAGMENT_BYTES]);
        let first = outbox.pending().to_vec();
        outbox.advance(accepted);
        for i in 0..100u8 {
            outbox.control(Opcode::Pong, &[i]);
        }
        let (mut sent, mut pongs) = (first[..accepted].to_vec(), Vec::new());
        let queued = outbox.queued();
        while !outbox.pending().is_empty() {
            assert!(outbox.queued() > 0);
            // In small writes, so that a control frame is cut too.
            let n = outbox.pending().len().min(2);
            sent.extend_from_slice(&outbox.pending()[..n]);
            flush(&mut outbox, n);
        }
        let mut at = 0;
        while let Ok(Some((header, size))) = Header::parse(&sent[at..], Role::Client, RESERVED) {
            let end = at + size + header.length as usize;
            if header.opcode == Opcode::Pong {
                pongs.push((at, sent[end - 1]));
            }
            at = end;
        }
        assert_eq!(at, sent.len());
        assert!(pongs.iter().all(|(at, _)| *at <= accepted + FRAGMENT_BYTES + 20), "{pongs:?}");
        assert_eq!(pongs.last().map(|(_, payload)| *payload), Some(99));
        assert!(pongs.len() <= 2 && queued <= 6 * FRAGMENT_BYTES);
        assert_eq!((outbox.queued(), outbox.unsent_messages()), (0, 0));
    }
}

#[test]
fn a_close_follows_all_messages_that_were_sent_before_it() {
    let mut outbox = server();
    outbox.message(Kind::Binary, &vec![0; 1 << 20]);
    outbox.control(Opcode::Close, b"");
    let length = outbox.queued();
    assert_eq!(outbox.pending()[length - 2..], hex!("88 00"));
    assert!(length > 1 << 20);
}

/// Data frames after a Close would break 5.5.1.
#[test]
fn nothing_of_a_compressed_message_follows_a_close() {
    let mut outbox = server();
    let side = Side { window_bits: 15, keeps_context: true };
    outbox.set_deflater(Deflater::new(side, 1, 0));
    outbox.begin(Kind::Binary, Some(200_000));
    let noise: Vec<u8> = (0..100_000u64).map(|i| ((i * i * 7919) >> 7) as u8).collect();
    outbox.part(&noise, false);
    outbox.control(Opcode::Close, b"");
    let length = outbox.queued();
    assert_eq!(outbox.pending()[length - 2..], hex!("88 00"));
    assert_eq!((outbox.queued(), outbox.unsent_messages()), (length, 1));
    assert_eq!(outbox.tally().messages(), 0);
}

#[test]
fn a_message_of_parts_is_masked_like_its_fragments() {
    let payload: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let keys = || -> Entropy {
        Box::new(|bytes| bytes.copy_from_slice(&[9, 8, 7, 6].repeat(bytes.len() / 4)))
    };
    let mut whole = Outbox::new(Role::Client, keys(), fragment(77));
    whole.message(Kind::Binary, &payload);
    let mut cut = Outbox::new(Role::Client, keys(), fragment(77));
    cut.begin(Kind::Binary, Some(1000));
    let mut sent = Vec::new();
    for part in payload.chunks(77) {
        cut.part(part, part.len() < 77);
        sent.extend_from_slice(cut.pending());
        let n = cut.queued();
        flush(&mut cut, n);
    }
    assert_eq!(sent, whole.pending());
}

#[test]
fn only_the_newest_deferred_pong_is_sent() {
    let mut outbox = server();
    outbox.message(Kind::Binary, &vec![0; OVERTAKEN_BYTES]);
    flush(&mut outbox, 1);
    outbox.message(Kind::Text, b"after");
    for i in 0..100_000u32 {
        outbox.control(Opcode::Pong, &i.to_be_bytes());
    }
    assert!(outbox.queued() < OVERTAKEN_BYTES + 20);
    let n = outbox.pending().len();
    flush(&mut outbox, n);
    assert_eq!(outbox.pending(), hex!("8a 04 0001869f"));
    flush(&mut outbox, 6);
    assert_eq!(outbox.pending(), b"\x81\x05after");
}

#[test]
fn counts_unsent_messages() {
    let mut outbox = client();
    assert_eq!(outbox.unsent_messages(), 0);
    outbox.message(Kind::Text, b"ab"); // 8 bytes
    outbox.control(Opcode::Ping, b"");
    outbox.message(Kind::Text, b"cd");
    assert_eq!(outbox.unsent_messages(), 2);
    flush(&mut outbox, 7);
    assert_eq!(outbox.unsent_messages(), 2);
    flush(&mut outbox, 1);
    assert_eq!(outbox.unsent_messages(), 1);
    flush(&mut outbox, 100);
    assert_eq!(outbox.unsent_messages(), 0);
    // A fragmented message counts until its last fragment is sent.
    outbox.begin(Kind::Text, Some(1));
    assert_eq!(outbox.unsent_messages(), 1);
    outbox.part(b"a", false);
    flush(&mut outbox, 100);
    assert_eq!(outbox.unsent_messages(), 1);
    outbox.part(b"", true);
    assert_eq!(outbox.unsent_messages(), 1);
    flush(&mut outbox, 100);
    assert_eq!(outbox.unsent_messages(), 0);
}

#[test]
fn a_slow_peer_costs_no_memory_and_is_counted_correctly() {
    let mut outbox = client();
    let message = [b'x'; 994]; // 1002 bytes on the wire
    let (mut queued, mut sent) = (0, 0);
    for _ in 0..10_000 {
        outbox.message(Kind::Binary, &message);
        queued += 1;
        if outbox.queued() > 3000 {
            flush(&mut outbox, 1002);
            sent += 1;
        }
        assert_eq!(outbox.unsent_messages(), queued - sent);
    }
    assert!(outbox.bytes.capacity() < 4 * COMPACT_BYTES, "{}", outbox.bytes.capacity());
    // A long message in parts.
    outbox.begin(Kind::Binary, None);
    for i in 0..4 {
        outbox.part(&vec![0; COMPACT_BYTES], i == 3);
        flush(&mut outbox, COMPACT_BYTES);
    }
    assert_eq!(outbox.unsent_messages(), 1);
    flush(&mut outbox, usize::MAX >> 1);
    assert_eq!(outbox.unsent_messages(), 0);
}

#[test]
fn accepted_bytes_are_unsent_until_flushed() {
    let mut outbox = server();
    outbox.message(Kind::Text, b"one");
    outbox.message(Kind::Text, b"two");
    outbox.advance(5);
    assert_eq!((outbox.unsent_messages(), outbox.queued()), (2, 5));
    outbox.advance(5);
    assert_eq!((outbox.unsent_messages(), outbox.queued()), (2, 0));
    outbox.message(Kind::Text, b"three");
    assert_eq!(outbox.pending(), b"\x81\x05three");
    outbox.flushed();
    assert_eq!((outbox.unsent_messages(), outbox.queued()), (1, 7));
    flush(&mut outbox, 7);
    assert_eq!((outbox.unsent_messages(), outbox.queued()), (0, 0));
    // A transport that never reports a flush is assumed to hold back a limited amount.
    let long = vec![b'x'; 1000];
    for _ in 0..10_000 {
        outbox.message(Kind::Text, &long);
        outbox.advance(usize::MAX >> 1);
        assert!(outbox.bytes.len() <= MAX_UNFLUSHED_BYTES + COMPACT_BYTES + 1004);
    }
    assert!(outbox.unsent_messages() <= MAX_UNFLUSHED_BYTES / 1004 + 1);
    outbox.flushed();
    assert_eq!(outbox.unsent_messages(), 0);
}
