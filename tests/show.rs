//! Recordings in readable form (`sockeye show`).

use crate::support::{Expected, Test};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A recording with every kind of event.
const RECORDED: &str = r#"{"type":"request","direction":"out","time":"2026-11-24T08:51:22.000000Z","elapsed":0.000332,"url":"ws://h/?token=[redacted]","method":"GET","target":"/?token=[redacted]","http":"1.1","headers":[["Host","h"]]}
{"type":"open","time":"2026-11-24T08:51:22.333796Z","elapsed":0.000332,"version":1,"url":"ws://h/?token=[redacted]","address":"127.0.0.1:80","tls":null,"subprotocol":null,"compression":null,"timing":{"resolve":0.000012,"connect":0.000081,"proxy":0.000000,"tls":0.000000,"handshake":0.000127,"total":0.000220},"http":"1.1","status":101,"headers":[["Upgrade","websocket"]]}
{"type":"text","direction":"out","time":"2026-11-24T08:51:22.333850Z","elapsed":0.000385,"data":"{\"a\":1}","size":7}
{"type":"frame","direction":"out","time":"2026-11-24T08:51:22.333850Z","elapsed":0.000385,"fin":true,"rsv":0,"opcode":1,"name":"text","masked":true,"size":7,"wire_size":13,"fragment":1,"compressed":false,"header":"818700000000","data":"{\"a\":1}"}
{"type":"frame","direction":"in","time":"2026-11-24T08:51:22.334850Z","elapsed":0.001385,"fin":false,"rsv":0,"opcode":1,"name":"text","masked":false,"size":9,"wire_size":11,"fragment":1,"compressed":false,"header":"0109","came":2,"data":"hi"}
{"type":"text","direction":"in","time":"2026-11-24T08:51:22.333882Z","elapsed":0.000417,"data":"red \u001b[31m\u202e","size":11,"wire_size":11,"frames":1}
{"type":"binary","direction":"in","time":"2026-11-24T08:51:22.333882Z","elapsed":0.000417,"base64":"AP8=","size":2,"wire_size":2,"frames":1}
{"type":"binary","direction":"out","time":"2026-11-24T08:51:22.333882Z","elapsed":0.000417,"size":70000}
{"type":"ping","direction":"out","time":"2026-11-24T08:51:22.333882Z","elapsed":0.000417,"data":"p","size":1}
{"type":"pong","direction":"in","time":"2026-11-24T08:51:22.333882Z","elapsed":0.000417,"data":"p","size":1,"rtt":0.001500}
{"type":"fish","time":"2026-11-24T08:51:22.333882Z","elapsed":0.000417}
{"type":"violation","direction":"in","time":"2026-11-24T08:51:22.333882Z","elapsed":0.000417,"message":"reserved opcode 3","section":"RFC 6455, 5.2","code":1002}
{"type":"close","direction":"out","time":"2026-11-24T08:51:22.435171Z","elapsed":0.101706,"code":1002,"reason":"why\u001b","name":"protocol error"}
{"type":"gap","time":"2026-11-24T08:51:22.435171Z","elapsed":0.101706,"message":"lost it"}
{"type":"error","time":"2026-11-24T08:51:22.435171Z","elapsed":0.101706,"code":110,"message":"h:80 violated the protocol","hint":null}
{"type":"end","time":"2026-11-24T08:51:22.435371Z","elapsed":0.101906,"code":110,"received":{"messages":2,"size":13,"wire_size":13},"sent":{"messages":1,"size":7,"wire_size":7,"unsent":0},"timing":{"first_message":0.1,"total":0.2}}
"#;

const UNKNOWN: &str = "sockeye: [..]: not shown: 1 of the type 'fish'\n";

fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn show(path: &Path, args: &[&str]) -> Test {
    Test::new().args(["show".into(), path.to_path_buf()]).args(args.iter().copied())
}

#[test]
fn a_closed_stdout_is_reported() {
    let (_dir, path) = file(RECORDED);
    let fault = "sockeye: cannot write stdout: bad file descriptor (os error 9)\n";
    show(&path, &[]).shell("exec \"$@\" >&-").stderr(fault).status(23).run();
}

#[test]
fn a_session_as_a_person_reads_it() {
    let (_dir, path) = file(RECORDED);
    show(&path, &[])
        .stdout(
            "connected to ws://h/?token=[redacted]\n\
             > {\"a\":1}\n\
             < red \\x1b[31m\\u{202e}\n\
             < binary, 2 bytes\n\
             00000000  00 ff                                             |..|\n\
             > binary, 70000 bytes, not recorded\n\
             > ping p\n\
             < pong p (1.5 ms)\n\
             ! reserved opcode 3 (RFC 6455, 5.2)\n\
             > close 1002 (protocol error): why\\x1b\n\
             connection lost: lost it\n\
             error: h:80 violated the protocol\n\
             ended with exit code 110: received 2 messages, 13 bytes; sent 1 message, 7 bytes\n",
        )
        .stderr(UNKNOWN)
        .run();
}

