//! Sessions that the server closes with an error, or ends without a Close.

use crate::support::{Peer, Test, says};

/// Checks the error for a server that closes at once with this code and reason.
#[track_caller]
fn closes(args: &[&str], code: u16, reason: &'static str, message: &str) {
    closes_after("", args, code, reason, message);
}

/// Does the same with `chosen` in the server's answer to the handshake.
#[track_caller]
fn closes_after(
    chosen: &'static str,
    args: &[&str],
    code: u16,
    reason: &'static str,
    message: &str,
) {
    let test = Test::new().args(args.iter().copied()).peer(move |peer| {
        peer.open_with(chosen);
        peer.close_with(code, reason);
    });
    says(test, 111, message);
}

const CLOSED: &str = "{peer} closed the connection: ";

#[test]
fn codes_of_the_protocol() {
    for (code, reason, words) in [
        (
            1002,
            "",
            "1002 (protocol error)\n\n\
             hint: the server may require a subprotocol (-s NAME)",
        ),
        (
            1003,
            "binary only",
            "1003 (unsupported data): binary only\n\n\
             hint: try the other message type: text is the default, -b sends binary",
        ),
        (
            1007,
            "",
            "1007 (invalid payload data)\n\n\
             hint: check the format of the messages: sockeye sends only valid UTF-8 as text",
        ),
        (
            1008,
            "",
            "1008 (policy violation)\n\n\
             hint: the server may require a subprotocol (-s NAME), an origin (-o http://{peer}) \
             or credentials (--auth, --bearer, --cookie)",
        ),
        (
            1009,
            "",
            "1009 (message too big)\n\n\
             hint: send smaller messages, or smaller frames with --fragment BYTES",
        ),
        (1010, "", "1010 (mandatory extension)"),
        (
            1011,
            "out of cheese",
            "1011 (internal error): out of cheese\n\n\
             hint: this is a server error: check the server's log; --reconnect reconnects automatically",
        ),
        (
            1012,
            "",
            "1012 (service restart)\n\nhint: try again later; --reconnect does so automatically",
        ),
        (
            1013,
            "",
            "1013 (try again later)\n\nhint: try again later; --reconnect does so automatically",
        ),
        (
            1014,
            "",
            "1014 (bad gateway)\n\nhint: try again later; --reconnect does so automatically",
        ),
        (
            3000,
            "",
            "3000 (unauthorized)\n\n\
             hint: authenticate with --auth USER:PASSWORD, --bearer TOKEN or --cookie NAME=VALUE",
        ),
        (
            3008,
            "",
            "3008 (timeout)\n\n\
             hint: the server may close idle connections: try --ping-interval SECONDS",
        ),
        (3456, "", "3456 (registered by a library)"),
        (4001, "\u{202e}bye", "4001 (private use): \\u{202e}bye"),
    ] {
        closes(&[], code, reason, &format!("{CLOSED}{words}"));
    }
}

#[test]
fn hints_do_not_suggest_what_was_sent() {
    for (args, code, words) in [
        (&["-s", "a"][..], 1002, "1002 (protocol error)"),
        (
            &["-s", "a", "-o", "http://a"],
            1008,
            "1008 (policy violation)\n\n\
             hint: the server may require credentials (--auth, --bearer, --cookie)",
        ),
        (&["-s", "a", "-u", "me:secret", "-o", "http://a"], 1008, "1008 (policy violation)"),
        (
            &["-s", "b"],
            1002,
            "1002 (protocol error)\n\n\
             hint: the server selected none of the requested subprotocols: request another with -s NAME",
        ),
        (
            &["--no-compress"],
            1010,
            "1010 (mandatory extension)\n\nhint: offer compression: remove --no-compress",
        ),
        (
            &["--bearer", "t"],
            3000,
            "3000 (unauthorized)\n\nhint: the server rejected the credentials",
        ),
        (
            &["-s", "a", "--bearer", "t"],
            3003,
            "3003 (forbidden)\n\nhint: the server may require an origin (-o http://{peer})",
        ),
    ] {
        let chosen = if args.contains(&"a") { "Sec-WebSocket-Protocol: a\r\n" } else { "" };
        // The note that no subprotocol was chosen is not part of this test.
        let args = [&["-q"], args].concat();
        closes_after(chosen, &args, code, "", &format!("{CLOSED}{words}"));
    }
}

#[test]
fn codes_that_compression_may_cause() {
    let agreed = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    for (code, words) in [(1002, "1002 (protocol error)"), (1007, "1007 (invalid payload data)")] {
        let hint = "hint: try without compression: --no-compress";
        closes_after(agreed, &[], code, "", &format!("{CLOSED}{words}\n\n{hint}"));
    }
}

