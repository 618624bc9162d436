//! Answers of real servers and gateways, and the hint that each leads to.
//!
//! `answers.jsonl` has one line per situation: the server, the cause that was arranged, the arguments
//! and path of the run, the answer as it was received, the seconds before it, and the hint. The
//! answers in `documented.jsonl` were not received: documentation and source code describe them. Those
//! in `near.jsonl` are invented. They resemble the answer of a product, but have another cause.

use serde::Deserialize;
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

#[derive(Clone, Deserialize)]
struct Row {
    seen_at: String,
    cause: String,
    args: Vec<String>,
    path: String,
    answer: String,
    #[serde(default)]
    delay: f64,
    status: i32,
    hint: String,
}

fn run(row: &Row) -> (Option<i32>, String) {
    let args: Vec<_> = row.args.iter().map(String::as_str).collect();
    stderr_for(&args, &row.path, &row.answer, row.delay)
}

/// Runs the program against a server with this answer. Returns its status and stderr, in which the
/// server's address is `{peer}`.
pub(super) fn stderr_for(
    args: &[&str],
    path: &str,
    answer: &str,
    delay: f64,
) -> (Option<i32>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(args)
        .args(["-x", "x", &format!("ws://{peer}{path}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        head.push(byte[0]);
    }
    thread::sleep(Duration::from_secs_f64(delay));
    // The client may have seen enough before all of it is written.
    let _ = stream.write_all(answer.as_bytes());
    drop(stream);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr.replace(&peer, "{peer}"))
}

/// Subjects by the words that servers and hints use for them.
const SUBJECTS: [&[&str]; 6] = [
    &["origin"],
    &["subprotocol"],
    &["token", "credential", "authenticat", "unauthorized", "api key"],
    &["upgrade required", "upgrade header", "\"upgrade\"", "the upgrade"],
    &["transport", "engine.io"],
    &["http version", "http/1.1"],
];

/// Reports whether the text above the hint is about a subject, and the hint about another one only.
pub(super) fn contradicts(words: &str, hint: &str) -> bool {
    let subjects = |text: &str| {
        let text = text.to_lowercase();
        SUBJECTS.map(|subject| subject.iter().any(|word| text.contains(word)))
    };
    // The first line ends with words of this program; the peer's are below it.
    let said = subjects(words.split_once('\n').map_or("", |(_, rest)| rest));
    let hinted = subjects(hint);
    let (mut says, mut agrees, mut hints) = (false, false, false);
    for (said, hinted) in said.into_iter().zip(hinted) {
        says |= said;
        hints |= hinted;
        agrees |= said && hinted;
    }
    says && hints && !agrees
}

#[test]
fn answers_of_real_servers_lead_to_the_hint_for_their_cause() {
    let rows = [
        include_str!("answers.jsonl"),
        include_str!("documented.jsonl"),
        include_str!("near.jsonl"),
    ];
    let rows = rows.into_iter().flat_map(str::lines);
    let mut rows: Vec<Row> = rows.map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.reverse();
    assert!(rows.len() > 100, "rows are missing");
    let (rows, wrong) = (Mutex::new(rows), Mutex::new(String::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(row) = rows.lock().unwrap().pop() else { break };
                    let (status, stderr) = run(&row);
                    let (words, hint) = stderr.split_once("\n\nhint: ").unwrap_or((&stderr, ""));
                    let hint = hint.trim_end();
                    println!("{} ({}): {hint}", row.seen_at, row.cause);
                    let (seen, mut wrong) = (&row.seen_at, wrong.lock().unwrap());
                    if (status, hint) != (Some(row.status), &row.hint) {
                        let expected = (row.status, &row.hint);
                        writeln!(wrong, "{seen}: {status:?} {hint:?}, not {expected:?}").unwrap();
                    }
                    if contradicts(words, hint) {
                        writeln!(wrong, "{seen}: {hint:?} contradicts {words:?}").unwrap();
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}
