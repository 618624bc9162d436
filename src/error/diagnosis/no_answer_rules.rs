//! The rules for a handshake without an answer.

use super::{no_answer::NoAnswer, rule::Rule};
use crate::{connect::RequestPart::Subprotocols, error::request::secured};
use std::{ops::Range, time::Duration};

/// The table.
pub(super) const RULES: &[NoAnswerRule] = &[
    NoAnswerRule::certain("TLS on port 443 and 8443", |e| {
        e.is_closed() && e.is_plain_on_tls_port()
    })
    .hint(|e| format!("the port may require TLS: use {}", secured(&e.request))),
    NoAnswerRule::certain("mosquitto 2.0, EMQX", |e| {
        e.is_closed() && e.path_has("mqtt") && !e.requested("mqtt")
    })
    .hint(|_| "request the subprotocol of MQTT with -s mqtt".into()),
    NoAnswerRule::certain("mosquitto 2.0, a listener without WebSocket", |e| {
        e.is_closed() && (e.requested("mqtt") || e.is_mqtt_port())
    })
    .hint(|_| "check the port: it may be one for MQTT without WebSocket".into()),
    NoAnswerRule::certain("Socket.IO 4 at another path, which closes after a second", |e| {
        e.is_closed() && ENGINE_TIMEOUT.contains(&e.waited) && !e.path_has("/socket.io/")
    })
    .hint(|_| "check the path; for Socket.IO, use '/socket.io/?EIO=4&transport=websocket'".into()),
    NoAnswerRule::likely(
        "Node servers that destroy unknown upgrades, http-proxy without its target",
        NoAnswer::is_closed,
    )
    .hint(|_| "check the path, and that the server behind any proxy is running".into()),
    NoAnswerRule::likely("mosquitto 2.0 with another subprotocol", |e| {
        e.is_closed() && e.request.target.secure && e.lacks(Subprotocols)
    })
    .hint(|_| "request a subprotocol with -s NAME".into()),
    NoAnswerRule::likely("haproxy, Go, TLS ports; HTTP/2 ports", |e| {
        e.is_closed() && !e.request.target.secure
    })
    .hint(|e| {
        let secured = secured(&e.request);
        format!("try TLS ({secured}) or HTTP/2 (--http2), which the port may require")
    }),
    NoAnswerRule::likely(
        "Vite without -s vite-hmr, SockJS, and other Node servers at an unknown path",
        |e| !e.is_closed(),
    )
    .hint(|e| {
        let subprotocol = if e.lacks(Subprotocols) { " and the subprotocol (-s NAME)" } else { "" };
        format!(
            "check the path{subprotocol}: some servers never answer an upgrade that they do not \
             serve"
        )
    }),
    NoAnswerRule::likely("slow servers and gateways", |e| !e.is_closed())
        .hint(|e| format!("raise the limit with {} SECONDS", e.limit_option())),
];

type NoAnswerRule = Rule<NoAnswer>;

/// Engine.IO closes an upgrade that nobody has taken after one second.
const ENGINE_TIMEOUT: Range<Duration> = Duration::from_millis(900)..Duration::from_secs(3);