#[test]
fn codes_of_graphql() {
    let graphql = ["-s", "graphql-transport-ws"];
    let init = "\n\nhint: start with -x '{\"type\":\"connection_init\"}' --expect connection_ack";
    for (code, words) in [
        (4400, "4400 (graphql-transport-ws: invalid message)".to_owned()),
        (4401, format!("4401 (graphql-transport-ws: unauthorized){init}")),
        (
            4403,
            "4403 (graphql-transport-ws: forbidden)\n\n\
             hint: if the server requires a token, put it in the payload of connection_init"
                .to_owned(),
        ),
        (4408, format!("4408 (graphql-transport-ws: no connection_init in time){init}")),
        (4409, "4409 (graphql-transport-ws: subscription exists already)".to_owned()),
        (
            4429,
            "4429 (graphql-transport-ws: more than one connection_init)\n\n\
             hint: send connection_init only once"
                .to_owned(),
        ),
        (
            4500,
            "4500 (graphql-transport-ws: internal server error)\n\n\
             hint: this is a server error: check the server's log"
                .to_owned(),
        ),
        (4000, "4000 (private use)".to_owned()),
    ] {
        let chosen = "Sec-WebSocket-Protocol: graphql-transport-ws\r\n";
        closes_after(chosen, &graphql, code, "", &format!("{CLOSED}{words}"));
    }
    // No subprotocol was agreed, so the meaning of the code is uncertain.
    closes(
        &[],
        4406,
        "Subprotocol not acceptable",
        "{peer} closed the connection: 4406 (private use; in graphql-transport-ws: subprotocol not \
         acceptable): Subprotocol not acceptable\n\n\
         hint: if this is a GraphQL server, request its subprotocol: -s graphql-transport-ws",
    );
    closes(
        &[],
        4401,
        "",
        "{peer} closed the connection: 4401 (private use; in graphql-transport-ws: unauthorized)",
    );
    closes_after(
        "Sec-WebSocket-Protocol: mqtt\r\n",
        &["-s", "mqtt"],
        4401,
        "",
        "{peer} closed the connection: 4401 (private use)",
    );
}

#[test]
fn close_codes_of_known_services_are_explained() {
    for (host, code, words) in [
        ("gateway.discord.gg", 4004, "4004 (Discord: authentication failed)"),
        ("ws-eu.pusher.com", 4001, "4001 (Pusher: no such application)"),
        (
            "ws-eu.pusher.com",
            4201,
            "4201 (Pusher: no pong in time)\n\n\
             hint: reconnect automatically: --reconnect --reconnect-on 4201",
        ),
        ("eventsub.wss.twitch.tv", 4003, "4003 (Twitch: no subscription in time)"),
    ] {
        let resolve = format!("{host}:{{port}}:127.0.0.1");
        let url = format!("ws://{host}:{{port}}/");
        let message = format!("{host}:{{port}} closed the connection: {words}");
        closes(&["--resolve", &resolve, &url], code, "", &message);
    }
}

#[test]
fn ends_without_a_close() {
    let opens = |after: fn(&mut Peer)| {
        Test::new().peer(move |peer| {
            peer.open();
            after(peer);
        })
    };
    says(opens(|_| {}), 56, "{peer} closed the connection without a Close frame (1006)");
    says(
        opens(Peer::reset),
        56,
        "cannot receive from {peer}: connection reset by peer (os error 104)",
    );
    says(
        opens(|peer| peer.send(b"\x01\x02ab")),
        56,
        "{peer} closed the connection without a Close frame, in the middle of a message (1006)\n  \
         received 2 bytes of an incomplete message",
    );
}

/// Such a session is no failure, but the server often means one.
#[test]
fn an_empty_close_right_after_the_opening_has_a_hint() {
    let at_once = |args: &[&str]| {
        Test::new().args(args.iter().copied()).peer(|peer| {
            peer.open();
            peer.send(b"\x88\0");
            peer.discard_all();
        })
    };
    says(
        at_once(&[]),
        0,
        "{peer} closed the connection: 1005 (no status received)\n\n\
         hint: check the path and query of the URL; otherwise the server may require a subprotocol \
         (-s NAME) or credentials (--auth, --bearer, --cookie)",
    );
    says(
        at_once(&["-u", "a:b", "-w", "5"]),
        0,
        "{peer} closed the connection before -w expired: 1005 (no status received)\n\n\
         hint: check the path and query of the URL; otherwise the server may require a subprotocol \
         (-s NAME)",
    );
    says(
        at_once(&["ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=polling"]),
        0,
        "{peer} closed the connection: 1005 (no status received)\n\n\
         hint: use transport=websocket in the query: polling is not for WebSocket",
    );
    at_once(&["-q"]).run();
    // After a message, the session was in use.
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send(b"\x81\x02hi\x88\0");
            peer.discard_all();
        })
        .stdout("hi\n")
        .run();
}
