//! `Session::verdict` for every end of a session, in both roles.

use super::*;
use crate::{
    proto::{Opcode, Violation, handshake::Version},
    session::{SessionError, testbed::Loss},
};

/// One step of a test.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The peer sends a frame with this first byte and payload.
    Frame(u8, &'static [u8]),
    /// The peer ends its side of the stream.
    Ends,
    /// The peer's process exits: it no longer reads or writes.
    Leaves,
    /// The connection is reset.
    Reset,
    /// The calls of the session fail with these errors.
    Lose(Loss),
    /// Nothing arrives from now on.
    Stall,
    /// The session sends a message of this many bytes.
    Send(usize),
    /// The session closes with this code.
    Close(u16),
    /// The session runs for this many milliseconds.
    Pass(u64),
}

use Step::{Close as OurClose, Ends, Frame, Leaves, Lose, Pass, Reset, Send, Stall};

/// The parts of a result that `Session::verdict` decides on.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Well,
    /// The close code.
    Closed(u16),
    /// The number of unsent messages and the close code.
    Unsent(usize, u16),
    /// The number of unsent messages.
    Unread(usize),
    /// True if a message was only partly received.
    NoClose(bool),
    Receive,
    Send,
    /// The violation; true if our Close reported it.
    Violation(Violation, bool),
    Pong(Duration),
    Idle(Duration),
    /// The bytes received of a message that did not end; true if the peer closed the session.
    Incomplete(u64, bool),
}

fn verdict(player: &mut Player, waiting: usize) -> Verdict {
    match player.session.verdict(waiting) {
        Ok(()) => Verdict::Well,
        Err(SessionError::Closed { close, .. }) => Verdict::Closed(close.code.number()),
        Err(SessionError::Unsent { messages, close, .. }) => {
            Verdict::Unsent(messages, close.code.number())
        }
        Err(SessionError::Unread { messages, .. }) => Verdict::Unread(messages),
        Err(SessionError::NoClose { inside_message, .. }) => Verdict::NoClose(inside_message),
        Err(SessionError::Receive { .. }) => Verdict::Receive,
        Err(SessionError::Send { .. }) => Verdict::Send,
        Err(SessionError::Protocol { violation, told, .. }) => Verdict::Violation(violation, told),
        Err(SessionError::PongTimeout { limit, .. }) => Verdict::Pong(limit),
        Err(SessionError::Idle { limit, .. }) => Verdict::Idle(limit),
        Err(SessionError::Incomplete { received, by_peer, .. }) => {
            Verdict::Incomplete(received, by_peer)
        }
        Err(error @ SessionError::Http2 { .. }) => panic!("{error:?}"),
    }
}

async fn play(player: &mut Player, peer: End, wire: &Wire, role: Role, steps: &[Step]) {
    let mut peer = Some(peer);
    for step in steps {
        match (*step, &mut peer) {
            (Frame(first, payload), Some(peer)) => {
                peer.write_all(&frame(role, first, payload)).await.unwrap();
            }
            (Ends, Some(peer)) => peer.shutdown().await.unwrap(),
            (Leaves, _) => peer = None,
            (Reset, _) => wire.reset(),
            (Lose(loss), _) => wire.lose(role, loss),
            (Stall, _) => wire.stall(),
            (Send(size), _) => player.session.send(Kind::Binary, &vec![7; size]).unwrap(),
            (OurClose(code), _) => player.close(code),
            (Pass(time), _) => drop(player.idle(Duration::from_millis(time)).await),
            (step, None) => panic!("{step:?}: the peer has left"),
        }
    }
    player.finish().await;
}

/// Runs the steps with a session of each role; `waiting` as for `Session::verdict`.
fn ends(bed: &Bed, waiting: usize, steps: &[Step], expected: &Verdict) {
    for role in [Role::Client, Role::Server] {
        testbed::run(async {
            let (mut player, peer, wire) = session_with_raw_peer(bed.clone(), role);
            play(&mut player, peer, &wire, role, steps).await;
            assert_eq!(verdict(&mut player, waiting), *expected, "{role:?} {steps:?}");
        });
    }
}

const NORMAL: Step = Frame(0x88, b"\x03\xe8");
const GOING_AWAY: Step = Frame(0x88, b"\x03\xe9");
const INTERNAL: Step = Frame(0x88, b"\x03\xf3");
const PRIVATE: Step = Frame(0x88, b"\x0f\xa1");
/// The first half of a text message.
const HALF: Step = Frame(0x01, b"he");
/// A fragmented ping, which RFC 6455, 5.5 forbids.
const BROKEN: Step = Frame(0x09, b"");

