//! Options of `listen` that no other module uses, and a check that a test uses each option.

use crate::support::{PATIENCE, Test, server::Server};
use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::Command,
    thread,
};
use tungstenite::Message;

/// Splits text into words that may be options.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect()
}

/// Returns the names of each option in the help text, long and short.
fn options(help: &str) -> Vec<Vec<&str>> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let names = lines.map(|line| {
        let names = line.split([' ', ',', '=', '[', '.']).take_while(|word| !word.starts_with('<'));
        names.filter(|word| word.starts_with('-')).collect::<Vec<_>>()
    });
    names.filter(|names| names.iter().any(|name| name.starts_with("--"))).collect()
}

#[test]
fn each_option_of_listen_is_used_by_a_test() {
    let help = Command::new(env!("CARGO_BIN_EXE_sockeye")).args(["listen", "--help"]).output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The guide runs the commands of the page.
    let page = fs::read_to_string(root.join("docs/listen.md")).unwrap();
    let mut text: String = page.lines().filter(|line| line.contains("sockeye listen")).collect();
    for folder in ["tests/listen", "tests/terminal"] {
        let files = fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path());
        for file in files.filter(|path| path.extension().is_some_and(|name| name == "rs")) {
            text += &fs::read_to_string(file).unwrap();
        }
    }
    let used = words(&text);
    let all = options(&help);
    assert!(all.len() > 40, "{all:?}");
    // The help text belongs to clap.
    let own = all.iter().filter(|names| !names.contains(&"-h"));
    let unused: Vec<_> =
        own.filter(|names| !names.iter().any(|name| used.contains(name))).collect();
    assert!(unused.is_empty(), "options without a test: {unused:?}");
}

#[test]
fn messages_may_end_with_nul() {
    for options in [&["--null"][..], &["--delimiter", "nul"]] {
        let server = Server::start([&["listen", "127.0.0.1:0"][..], options].concat());
        let mut client = server.join(1);
        server.child.write("two\nlines\0");
        client.expect_text("two\nlines");
        client.send("and\nback");
        server.child.await_stdout("and\nback\0");
        client.close();
        server.terminate();
    }
    Test::new()
        .args(["listen", "0", "--delimiter", "length"])
        .stderr("sockeye: a server frames stdin and stdout with --delimiter lf or nul\n")
        .status(2)
        .run();
}

#[test]
fn long_messages_are_sent_in_fragments_of_the_given_size() {
    let server = Server::start(["listen", "127.0.0.1:0", "--fragment", "10", "--no-compress"]);
    let mut client = server.join(1);
    server.child.write(format!("{}\n", "x".repeat(25)));
    let expected = [&b"\x01\x0axxxxxxxxxx"[..], b"\x00\x0axxxxxxxxxx", b"\x80\x05xxxxx"].concat();
    let mut got = vec![0; expected.len()];
    client.stream().read_exact(&mut got).unwrap();
    assert_eq!(got.escape_ascii().to_string(), expected.escape_ascii().to_string());
    server.terminate();
}

/// Opens a session with this offer of extensions, and returns the head of the answer and the first
/// two bytes of what the server sends next.
#[track_caller]
fn compression(options: &[&str], offer: &str, line: &str) -> (Option<String>, [u8; 2]) {
    let server = Server::start([&["listen", "127.0.0.1:0"][..], options].concat());
    let mut stream = server.dial();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: {offer}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let agreed = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    server.child.await_stderr("client 1 connected");
    server.child.write(format!("{line}\n"));
    let mut start = [0; 2];
    stream.read_exact(&mut start).expect("a message");
    server.terminate();
    (agreed.map(ToOwned::to_owned), start)
}

#[test]
fn compression_is_agreed_on_as_the_options_say() {
    let offer = "permessage-deflate; client_max_window_bits";
    let short = "x".repeat(100);
    // Short messages are not compressed by default.
    let (agreed, start) = compression(&[], offer, &short);
    assert!(agreed.unwrap().starts_with("permessage-deflate"));
    assert_eq!(start, [0x81, 100]);
    let (agreed, start) =
        compression(&["--compress-min", "50", "--compress-level", "9"], offer, &short);
    assert!(agreed.is_some() && start[0] == 0xc1 && start[1] < 20, "{start:?}");
    let (agreed, start) = compression(&["--no-compress"], offer, &short);
    assert_eq!((agreed, start), (None, [0x81, 100]));
    let (agreed, _) = compression(&["--compress=server_max_window_bits=10"], offer, "x");
    assert!(agreed.as_ref().unwrap().contains("server_max_window_bits=10"), "{agreed:?}");
}

