//! The --echo option.

use crate::support::{
    Stdin, Test,
    wire::{binary, frame, text},
};

#[test]
fn echo_keeps_the_type_of_each_message() {
    // Stdin is not read, and its end does not end the run.
    for stdin in [Stdin::Null, Stdin::Open, "not sent\n".into(), "".into()] {
        Test::new()
            .args(["--echo"])
            .stdin(stdin)
            .peer(|peer| {
                peer.open();
                peer.send([text("text \u{e9}"), binary(b"\0\xff"), text(""), binary("")].concat());
                peer.expect_text("text \u{e9}");
                peer.expect_binary(b"\0\xff");
                peer.expect_text("");
                peer.expect_binary("");
                peer.send([frame(0x01, "frag"), frame(0x89, "p"), frame(0x80, "ment")].concat());
                peer.expect_pong("p");
                peer.expect_text("fragment");
                peer.close(1000);
            })
            .stdout(b"text \xc3\xa9\n\0\xff\n\n\nfragment\n".to_vec())
            .run();
    }
}

#[test]
fn echo_of_a_large_message_is_one_message() {
    let message = vec![b'e'; 3 << 20];
    let expected = [&message[..], b"\n"].concat();
    Test::new()
        .args(["--echo"])
        .peer(move |peer| {
            peer.open();
            peer.send(binary(&message));
            peer.expect_binary(&message);
            peer.close(1000);
        })
        .stdout(expected)
        .run();
}

#[test]
fn echo_does_not_take_memory_for_a_peer_that_does_not_read() {
    let message = text("x".repeat(10_000));
    Test::new()
        .args(["-q", "--echo", "--close-timeout", "0.3"])
        .peer(move |peer| {
            peer.open();
            let flood = message.repeat((64 << 20) / message.len());
            let taken = peer.flood(&flood);
            assert!(taken < 40 << 20, "it took {taken} bytes and sent none of them back");
            peer.child.signal(crate::support::Signal::TERM);
            peer.freeze();
        })
        .stdout(crate::support::Expected::Parts(vec!["xxx".to_owned()]))
        .killed_by(crate::support::Signal::TERM)
        .run();
}

#[test]
fn echo_ends_with_the_peer_s_code() {
    Test::new()
        .args(["--echo"])
        .peer(|peer| {
            peer.open();
            peer.close(4001);
        })
        .stderr("sockeye: {peer} closed the connection: 4001 (private use)\n")
        .status(111)
        .run();
}
