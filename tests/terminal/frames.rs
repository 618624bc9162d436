//! Frames on a terminal, above the line being typed.

use super::{Terminal, begin, leave};
use crate::support::wire;

#[test]
fn frames_do_not_disturb_the_line_being_typed() {
    Terminal::new().args(["--frames"]).run(|screen, peer| {
        begin(screen, peer);
        screen.press("half a li");
        screen.edits("> half a li", 11);
        peer.send([wire::text("in"), wire::ping("p")].concat());
        peer.expect_pong("p");
        let view = screen.wait("frames and the line", |view| {
            view.has_part("ping         fin                1+2  \"p\"")
                && view.has_part("pong         fin,mask           1+6  \"p\"")
                && view.line() == "> half a li"
        });
        assert!(view.has_part("text         fin                2+2  \"in\""), "{view:#?}");
        assert!(view.has("< in"), "{view:#?}");
        screen.press("\x15");
        leave(screen, peer);
    });
}

#[test]
fn a_violation_is_shown_before_the_prompt_closes() {
    let end = Terminal::new().args(["--frames"]).status(110).run(|screen, peer| {
        begin(screen, peer);
        peer.send(wire::frame(0x83, "x"));
        peer.expect_close(1002);
    });
    let at = |part: &str| end.rows().iter().position(|row| row.contains(part));
    let (frame, rule) = (at("opcode 3     fin"), at("! reserved opcode 3 (RFC 6455, 5.2)"));
    assert!(frame.is_some() && frame < rule, "{:#?}", end.rows());
}

#[test]
fn typed_lines_are_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Terminal::new().args(["--record", path.to_str().unwrap()]).run(|screen, peer| {
        begin(screen, peer);
        screen.enter("typed");
        peer.expect_text("typed");
        screen.enter("/ping p");
        peer.frame();
        peer.send(wire::text("back"));
        screen.wait("the answer", |view| view.has("< back"));
        leave(screen, peer);
    });
    let events = crate::record::read(&path);
    let kinds = crate::record::kinds(&events);
    let kinds: Vec<_> = kinds.iter().filter(|kind| !kind.starts_with("frame")).collect();
    let expected =
        ["request out", "open", "text out", "ping out", "text in", "close out", "close in", "end"];
    assert_eq!(kinds, expected);
}
