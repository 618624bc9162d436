//! Benchmarks of the protocol code that every message passes through. Run with `cargo bench`.

#![allow(missing_docs, reason = "criterion's macros generate undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a failing benchmark should panic")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sockeye::proto::{
    Kind, Role,
    deflate::{Deflater, Inflater},
    extension::Side,
    mask,
    message::Decoder,
    outbox::Outbox,
    utf8,
};
use std::{hint::black_box, num::NonZeroUsize, time::Duration};

const SIZES: [usize; 3] = [64, 4 << 10, 1 << 20];
/// The longest frame of the outboxes.
const FRAGMENT: NonZeroUsize = NonZeroUsize::MAX;
const SIDE: Side = Side { window_bits: 15, keeps_context: true };

/// Encodes about 1 MiB of text messages of this size from a server.
fn stream(size: usize) -> Vec<u8> {
    let mut outbox = Outbox::new(Role::Server, Box::new(|_| {}), FRAGMENT);
    let message = vec![b'x'; size];
    for _ in 0..((1 << 20) / size).max(1) {
        outbox.message(Kind::Text, &message);
    }
    outbox.pending().to_vec()
}

fn json(i: usize) -> String {
    format!(
        "{{\"id\":{i},\"symbol\":\"FISH{}\",\"price\":{}.{:02}}}",
        i % 50,
        i * 37 % 1000,
        i % 100
    )
}

fn decoder(c: &mut Criterion) {
    let mut group = c.benchmark_group("decoder");
    for size in SIZES {
        let mut bytes = stream(size);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("whole messages of {size} B"), |b| {
            b.iter(|| {
                let mut decoder = Decoder::new(Role::Client, u64::MAX);
                let mut at = 0;
                while let Some((_, range)) = decoder.whole_message(bytes.get(at..).unwrap()) {
                    at += range.end;
                }
                black_box(decoder.tally())
            });
        });
        group.bench_function(format!("any messages of {size} B"), |b| {
            b.iter(|| {
                let mut decoder = Decoder::new(Role::Client, u64::MAX);
                let mut at = 0;
                loop {
                    let (used, part) = decoder.decode(bytes.get_mut(at..).unwrap()).unwrap();
                    if part.is_none() {
                        break;
                    }
                    at += used;
                }
                black_box(decoder.tally())
            });
        });
    }
}

fn encoder(c: &mut Criterion) {
    let mut group = c.benchmark_group("encoder");
    for size in SIZES {
        let message = vec![b'x'; size];
        let mut outbox = Outbox::new(Role::Client, Box::new(|bytes| bytes.fill(7)), FRAGMENT);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("a message of {size} B, masked"), |b| {
            b.iter(|| {
                outbox.message(Kind::Text, black_box(&message));
                outbox.advance(outbox.queued());
            });
        });
    }
}

fn masking(c: &mut Criterion) {
    let mut group = c.benchmark_group("mask");
    for size in SIZES {
        let mut bytes = vec![b'x'; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("{size} B"), |b| {
            b.iter(|| mask::apply(black_box(&mut bytes), [1, 2, 3, 4], 0));
        });
    }
}

fn validation(c: &mut Criterion) {
    let mut group = c.benchmark_group("utf8");
    for (name, unit) in [("ASCII", "x"), ("mixed", "x\u{e9}\u{20ac}\u{1f600}")] {
        for size in SIZES {
            let text = unit.repeat(size / unit.len());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(format!("{name}, {size} B"), |b| {
                b.iter(|| utf8::is_valid(black_box(text.as_bytes())));
            });
        }
    }
}

fn deflate(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate");
    // A hundred distinct messages of about 1 KiB.
    let messages: Vec<String> = (0..100).map(|i| (i * 7..i * 7 + 25).map(json).collect()).collect();
    group.throughput(Throughput::Bytes(messages.iter().map(|m| m.len() as u64).sum()));
    for level in [1, 6, 9] {
        let mut deflater = Deflater::new(SIDE, level, 0);
        group.bench_function(format!("100 messages of JSON, level {level}"), |b| {
            b.iter(|| messages.iter().for_each(|message| deflater.message(message.as_bytes())));
        });
    }
    let mut deflater = Deflater::new(SIDE, 1, 0);
    let sent: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| {
            deflater.message(message.as_bytes());
            deflater.output().to_vec()
        })
        .collect();
    group.bench_function("inflate 100 messages of JSON", |b| {
        b.iter_batched(
            || Inflater::new(SIDE),
            |mut inflater| {
                for message in &sent {
                    inflater.begin();
                    inflater.inflate(message, true, usize::MAX).unwrap();
                    let n = inflater.output().len();
                    inflater.take(n);
                }
                inflater
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = decoder, encoder, masking, validation, deflate
}
criterion_main!(benches);