#[test]
fn the_peer_closes() {
    for (steps, expected) in [
        (vec![NORMAL, Ends], Verdict::Well),
        (vec![GOING_AWAY, Ends], Verdict::Well),
        // No code.
        (vec![Frame(0x88, b""), Ends], Verdict::Well),
        (vec![INTERNAL, Ends], Verdict::Closed(1011)),
        (vec![PRIVATE, Ends], Verdict::Closed(4001)),
        (vec![HALF, INTERNAL, Ends], Verdict::Closed(1011)),
        // After the peer's Close, it does not matter whether TCP ends.
        (vec![INTERNAL, Pass(1), Reset], Verdict::Closed(1011)),
        (vec![NORMAL, Pass(1), Reset], Verdict::Well),
        (vec![NORMAL, Pass(1), Leaves], Verdict::Well),
        (vec![NORMAL], Verdict::Well),
        (vec![NORMAL, Pass(1), Stall], Verdict::Well),
    ] {
        ends(&Bed::default(), 0, &steps, &expected);
    }
}

#[test]
fn we_close() {
    for (steps, expected) in [
        (vec![OurClose(1000), NORMAL, Ends], Verdict::Well),
        (vec![OurClose(4001), PRIVATE, Ends], Verdict::Well),
        // The peer may echo our own error code, but not send another one.
        (vec![OurClose(1011), INTERNAL, Ends], Verdict::Well),
        (vec![OurClose(1000), INTERNAL, Ends], Verdict::Closed(1011)),
        (vec![OurClose(1000), GOING_AWAY, Ends], Verdict::Well),
        // The peer does not answer.
        (vec![OurClose(1000), Ends], Verdict::Well),
        (vec![OurClose(1000), Pass(1), Leaves], Verdict::Well),
        (vec![OurClose(1000), Pass(1), Reset], Verdict::Well),
        (vec![OurClose(1000)], Verdict::Well),
        // The session does not wait for a message that began after our Close.
        (vec![OurClose(1000), Pass(1), HALF, NORMAL, Ends], Verdict::Well),
        (vec![OurClose(1000), Pass(1), HALF, Pass(1), Reset], Verdict::Well),
    ] {
        ends(&Bed::default(), 0, &steps, &expected);
    }
}

#[test]
fn a_message_that_does_not_end_fails_the_run() {
    let ours = || Verdict::Incomplete(2, false);
    for (steps, expected) in [
        (vec![HALF, NORMAL, Ends], Verdict::Incomplete(2, true)),
        (vec![HALF, Frame(0x00, b"l"), GOING_AWAY, Ends], Verdict::Incomplete(3, true)),
        (vec![Frame(0x81, b"whole"), HALF, NORMAL, Ends], Verdict::Incomplete(2, true)),
        (vec![Frame(0x02, b""), NORMAL, Ends], Verdict::Incomplete(0, true)),
        (vec![HALF, Frame(0x80, b"llo"), NORMAL, Ends], Verdict::Well),
        // The message began before our Close, regardless of what follows the Close.
        (vec![HALF, Pass(1), OurClose(1000), Pass(1), Ends], ours()),
        (vec![HALF, Pass(1), OurClose(1000), Pass(1), NORMAL, Ends], ours()),
        (vec![HALF, Pass(1), OurClose(1000), Pass(1), Reset], ours()),
        (vec![HALF, Pass(1), OurClose(1000)], ours()),
        (vec![HALF, Pass(1), OurClose(1000), Frame(0x80, b"llo"), NORMAL], Verdict::Well),
    ] {
        ends(&Bed::default(), 0, &steps, &expected);
    }
}

#[test]
fn a_reset_after_our_close_is_an_error_if_a_message_was_not_answered() {
    for (steps, expected) in [
        (vec![Send(10), Pass(1), OurClose(1000), Pass(1), Reset], Verdict::Receive),
        (vec![Send(10), OurClose(1000), Pass(1), Reset], Verdict::Receive),
        (
            vec![Send(10), Pass(1), Frame(0x81, b"ok"), OurClose(1000), Pass(1), Reset],
            Verdict::Well,
        ),
        (
            vec![Frame(0x81, b"hi"), Pass(1), Send(10), OurClose(1000), Pass(1), Reset],
            Verdict::Receive,
        ),
        (vec![Frame(0x81, b"hi"), Pass(1), OurClose(1000), Pass(1), Reset], Verdict::Well),
        (vec![Send(10), OurClose(1000), Pass(1), NORMAL, Pass(1), Reset], Verdict::Well),
        // The end of the stream without a reset says nothing about the messages.
        (vec![Send(10), OurClose(1000), Pass(1), Ends], Verdict::Well),
    ] {
        ends(&Bed::default(), 0, &steps, &expected);
    }
}

