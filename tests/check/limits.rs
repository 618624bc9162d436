//! Servers with limits of connections and messages, which are no fault, and servers that end.

use super::{
    Results,
    server::{self, MessageLimit},
};
use crate::support::{Expected, Test, wire};
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What a server does with a connection that is too many.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// It opens the session and closes it with this code.
    Close(u16),
    /// It opens the session and ends the connection.
    End,
    /// It resets the connection.
    Reset,
    /// It answers with this status.
    Status(&'static str),
}

impl Refusal {
    fn apply(self, mut stream: TcpStream) {
        // The client may have gone.
        let _ = match self {
            Self::Close(code) => server::open(&stream)
                .and_then(|_| stream.write_all(&wire::frame(0x88, code.to_be_bytes()))),
            Self::End => server::open(&stream).and_then(|_| stream.shutdown(Shutdown::Both)),
            Self::Reset => rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))
                .map_err(Into::into),
            Self::Status(status) => {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    match stream.read(&mut byte) {
                        Ok(1) => head.extend(byte),
                        _ => return,
                    }
                }
                write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
            }
        };
        let _ = stream.shutdown(Shutdown::Write);
    }
}

/// Starts a server that takes so many connections at the same time.
fn at_once(most: usize, refusal: Refusal) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let open = Arc::new(AtomicUsize::new(0));
        for stream in listener.incoming().flatten() {
            let open = Arc::clone(&open);
            if open.fetch_add(1, Ordering::SeqCst) >= most {
                open.fetch_sub(1, Ordering::SeqCst);
                refusal.apply(stream);
                continue;
            }
            thread::spawn(move || {
                server::serve(stream, None);
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    format!("ws://127.0.0.1:{port}/")
}

/// Starts a server that takes so many connections within 100 ms.
fn in_time(most: usize, refusal: Refusal) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut taken: Vec<Instant> = Vec::new();
        for stream in listener.incoming().flatten() {
            taken.retain(|at| at.elapsed() < Duration::from_millis(100));
            if taken.len() >= most {
                refusal.apply(stream);
                continue;
            }
            taken.push(Instant::now());
            thread::spawn(move || server::serve(stream, None));
        }
    });
    format!("ws://127.0.0.1:{port}/")
}

/// Starts a server that takes so many messages in a session.
fn messages(most: usize, code: Option<u16>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                server::serve(stream, Some(MessageLimit { rest: most, code }));
            });
        }
    });
    format!("ws://127.0.0.1:{port}/")
}

/// Checks a server with a limit: nothing is found, and most checks are made.
#[track_caller]
fn is_not_blamed(url: &str, least: usize, what: &str) {
    let results = Results::of(&[url]);
    assert!(results.findings().is_empty(), "{what}: {:#?}", results.findings());
    let passed = results.with("pass").len();
    let skipped: Vec<_> = results.with("skip").into_iter().collect();
    let reason = |id: &&str| format!("{id}: {}", results.by_id[*id]["evidence"]);
    let reasons: Vec<_> = skipped.iter().map(reason).collect();
    assert!(passed >= least, "{what}: {passed} passed, {reasons:#?}");
}

#[test]
fn a_limit_of_connections_is_not_blamed_on_the_server() {
    for (most, refusal) in [
        (2, Refusal::Close(1013)),
        (3, Refusal::End),
        (1, Refusal::Reset),
        (2, Refusal::Status("429 Too Many Requests")),
        (1, Refusal::Status("503 Service Unavailable")),
    ] {
        is_not_blamed(&at_once(most, refusal), 180, &format!("{most} {refusal:?}"));
    }
}

#[test]
fn a_limit_of_the_rate_of_connections_is_not_blamed_on_the_server() {
    for refusal in [Refusal::Close(1008), Refusal::Status("429 Too Many Requests")] {
        is_not_blamed(&in_time(12, refusal), 150, &format!("{refusal:?}"));
    }
}

#[test]
fn a_limit_of_messages_is_not_blamed_on_the_server() {
    for (most, code) in [(1, Some(1008)), (4, Some(1000)), (4, None), (9, Some(1008))] {
        let least = if most > 3 { 180 } else { 80 };
        is_not_blamed(&messages(most, code), least, &format!("{most} {code:?}"));
    }
}

/// Regression: a server that was gone had no finding, and the run ended with 0.
#[test]
fn a_server_that_ends_is_found_by_a_last_session() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().take(40).flatten() {
            thread::spawn(|| server::serve(stream, None));
        }
    });
    let results = Results::of(&[&url]);
    let found: Vec<_> = results.findings().into_keys().collect();
    assert_eq!(found, ["7.1.7-survives"], "{:#?}", results.findings());
    assert_eq!(results.status, Some(113));
    assert_eq!(results.grade["grade"], serde_json::Value::Null, "{}", results.grade);
}

/// Regression: each check waited for a server that accepted connections and answered no more.
#[test]
fn a_server_that_falls_silent_is_soon_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut kept = Vec::new();
        for (number, stream) in listener.incoming().flatten().enumerate() {
            if number < 20 {
                thread::spawn(|| server::serve(stream, None));
            } else {
                kept.push(stream);
            }
        }
    });
    let started = Instant::now();
    let results = Results::of(&[&url]);
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
    let found: Vec<_> = results.findings().into_keys().collect();
    assert_eq!(found, ["7.1.7-survives"], "{:#?}", results.findings());
}

/// Regression: a run had no end of its own.
#[test]
fn a_run_ends_at_its_limit_with_the_results_so_far() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            thread::spawn(move || {
                if number > 8 {
                    thread::sleep(Duration::from_millis(400));
                }
                server::serve(stream, None);
            });
        }
    });
    Test::new()
        .args(["check", "-m", "1", &url])
        .stdout(Expected::Parts(vec!["the run was interrupted".to_owned()]))
        .stderr_has(["after 1 s"])
        .status(28)
        .run();
}
