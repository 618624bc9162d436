//! Bounded memory of a server whose clients or stdout are not read.

use crate::support::{
    LIMIT, PATIENCE, Signal,
    child::{ends_before, peak_memory},
    meter::flood,
    server::{Client, Server},
};
use bytes::Bytes;
use rustix::{
    net::sockopt::set_socket_linger,
    process::{Pid, kill_process},
};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write},
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};
use tungstenite::Message;

fn peak(server: &Server) -> usize {
    peak_memory(server.pid)
}

#[test]
fn the_only_client_sets_the_pace_of_stdin_and_uses_no_memory() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let setup = Server::setup(["listen", "0", "--close-timeout", "0.2"]);
    let server = setup.stdin(OwnedFd::from(theirs)).start();
    let slow = server.join(1);
    ours.set_write_timeout(Some(PATIENCE)).unwrap();
    let lines = format!("{}\n", "x".repeat(9_999)).repeat(HUGE / 10_000);
    let taken = flood(&ours, lines.as_bytes());
    assert!(taken < LARGE, "it read {taken} bytes that nobody takes");
    assert!(peak(&server) < LARGE, "it had {} bytes", peak(&server));
    // Stdin is read again for the next client, who reads, once the slow one has left.
    drop(slow);
    server.child.await_stderr("client 1 disconnected");
    let quick = server.join(2);
    let reading = thread::spawn(move || quick.drain());
    ours.set_write_timeout(Some(LIMIT)).unwrap();
    let rest = flood(&ours, &lines.as_bytes()[taken..]);
    assert_eq!(taken + rest, lines.len());
    assert!(peak(&server) < LARGE, "it had {} bytes", peak(&server));
    server.terminate();
    reading.join().expect("it read until the end");
}

#[test]
fn a_stdout_that_is_not_read_stops_the_clients() {
    let setup = Server::setup(["listen", "0", "--close-timeout", "0.2"]);
    let server = setup.hold_stdout().start();
    let mut client = server.join(1);
    assert_bounded(&server, &mut client);
    server.child.signal(Signal::TERM);
    server.ends_by(Signal::TERM);
}

/// A client that floods the server uses up neither the room of the others nor all memory.
#[test]
fn pings_are_answered_while_stdout_is_not_read() {
    for options in [&["--no-label"][..], &["--output", "jsonl"]] {
        let args = [&["listen", "0", "--close-timeout", "0.2"][..], options].concat();
        let server = Server::setup(args).hold_stdout().start();
        let mut flood = server.join(1);
        assert_bounded(&server, &mut flood);
        let mut others = [server.join(2), server.join(3)];
        for number in 0..200 {
            for client in &mut others {
                client.send("a message between pings");
                let ping = Bytes::from(number.to_string());
                client.send(Message::Ping(ping.clone()));
                client.expect(Message::Pong(ping));
            }
        }
        assert!(peak(&server) < LARGE, "it had {} bytes", peak(&server));
        server.child.signal(Signal::TERM);
        server.ends_by(Signal::TERM);
    }
}

#[test]
fn an_echo_that_is_not_read_stops_its_client_and_no_other() {
    let server = Server::start(["listen", "0", "--echo", "--close-timeout", "0.2"]);
    let mut client = server.connect();
    assert_bounded(&server, &mut client);
    let mut other = server.connect();
    other.send("hello");
    other.expect_text("hello");
    // The server sends the pending echoes once the client reads.
    let mut buffer = vec![0; 1 << 20];
    client.stream().read_exact(&mut buffer).expect("echoes");
    assert!(buffer.starts_with(b"\x82\x7e\x27\x10"), "{}", buffer[..8].escape_ascii());
    other.close();
    server.terminate();
}

