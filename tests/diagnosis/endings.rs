//! Ends of sessions with real servers, and the hint that each leads to.
//!
//! `endings.jsonl` has one line per situation: the server, the cause that was arranged, the arguments
//! and path of the run, fields of the 101 response, the bytes after it in hexadecimal, and the hint.
//! A server that `reacts` sends the bytes after it has received something. The source of a row is
//! `recorded` from the server or `modelled` after descriptions of it.

use super::answers::contradicts;
use data_encoding::{BASE64, HEXLOWER};
use serde::Deserialize;
use sha1_smol::Sha1;
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

#[derive(Clone, Deserialize)]
struct Row {
    seen_at: String,
    cause: String,
    args: Vec<String>,
    path: String,
    #[serde(default)]
    fields: String,
    #[serde(default)]
    reacts: bool,
    bytes: String,
    #[serde(default)]
    cuts: bool,
    status: i32,
    /// What follows the name of the server in the first line.
    line: String,
    hint: String,
}

fn accept(head: &str) -> String {
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    BASE64.encode(&Sha1::from(format!("{key}{guid}")).digest().bytes())
}

/// Runs the program against a server that ends the session in this way. Returns its status and
/// stderr, in which the server's address is `{peer}`.
fn run(row: &Row) -> (Option<i32>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["--no-config", "-q"])
        .args(&row.args)
        .arg(format!("ws://{peer}{}", row.path))
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
    let accept = accept(&String::from_utf8(head).unwrap());
    let fields = &row.fields;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{fields}\r\n"
    );
    stream.write_all(answer.as_bytes()).unwrap();
    if row.reacts {
        stream.read_exact(&mut [0; 8]).unwrap();
    }
    stream.write_all(&HEXLOWER.decode(row.bytes.as_bytes()).unwrap()).unwrap();
    if row.cuts {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    // Until the client has closed.
    let _ = stream.read_to_end(&mut Vec::new());
    drop(stream);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr.replace(&peer, "{peer}"))
}

#[test]
fn ends_of_sessions_with_real_servers_lead_to_the_hint_for_their_cause() {
    let rows = include_str!("endings.jsonl").lines();
    let mut rows: Vec<Row> = rows.map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.reverse();
    assert!(rows.len() > 50, "rows are missing");
    let (rows, wrong) = (Mutex::new(rows), Mutex::new(String::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(row) = rows.lock().unwrap().pop() else { break };
                    let (status, stderr) = run(&row);
                    let (words, hint) = stderr.split_once("\n\nhint: ").unwrap_or((&stderr, ""));
                    let (words, hint) = (words.trim_end(), hint.trim_end());
                    let line = words.strip_prefix("sockeye: {peer} ").unwrap_or(words);
                    println!("{} ({}): {hint}", row.seen_at, row.cause);
                    let (seen, mut wrong) = (&row.seen_at, wrong.lock().unwrap());
                    let found = (status, line, hint);
                    if found != (Some(row.status), &row.line, &row.hint) {
                        let expected = (row.status, &row.line, &row.hint);
                        writeln!(wrong, "{seen}: {found:?}, not {expected:?}").unwrap();
                    }
                    // The reason of a Close is in the first line.
                    let reason = line.strip_prefix("closed the connection: ").unwrap_or_default();
                    let reason = reason.split_once(": ").unwrap_or_default().1;
                    if contradicts(&format!("\n{reason}"), hint) {
                        writeln!(wrong, "{seen}: {hint:?} contradicts {reason:?}").unwrap();
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}
