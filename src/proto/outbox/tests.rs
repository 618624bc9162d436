//! Messages in, bytes out.

use super::*;
use crate::proto::extension::Side;
use hex_literal::hex;

fn client() -> Outbox {
    Outbox::new(Role::Client, Box::new(|bytes| bytes.fill(0)))
}

fn server() -> Outbox {
    Outbox::new(Role::Server, Box::new(|_| {}))
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
    );
    outbox.message(Kind::Text, b"Hello");
    assert_eq!(outbox.pending(), hex!("81 85 37fa213d 7f9f4d5158"));
}

#[test]
fn a_ping_goes_between_fragments() {
    let mut outbox = server();
    outbox.begin(Kind::Text, 3, false);
    outbox.payload(b"He");
    outbox.control(Opcode::Ping, b"");
    assert!(outbox.is_frame_open());
    assert_eq!(outbox.pending(), hex!("01 03 4865"));
    outbox.payload(b"l");
    outbox.begin(Kind::Text, 2, true);
    outbox.payload(b"lo");
    assert_eq!(outbox.pending(), hex!("01 03 48656c 89 00 80 02 6c6f"));
}

/// Data frames after a Close would break 5.5.1.
#[test]
fn nothing_of_a_compressed_message_follows_a_close() {
    let mut outbox = server();
    let side = Side { window_bits: 15, keeps_context: true };
    outbox.set_deflater(Deflater::new(side, 1, 0));
    outbox.begin(Kind::Binary, 200_000, true);
    let noise: Vec<u8> = (0..100_000u64).map(|i| ((i * i * 7919) >> 7) as u8).collect();
    outbox.payload(&noise);
    outbox.control(Opcode::Close, b"");
    let length = outbox.queued();
    assert_eq!(outbox.pending()[length - 2..], hex!("88 00"));
    assert!(!outbox.is_frame_open());
    outbox.payload(&noise);
    assert_eq!((outbox.queued(), outbox.unsent_messages()), (length, 1));
    assert_eq!(outbox.tally().messages(), 0);
}

#[test]
fn a_long_frame_is_masked_the_same_however_it_is_cut() {
    let payload: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let keys = || -> Entropy {
        Box::new(|bytes| bytes.copy_from_slice(&[9, 8, 7, 6].repeat(bytes.len() / 4)))
    };
    let mut whole = Outbox::new(Role::Client, keys());
    whole.message(Kind::Binary, &payload);
    let mut cut = Outbox::new(Role::Client, keys());
    cut.begin(Kind::Binary, 1000, true);
    let mut sent = Vec::new();
    for part in payload.chunks(77) {
        cut.payload(part);
        sent.extend_from_slice(cut.pending());
        let n = cut.queued();
        flush(&mut cut, n);
    }
    assert_eq!(sent, whole.pending());
    assert!(!cut.is_frame_open());
}

#[test]
fn only_the_newest_deferred_pong_is_sent() {
    let mut outbox = server();
    outbox.message(Kind::Binary, &vec![0; PONG_QUEUE_BYTES]);
    for i in 0..100_000u32 {
        outbox.control(Opcode::Pong, &i.to_be_bytes());
    }
    assert!(outbox.queued() < PONG_QUEUE_BYTES + 20);
    let n = outbox.queued();
    flush(&mut outbox, n);
    assert_eq!(outbox.pending(), hex!("8a 04 0001869f"));
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
    // A frame whose header is sent counts until its last byte is.
    outbox.begin(Kind::Text, 4, true);
    outbox.payload(b"ab");
    flush(&mut outbox, 100);
    assert_eq!(outbox.unsent_messages(), 1);
    outbox.payload(b"cd");
    outbox.message(Kind::Text, b"e");
    assert_eq!(outbox.unsent_messages(), 2);
    flush(&mut outbox, 2);
    assert_eq!(outbox.unsent_messages(), 1);
    flush(&mut outbox, 100);
    assert_eq!(outbox.unsent_messages(), 0);
    // A fragmented message counts until its last fragment is sent.
    outbox.begin(Kind::Text, 1, false);
    outbox.payload(b"a");
    flush(&mut outbox, 100);
    assert_eq!(outbox.unsent_messages(), 1);
    outbox.begin(Kind::Text, 0, true);
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
    // A long frame in pieces, of which the first are sent along with its header.
    outbox.begin(Kind::Binary, 3 * COMPACT_BYTES as u64, true);
    for _ in 0..3 {
        outbox.payload(&vec![0; COMPACT_BYTES]);
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
