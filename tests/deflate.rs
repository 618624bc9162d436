//! permessage-deflate (RFC 7692): the negotiation, the frames on the wire, and hostile peers.

use crate::support::{
    Test,
    peer::OPEN,
    wire::{close, frame, text},
};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hex_literal::hex;

const EXTENSIONS: &str = "Sec-WebSocket-Extensions: ";
const BROWSER: &str = "permessage-deflate; client_max_window_bits";
/// RFC 7692, 7.2.3.1: "Hello", and the same with context takeover.
const HELLO: [u8; 7] = hex!("f248cdc9c90700");
const HELLO_AGAIN: [u8; 5] = hex!("f200110000");

fn agreed(answer: &str) -> String {
    format!("{EXTENSIONS}{answer}\r\n")
}

#[test]
fn the_offer_follows_the_options() {
    for (args, offer) in [
        (&[][..], Some(BROWSER)),
        (&["--compress"], Some(BROWSER)),
        (&["--no-compress", "--compress"], Some(BROWSER)),
        (&["--compress", "--no-compress"], None),
        (&["--no-compress"], None),
        (&["--compress="], Some("permessage-deflate")),
        (&["--compress=permessage-deflate"], Some("permessage-deflate")),
        (
            &["--compress=server_max_window_bits=9; client_no_context_takeover"],
            Some("permessage-deflate; server_max_window_bits=9; client_no_context_takeover"),
        ),
        (
            &["--compress=permessage-deflate; server_max_window_bits=9, permessage-deflate"],
            Some("permessage-deflate; server_max_window_bits=9, permessage-deflate"),
        ),
        (&["-H", "Sec-WebSocket-Extensions: x-sea"], Some("x-sea")),
        (&["-H", "Sec-WebSocket-Extensions:"], None),
    ] {
        Test::new()
            .args(args.iter().copied())
            .peer(move |peer| {
                let request = peer.open();
                let offers = request.all("Sec-WebSocket-Extensions");
                assert_eq!(offers, offer.as_slice());
                peer.close(1000);
            })
            .run();
    }
}

#[test]
fn bad_parameters_are_a_usage_error_with_the_rule() {
    for (params, words) in [
        ("server_max_window_bits=7", "not a number from 8 to 15 without leading zeros"),
        ("server_max_window_bits=16", "not a number from 8 to 15 without leading zeros"),
        ("client_max_window_bits=09", "not a number from 8 to 15 without leading zeros"),
        ("server_max_window_bits", "without a value, a number from 8 to 15 (RFC 7692, 7.1.2)"),
        ("server_no_context_takeover=1", "takes no value (RFC 7692, 7.1.1)"),
        ("client_no_context_takeover; client_no_context_takeover", "twice (RFC 7692, 7.1)"),
        ("permessage-deflate; window=9", "window, an unknown parameter (RFC 7692, 7.1)"),
        ("gzip", "'gzip' is neither permessage-deflate nor one of its parameters"),
        ("permessage-deflate; =", "not a list of NAME or NAME=VALUE parameters separated by ;"),
    ] {
        for subcommand in [&["ws://127.0.0.1:1"][..], &["listen", "0"]] {
            Test::new()
                .args([&format!("--compress={params}")])
                .args(subcommand.iter().copied())
                .stderr_has(["sockeye: invalid value", "for '--compress[=<PARAMS>]': ", words])
                .status(2)
                .run();
        }
    }
    for args in [["--compress-level", "0"], ["--compress-level", "10"], ["--compress-min", "x"]] {
        Test::new()
            .args(args)
            .args(["ws://127.0.0.1:1"])
            .stderr_has(["sockeye: ", args[0]])
            .status(2)
            .run();
    }
    Test::new()
        .args(["listen", "--compress=server_max_window_bits=8", "0"])
        .stderr_has(["sockeye: a server takes a single set of --compress parameters, with a"])
        .status(2)
        .run();
}