#[test]
fn the_transport_ends_without_a_close() {
    for (steps, expected) in [
        (vec![Ends], Verdict::NoClose(false)),
        (vec![Leaves], Verdict::NoClose(false)),
        (vec![Send(10), Pass(1), Ends], Verdict::NoClose(false)),
        (vec![Frame(0x81, b"whole"), Ends], Verdict::NoClose(false)),
        (vec![HALF, Ends], Verdict::NoClose(true)),
        (vec![HALF, Frame(0x80, b"llo"), Ends], Verdict::NoClose(false)),
        (vec![Reset], Verdict::Receive),
        (vec![HALF, Pass(1), Reset], Verdict::Receive),
    ] {
        ends(&Bed::default(), 0, &steps, &expected);
    }
}

#[test]
fn the_peer_violates_the_protocol() {
    let violation = |told| Verdict::Violation(Violation::ControlFragmented(Opcode::Ping), told);
    for (steps, expected) in [
        (vec![BROKEN, Ends], violation(true)),
        (vec![BROKEN], violation(true)),
        (vec![BROKEN, NORMAL, Ends], violation(true)),
        (vec![HALF, BROKEN, Pass(1), Reset], violation(true)),
        // Our earlier Close does not excuse the violation, but no second Close is sent.
        (vec![OurClose(1000), BROKEN, Ends], violation(false)),
        // Nothing is decoded after the peer's Close.
        (vec![NORMAL, BROKEN, Ends], Verdict::Well),
    ] {
        ends(&Bed::default(), 0, &steps, &expected);
    }
}

#[test]
fn messages_remain_unsent() {
    // The peer reads nothing, and the wire has room for one message of 60 bytes.
    let bed = Bed { buffer: 100, ..Bed::default() };
    for (steps, waiting, expected) in [
        (vec![Send(60), Send(60), Pass(1), NORMAL, Ends], 0, Verdict::Unsent(1, 1000)),
        (vec![Send(60), Send(60), Pass(1), INTERNAL, Ends], 0, Verdict::Unsent(1, 1011)),
        (vec![Send(60), Pass(1), NORMAL, Ends], 2, Verdict::Unsent(2, 1000)),
        (vec![Send(60), Send(60), Send(1), Pass(1), NORMAL], 3, Verdict::Unsent(5, 1000)),
        (vec![Send(60), Send(60), Send(1), OurClose(1000)], 0, Verdict::Unread(2)),
        (vec![Send(60), Pass(1), OurClose(1000)], 1, Verdict::Unread(1)),
        (vec![Send(60), Send(60), OurClose(1000), Pass(1), Ends], 0, Verdict::Unread(1)),
        // The peer answered our Close, so it chose not to read.
        (vec![Send(60), Send(60), OurClose(1000), Pass(1), NORMAL, Ends], 0, Verdict::Well),
        // The unsent messages are not the cause of the end.
        (vec![Send(60), Send(60), Pass(1), Ends], 3, Verdict::NoClose(false)),
        (vec![Send(60), Send(60), Pass(1), Reset], 3, Verdict::Send),
    ] {
        ends(&bed, waiting, &steps, &expected);
    }
}

#[test]
fn writing_to_the_transport_fails() {
    for (steps, expected) in [
        (vec![Reset, Send(10)], Verdict::Send),
        // The pipe is broken because the peer has left.
        (vec![Leaves, Send(10)], Verdict::NoClose(false)),
        (vec![HALF, Leaves, Send(10)], Verdict::NoClose(true)),
        // A Close received before gives the reason.
        (vec![NORMAL, Leaves, Send(10)], Verdict::Unsent(1, 1000)),
        (vec![INTERNAL, Leaves, Send(10)], Verdict::Unsent(1, 1011)),
        (vec![INTERNAL, Pass(1), Leaves], Verdict::Closed(1011)),
    ] {
        ends(&Bed::default(), 0, &steps, &expected);
    }
    // On an HTTP/2 stream the end of the peer's side is the cause.
    let bed = Bed { carrier: Version::Http2, ..Bed::default() };
    for (steps, expected) in [
        (vec![Leaves, Send(10)], Verdict::NoClose(false)),
        (vec![HALF, Leaves, Send(10)], Verdict::NoClose(true)),
        (vec![Reset, Send(10)], Verdict::Send),
    ] {
        ends(&bed, 0, &steps, &expected);
    }
}

