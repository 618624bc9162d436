//! `sockeye demo`: an echo server inside the process, and a client connected to it.

use crate::support::{Stdin, Test};

#[test]
fn the_demo_echoes_a_pipe() {
    Test::new().args(["demo"]).stdin("hi\n").stdout("hi\n").stderr_has([]).run();
    Test::new().args(["demo", "-w", "0.2"]).stdin("one\ntwo\n").stdout("one\ntwo\n").run();
    Test::new().args(["demo", "--count", "1", "-x", "hi"]).stdout("hi\n").run();
}

#[test]
fn the_demo_without_input_sends_three_messages_and_exits() {
    for stdin in [Stdin::Null, Stdin::Closed] {
        Test::new()
            .args(["demo"])
            .stdin(stdin)
            .stdout("hello\n{\"fish\": \"sockeye\"}\nbye\n")
            .stderr_has([])
            .run();
    }
}

#[test]
fn the_demo_ignores_proxies() {
    Test::new()
        .args(["demo", "--count", "1"])
        .env("all_proxy", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ws_proxy", "http://127.0.0.1:1")
        .stdin("hi\n")
        .stdout("hi\n")
        .run();
}

#[test]
fn the_demo_knows_the_options_of_a_client() {
    Test::new()
        .args(["demo", "-v", "--count", "1", "-x", "hi"])
        .stdout("hi\n")
        .stderr_has(["GET / HTTP/1.1", "101 Switching Protocols"])
        .run();
    Test::new().args(["-x", "hi", "--count", "1", "demo"]).stdout("hi\n").run();
}

#[test]
fn a_long_message_is_echoed_whole() {
    let long = format!("{}\n", "0123456789".repeat(300_000));
    Test::new().args(["demo", "--count", "1"]).stdin(long.clone()).stdout(long).run();
}
