//! Tests of the test bed's wire.

use super::*;
use crate::session::{clock, testbed::wire};
use std::io;

#[test]
fn delays_bytes_and_keeps_their_order() {
    testbed::run(async {
        let (mut near, mut far, wire) = wire(100);
        wire.delay(3 * S);
        let start = clock::now();
        near.write_all(b"ab").await.unwrap();
        wire.delay(S);
        near.write_all(b"cd").await.unwrap();
        near.shutdown().await.unwrap();
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!((all.as_slice(), clock::now() - start), (&b"abcd"[..], 3 * S));
        assert_eq!(wire.written(), (4, 0));
    });
}

#[test]
fn a_direction_holds_at_most_its_buffer() {
    testbed::run(async {
        let (mut near, mut far, wire) = wire(10);
        let ((), read) = tokio::join!(
            async {
                near.write_all(&[1; 25]).await.unwrap();
                near.shutdown().await.unwrap();
            },
            async {
                tokio::time::sleep(S).await;
                assert_eq!(wire.written(), (10, 0));
                let mut all = Vec::new();
                far.read_to_end(&mut all).await.unwrap();
                all.len()
            }
        );
        assert_eq!(read, 25);
    });
}

#[test]
fn a_stalled_wire_delivers_nothing_until_it_is_resumed() {
    testbed::run(async {
        let (mut near, mut far, wire) = wire(10);
        wire.stall();
        near.write_all(b"a").await.unwrap();
        let late = async {
            tokio::time::sleep(60 * S).await;
            wire.resume();
        };
        let start = clock::now();
        let (byte, ()) = tokio::join!(far.read_u8(), late);
        assert_eq!((byte.unwrap(), clock::now() - start), (b'a', 60 * S));
    });
}

#[test]
fn a_cut_delivers_bytes_in_flight_and_a_reset_loses_them() {
    testbed::run(async {
        let (mut near, mut far, cut) = wire(10);
        near.write_all(b"a").await.unwrap();
        cut.cut();
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"a");
        assert_eq!(near.write(b"b").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);

        let (mut near, mut far, reset) = wire(10);
        near.write_all(b"a").await.unwrap();
        reset.reset();
        assert_eq!(far.read_u8().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(near.write(b"b").await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn dropping_an_end_ends_both_directions() {
    testbed::run(async {
        let (near, mut far, _wire) = wire(10);
        drop(near);
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(far.write(b"b").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
#[should_panic(expected = "does not happen")]
fn a_test_without_progress_fails() {
    testbed::run(std::future::pending::<()>());
}
