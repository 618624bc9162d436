//! Tests of the sinks, with a session in memory.

use super::{
    Interest, Outcome, Print, Sink,
    facts::Facts,
    file::RecordFile,
    frames::FrameLines,
    har::HarFile,
    jsonl::{EventBuffer, JsonlOutput},
    recording::Recording,
    sinks::Sinks,
};
use crate::{
    connect::{Progress, Timing},
    error::Error,
    job::run_outcome::RunOutcome,
    proto::{
        handshake::{Request, Response, Version},
        headers::Headers,
    },
    redact::Secrets,
    render::{
        recording::{Event, Reader},
        write_out::{Stream, VARIABLES, WriteOutFormat},
    },
    report::{Report, Verbosity},
    session::{
        Session, SessionEvent,
        testbed::{self, Bed, Player, SETTINGS, entropy},
    },
    target::Target,
};
use regex::Regex;
use serde_json::Value;
use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn report() -> Report {
    let started = Instant::now();
    Report { verbosity: Verbosity::Normal, secrets: Secrets::Hidden, started }
}

fn target() -> Target {
    Target::parse("ws://peer.example/?token=t").unwrap()
}

/// Runs one session: both sides send a message, and the peer pings and closes.
fn run(sinks: &Sinks, ended: Result<RunOutcome, Error>) -> Result<RunOutcome, Error> {
    run_with(sinks, "yo\x1b", ended)
}

/// As [`run`], with this message of the peer.
fn run_with(
    sinks: &Sinks,
    answer: &str,
    ended: Result<RunOutcome, Error>,
) -> Result<RunOutcome, Error> {
    let mut headers = Headers::default();
    headers.push("Cookie", "a=b");
    let version = Version::Http11;
    let request = Request { version, target: "/?token=t".to_owned(), headers };
    let mut headers = Headers::default();
    headers.push("Server", "fish");
    let reason = "Switching Protocols".to_owned();
    let response = Response { version, status: 101, reason, headers };
    let timing = Timing { handshake: Duration::from_millis(2), ..Timing::default() };
    testbed::run(async {
        sinks.progress(&Progress::Connected("192.0.2.1:80".parse().unwrap()));
        sinks.progress(&Progress::Request(&request, &timing));
        sinks.progress(&Progress::Response(&response, &timing));
        sinks.progress(&Progress::Open(&timing));
        let (opened, server, _wire) = Bed::default().connection();
        sinks.opened(&opened);
        let session = sinks.observe(Session::client(opened, SETTINGS, entropy()));
        let (mut client, mut server) = (Player::new(session), Player::new(server));
        client.say("hi");
        tokio::join!(client.finish(), async {
            server.next().await;
            server.say(answer);
            server.session.ping(b"p").unwrap();
            server.close(1000);
            server.finish().await
        });
        sinks.left(&mut client.session);
        sinks.conclude(&ended);
        sinks.end(ended, Duration::ZERO).await
    })
}