#[test]
fn frames_json_and_times_on_request() {
    let (_dir, path) = file(RECORDED);
    show(&path, &["--frames", "--json", "-t"])
        .env("TZ", "UTC")
        .stdout(Expected::Parts(
            [
                "08:51:22.333 connected to ws://h/",
                "08:51:22.333 > {\n  \"a\": 1\n}\n",
                "08:51:22.333 > +0.000000 text         fin,mask           7+6  0x818700000000 \"{\"a\":1}\"\n",
                "08:51:22.334 < +0.001000 text         -                  9+2  0x0109 #1 \
                 truncated: 2 bytes received \"hi\"\n",
            ]
            .map(ToOwned::to_owned)
            .to_vec(),
        ))
        .stderr(UNKNOWN)
        .run();
}

#[test]
fn a_filter_leaves_only_the_messages_that_match() {
    let (_dir, path) = file(RECORDED);
    show(&path, &["--filter", "^red|\\{"])
        .stdout("> {\"a\":1}\n< red \\x1b[31m\\u{202e}\n")
        .stderr(UNKNOWN)
        .run();
}

#[test]
fn a_torn_last_line_is_noted_and_the_rest_is_shown() {
    let whole = RECORDED.lines().take(3).map(|line| format!("{line}\n")).collect::<String>();
    let (_dir, path) = file(&format!("{whole}{{\"type\":\"te"));
    show(&path, &[])
        .stdout("connected to ws://h/?token=[redacted]\n> {\"a\":1}\n")
        .stderr("sockeye: [..]/run.jsonl: line 4, the last, is truncated\n")
        .run();
}

const HAR: &str =
    "it is a HAR, for the developer tools of a browser, and not a recording of --record";