/// Notes are dropped rather than waited for, and the place where they are missing is told.
#[test]
fn a_stderr_that_is_not_read_does_not_hold_up_the_server() {
    let (server, stderr, address) = unread(&["--path", "/"]);
    let url = format!("ws://{address}/");
    let long = "x".repeat(8_000);
    let request = format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n");
    let request = request.replace(
        "\r\n\r\n",
        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    // More notes than the pipe and the server hold.
    for _ in 0..100 {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    let mut client = Client::connect(&url);
    client.send("hello");
    client.expect_text("hello");
    client.close();
    assert_dropped_lines_are_told(server, stderr);
}

#[test]
fn frames_on_a_stderr_that_is_not_read_do_not_hold_up_clients() {
    for option in ["--frames", "--trace"] {
        let (server, stderr, address) = unread(&[option]);
        let url = format!("ws://{address}/");
        let mut client = Client::connect(&url);
        // More lines than the pipe and the server hold.
        for _ in 0..4_000 {
            client.send("hello");
            client.expect_text("hello");
        }
        Client::connect(&url).close();
        client.close();
        assert_dropped_lines_are_told(server, stderr);
    }
}

/// Starts a server that echoes, and reads the first line of its stderr. Returns its address, too.
fn unread(options: &[&str]) -> (Child, BufReader<ChildStderr>, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["listen", "127.0.0.1:0", "--echo"])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stderr = BufReader::with_capacity(1, server.stderr.take().expect("a pipe"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("the first line");
    let address = line.trim_end().strip_prefix("listening on ws://").expect("an address");
    (server, stderr, address.to_owned())
}

/// Reads the lines that wait, and expects the number of those that were dropped. Ends the server.
fn assert_dropped_lines_are_told(mut server: Child, stderr: BufReader<ChildStderr>) {
    let (send, told) = channel();
    thread::spawn(move || {
        let lines = BufReader::new(stderr).lines().map_while(Result::ok);
        for line in lines.filter(|line| line.ends_with(" lines were dropped here")) {
            let _ = send.send(line);
        }
    });
    told.recv_timeout(LIMIT).expect("the place of the missing notes");
    let pid = Pid::from_child(&server);
    kill_process(pid, Signal::TERM).expect("it runs");
    assert!(ends_before(pid, Instant::now() + LIMIT));
    server.wait().expect("it ended");
}

#[test]
fn ten_unfinished_messages_hold_no_more_than_the_limit_for_all() {
    let server = Server::start(["listen", "0", "--echo", "--close-timeout", "0.2"]);
    let mut clients: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    // Binary, 94 MB, masked with zeros.
    let header = [b"\x82\xff".as_slice(), &94_000_000u64.to_be_bytes(), &[0; 4]].concat();
    let part = vec![b'x'; 4 << 20];
    for client in &mut clients {
        client.send_raw(&header);
    }
    for _ in 0..10 {
        for client in &mut clients {
            // One whose session the server has closed takes no more.
            let _ = client.stream().write_all(&part);
        }
    }
    server.child.await_stderr("incomplete messages of all clients exceed 256 MiB");
    assert!(peak(&server) < (256 << 20) + LARGE, "it had {} bytes", peak(&server));
    drop(clients);
    let mut other = server.connect();
    other.send("hello");
    other.expect_text("hello");
    other.close();
    server.terminate();
}

#[test]
fn a_lost_client_whose_command_reads_nothing_is_noticed_and_its_command_ends() {
    let server = Server::start([
        "listen",
        "0",
        "--exec",
        "echo $$; exec sleep 600",
        "--close-timeout",
        "0.2",
        "--max-clients",
        "1",
        "--ping-interval",
        "0.5",
        "--ping-timeout",
        "20",
    ]);
    let mut client = server.connect();
    let command = process(&client.text());
    let frame = [b"\x82\xfe\x27\x10\0\0\0\0".as_slice(), &[b'x'; 10_000]].concat();
    client.stream().set_write_timeout(Some(PATIENCE)).unwrap();
    flood(client.stream(), &frame.repeat(HUGE / frame.len()));
    // The connection is reset.
    set_socket_linger(client.stream(), Some(Duration::ZERO)).unwrap();
    let watched = watch(command);
    drop(client);
    server.child.await_stderr("messages that the command did not take in time were discarded");
    server.child.await_stderr("client 1 disconnected");
    assert!(watched.join().expect("it is watched"), "the command still runs");
    let mut next = server.connect();
    process(&next.text());
    server.child.signal(Signal::TERM);
    next.expect_close(1001);
    server.ends_by(Signal::TERM);
}

#[test]
fn a_client_that_does_not_read_the_answers_of_its_command_is_stopped_and_no_other() {
    let server = Server::start(["listen", "0", "--exec", "cat", "--close-timeout", "0.2"]);
    let mut client = server.connect();
    assert_bounded(&server, &mut client);
    let mut other = server.connect();
    other.send("hello");
    other.expect_text("hello");
    other.close();
    // The command goes on once the client reads.
    let mut buffer = vec![0; 1 << 20];
    client.stream().read_exact(&mut buffer).expect("lines");
    server.child.signal(Signal::TERM);
    client.drain();
    server.ends_by(Signal::TERM);
}

#[test]
fn what_a_command_has_started_ends_with_its_client_and_with_the_server() {
    let command = "sleep 600 & echo $!; wait";
    let args = ["listen", "0", "--exec", command, "--close-timeout", "0.2"];
    let server = Server::start(args);
    for is_client in [true, false] {
        let mut client = server.connect();
        let started = watch(process(&client.text()));
        if is_client {
            client.close();
        } else {
            server.child.signal(Signal::TERM);
            client.expect_close(1001);
        }
        assert!(started.join().expect("it is watched"), "a process still runs");
    }
    server.ends_by(Signal::TERM);
    let args = ["listen", "0", "--exec", command, "--close-timeout", "600"];
    let server = Server::start(args);
    let mut client = server.connect();
    let started = watch(process(&client.text()));
    server.child.signal(Signal::TERM);
    client.expect_close(1001);
    server.child.signal(Signal::INT);
    server.ends_by(Signal::INT);
    assert!(started.join().expect("it is watched"), "a process still runs");
}

/// Returns the process that a command names.
fn process(number: &str) -> Pid {
    number.parse().ok().and_then(Pid::from_raw).expect("a process id")
}

/// Waits for the end of a process in the background.
fn watch(pid: Pid) -> thread::JoinHandle<bool> {
    thread::spawn(move || ends_before(pid, Instant::now() + LIMIT))
}

/// Floods the server with messages that it cannot pass on, and checks its memory.
#[track_caller]
fn assert_bounded(server: &Server, client: &mut Client) {
    // 10,000 bytes, masked with zeros.
    let frame = [b"\x82\xfe\x27\x10\0\0\0\0".as_slice(), &[b'x'; 10_000]].concat();
    client.stream().set_write_timeout(Some(PATIENCE)).unwrap();
    let taken = flood(client.stream(), &frame.repeat(HUGE / frame.len()));
    assert!(taken < LARGE, "it took {taken} bytes");
    assert!(peak(server) < LARGE, "it had {} bytes", peak(server));
}

/// Far more than all buffers of the system hold.
const HUGE: usize = 96 << 20;
/// More than the buffers hold.
const LARGE: usize = 48 << 20;

/// A message in several fragments is not copied whole.
#[test]
fn an_echo_of_a_long_message_takes_little_more_memory_than_the_message() {
    const LENGTH: usize = 90_000_000;
    let server = Server::start(["listen", "0", "--echo", "--no-compress"]);
    let mut client = server.connect();
    // Binary, masked with zeros.
    let header = [b"\x82\xff".as_slice(), &(LENGTH as u64).to_be_bytes(), &[0; 4]].concat();
    let part: Vec<u8> = (0..1_000_000u32).map(|at| (at.wrapping_mul(40_503) >> 8) as u8).collect();
    client.send_raw(&header);
    let mut writer = client.stream().try_clone().unwrap();
    let sent = part.clone();
    let sending = thread::spawn(move || {
        for _ in 0..LENGTH / sent.len() {
            writer.write_all(&sent).unwrap();
        }
    });
    // The frames of the echo have 16 MiB, and the last one the rest.
    let (mut stream, mut received) = (BufReader::new(client.stream()), 0);
    for (number, length) in
        [16 << 20, 16 << 20, 16 << 20, 16 << 20, 16 << 20, 6_113_920].into_iter().enumerate()
    {
        let mut head = [0; 10];
        stream.read_exact(&mut head).unwrap();
        let first = (u8::from(number == 0) * 2) | (u8::from(number == 5) * 0x80);
        assert_eq!((head[0], head[1]), (first, 127));
        assert_eq!(usize::from_be_bytes(head[2..].try_into().unwrap()), length);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).unwrap();
        let differs = (0..length).find(|at| payload[*at] != part[(received + at) % part.len()]);
        assert_eq!(differs, None);
        received += length;
    }
    assert_eq!(received, LENGTH);
    sending.join().unwrap();
    // The message, the fragment that is being sent, and the buffers.
    assert!(peak(&server) < 90_000_000 + (16 << 20) + LARGE / 2, "it had {} bytes", peak(&server));
    client.close();
    server.terminate();
}
