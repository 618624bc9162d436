//! An observer is told of everything, in order, and at the time it happened.

use super::*;
use crate::{
    proto::trace::Direction,
    session::{Observer, Seen, clock},
};
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Instant,
};

/// Notes what it is told of, and after how many milliseconds.
struct Notes {
    start: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Observer for Notes {
    fn see(&mut self, at: Instant, seen: &Seen<'_>) {
        let arrow = |direction: &Direction| if *direction == Direction::In { '<' } else { '>' };
        let mut line = format!("{} ", (at - self.start).as_millis());
        let _ = match seen {
            Seen::Bytes(direction, bytes) => write!(line, "{} {} B", arrow(direction), bytes.len()),
            Seen::Frame(direction, frame) => {
                write!(line, "{} frame {}", arrow(direction), frame.name())
            }
            Seen::Piece(piece) => {
                write!(line, "< {} {}", piece.payload.len(), if piece.last { "." } else { "…" })
            }
            Seen::Sent(_, data, size) => write!(line, "> {size} {:?}", data.map(<[u8]>::len)),
            Seen::Control(direction, opcode, payload, rtt) => {
                let rtt = rtt.map(|rtt| rtt.as_millis());
                write!(line, "{} {opcode:?} {} {rtt:?}", arrow(direction), payload.len())
            }
            Seen::Close(direction, close) => {
                write!(line, "{} close {}", arrow(direction), close.code.number())
            }
            Seen::Broken(violation) => write!(line, "broken {violation:?}"),
        };
        self.lines.lock().unwrap().push(line);
    }
}

/// Watches a session, and returns where the notes are.
fn watched(player: Player) -> (Player, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::default();
    let notes = Notes { start: clock::now(), lines: Arc::clone(&lines) };
    (Player::new(player.session.watched(Box::new(notes))), lines)
}

fn taken(lines: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *lines.lock().unwrap())
}

#[test]
fn a_conversation() {
    testbed::run(async {
        let (player, mut peer, _wire) = one(Bed::default(), Role::Client);
        let (mut player, lines) = watched(player);
        player.say("hello");
        player.session.ping(b"p").unwrap();
        player.idle(S).await;
        let sent =
            ["0 > 5 Some(5)", "0 > Ping 1 None", "0 > 18 B", "0 > frame text", "0 > frame ping"];
        assert_eq!(taken(&lines), sent);

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
        assert_eq!(taken(&lines), received);

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
        assert_eq!(taken(&lines), closed);
    });
}

#[test]
fn a_broken_rule_stands_behind_its_frame() {
    testbed::run(async {
        let (player, mut peer, _wire) = one(Bed::default(), Role::Client);
        let (mut player, lines) = watched(player);
        peer.write_all(&frame(Role::Client, 0x09, b"")).await.unwrap();
        peer.shutdown().await.unwrap();
        player.finish().await;
        player.session.end();
        let told = [
            "0 < 2 B",
            "0 < frame ping",
            "0 broken ControlFragmented(Ping)",
            "0 > close 1002",
            "0 > 8 B",
            "0 > frame close",
        ];
        assert_eq!(taken(&lines), told);
    });
}

#[test]
fn half_a_frame_is_told_at_the_end() {
    testbed::run(async {
        let (player, mut peer, _wire) = one(Bed::default(), Role::Client);
        let (mut player, lines) = watched(player);
        peer.write_all(&frame(Role::Client, 0x82, b"12345")[..4]).await.unwrap();
        peer.shutdown().await.unwrap();
        player.finish().await;
        player.session.end();
        assert_eq!(taken(&lines), ["0 < 4 B", "0 < 2 …", "0 < frame binary"]);
    });
}

#[test]
fn bytes_of_the_handshake_are_seen_and_a_message_of_pieces_is_told_once() {
    testbed::run(async {
        let rest = frame(Role::Client, 0x81, b"early");
        let (player, _peer, _wire) = one(Bed { rest, ..Bed::default() }, Role::Client);
        let (mut player, lines) = watched(player);
        player.idle(S).await;
        assert_eq!(taken(&lines), ["0 < 7 B", "0 < frame text", "0 < 5 ."]);

        player.session.begin(Kind::Text, 3, false).unwrap();
        player.session.payload(b"abc");
        player.session.begin(Kind::Text, 2, true).unwrap();
        player.session.payload(b"d");
        assert_eq!(taken(&lines), [""; 0]);
        player.session.payload(b"e");
        assert_eq!(taken(&lines), ["1000 > 5 Some(5)"]);
    });
}