#[test]
fn a_client_that_a_recording_does_not_have_is_26() {
    let event = |conn: u64| line(&format!(r#""conn":{conn},"type":"gap","message":"{conn}""#));
    for (text, fault) in [
        (RECORDED.to_owned(), "it has no client 7: no event has the number of one"),
        (event(2), "it has no client 7, only client 2"),
        ([event(2), event(8)].concat(), "it has no client 7, only clients between 2 and 8"),
    ] {
        let (_dir, path) = file(&text);
        let fault = format!("sockeye: cannot read [..]/run.jsonl: {fault}\n");
        let unknown = if text == RECORDED { UNKNOWN } else { "" };
        show(&path, &["--conn", "7"]).stderr(format!("{unknown}{fault}")).status(26).run();
    }
    let (_dir, path) = file(&[event(2), event(8)].concat());
    show(&path, &["--conn", "8"]).stdout("8 connection lost: 8\n").run();
    // It is there, and none of its messages match.
    show(&path, &["--conn", "8", "--filter", "x"]).stdout("").run();
}

#[test]
fn a_refused_request_is_shown_with_its_path() {
    let refused = line(
        r#""type":"refused","direction":"in","address":"127.0.0.1:5","status":404,"reason":"no such path","target":"/a?b""#,
    );
    let early = line(
        r#""type":"refused","direction":"in","address":"127.0.0.1:6","status":null,"reason":"cut""#,
    );
    let (_dir, path) = file(&format!("{refused}{early}"));
    show(&path, &[])
        .stdout("refused 127.0.0.1:5 for /a?b with 404: no such path\nrefused 127.0.0.1:6: cut\n")
        .run();
}

#[test]
fn an_invalid_recording_is_26_with_the_line() {
    let good = RECORDED.lines().next().unwrap();
    for (text, fault) in [
        ("", "the file is empty"),
        ("hello\n", "line 1: not JSON: expected value in column 1"),
        ("hello", "line 1: not JSON: expected value in column 1"),
        ("[]\n", "line 1: not an event: not a JSON object"),
        ("{}\n", "line 1: not an event: 'type' is missing or invalid"),
        (&format!("{good}\n{{\n{good}\n"), "line 2: not JSON: EOF [..]"),
        (&RECORDED.replace("\"version\":1", "\"version\":7"), "line 2: version 7 [..]"),
        ("{\"log\":{\"version\":\"1.2\"}}", HAR),
        ("{\n  \"log\": {\n    \"version\": \"1.2\"\n  }\n}\n", HAR),
        ("{\n  \"lag\": {}\n}\n", "line 1: not JSON: EOF [..]"),
    ] {
        let (_dir, path) = file(text);
        let shown = if text.contains("version") { Expected::Parts(Vec::new()) } else { "".into() };
        show(&path, &[])
            .stdout(shown)
            .stderr(format!("sockeye: cannot read [..]/run.jsonl: {fault}\n"))
            .status(26)
            .run();
    }
    Test::new()
        .args(["show", "/nowhere/run.jsonl"])
        .stderr("sockeye: cannot read /nowhere/run.jsonl: no such file or directory (os error 2)\n")
        .status(26)
        .run();
}

#[test]
fn head_ends_show_quietly() {
    let line = RECORDED.lines().nth(2).unwrap();
    let (_dir, path) = file(&format!("{line}\n").repeat(20_000));
    show(&path, &[])
        .shell("\"$@\" | head -1; echo \"status ${PIPESTATUS[0]}\"")
        .stdout("> {\"a\":1}\nstatus 0\n")
        .run();
}

#[test]
fn a_full_disk_is_23() {
    let (_dir, path) = file(RECORDED);
    show(&path, &[])
        .stdout_to("/dev/full")
        .stderr("sockeye: cannot write stdout: no space left on device (os error 28)\n")
        .status(23)
        .run();
}

#[test]
fn jsonl_output_is_a_recording_too() {
    let (_dir, path) = file("");
    Test::new()
        .args(["--output", "jsonl", "-x", "hi", "--count", "1", "demo"])
        .stdout_to(&path)
        .run();
    show(&path, &[])
        .stdout(
            "connected to ws://127.0.0.1:[..]/\n> hi\n< hi\n> close 1000 (normal closure)\n\
             < close 1000 (normal closure)\n\
             ended with exit code 0: received 1 message, 2 bytes; sent 1 message, 2 bytes\n",
        )
        .run();
}

/// A line of a recording with these members.
fn line(members: &str) -> String {
    format!("{{\"time\":\"2026-11-24T08:51:22.333882Z\",\"elapsed\":0.1,{members}}}\n")
}

#[test]
fn lines_of_a_message_cannot_pass_for_other_events() {
    let forged = line(r#""type":"text","direction":"in","data":"a\n> b\nended with 0","size":5"#);
    let error = line(r#""type":"error","code":1,"message":"a\n< b""#);
    let (_dir, path) = file(&format!("{forged}{error}"));
    show(&path, &[]).stdout("< a\n| > b\n| ended with 0\nerror: a\n| < b\n").run();
    show(&path, &["-t"])
        .env("TZ", "UTC")
        .stdout(
            "08:51:22.333 < a\n             | > b\n             | ended with 0\n\
             08:51:22.333 error: a\n             | < b\n",
        )
        .run();
}

#[test]
fn times_that_overflow_are_a_fault_of_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let har = dir.path().join("out.har");
    let good = line(r#""type":"gap","message":"x""#);
    for timing in [r#""resolve":1.5e19,"connect":1.5e19,"proxy":1.5e19"#, r#""tls":1e308"#] {
        let open = format!(r#""type":"open","version":1,"url":"ws://h/","timing":{{{timing}}}"#);
        let (_dir, path) = file(&format!("{good}{}", line(&open)));
        show(&path, &["--har", har.to_str().unwrap()])
            .stderr("sockeye: cannot read [..]: line 2: not an event: not a time in seconds [..]\n")
            .status(26)
            .run();
    }
}

#[test]
fn endless_unknown_types_are_counted_together() {
    let types = (0..30_000).map(|n| line(&format!(r#""type":"{n}""#)));
    let (_dir, path) = file(&types.collect::<String>());
    let named = (0..16).map(|n| format!("sockeye: [..]: not shown: 1 of the type '{n}'\n"));
    let named = named.collect::<String>();
    let rest = "sockeye: [..]: not shown: 29984 of other types\n";
    show(&path, &[]).stderr(format!("{named}{rest}")).run();
}

#[test]
fn a_message_of_a_line_that_is_too_long_is_shown_in_part() {
    let data = "x".repeat(13 << 20);
    let long = line(&format!(r#""type":"text","direction":"in","data":"{data}","size":13631488"#));
    let short = line(r#""type":"text","direction":"in","data":"next","size":4"#);
    let (_dir, path) = file(&format!("{long}{short}"));
    show(&path, &[])
        .shell("\"$@\" | tail -c 62; echo \"status ${PIPESTATUS[0]}\"")
        .stdout("xxxx\n(8388608 of 13631488 bytes; the line is too long)\n< next\nstatus 0\n")
        .stderr("sockeye: [..]: line 1 is too long: only its start was read\n")
        .run();
}

#[test]
fn a_file_without_line_ends_is_not_read_to_its_end() {
    show(Path::new("/dev/zero"), &[])
        .stderr("sockeye: cannot read /dev/zero: line 1: too long for an event\n")
        .status(26)
        .run();
}
