//! Facts about the end of a session that explain it: the bytes sent instead of a frame, and the
//! message that came before.

use super::*;
use crate::session::{SentMessages, SessionContext, SessionError, limits::OFFENDING_BYTES};

fn offending(chunks: &[&[u8]]) -> Vec<u8> {
    testbed::run(async {
        let (mut player, mut peer, _wire) = session_with_raw_peer(Bed::default(), Role::Client);
        for chunk in chunks {
            peer.write_all(chunk).await.unwrap();
            drop(player.idle(Duration::from_millis(10)).await);
        }
        peer.shutdown().await.unwrap();
        player.finish().await;
        let Err(SessionError::Protocol { bytes, .. }) = player.session.verdict(0) else {
            panic!("{chunks:?}")
        };
        bytes.into()
    })
}

#[test]
fn the_bytes_that_are_no_frame_are_kept_however_they_are_split() {
    assert_eq!(offending(&[b"\x81\x02hiHTTP/1.1 400"]), b"HTTP/1.1 400");
    assert_eq!(offending(&[b"\x81\x02hi", b"H", b"TTP/1.1", b" 400"]), b"HTTP/1.1 400");
    assert_eq!(offending(&[b"\x81\x02h", b"iHT", b"TP"]), b"HTTP");
    let long = [b'x'; 1000];
    assert_eq!(offending(&[&long, &long]), [b'x'; OFFENDING_BYTES]);
    // The rule is broken by the payload.
    assert_eq!(offending(&[b"\x81\x02\xff\xff"]), b"");
}

/// Returns the seconds from the last message to the end, if nothing was received between them.
fn unanswered<const N: usize>(steps: [Option<&'static [u8]>; N], pause: u64) -> Option<u64> {
    context(steps, pause).unanswered.map(|it| it.as_secs())
}

/// Runs steps at one-second intervals, then ends the transport.
fn context<const N: usize>(steps: [Option<&'static [u8]>; N], pause: u64) -> SessionContext {
    testbed::run(async {
        let (mut player, mut peer, _wire) = session_with_raw_peer(Bed::default(), Role::Client);
        for step in steps {
            match step {
                Some(bytes) => peer.write_all(bytes).await.unwrap(),
                None => player.session.send(Kind::Text, b"hi").unwrap(),
            }
            drop(player.idle(Duration::from_secs(1)).await);
        }
        drop(player.idle(Duration::from_secs(pause)).await);
        peer.shutdown().await.unwrap();
        player.finish().await;
        let Err(SessionError::NoClose { context, .. } | SessionError::Closed { context, .. }) =
            player.session.verdict(0)
        else {
            panic!("{steps:?}")
        };
        *context.unwrap()
    })
}

#[test]
fn a_message_that_nothing_answers_before_the_end_is_known() {
    let message = Some(&b"\x81\x01a"[..]);
    assert_eq!(unanswered([None], 0), Some(1));
    assert_eq!(unanswered([None], 4), Some(5));
    assert_eq!(unanswered([message, None], 0), Some(1));
    assert_eq!(unanswered([None, message], 0), None);
    assert_eq!(unanswered([message], 0), None);
    // A ping is answered with a pong, which is not a message.
    assert_eq!(unanswered([None, Some(b"\x89\0")], 0), None);
    let internal_error = Some(&b"\x88\x02\x03\xf3"[..]);
    assert_eq!(unanswered([None, internal_error], 0), Some(1));
    assert_eq!(unanswered([None, message, internal_error], 0), None);
    let sent = context([None, message, None], 0).sent;
    assert_eq!(sent, SentMessages { text: 2, binary: 0 });
}
