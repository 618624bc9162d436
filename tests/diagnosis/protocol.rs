//! Violations of the protocol by the peer.

use crate::support::{Test, says, wire};

#[track_caller]
fn breaks(bytes: Vec<u8>, close: u16, status: i32, message: &str) {
    let test = Test::new().args(["--max-message", "8"]).peer(move |peer| {
        peer.open();
        peer.send(&bytes);
        peer.expect_close(close);
    });
    says(test, status, message);
}

#[test]
fn violations() {
    let broke = "{peer} violated the protocol: ";
    breaks(
        wire::frame(0xa1, "x"),
        1002,
        110,
        &format!(
            "{broke}reserved bit rsv2 set without an extension (RFC 6455, 5.2; closed with 1002)"
        ),
    );
    breaks(
        b"\x81\x81\0\0\0\0x".to_vec(),
        1002,
        110,
        &format!("{broke}masked frame from a server (RFC 6455, 5.1; closed with 1002)"),
    );
    breaks(
        wire::text(b"\xff"),
        1007,
        110,
        &format!("{broke}text message that is not UTF-8 (RFC 6455, 8.1; closed with 1007)"),
    );
    breaks(
        wire::close(1015, ""),
        1002,
        110,
        &format!(
            "{broke}Close with the code 1015, which must not be sent (RFC 6455, 7.4; closed with \
             1002)"
        ),
    );
    breaks(
        wire::text("123456789"),
        1009,
        100,
        "{peer} sent a message over the limit of 8 bytes (1009)\n\n\
         hint: raise the limit with --max-message BYTES (0 for none)",
    );
}
