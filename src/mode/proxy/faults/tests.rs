//! The faults of a pair in virtual time.

use super::{super::fault_lane::HELD_BYTES, *};
use crate::{
    connect::Established,
    mode::proxy::{
        link::{Order, PairLink},
        pair::Pair,
        pair_end::PairEnd,
    },
    proto::{
        CloseCode,
        handshake::{Agreement, Version},
        mask,
        raw::RawFrame,
        raw_message::RawHeader,
    },
    session::testbed::{self, End, Wire},
};
use std::future::poll_fn;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinHandle,
    time::timeout,
};

const S: Duration = Duration::from_secs(1);

/// A client and a server with a proxy between them.
struct Proxied {
    client: End,
    server: End,
    link: Arc<PairLink>,
    run: JoinHandle<(PairEnd, Vec<PerformedFault>)>,
    _wires: (Wire, Wire),
}

fn proxied(rules: &[&str], seed: u64) -> Proxied {
    let rules: Arc<[FaultRule]> =
        rules.iter().map(|rule| FaultRule::parse(rule).unwrap()).collect();
    let schedule = FaultSchedule::new(rules, seed, 1, clock::now()).with_record();
    let faults = Some(Box::new(PairFaults::new(schedule, 5 * S)));
    let (near_client, client, client_wire) = testbed::wire(1 << 20);
    let (near_server, server, server_wire) = testbed::wire(1 << 20);
    let link = Arc::<PairLink>::default();
    let established = |end| Established {
        transport: Box::new(end),
        rest: Vec::new(),
        agreement: Agreement::default(),
        carrier: Version::Http11,
        authority: String::new(),
    };
    let (near_client, near_server) = (established(near_client), established(near_server));
    let orders = Arc::clone(&link);
    let run = tokio::spawn(async move {
        let mut pair = Pair::new(near_client, near_server, orders, None, faults);
        let mut happened = Vec::new();
        let end = poll_fn(|cx| {
            let polled = pair.poll_run(cx);
            happened.extend(pair.take_happened());
            polled
        })
        .await;
        if let PairEnd::Cut = end {
            pair.cut().await;
        }
        (end, happened)
    });
    Proxied { client, server, link, run, _wires: (client_wire, server_wire) }
}

fn text(payload: &str) -> Vec<u8> {
    RawFrame::new(1).payload(payload).encode()
}

/// Returns a message as a client sends it.
fn masked(payload: &str) -> Vec<u8> {
    RawFrame::new(1).mask([1, 2, 3, 4]).payload(payload).encode()
}

/// The state of a connection after what was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Open,
    Ended,
}

/// Receives until nothing comes for a second. Returns the bytes, without masks.
async fn receive(end: &mut End) -> (Vec<u8>, After) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let after = loop {
        match timeout(S, end.read(&mut buffer)).await {
            Err(_) => break After::Open,
            Ok(Ok(0)) => break After::Ended,
            Ok(length) => bytes.extend_from_slice(&buffer[..length.unwrap()]),
        }
    };
    (unmasked(&bytes), after)
}

fn unmasked(mut bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while let Some(header) = RawHeader::read(bytes) {
        let length = usize::try_from(header.length).unwrap();
        let end = (header.size + length).min(bytes.len());
        let mut payload = bytes[header.size..end].to_vec();
        match header.mask {
            None => plain.extend_from_slice(&bytes[..header.size]),
            Some(key) => {
                mask::apply(&mut payload, key, 0);
                let mut front = bytes[..header.size - 4].to_vec();
                front[1] &= 0x7f;
                plain.extend(front);
            }
        }
        plain.extend(payload);
        bytes = &bytes[end..];
    }
    plain.extend_from_slice(bytes);
    plain
}

