//! The examples that need no other program: the scripts, and those over the library.

#[path = "../examples/trading_feed/main.rs"]
#[allow(dead_code, reason = "its main function is not called")]
mod trading_feed;
#[path = "../examples/websocket_client.rs"]
#[allow(dead_code, reason = "its main function is not called")]
mod websocket_client;
#[path = "../examples/websocket_server.rs"]
#[allow(dead_code, reason = "its main function is not called")]
mod websocket_server;

use crate::support::{Test, page::Server};
use std::{
    fs,
    net::TcpListener,
    path::Path,
    thread::{self, JoinHandle},
    time::Duration,
};
use trading_feed::Plan;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Serves one client by the example. Returns its port.
fn serve_one() -> (JoinHandle<()>, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        websocket_server::serve(stream).unwrap();
    });
    (server, port)
}

#[test]
fn the_server_of_the_library_serves_sockeye() {
    let (server, port) = serve_one();
    let long = "long ".repeat(40_000);
    Test::new()
        .args(["--fragment", "1000", "--count", "3", "-x", "one", "-x", "two"])
        .args([format!("ws://127.0.0.1:{port}")])
        .stdin(format!("{long}\n"))
        .stdout(format!("one\ntwo\n{long}\n"))
        .run();
    server.join().unwrap();
}

#[test]
fn the_server_of_the_library_refuses_a_request_without_an_upgrade() {
    let (server, port) = serve_one();
    let url = format!("ws://127.0.0.1:{port}");
    let test = Test::new().args(["-H", "Upgrade:", "-x", "hi", &url]);
    test.stderr_has(["answered 426"]).status(22).run();
    server.join().unwrap();
}

#[test]
fn the_client_of_the_library_talks_with_servers() {
    let messages = ["one", "two", "\u{1f41f}"].map(ToOwned::to_owned);
    let sockeye = Server::start("sockeye listen 9000 --echo", root());
    let talk = |port: &str| websocket_client::talk(&format!("127.0.0.1:{port}"), &messages);
    assert_eq!(talk(&sockeye.port).unwrap(), messages);
    let (server, port) = serve_one();
    assert_eq!(talk(&port.to_string()).unwrap(), messages);
    server.join().unwrap();
}

#[test]
fn the_scripts_go_through_the_protocol() {
    let binary = env!("CARGO_BIN_EXE_sockeye");
    let command = format!("SOCKEYE='{binary}' exec examples/websocket_server.sh 0");
    let server = Server::start(&command, root());
    Test::new()
        .shell(format!("SOCKEYE=$1 examples/websocket_client.sh 127.0.0.1:{}", server.port))
        .stdout(b"Hello\n\x00\x01\x02\xff\nthree frames for this\n".to_vec())
        .stderr_has([
            "> GET / HTTP/1.1\n",
            "< HTTP/1.1 101 Switching Protocols\n",
            "#3 \" this\"\n",
            " ping ",
            "  \"alive?\"\n",
            " pong ",
            "* closed: 1000 (normal closure): done\n",
        ])
        .run();
}

#[test]
fn push_needs_less_than_polling() {
    let plan = Plan {
        clients: 20,
        length: Duration::from_secs(1),
        poll: Duration::from_millis(10),
        orders: 20,
    };
    let report = trading_feed::measure(plan).unwrap();
    // Times are not judged: they depend on the load of the system.
    assert_eq!(report.missed(true), Vec::<String>::new(), "{report}");
    assert!(report.to_string().contains("20 clients, 1 s, 10 price changes\n"), "{report}");
    assert!(trading_feed::svg(&report).contains("requests</text>"));
}

#[test]
fn each_example_is_listed_and_demonstrated() {
    let folder = root().join("examples");
    let [list, demo] =
        ["README.md", "demo"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
    let folders = [folder.clone(), folder.join("websocket_applications")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut programs = 0;
    for file in files.map(|entry| entry.unwrap().path()) {
        let is_program =
            file.extension().is_some_and(|name| ["sh", "rs", "py"].iter().any(|it| name == *it))
                || file.join("main.rs").exists();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        if is_program && stem != "sockeyes" {
            programs += 1;
            assert!(list.contains(file.file_name().unwrap().to_str().unwrap()), "{stem}");
            assert!(demo.contains(stem), "{stem}");
        }
    }
    assert_eq!(programs, 10);
}