#[test]
fn an_answer_that_breaks_a_rule_is_refused_with_the_parameter_and_the_rule() {
    let deflate = |params: &str| format!("permessage-deflate; {params}");
    let said = |words: &str| format!("the server accepted permessage-deflate with {words}");
    let browser = &[][..];
    let plain = &["--compress="][..];
    let nine = &["--compress=server_max_window_bits=9"][..];
    for (args, answer, words) in [
        (browser, deflate("x=1"), said("x, an unknown parameter (RFC 7692, 7.1)")),
        (
            browser,
            deflate("server_no_context_takeover; server_no_context_takeover"),
            said("server_no_context_takeover twice (RFC 7692, 7.1)"),
        ),
        (
            browser,
            deflate("client_no_context_takeover=true"),
            said("client_no_context_takeover=true, which takes no value (RFC 7692, 7.1.1)"),
        ),
        (
            browser,
            deflate("client_max_window_bits"),
            said("client_max_window_bits without a value, a number from 8 to 15 (RFC 7692, 7.1.2)"),
        ),
        (
            browser,
            deflate("server_max_window_bits=\"16\""),
            said(
                "server_max_window_bits=16, which is not a number from 8 to 15 without leading \
                 zeros (RFC 7692, 7.1.2)",
            ),
        ),
        (
            plain,
            deflate("client_max_window_bits=10"),
            said("client_max_window_bits, which was not offered (RFC 7692, 7.1.2.2)"),
        ),
        (
            nine,
            deflate("server_max_window_bits=10"),
            said("server_max_window_bits=10, above the 9 offered (RFC 7692, 7.1.2)"),
        ),
        (
            nine,
            "permessage-deflate".to_owned(),
            said("server_max_window_bits omitted, although the offer requires it (RFC 7692, 7.1)"),
        ),
        (
            browser,
            "permessage-deflate, permessage-deflate".to_owned(),
            "the server selected the extension 'permessage-deflate' twice".to_owned(),
        ),
        (
            browser,
            "permessage-deflate; a=\"b".to_owned(),
            "malformed Sec-WebSocket-Extensions 'permessage-deflate; a=\"b'".to_owned(),
        ),
        (
            &["-H", "Sec-WebSocket-Extensions: x-sea"],
            "x-sea".to_owned(),
            "the server selected the extension 'x-sea', offered with -H, which sockeye does not \
             support"
                .to_owned(),
        ),
    ] {
        let hint = match &*answer {
            "x-sea" | "permessage-deflate; a=\"b" => "",
            _ => "\n\nhint: try without compression: --no-compress",
        };
        Test::new()
            .args(args.iter().copied())
            .peer(move |peer| {
                peer.answer(&format!("{OPEN}{}\r\n", agreed(&answer)));
                peer.expect_end();
            })
            .stderr(format!("sockeye: handshake with {{peer}} failed: {words}{hint}\n"))
            .status(8)
            .run();
    }
}

#[test]
fn compressed_messages_are_sent_and_received() {
    Test::new()
        .args(["--compress-min", "0", "--compress-level", "6", "-x", "Hello", "-x", "Hello"])
        .args(["-x", ""])
        .peer(|peer| {
            peer.open_with(&agreed("permessage-deflate"));
            // The last one is the empty message of 7.2.3.6.
            for payload in [&HELLO[..], &HELLO_AGAIN, &[0]] {
                let got = peer.frame();
                assert_eq!((got.first, &got.payload[..]), (0xc1, payload));
            }
            peer.send(frame(0xc1, HELLO));
            // In fragments with a ping between them; rsv1 is set on the first only.
            peer.send(frame(0x41, &HELLO_AGAIN[..2]));
            peer.send(frame(0x89, "p"));
            peer.expect_pong("p");
            peer.send(frame(0x80, &HELLO_AGAIN[2..]));
            // A final block (7.2.3.4), a stored block (7.2.3.3), an uncompressed message, an empty
            // one.
            peer.send(frame(0xc1, hex!("f348cdc9c9070000")));
            peer.send(frame(0xc2, hex!("000500faff48656c6c6f00")));
            peer.send([text("plain"), frame(0xc1, "\0"), frame(0xc1, "")].concat());
            peer.close(1000);
        })
        .stdout("Hello\nHello\nHello\nHello\nplain\n\n\n")
        .run();
}