#[test]
fn each_fault_happens_between_the_legs() {
    use After::{Ended, Open};
    let close = RawFrame::new(8).payload([&[0x0f, 0xa1][..], b"bye"].concat()).encode();
    let (up1, up2, down1, down2) = (text("up1"), text("up2"), text("down1"), text("down2"));
    let (both_up, both_down) = ([&up1[..], &up2].concat(), [&down1[..], &down2].concat());
    let none = Vec::new();
    // Both send two messages, the client first.
    for (rule, at_server, at_client, after) in [
        ("drop every 2 in", up1.clone(), both_down.clone(), Open),
        ("drop match up2", up1.clone(), both_down.clone(), Open),
        ("drop match 1", up2.clone(), down2.clone(), Open),
        ("drop out", both_up.clone(), none.clone(), Open),
        ("duplicate every 2 out", both_up.clone(), [&both_down[..], &down2].concat(), Open),
        (
            "split 2 every 2 in",
            [&up1[..], b"\x01\x01u\x80\x02p2"].concat(),
            both_down.clone(),
            Open,
        ),
        ("rewrite p match u", [text("pp1"), text("pp2")].concat(), both_down.clone(), Open),
        (
            "rewrite '${n}-$${x}' every 2 server",
            both_up.clone(),
            [&down1[..], &text("2-${x}")].concat(),
            Open,
        ),
        (
            "rewrite ${b}${1}${0} match '(u)(?<b>p)' client",
            [text("puup1"), text("puup2")].concat(),
            both_down.clone(),
            Open,
        ),
        (
            "inject server hello after 1 messages in",
            [&up1[..], &text("hello"), &up2].concat(),
            both_down.clone(),
            Open,
        ),
        (
            "inject client ${0}! match up. in",
            both_up.clone(),
            [&text("up1!")[..], &text("up2!"), &both_down].concat(),
            Open,
        ),
        (
            "inject server once after 0.1 s",
            [&both_up[..], &text("once")].concat(),
            both_down.clone(),
            Open,
        ),
        ("inject server first", [&text("first")[..], &both_up].concat(), both_down.clone(), Open),
        ("stall 0.1 after 1 messages in", both_up.clone(), both_down.clone(), Open),
        ("delay 0.1", both_up.clone(), both_down.clone(), Open),
        ("throttle 100", both_up.clone(), both_down.clone(), Open),
        ("cut frame every 2 in", [&up1[..], b"\x81\x03u"].concat(), both_down.clone(), Ended),
        ("cut 1 match up2", [&up1[..], b"\x81"].concat(), both_down.clone(), Ended),
        ("cut after 2 messages out", both_up.clone(), both_down.clone(), Ended),
        ("cut frame match down2", both_up.clone(), [&down1[..], b"\x81\x05do"].concat(), Ended),
        ("cut", none.clone(), none.clone(), Ended),
        ("reset after 2 messages out", both_up.clone(), both_down.clone(), Ended),
        ("reset after 0.5 s", both_up.clone(), both_down.clone(), Ended),
        (
            "close 4001:bye after 2 messages out",
            [&both_up[..], &close].concat(),
            [&both_down[..], &close].concat(),
            Open,
        ),
    ] {
        testbed::run(async {
            let mut it = proxied(&[rule], 1);
            it.client.write_all(&[masked("up1"), masked("up2")].concat()).await.unwrap();
            if rule != "cut" {
                // What a fault is to end has arrived before.
                sleep(S / 100).await;
            }
            let _ = it.server.write_all(&both_down).await;
            let (server, client) = tokio::join!(receive(&mut it.server), receive(&mut it.client));
            assert_eq!(server, (at_server, after), "{rule} at the server");
            let at_client = if rule.contains("cut frame every") || rule.contains("cut 1") {
                Vec::new()
            } else {
                at_client
            };
            assert_eq!(client, (at_client, after), "{rule} at the client");
            drop((it.client, it.server));
            let end = it.run.await.unwrap().0;
            assert_eq!(matches!(end, PairEnd::Reset), rule.starts_with("reset"), "{rule}");
            assert_eq!(matches!(end, PairEnd::Cut), rule.starts_with("cut"), "{rule}");
        });
    }
}

/// Prevents that a schedule depends on anything but the seed and the messages.
#[test]
fn the_same_seed_makes_the_same_faults() {
    let run = |seed| {
        testbed::run(async move {
            let rules = ["drop chance 0.3 in", "corrupt chance 0.5", "duplicate chance 0.2 out"];
            let mut it = proxied(&rules, seed);
            for number in 0..50 {
                it.client.write_all(&masked(&format!("up {number}"))).await.unwrap();
                it.server.write_all(&text(&format!("down {number}"))).await.unwrap();
                if number % 7 == 0 {
                    sleep(S / 10).await;
                }
            }
            let received = (receive(&mut it.server).await, receive(&mut it.client).await);
            drop((it.client, it.server));
            (received, it.run.await.unwrap().1)
        })
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).0, run(6).0);
}

