//! An observer sees every event, in order and with its time.

use super::*;
use crate::{
    proto::trace::Direction,
    session::{Observer, SessionEvent, clock},
};
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Instant,
};

/// Records events as lines that begin with the time in milliseconds.
struct EventLog {
    start: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Observer for EventLog {
    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        let arrow = |direction: &Direction| if *direction == Direction::In { '<' } else { '>' };
        let mut line = format!("{} ", (at - self.start).as_millis());
        let _ = match seen {
            SessionEvent::Bytes(direction, bytes) => {
                write!(line, "{} {} B", arrow(direction), bytes.len())
            }
            SessionEvent::Frame(direction, frame) => {
                write!(line, "{} frame {}", arrow(direction), frame.name())
            }
            SessionEvent::Piece(piece) => {
                write!(line, "< {} {}", piece.payload.len(), if piece.last { "." } else { "…" })
            }
            SessionEvent::Sent(_, data, size) => {
                write!(line, "> {size} {:?}", data.map(<[u8]>::len))
            }
            SessionEvent::Control(direction, opcode, payload, rtt) => {
                let rtt = rtt.map(|rtt| rtt.as_millis());
                write!(line, "{} {opcode:?} {} {rtt:?}", arrow(direction), payload.len())
            }
            SessionEvent::Close(direction, close) => {
                write!(line, "{} close {}", arrow(direction), close.code.number())
            }
            SessionEvent::TooLong(..) => unreachable!("the session keeps every message"),
            SessionEvent::Broken(violation) => write!(line, "broken {violation:?}"),
        };
        self.lines.lock().unwrap().push(line);
    }
}

/// Attaches a log to a session and returns its lines.
fn with_log(player: Player) -> (Player, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::default();
    let log = EventLog { start: clock::now(), lines: Arc::clone(&lines) };
    (Player::new(player.session.with_observer(Box::new(log))), lines)
}

fn take(lines: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *lines.lock().unwrap())
}

#[test]
fn reports_messages_and_control_frames_in_both_directions() {
    testbed::run(async {
        let (player, mut peer, _wire) = session_with_raw_peer(Bed::default(), Role::Client);
        let (mut player, lines) = with_log(player);
        player.say("hello");
        player.session.ping(b"p").unwrap();
        player.idle(S).await;
        let sent =
            ["0 > 5 Some(5)", "0 > Ping 1 None", "0 > 18 B", "0 > frame text", "0 > frame ping"];
        assert_eq!(take(&lines), sent);

        peer.write_all(&frame(Role::Client, 0x8a, b"p")).await.unwrap();
        peer.write_all(&frame(Role::Client, 0x01, b"ab")).await.unwrap();
        peer.write_all(&frame(Role::Client, 0x80, b"c")).await.unwrap();
        player.idle(S).await;
        let received = [
            "1000 < 10 B",
            "1000 < frame pong",
            "1000 < Pong 1 Some(1000)",
            "1000 < frame text",
            "1000 < 2 …",
            "1000 < frame continuation",
            "1000 < 1 .",
        ];
        assert_eq!(take(&lines), received);

        peer.write_all(&frame(Role::Client, 0x88, b"\x03\xe8")).await.unwrap();
        peer.shutdown().await.unwrap();
        player.finish().await;
        player.session.end();
        let closed = [
            "2000 < 4 B",
            "2000 < frame close",
            "2000 < close 1000",
            "2000 > close 1000",
            "2000 > 8 B",
            "2000 > frame close",
        ];
        assert_eq!(take(&lines), closed);
    });
}

#[test]
fn reports_a_violation_after_its_frame() {
    testbed::run(async {
        let (player, mut peer, _wire) = session_with_raw_peer(Bed::default(), Role::Client);
        let (mut player, lines) = with_log(player);
        peer.write_all(&frame(Role::Client, 0x09, b"")).await.unwrap();
        peer.shutdown().await.unwrap();
        player.finish().await;
        player.session.end();
        let expected = [
            "0 < 2 B",
            "0 < frame ping",
            "0 broken ControlFragmented(Ping)",
            "0 > close 1002",
            "0 > 8 B",
            "0 > frame close",
        ];
        assert_eq!(take(&lines), expected);
    });
}

#[test]
fn reports_a_partial_frame_at_the_end() {
    testbed::run(async {
        let (player, mut peer, _wire) = session_with_raw_peer(Bed::default(), Role::Client);
        let (mut player, lines) = with_log(player);
        peer.write_all(&frame(Role::Client, 0x82, b"12345")[..4]).await.unwrap();
        peer.shutdown().await.unwrap();
        player.finish().await;
        player.session.end();
        assert_eq!(take(&lines), ["0 < 4 B", "0 < 2 …", "0 < frame binary"]);
    });
}

#[test]
fn reports_bytes_received_with_the_handshake_and_a_message_sent_in_pieces_once() {
    testbed::run(async {
        let rest = frame(Role::Client, 0x81, b"early");
        let (player, _peer, _wire) =
            session_with_raw_peer(Bed { rest, ..Bed::default() }, Role::Client);
        let (mut player, lines) = with_log(player);
        player.idle(S).await;
        assert_eq!(take(&lines), ["0 < 7 B", "0 < frame text", "0 < 5 ."]);

        player.session.begin(Kind::Text, None).unwrap();
        player.session.part(b"abc", false).unwrap();
        player.session.part(b"d", false).unwrap();
        assert_eq!(take(&lines), [""; 0]);
        player.session.part(b"e", true).unwrap();
        assert_eq!(take(&lines), ["1000 > 5 Some(5)"]);
    });
}
