//! Messages that do not end before their session does: the run fails, and the error states their
//! size.

use super::{Action, Answers, Closes, Drops, GetsClose, Sends, gets, row, says, table};
use crate::support::wire::{close, frame, text};

fn short() -> Vec<u8> {
    frame(0x01, "short")
}

fn long() -> Vec<u8> {
    frame(0x01, "l".repeat(70_000))
}

/// The error for a Close of the peer.
fn by_peer(received: usize) -> String {
    format!(
        "sockeye: {{peer}} closed the connection in the middle of a message: received {received} \
         bytes of it\n"
    )
}

/// The error for our own Close.
fn by_us(received: usize) -> String {
    format!(
        "sockeye: the session ended in the middle of a message from {{peer}}: received {received} \
         bytes of it\n"
    )
}

const WROTE: &str = "  wrote 70000 bytes of an incomplete message\n";

#[test]
fn a_close_in_the_middle_of_a_message_is_56_in_every_format() {
    let long_text = "l".repeat(70_000);
    let told = by_peer(70_000) + WROTE;
    table([
        row("").peer([says("a"), Sends(short()), Closes(1000)]).stdout("a\n").stderr(by_peer(5)).status(56),
        row("").peer([Sends(short()), Closes(1001)]).stderr(by_peer(5)).status(56),
        row("").peer([Sends(long()), Closes(1000)]).stdout(&long_text).stderr(&told).status(56),
        row("-0").peer([Sends(long()), Closes(1000)]).stdout(&long_text).stderr(&told).status(56),
        row("--delimiter none")
            .no_stdin()
            .peer([Sends(long()), Closes(1000)])
            .stdout(&long_text)
            .stderr(&told)
            .status(56),
        row("--delimiter length").peer([Sends(long()), Closes(1000)]).stderr(by_peer(70_000)).status(56),
        row("-q --echo").peer([Sends(short()), Closes(1000)]).stderr(by_peer(5)).status(56),
        // An error code from the peer is more informative.
        row("")
            .peer([Sends(short()), Closes(4001)])
            .stderr(
                "sockeye: {peer} closed the connection: 4001 (private use)\n  received 5 bytes of an \
                 incomplete message\n",
            )
            .status(111),
        // Received messages do not matter.
        row("--send-only -w -1").peer([Sends(short()), Closes(1000)]),
    ]);
}

#[test]
fn our_own_close_in_the_middle_of_a_message_is_56() {
    let glued = [text("a"), short()].concat();
    let long_text = "l".repeat(70_000);
    table([
        row("-x hi -w 0.3")
            .no_stdin()
            .peer([gets("hi"), Sends(short()), Answers(1000, "")])
            .stderr(by_us(5))
            .status(56),
        row("-x hi -w 0.3")
            .no_stdin()
            .peer([gets("hi"), Sends(long()), Answers(1000, "")])
            .stdout(&long_text)
            .stderr(by_us(70_000) + WROTE)
            .status(56),
        row("--count 1")
            .peer([Sends(glued), Answers(1000, "")])
            .stdout("a\n")
            .stderr(by_us(5))
            .status(56),
        // The rest may arrive until the Close of the peer.
        row("-x hi -w 0.3")
            .no_stdin()
            .peer([
                gets("hi"),
                Sends(short()),
                Action::Gets(0x88, 1000u16.to_be_bytes().to_vec()),
                Sends([frame(0x80, "er"), close(1000, "")].concat()),
            ])
            .stdout("shorter\n"),
    ]);
}

#[test]
fn a_message_that_begins_after_our_close_is_56_only_if_a_part_of_it_is_written() {
    let our_close = || Action::Gets(0x88, 1000u16.to_be_bytes().to_vec());
    let then_close = |bytes| Sends([bytes, close(1000, "")].concat());
    table([
        row("-x hi -w 0").no_stdin().peer([gets("hi"), our_close(), then_close(short())]),
        row("-x hi -w 0")
            .no_stdin()
            .peer([gets("hi"), our_close(), then_close(long())])
            .stdout("l".repeat(70_000))
            .stderr(by_us(70_000) + WROTE)
            .status(56),
    ]);
}

#[test]
fn bytes_announced_in_a_header_that_did_not_arrive_are_not_reported_as_received() {
    let announced = [&b"\x81\x01a\x82\x7f"[..], &(1u64 << 40).to_be_bytes(), b"abc"].concat();
    table(["--count 1", "--until a"].map(|args| {
        row(args)
            .peer([Sends(announced.clone()), GetsClose(1000), Drops])
            .stdout("a\n")
            .stderr(by_us(3))
            .status(56)
    }));
}

#[test]
fn a_message_cut_in_its_frame_header_is_56() {
    let cut = |bytes: &'static [u8]| {
        row("-x hi -w 0.3").no_stdin().peer([
            gets("hi"),
            Sends(bytes.to_vec()),
            GetsClose(1000),
            Drops,
        ])
    };
    let data = [&b"\x81"[..], b"\x02", b"\x81\x7e\x01", b"\x82\x7f\0\0\0\0\0\x01\0"];
    table(data.map(|bytes| cut(bytes).stderr(by_us(0)).status(56)));
    // A control frame is not part of a message.
    table([&b"\x88"[..], b"\x89\x05ab"].map(cut));
    table([row("-x hi -w 0").no_stdin().peer([
        gets("hi"),
        // The message begins after our Close.
        Action::Gets(0x88, 1000u16.to_be_bytes().to_vec()),
        Sends(b"\x81\x7e\x01".to_vec()),
        Drops,
    ])]);
}