#[test]
fn what_waits_is_bounded_and_stops_the_sender() {
    for rule in ["delay 1000", "throttle 1", "stall"] {
        testbed::run(async {
            let mut it = proxied(&[rule], 1);
            let frame = RawFrame::new(2).payload(vec![7; 60_000]).encode();
            let mut written = 0;
            while let Ok(taken) = timeout(S, it.server.write(&frame)).await {
                written += taken.unwrap();
                assert!(written < 12 << 20, "{rule}");
            }
            let least = if rule == "stall" { 1 << 20 } else { HELD_BYTES };
            assert!(written > least, "{rule}: {written}");
            drop((it.client, it.server));
            it.run.abort();
        });
    }
}

#[test]
fn a_delay_is_exact_and_holds_up_nothing_else() {
    testbed::run(async {
        let mut it = proxied(&["delay 5 out"], 1);
        let start = clock::now();
        it.server.write_all(&text("a")).await.unwrap();
        let mut received = [0; 3];
        sleep(S).await;
        it.server.write_all(&text("b")).await.unwrap();
        it.client.read_exact(&mut received).await.unwrap();
        assert_eq!((received.to_vec(), clock::now() - start), (text("a"), 5 * S));
        it.client.read_exact(&mut received).await.unwrap();
        assert_eq!((received.to_vec(), clock::now() - start), (text("b"), 6 * S));
        it.client.write_all(&masked("c")).await.unwrap();
        it.server.read_exact(&mut [0; 7]).await.unwrap();
        assert_eq!(clock::now() - start, 6 * S);
        // The end waits for what is delayed before it.
        it.server.write_all(&text("d")).await.unwrap();
        it.server.shutdown().await.unwrap();
        let mut rest = Vec::new();
        it.client.read_to_end(&mut rest).await.unwrap();
        assert_eq!((rest, clock::now() - start), (text("d"), 11 * S));
    });
}

#[test]
fn an_endless_stall_ends_when_a_peer_leaves() {
    for leaves in Leg::BOTH {
        testbed::run(async {
            let mut it = proxied(&["stall after 1 messages in"], 1);
            it.client.write_all(&[masked("up1"), masked("up2")].concat()).await.unwrap();
            assert_eq!(receive(&mut it.server).await, (text("up1"), After::Open));
            it.server.write_all(&text("down")).await.unwrap();
            assert_eq!(receive(&mut it.client).await, (Vec::new(), After::Open));
            match leaves {
                Leg::Client => it.client.shutdown().await.unwrap(),
                Leg::Server => it.server.shutdown().await.unwrap(),
            }
            let end = timeout(S, it.run).await.unwrap().unwrap().0;
            assert!(matches!(end, PairEnd::Stalled(leg) if leg == leaves), "{end:?}");
        });
    }
}

/// Prevents that an ending proxy waits for a stall or a delay.
#[test]
fn an_ending_proxy_closes_a_session_with_faults() {
    for rules in [&["stall"][..], &["delay 100"], &["throttle 1"]] {
        testbed::run(async {
            let mut it = proxied(rules, 1);
            it.client.write_all(&masked("lost")).await.unwrap();
            sleep(S).await;
            it.link.order(Order::Close(Close::new(CloseCode::GOING_AWAY)));
            let close = RawFrame::new(8).payload([0x03, 0xe9]).encode();
            assert_eq!(receive(&mut it.client).await, (close.clone(), After::Open), "{rules:?}");
            let at_server = receive(&mut it.server).await.0;
            assert!(at_server.ends_with(&close), "{rules:?}");
            drop((it.client, it.server));
            assert!(matches!(it.run.await.unwrap().0, PairEnd::Ours(_)));
        });
    }
}

/// Prevents that a message beside those of a peer gets into the middle of one.
#[test]
fn a_long_message_is_not_interrupted() {
    testbed::run(async {
        let mut it = proxied(&["inject client hello after 0.5 s"], 1);
        let long = RawFrame::new(2).payload(vec![7; 2 << 20]).encode();
        let (front, rest) = long.split_at(long.len() - 1);
        it.server.write_all(front).await.unwrap();
        it.client.read_exact(&mut vec![0; front.len()]).await.unwrap();
        sleep(S).await;
        it.server.write_all(rest).await.unwrap();
        let mut end = [0; 8];
        it.client.read_exact(&mut end).await.unwrap();
        assert_eq!(end.to_vec(), [rest, &text("hello")].concat());
    });
}