/// Removes the values that differ between runs from JSON Lines.
fn timeless(lines: &str) -> String {
    let times = Regex::new(
        r#""(time|elapsed|startedDateTime|total|first_message|handshake)":("[^"]*"|[0-9.]+),?"#,
    );
    times.unwrap().replace_all(lines, "").into_owned()
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("file")
    }

    fn open(&self) -> RecordFile {
        RecordFile::open(&self.path()).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

const JSONL: &str = r#"{"type":"open","version":1,"url":"ws://peer.example/","address":null,"tls":null,"subprotocol":null,"compression":null,"timing":{"resolve":0.000000,"connect":0.000000,"proxy":0.000000,"tls":0.000000,},"http":"1.1","status":101,"headers":[]}
{"type":"text","direction":"out","data":"hi","size":2}
{"type":"text","direction":"in","data":"yo\u001b","size":3,"wire_size":3,"frames":1}
{"type":"ping","direction":"in","data":"p","size":1}
{"type":"close","direction":"in","code":1000,"reason":"","name":"normal closure"}
{"type":"close","direction":"out","code":1000,"reason":"","name":"normal closure"}
{"type":"end","code":0,"received":{"messages":1,"size":3,"wire_size":3},"sent":{"messages":1,"size":2,"wire_size":2,"unsent":0},"timing":{}}
"#;

#[test]
fn jsonl_writes_every_event_to_stdout() {
    let events = EventBuffer::new(true);
    let sinks = Sinks::new(vec![JsonlOutput::create(events.clone(), report(), None)]);
    assert!(run(&sinks, Ok(RunOutcome::Done)).is_ok());
    assert_eq!(timeless(&events.text()), JSONL);
    // With --send-only, or after a goal was met.
    let events = EventBuffer::new(false);
    let sinks = Sinks::new(vec![JsonlOutput::create(events.clone(), report(), None)]);
    assert!(run(&sinks, Ok(RunOutcome::Done)).is_ok());
    let hidden: Vec<_> = JSONL.lines().filter(|line| !line.contains("yo")).collect();
    assert_eq!(timeless(&events.text()).lines().collect::<Vec<_>>(), hidden);
    // The reader has closed stdout.
    let events = EventBuffer::new(true);
    let sinks = Sinks::new(vec![JsonlOutput::create(events.clone(), report(), None)]);
    events.abandon();
    assert!(run(&sinks, Ok(RunOutcome::Done)).is_ok());
    assert_eq!(events.text(), "");
}

/// The Close that follows the message is reported before the message is written.
#[test]
fn a_long_message_is_written_in_parts_with_the_same_result() {
    let answer = "yo\x1b".repeat(1 << 20);
    let data = serde_json::to_string(&answer).unwrap();
    let size = answer.len().to_string();
    let files = [Files::new(), Files::new()];
    let events = EventBuffer::new(true);
    let sinks = Sinks::new(vec![
        JsonlOutput::create(events.clone(), report(), None),
        Recording::create(files[0].open(), &target(), report(), None),
        HarFile::create(files[1].open(), &target(), report()),
    ]);
    assert!(run_with(&sinks, &answer, Ok(RunOutcome::Done)).is_ok());
    assert!(events.is_full(usize::MAX) && !events.is_empty());
    let shown = timeless(&events.text());
    let expected = JSONL.replace(r#""yo\u001b""#, "DATA").replace(":3,", &format!(":{size},"));
    let expected = expected.replace(":3}", &format!(":{size}}}"));
    let expected = expected.replace(r#""frames":1"#, r#""frames":48"#);
    // A ping overtakes the end of a long message.
    let mut lines: Vec<_> = expected.split_inclusive('\n').collect();
    lines.swap(2, 3);
    let expected = lines.concat();
    assert_eq!(shown.replace(&data, "DATA"), expected);
    assert!(!events.is_full(usize::MAX));
    let recorded = timeless(&files[0].text());
    let line = expected.lines().nth(3).unwrap().replace("DATA", &data);
    assert!(recorded.lines().any(|it| it == line));
    let har: Value = serde_json::from_str(&files[1].text()).unwrap();
    let messages = &har["log"]["entries"][0]["_webSocketMessages"];
    assert!(messages[0]["data"] == "hi" && messages[1]["data"] == *answer);
}

#[test]
fn a_recording_has_requests_and_frames_too_and_is_read_back() {
    let files = Files::new();
    let sinks = Sinks::new(vec![Recording::create(files.open(), &target(), report(), None)]);
    assert!(run(&sinks, Ok(RunOutcome::Signal(15))).is_ok());
    let recorded = files.text();
    let request = r#"{"type":"request","direction":"out","url":"ws://peer.example/?token=[redacted]","method":"GET","target":"/?token=[redacted]","http":"1.1","headers":[["Cookie","[redacted]"]]}"#;
    let first = timeless(recorded.lines().next().unwrap());
    assert_eq!(first, request);
    let frames: Vec<_> = recorded.lines().filter(|line| line.contains("\"frame\"")).collect();
    let sent = r#"{"type":"frame","direction":"out","fin":true,"rsv":0,"opcode":1,"name":"text","masked":true,"size":2,"wire_size":8,"fragment":1,"kind":"text","compressed":false,"header":"818201020304","data":"hi"}"#;
    assert_eq!((timeless(frames[0]).as_str(), frames.len()), (sent, 6));
    // The other lines are the same as on stdout.
    let is_event =
        |line: &&str| !line.contains("\"frame\"") && !line.contains("\"type\":\"request\"");
    let rest: Vec<_> = recorded.lines().filter(is_event).map(timeless).collect();
    let expected = JSONL.replace("\"code\":0,", "\"signal\":15,");
    assert_eq!(rest, expected.lines().collect::<Vec<_>>());
    let path = files.path();
    let mut reader = Reader::open(&path).unwrap();
    let mut events = Vec::new();
    while let Some(recorded) = reader.next_event().unwrap() {
        events.push(recorded.event);
    }
    assert_eq!((events.len(), reader.left_out()), (recorded.lines().count(), Vec::new()));
    assert!(matches!(&events[2], Event::Message(_, _, Some(data), 2) if data == b"hi"));
    assert!(matches!(events.last(), Some(Event::End(end)) if end.code == Err(15)));
}

#[test]
fn a_har_has_the_messages_of_its_entry() {
    let files = Files::new();
    let sinks = Sinks::new(vec![HarFile::create(files.open(), &target(), report())]);
    assert!(run(&sinks, Ok(RunOutcome::Done)).is_ok());
    let har: Value = serde_json::from_str(&files.text()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let entry = &entries[0];
    assert_eq!((entries.len(), &entry["serverIPAddress"]), (1, &"192.0.2.1".into()));
    assert_eq!(entry["request"]["url"], "ws://peer.example/?token=[redacted]");
    assert_eq!(
        (&entry["response"]["status"], &entry["timings"]["wait"]),
        (&101.into(), &2.0.into())
    );
    let messages: Vec<_> = entry["_webSocketMessages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["type"].as_str().unwrap(), message["data"].as_str().unwrap()))
        .collect();
    assert_eq!(messages, [("send", "hi"), ("receive", "yo\x1b")]);
}

#[test]
fn frames_are_written_to_their_printer() {
    let shown = Arc::new(Mutex::new(String::new()));
    let sinks =
        Sinks::new(vec![FrameLines::wanted(true, report(), "2 ".to_owned(), None).unwrap()]);
    let out = Arc::clone(&shown);
    let print: Print = Arc::new(move |text| {
        let mut out = out.lock().unwrap();
        out.push_str(text);
        out.push('\n');
    });
    sinks.print_with(Some(&print));
    assert!(run(&sinks, Ok(RunOutcome::Done)).is_ok());
    let since = Regex::new(r"\+\d+\.\d{6}").unwrap();
    let shown = since.replace_all(&shown.lock().unwrap(), "+0").into_owned();
    let expected = "\
2 > +0 text         fin,mask           2+6  \"hi\"
2 < +0 text         fin                3+2  \"yo\\x1b\"
2 < +0 ping         fin                1+2  \"p\"
2 < +0 close        fin                2+2  1000 (normal closure)
2 > +0 pong         fin,mask           1+6  \"p\"
2 > +0 close        fin,mask           2+6  1000 (normal closure)
";
    assert_eq!(shown, expected);
    assert!(FrameLines::wanted(false, report(), String::new(), None).is_none());
}

#[test]
fn every_variable_has_a_value() {
    let list = Arc::new(Mutex::new(String::new()));
    let template = WriteOutFormat::parse("%{json}").unwrap();
    let sinks = Sinks::new(vec![Box::new(Epilogue(
        Facts::create(template, &target(), report()),
        Arc::clone(&list),
    ))]);
    assert!(run(&sinks, Ok(RunOutcome::Done)).is_ok());
    let facts: Value = serde_json::from_str(&list.lock().unwrap()).unwrap();
    let expected: Value = serde_json::from_str(
        r#"{
        "bytes_received": 3, "bytes_sent": 2, "close_code": 1000, "close_reason": "",
        "closed_by": "remote", "errormsg": null, "exitcode": 0, "extensions": null,
        "http_code": 101, "http_version": "1.1", "messages_received": 1, "messages_sent": 1,
        "messages_unsent": 0, "method": "GET", "num_connects": 1, "num_redirects": 0,
        "pings_received": 1, "pings_sent": 0, "pongs_received": 0, "pongs_sent": 1,
        "remote_ip": "192.0.2.1", "remote_port": 80, "response_code": 101, "rtt_avg": null,
        "rtt_max": null, "rtt_min": null, "rtt_p99": null, "scheme": "ws", "size_download": 3,
        "size_upload": 2, "subprotocol": null, "time_appconnect": 0.0, "time_connect": 0.0,
        "time_handshake": 0.002, "time_namelookup": 0.0, "time_pretransfer": 0.002,
        "time_proxy": 0.0, "time_starttransfer": 0.002, "tls": null,
        "url": "ws://peer.example/?token=[redacted]",
        "url_effective": "ws://peer.example/?token=[redacted]", "wire_received": 3,
        "wire_sent": 2
        }"#,
    )
    .unwrap();
    for (name, _) in VARIABLES {
        match name {
            // These depend on the clock.
            "silence" | "time_first_message" | "time_session" | "time_total" => {
                assert!(facts[name].is_f64(), "{name}: {}", facts[name]);
            }
            name => assert_eq!(facts.get(name), expected.get(name), "{name}"),
        }
    }
}

/// Keeps the epilogue of a sink instead of printing it.
struct Epilogue(Box<dyn Sink>, Arc<Mutex<String>>);

impl Sink for Epilogue {
    fn progress(&mut self, step: &Progress<'_>) {
        self.0.progress(step);
    }

    fn opened(&mut self, opened: &crate::connect::ClientConnection) {
        self.0.opened(opened);
    }

    fn left(&mut self, session: &Session) {
        self.0.left(session);
    }

    fn epilogue(&mut self, ended: &Result<RunOutcome, Error>) -> Vec<(Stream, String)> {
        for (_, text) in self.0.epilogue(ended) {
            self.1.lock().unwrap().push_str(&text);
        }
        Vec::new()
    }
}

/// Records its calls, and fails at the end if it has an error kind.
struct Log(&'static str, Interest, Option<io::ErrorKind>, Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: &str) {
        self.3.lock().unwrap().push(format!("{} {what}", self.0));
    }
}

impl Sink for Log {
    fn interest(&self) -> Interest {
        self.1
    }

    fn opened(&mut self, _: &crate::connect::ClientConnection) {
        self.note("opened");
    }

    fn see(&mut self, _: Instant, seen: &SessionEvent<'_>) {
        if matches!(seen, SessionEvent::Frame(..)) {
            self.note("frame");
        }
    }

    fn takes_messages(&self) -> bool {
        self.1 > Interest::Nothing
    }

    fn message(&mut self, _: Instant, _: &crate::stored::WholeMessage<'_>) {
        self.note("message");
    }

    fn left(&mut self, _: &Session) {
        self.note("left");
    }

    fn conclude(&mut self, outcome: Outcome<'_>) {
        assert!(outcome.stats.is_some());
        self.note("conclude");
    }

    fn end(&mut self, _: Outcome<'_>) -> Result<(), Error> {
        self.note("end");
        match self.2 {
            Some(cause) => Err(Error::File { path: self.0.into(), cause: cause.into() }),
            None => Ok(()),
        }
    }

    fn epilogue(&mut self, ended: &Result<RunOutcome, Error>) -> Vec<(Stream, String)> {
        self.note(if ended.is_ok() { "epilogue" } else { "epilogue of a failure" });
        Vec::new()
    }
}

#[test]
fn sinks_receive_events_in_order_and_all_of_them_end() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = |name, interest, fault| -> Box<dyn Sink> {
        Box::new(Log(name, interest, fault, Arc::clone(&log)))
    };
    let full = Some(io::ErrorKind::StorageFull);
    let all = |interest| {
        let other = sink("c", Interest::Nothing, Some(io::ErrorKind::Other));
        Sinks::new(vec![sink("a", interest, None), sink("b", Interest::Nothing, full), other])
    };
    let ended = run(&all(Interest::Messages), Ok(RunOutcome::Done));
    // The first failure is returned, and the remaining sinks are finished nevertheless.
    let Err(Error::File { path, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(path, PathBuf::from("b"));
    let expected = "a opened, b opened, c opened, a message, b message, c message, \
                    a left, b left, c left, a conclude, b conclude, c conclude, a end, b end, c end, \
                    a epilogue of a failure, b epilogue of a failure, c epilogue of a failure";
    assert_eq!(log.lock().unwrap().drain(..).collect::<Vec<_>>().join(", "), expected);
    // A failure of the run takes precedence.
    let usage = Error::Usage { fault: "no".to_owned(), hint: None };
    let ended = run(&all(Interest::Nothing), Err(usage));
    assert!(matches!(ended, Err(Error::Usage { .. })), "{ended:?}");
    assert!(!log.lock().unwrap().drain(..).any(|line| line.ends_with("message")));
    let _ = run(&all(Interest::Wire), Ok(RunOutcome::Done));
    assert!(log.lock().unwrap().iter().any(|line| line == "a frame"));
}