#[test]
fn a_client_that_does_not_answer_pings_is_disconnected() {
    let server =
        Server::start(["listen", "127.0.0.1:0", "--ping-interval", "0.1", "--ping-timeout", "0.2"]);
    let mut silent = server.join(1);
    let mut ping = [0; 2];
    silent.stream().read_exact(&mut ping).expect("a ping");
    assert_eq!(ping[0], 0x89);
    server.child.await_stderr(": the pong timed out after 0.2 seconds\n");
    server.terminate();
}

#[test]
fn a_client_without_messages_is_disconnected() {
    let server = Server::start(["listen", "127.0.0.1:0", "--idle-timeout", "0.2"]);
    let mut idle = server.join(1);
    // A ping is not a message.
    idle.send(Message::Ping(b"".as_slice().into()));
    server
        .child
        .await_stderr("client 1 disconnected: no message from or to the client for 0.2 seconds");
    server.terminate();
}

#[test]
fn a_configuration_file_sets_options() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "[defaults]\nmax-message = \"10\"\n").unwrap();
    let path = file.path().to_str().unwrap();
    let server = Server::start(["listen", "127.0.0.1:0", "--config", path]);
    let mut client = server.join(1);
    client.send("more than 10 bytes");
    client.expect_close(1009);
    server.terminate();
    let server = Server::start(["listen", "127.0.0.1:0", "--no-config", "--echo"]);
    let mut client = server.connect();
    client.send("more than 10 bytes");
    client.expect_text("more than 10 bytes");
    client.close();
    server.terminate();
}

#[test]
fn each_message_has_a_label_if_wanted() {
    let server = Server::start(["listen", "127.0.0.1:0", "--label"]);
    let mut client = server.connect();
    client.send("hello");
    server.child.await_stdout("1\thello\n");
    client.close();
    server.terminate();
}

#[test]
fn diagnostics_are_shown_as_the_options_say() {
    let request = |server: &Server| {
        let mut stream = server.dial();
        stream
            .write_all(
                b"GET /?token=geheim1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                  Sec-WebSocket-Version: 13\r\n\r\n\x81\x82\0\0\0\0Hi",
            )
            .unwrap();
        server.child.await_stdout("Hi\n");
        stream
    };
    // With --frames, each frame; with --trace, its bytes too.
    for (option, shown) in [("--frames", "text"), ("--trace", "81 82 00 00 00 00 48 69")] {
        let server = Server::start(["listen", "127.0.0.1:0", option, "--no-color"]);
        let stream = request(&server);
        server.child.await_stderr(shown);
        drop(stream);
        let stderr = server.terminate().stderr;
        assert!(!stderr.contains("geheim1") && !stderr.contains('\x1b'), "{stderr}");
    }
    let server = Server::start(["listen", "127.0.0.1:0", "--verbose", "--show-secrets"]);
    let stream = request(&server);
    server.child.await_stderr("< GET /?token=geheim1 HTTP/1.1\n");
    drop(stream);
    server.terminate();
    let server = Server::start(["listen", "127.0.0.1:0", "--quiet"]);
    drop(request(&server));
    assert_eq!(server.terminate().stderr, "");
}

/// Sends far more lines than a client that does not read can hold to it and to one that reads, and
/// returns the notes of the server.
fn notes_with_a_slow_client(slow: &str) -> String {
    let server = Server::start([
        "listen",
        "127.0.0.1:0",
        "--slow",
        slow,
        "--max-queue",
        "64K",
        "--close-timeout",
        "0.2",
    ]);
    let silent = server.join(1);
    let quick = server.join(2);
    let reading = thread::spawn(move || quick.drain());
    let lines = format!("{}\n", "x".repeat(999)).repeat(30_000);
    server.child.write(&lines);
    drop(silent);
    server.child.await_stderr("client 1 disconnected");
    let end = server.terminate();
    reading.join().expect("it read until the end");
    end.stderr
}

#[test]
fn a_client_that_falls_behind_is_dropped_or_misses_messages() {
    let notes = notes_with_a_slow_client("drop");
    assert!(notes.contains("client 1 disconnected: closed by the server with 1013"), "{notes}");
    let notes = notes_with_a_slow_client("skip");
    assert!(notes.contains(" messages skipped\n"), "{notes}");
}

#[test]
fn the_slowest_client_sets_the_pace_if_the_server_waits() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let setup = Server::setup([
        "listen",
        "0",
        "--slow",
        "wait",
        "--max-queue",
        "64K",
        "--close-timeout",
        "0",
    ]);
    let server = setup.stdin(std::os::fd::OwnedFd::from(theirs)).start();
    let (silent, quick) = (server.join(1), server.join(2));
    let reading = thread::spawn(move || quick.drain());
    ours.set_write_timeout(Some(PATIENCE)).unwrap();
    let line = format!("{}\n", "x".repeat(9_999));
    let taken = (0..10_000).take_while(|_| (&ours).write_all(line.as_bytes()).is_ok()).count();
    assert!(taken < 10_000, "it read all lines");
    drop(silent);
    server.terminate();
    reading.join().expect("it read until the end");
}