#[test]
fn compression_follows_the_agreement_and_the_options() {
    let long = "x".repeat(1024);
    // Without context takeover each message is compressed independently.
    Test::new()
        .args(["--compress-min", "0", "--compress-level", "6", "-x", "Hello", "-x", "Hello"])
        .peer(|peer| {
            peer.open_with(&agreed("permessage-deflate; client_no_context_takeover"));
            for _ in 0..2 {
                let got = peer.frame();
                assert_eq!((got.first, &got.payload[..]), (0xc1, &HELLO[..]));
            }
            peer.close(1000);
        })
        .run();
    // By default short messages are sent uncompressed, and all are if nothing was agreed.
    for (answer, firsts) in
        [(agreed("permessage-deflate"), [0x81, 0xc1]), (String::new(), [0x81; 2])]
    {
        Test::new()
            .args(["-x", &long[1..], "-x", &long])
            .peer(move |peer| {
                peer.open_with(&answer);
                assert_eq!([(); 2].map(|()| peer.frame().first), firsts);
                peer.close(1000);
            })
            .run();
    }
    // A window of 8 bits is not supported, so messages are sent uncompressed, which is legal.
    Test::new()
        .args(["-v", "-x", &long])
        .peer(move |peer| {
            peer.open_with(&agreed("permessage-deflate; client_max_window_bits=8"));
            peer.expect_text(&long);
            peer.close(1000);
        })
        .stderr_has(["permessage-deflate: local sends uncompressed (8 window bits agreed); remote"])
        .run();
}

#[test]
fn verbose_shows_the_agreement_and_the_ratio() {
    Test::new()
        .args(["-v", "--compress-min", "0", "--compress-level", "6", "-x", "HelloHelloHello"])
        .peer(|peer| {
            peer.open_with(&agreed(
                "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
            ));
            peer.frame();
            peer.send([frame(0xc1, HELLO), text("a")].concat());
            peer.close(1000);
        })
        .stdout("Hello\na\n")
        .stderr_has([
            "> Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n",
            "< Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; ",
            "* permessage-deflate: local 10 window bits, context takeover; \
             remote 15 window bits, no context takeover\n",
            "closed: 1000 (normal closure)\n* received 2 messages, 6 bytes",
            "* sent 1 message, 15 bytes, compressed to 10 (66.6 %)\n",
        ])
        .run();
    Test::new()
        .args(["-v"])
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .stderr_has([
            "* no compression: offered but not accepted\n",
            "* received 0 messages, 0 bytes\n* sent 0 messages, 0 bytes\n",
        ])
        .run();
}

#[test]
fn bad_deflate_data_and_misplaced_rsv1_are_violations() {
    let hint = "\n\nhint: try without compression: --no-compress";
    for (fault, told, words) in [
        (
            frame(0xc1, b"\xff"),
            1007,
            format!(
                "invalid DEFLATE data in a compressed message (RFC 7692, 7.2.2; closed with \
                1007){hint}"
            ),
        ),
        (
            frame(0xc1, &HELLO[..3]),
            1007,
            format!(
                "invalid DEFLATE data in a compressed message (RFC 7692, 7.2.2; closed with \
                1007){hint}"
            ),
        ),
        (
            frame(0xc9, ""),
            1002,
            "rsv1 set on a ping frame, allowed only on the first frame of a message (RFC 7692, 6; \
             closed with 1002)"
                .to_owned(),
        ),
        (
            [frame(0x41, HELLO), frame(0xc0, "")].concat(),
            1002,
            "rsv1 set on a continuation frame, allowed only on the first frame of a message (RFC \
             7692, 6; closed with 1002)"
                .to_owned(),
        ),
        (
            frame(0xe1, ""),
            1002,
            "reserved bit rsv2 set without an extension (RFC 6455, 5.2; closed with \
             1002)"
                .to_owned(),
        ),
        (
            // A stored block with an invalid byte of UTF-8.
            frame(0xc1, hex!("00 0100 feff ff 00")),
            1007,
            "text message that is not UTF-8 (RFC 6455, 8.1; closed with 1007)".to_owned(),
        ),
    ] {
        let bytes = [frame(0xc1, HELLO), fault].concat();
        Test::new()
            .peer(move |peer| {
                peer.open_with(&agreed("permessage-deflate"));
                peer.send(bytes);
                peer.expect_close(told);
            })
            .stdout("Hello\n")
            .stderr(format!("sockeye: {{peer}} violated the protocol: {words}\n"))
            .status(110)
            .run();
    }
}

/// Returns the frames of a message of `mebibytes` MiB of zeros. Its blocks were made without a
/// context, so that they can be repeated.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let mut block = Vec::with_capacity(4 << 10);
    let mut state = Compress::new(Compression::best(), false);
    state.compress_vec(&zeros, &mut block, FlushCompress::Full).unwrap();
    assert_eq!((state.total_in(), block.ends_with(&[0, 0, 0xff, 0xff])), (1 << 20, true));
    let all = block.repeat(mebibytes);
    frame(0xc2, &all[..all.len() - 4])
}