/// Whichever call sees it first, and also where the other one then sees its consequence.
#[test]
fn a_loss_is_a_failure_to_send_if_and_only_if_messages_wait() {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, HostUnreachable, TimedOut};
    let losses = [ConnectionReset, TimedOut, HostUnreachable].into_iter().flat_map(|kind| {
        [
            Loss { read: Some(kind), write: None },
            Loss { read: None, write: Some(kind) },
            Loss { read: Some(kind), write: Some(kind) },
            Loss { read: Some(kind), write: Some(BrokenPipe) },
        ]
    });
    let ping = Settings { ping_interval: Some(S), ..SETTINGS };
    for carrier in [Version::Http11, Version::Http2] {
        let small = Bed { buffer: 100, carrier, ..Bed::default() };
        let pinging = Bed { carrier, ..bed_with(ping) };
        for loss in losses.clone() {
            let lose = Lose(loss);
            let stuck = vec![Send(60), Send(60), Pass(1), lose];
            ends(&small, 0, &stuck, &Verdict::Send);
            // Lines that the caller has read and not sent.
            if loss.read.is_some() {
                ends(&small, 3, &[Send(60), Pass(1), lose], &Verdict::Send);
            }
            // Only a ping fails to be sent.
            ends(&pinging, 0, &[Send(10), Pass(1), lose], &Verdict::Receive);
        }
        // The end of the stream is not a loss, even where writing fails.
        let left = Lose(Loss { read: None, write: Some(BrokenPipe) });
        ends(&small, 3, &[Send(60), Send(60), Pass(1), Ends, left], &Verdict::NoClose(false));
    }
}

#[test]
fn the_peer_is_silent_for_too_long() {
    let keepalive = Settings { ping_interval: Some(30 * S), ping_timeout: Some(5 * S), ..SETTINGS };
    for (steps, expected) in [
        (vec![], Verdict::Pong(5 * S)),
        (vec![Stall], Verdict::Pong(5 * S)),
        (vec![HALF], Verdict::Pong(5 * S)),
        (vec![Pass(34_000), OurClose(1000)], Verdict::Well),
        (vec![Pass(34_000), Ends], Verdict::NoClose(false)),
    ] {
        ends(&bed_with(keepalive), 0, &steps, &expected);
    }
    let idle = Settings { idle_timeout: Some(60 * S), ..SETTINGS };
    for (steps, expected) in [
        (vec![], Verdict::Idle(60 * S)),
        (vec![Pass(59_000), NORMAL, Ends], Verdict::Well),
        (vec![Pass(61_000), NORMAL, Ends], Verdict::Idle(60 * S)),
        (vec![Pass(61_000), INTERNAL, Ends], Verdict::Idle(60 * S)),
        (vec![Pass(61_000), Reset], Verdict::Idle(60 * S)),
        (vec![Pass(59_000), OurClose(1000), Pass(4_000), NORMAL, Ends], Verdict::Well),
    ] {
        ends(&bed_with(idle), 0, &steps, &expected);
    }
}

#[test]
fn an_error_names_the_peer_and_includes_the_context_of_a_client() {
    testbed::run(async {
        for role in [Role::Client, Role::Server] {
            let (mut player, peer, wire) = session_with_raw_peer(Bed::default(), role);
            let steps = [Frame(0x81, b"a"), Frame(0x82, b"b"), HALF, INTERNAL, Ends];
            play(&mut player, peer, &wire, role, &steps).await;
            let Err(SessionError::Closed { authority, context, .. }) = player.session.verdict(0)
            else {
                panic!("{role:?}")
            };
            assert_eq!(authority, testbed::AUTHORITY);
            let received = context.map(|it| it.received);
            assert_eq!(received, (role == Role::Client).then_some(2));
        }
    });
}

#[test]
fn an_error_includes_the_quiet_period_before_a_lost_connection() {
    let quiet_with = |ping_interval, steps: &[Step]| {
        testbed::run(async {
            let client = Settings { ping_interval, ..SETTINGS };
            let (mut player, peer, wire) =
                session_with_raw_peer(Bed { client, ..Bed::default() }, Role::Client);
            play(&mut player, peer, &wire, Role::Client, steps).await;
            let error = player.session.verdict(0).unwrap_err();
            let (SessionError::NoClose { quiet, .. } | SessionError::Receive { quiet, .. }) = error
            else {
                panic!("{error:?}")
            };
            quiet.map(|quiet| quiet.length.as_secs())
        })
    };
    let quiet = |steps: &[Step]| quiet_with(None, steps);
    assert_eq!(quiet(&[Pass(60_000), Ends]), Some(60));
    assert_eq!(quiet(&[Pass(60_000), Reset]), Some(60));
    assert_eq!(quiet(&[Pass(30_000), Frame(0x89, b""), Pass(60_000), Ends]), Some(60));
    // A middlebox may report a forgotten connection only when it is used again.
    assert_eq!(quiet(&[Pass(60_000), Send(1), Pass(1_000), Ends]), Some(60));
    assert_eq!(quiet(&[Pass(60_000), Send(1), Frame(0x81, b"a"), Pass(1_000), Ends]), None);
    assert_eq!(quiet(&[Pass(4_000), Ends]), None);
    assert_eq!(quiet_with(Some(60 * S), &[Pass(61_000), Reset]), Some(60));
}
