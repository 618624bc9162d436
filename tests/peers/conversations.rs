//! Conversations with servers of Socket.IO and GraphQL.

use super::{
    programs::PeerServer,
    support::{Expected, Test},
};

const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket";

/// The server pings every 300 ms, and ends a session that does not answer within a second.
#[test]
fn answers_keep_a_session_of_socket_io_alive() {
    let server = PeerServer::node("socket.io-pings");
    let url = format!("ws://127.0.0.1:{}{SOCKET_IO}", server.port);
    let join = ["--expect", "^0", "-x", "40", "--expect", "^40", "-w", "2.5"];
    Test::new()
        .args(["--answer", "^2$", "3"])
        .args(join)
        .args([&url])
        .stdout(Expected::Parts(["0{", "\n2\n", "2\n", "2\n"].map(Into::into).to_vec()))
        .takes_at_least(2500)
        .run();
    // Without an answer the server closes first.
    Test::new()
        .args(join)
        .args([&url])
        .stdout(Expected::Parts(vec!["\n2\n".to_owned()]))
        .stderr_has(["closed the connection before -w expired"])
        .run();
}

#[test]
fn an_event_of_socket_io_is_echoed() {
    let server = PeerServer::node("socket.io-pings");
    Test::new()
        .args(["--answer", "^2$", "3", "--expand"])
        .args(["--expect", "^0", "-x", "40", "--expect", "^40.*\"sid\":\"(?<sid>[^\"]+)"])
        .args(["-x", "42[\"message\",\"${sid}\",\"${n}\"]", "--until", "^42", "-m", "9"])
        .args([format!("ws://127.0.0.1:{}{SOCKET_IO}", server.port)])
        .stdout(Expected::Parts(
            ["40{\"sid\":\"", "42[\"message\",\"", "\",\"1\"]\n"].map(Into::into).to_vec(),
        ))
        .run();
}

#[test]
fn a_query_is_answered_over_graphql_transport_ws() {
    let server = PeerServer::node("graphql-ws");
    Test::new()
        .args(["-s", "graphql-transport-ws", "--answer", "json:/type=ping", "{\"type\":\"pong\"}"])
        .args(["-x", "{\"type\":\"connection_init\"}", "--expect", "json:/type=connection_ack"])
        .args([
            "-x",
            "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{ __typename }\"}}",
        ])
        .args(["--until", "json:/type=complete", "-m", "9"])
        .args([format!("ws://127.0.0.1:{}/graphql", server.port)])
        .stdout(Expected::Parts(
            ["connection_ack", "__typename", "\"complete\""].map(Into::into).to_vec(),
        ))
        .run();
}
