//! The commands of docs/conversations.md, each with a server that insists on its protocol.

use crate::support::{Stdin, Test, wire::text};

/// What a server does after the opening handshake.
enum Step {
    /// Expects this message.
    Gets(&'static str),
    /// Sends this message.
    Says(&'static str),
}

use Step::{Gets, Says};

/// The server of the `index`th command below a heading of the page: the subprotocol that it selects,
/// and its part of the conversation.
fn server(heading: &str, index: usize) -> (Option<&'static str>, Vec<Step>) {
    let steps = match (heading, index) {
        ("JSON-RPC", 0) => vec![
            Gets(r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#),
            Says(r#"{"jsonrpc":"2.0","method":"newHead","params":{"id":1}}"#),
            Says(r#"{"jsonrpc":"2.0","id":10,"result":null}"#),
            Says(r#"{"jsonrpc":"2.0","id":1,"result":"0x10"}"#),
        ],
        ("A login with a token", 0) => vec![
            Gets("login"),
            Says("welcome"),
            Says("token=ab-1; expires=60"),
            Gets("use ab-1"),
            Says("ok"),
        ],
        ("A login with a token", 1) => vec![
            Gets(r#"{"op":"auth","token":"S3cr3t-Token"}"#),
            Says(r#"{"ok":false}"#),
            Says(r#"{"ok":true}"#),
        ],
        ("Acknowledgements", 0) => vec![
            Says(r#"{"id":9007199254740993}"#),
            Gets(r#"{"type":"ack","id":9007199254740993}"#),
            Says("no id"),
            Says(r#"{"id":"a\"b"}"#),
            Gets(r#"{"type":"ack","id":"a\"b"}"#),
        ],
        ("Socket.IO", 0) => vec![
            Says(r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#),
            Gets("40"),
            Says(r#"40{"sid":"y"}"#),
            Gets(r#"42["message","hello"]"#),
            Says("2"),
            Gets("3"),
            Says("2"),
            Gets("3"),
            Says(r#"42["message","hello"]"#),
        ],
        ("SignalR", 0) => vec![
            Gets("{\"protocol\":\"json\",\"version\":1}\x1e"),
            Says("{}\x1e"),
            Gets("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[40,2]}\x1e"),
            Gets("{\"type\":6}\x1e"),
            Says("{\"type\":6}\x1e"),
            Says("{\"type\":6}\x1e{\"type\":3,\"invocationId\":\"1\",\"result\":42}\x1e"),
        ],
        ("STOMP", 0) => {
            let steps = vec![
                Gets("CONNECT\naccept-version:1.2\nhost:/\n\n\0"),
                Says("CONNECTED\nversion:1.2\n\n\0"),
                Gets("SUBSCRIBE\nid:1\ndestination:/queue/news\n\n\0"),
                Gets("SEND\ndestination:/queue/news\n\nhello\0"),
                Says("MESSAGE\nsubscription:1\nmessage-id:1\ndestination:/queue/news\n\nhello\0"),
            ];
            return (Some("v12.stomp"), steps);
        }
        ("GraphQL", 0) => {
            let steps = vec![
                Gets(r#"{"type":"connection_init"}"#),
                Says(r#"{"type":"ping"}"#),
                Gets(r#"{"type":"pong"}"#),
                Says(r#"{"type":"connection_ack"}"#),
                Gets(r#"{"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}"#),
                Says(r#"{"id":"1","type":"next","payload":{"data":{"hello":"world"}}}"#),
                Says(r#"{"id":"1","type":"complete"}"#),
            ];
            return (Some("graphql-transport-ws"), steps);
        }
        ("Phoenix channels", 0) => vec![
            Gets(r#"["1","1","room:lobby","phx_join",{}]"#),
            Says(r#"["1","1","room:lobby","phx_reply",{"status":"ok","response":{}}]"#),
            Gets(r#"[null,"1","phoenix","heartbeat",{}]"#),
            Says(r#"[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]"#),
            Says(r#"["1",null,"room:lobby","new_msg",{"body":"hi"}]"#),
        ],
        ("Pusher", 0) => vec![
            Says(r#"{"event":"pusher:connection_established","data":"{}"}"#),
            Gets(r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#),
            Says(r#"{"event":"pusher:ping","data":{}}"#),
            Gets(r#"{"event":"pusher:pong","data":{}}"#),
            Says(r#"{"event":"headline","channel":"news","data":"{}"}"#),
        ],
        ("Polling", 0) => (0..3).flat_map(|_| [Gets(r#"{"op":"status"}"#), Says("up")]).collect(),
        ("Files", 0) => vec![Gets("{\"op\":\"subscribe\",\"id\":1}\n"), Says("ok")],
        _ => panic!("no server for command {index} of {heading:?}"),
    };
    (None, steps)
}

/// Returns the commands of the page, each with its heading and index.
fn commands() -> Vec<(&'static str, usize, &'static str)> {
    let mut found = Vec::new();
    for section in PAGE.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap();
        for (index, block) in section.split("\n```sh\n").skip(1).enumerate() {
            found.push((heading, index, block.split("\n```").next().unwrap()));
        }
    }
    found
}

#[test]
fn each_command_of_the_page_holds_its_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let subscription = "{\"op\":\"subscribe\",\"id\":${n}}\n";
    std::fs::write(dir.path().join("subscribe.json"), subscription).unwrap();
    let commands = commands();
    assert!(commands.len() > 10, "the page has {} commands", commands.len());
    for (heading, index, command) in commands {
        let (subprotocol, steps) = server(heading, index);
        let shown = steps.iter().filter_map(|step| match step {
            Says(message) => Some(format!("{message}\n")),
            Gets(_) => None,
        });
        let stdout: String = shown.collect();
        Test::new()
            .shell("BIN=$1; sockeye() { \"$BIN\" -m 9 \"$@\"; }; cd \"$DIR\"; eval \"$2\"")
            .env("DIR", dir.path())
            .args([command.replace("wss://example.com", "ws://127.0.0.1:{port}")])
            .stdin(Stdin::Null)
            .peer(move |peer| {
                match subprotocol {
                    Some(name) => peer.open_with(&format!("Sec-WebSocket-Protocol: {name}\r\n")),
                    None => peer.open(),
                };
                for step in steps {
                    match step {
                        Gets(message) => peer.expect_text(message),
                        Says(message) => peer.send(text(message)),
                    }
                }
                peer.answer_close(1000);
            })
            .stdout(stdout)
            .run();
    }
}

const PAGE: &str = include_str!("../docs/conversations.md");