#[test]
fn a_bomb_costs_no_more_than_the_message_limit() {
    Test::new()
        .args(["--max-message", "1M"])
        .peer(|peer| {
            peer.open_with(&agreed("permessage-deflate"));
            let bomb = bomb(1024);
            assert!(bomb.len() < 2 << 20);
            // The program stops reading once the limit is exceeded.
            peer.flood(&bomb);
            peer.expect_close(1009);
            assert!(peer.child.peak_memory() < 24 << 20, "{} bytes", peer.child.peak_memory());
            peer.discard_all();
        })
        .stdout(vec![0; 1 << 20])
        .stderr(
            "sockeye: {peer} sent a message over the limit of 1048576 bytes (1009)\n  \
             wrote [..] bytes of an incomplete message\n\n\
             hint: raise the limit with --max-message BYTES (0 for none)\n",
        )
        .status(100)
        .run();
}

#[test]
fn without_a_limit_a_bomb_is_streamed_with_little_memory() {
    Test::new()
        .args(["--max-message", "0"])
        .shell("\"$@\" | wc -c")
        .peer(|peer| {
            peer.open_with(&agreed("permessage-deflate"));
            peer.send(bomb(1024));
            peer.close(1000);
        })
        .stdout(format!("{}\n", (1u64 << 30) + 1))
        .run();
    // Memory stays as small if nobody reads stdout.
    Test::new()
        .args(["--max-message", "0", "--close-timeout", "0.1"])
        .hold_stdout()
        .peer(|peer| {
            peer.open_with(&agreed("permessage-deflate"));
            peer.flood(&bomb(1024));
            assert!(peer.child.peak_memory() < 24 << 20, "{} bytes", peer.child.peak_memory());
            peer.child.close_stdout();
            peer.discard_all();
        })
        .run();
}

/// Inflates a message (RFC 7692, 7.2.2).
fn inflated(payload: &[u8]) -> Vec<u8> {
    let payload = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut state = Decompress::new(false);
    let mut message = Vec::with_capacity(4 << 20);
    state.decompress_vec(&payload, &mut message, FlushDecompress::Sync).unwrap();
    assert_eq!(state.total_in(), payload.len() as u64);
    message
}

#[test]
fn a_long_line_is_sent_compressed_as_one_message() {
    let line: String = (0..200_000).map(|i| format!("{} ", i * 7919 % 1009)).collect();
    let sent = line.clone();
    Test::new()
        .stdin(format!("{line}\nshort\n"))
        .args(["-w", "-1"])
        .peer(move |peer| {
            peer.open_with(&agreed("permessage-deflate"));
            let mut payload = Vec::new();
            let mut frames = 0;
            loop {
                let got = peer.frame();
                // Rsv1 is set on the first frame, continuations follow, and the last has fin.
                let (first, fin) = (got.first & 0x7f, got.first & 0x80 != 0);
                assert_eq!(first, if frames == 0 { 0x41 } else { 0x00 });
                payload.extend(got.payload);
                frames += 1;
                if fin {
                    break;
                }
                assert!(frames < 1000);
            }
            assert!(payload.len() < sent.len() / 2);
            assert!(inflated(&payload) == sent.as_bytes());
            peer.expect_text("short");
            peer.close(1000);
        })
        .run();
}

/// RFC 6455, 5.5.1. The one frame of an uncompressed line would have to be finished first; a
/// compressed line has many frames.
#[test]
fn nothing_of_a_long_line_follows_our_close() {
    let mut state = 1u64;
    let noise = |_| {
        // Marsaglia's xorshift: data that barely compresses.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 89) as u8)
    };
    // More than all buffers on the way can hold.
    let line = (0..4_000_000).map(noise).collect::<String>().repeat(8);
    Test::new()
        .stdin(format!("{line}\n"))
        .args(["-w", "-1"])
        .peer(|peer| {
            peer.open_with(&agreed("permessage-deflate"));
            assert_eq!(peer.frame().first, 0x41);
            peer.send(close(1000, ""));
            while peer.frame().first != 0x88 {}
            // The end of the script checks that nothing follows.
        })
        .stderr("sockeye: {peer} closed the connection: 1000 (normal closure); 1 message was not sent\n")
        .status(55)
        .run();
}
