//! The rules for the end of a session that failed.

use super::{
    ending::Ending,
    ending_hints::{
        FORMAT_WORDS, ONLY_TEXT, TYPE_WORDS, credentials, is_about_more, is_binary_subprotocol,
        is_graphql, is_http, is_refused, missing_parts, origin, outside_frames, subprotocol,
        subprotocol_hint,
    },
    outside_frames::OutsideFrames,
    rule::Rule,
    words::{BEHIND, CREDENTIALS, LIMITS, ORIGINS, REPLACED, SIZED, SIZES, SUBPROTOCOLS},
};
use crate::{
    connect::RequestPart::{Compression, Credentials, Origin, Subprotocols},
    error::closing::quiet_hint,
    proto::{Violation, codes::Dialect},
};

/// The table.
pub(super) const RULES: &[EndingRule] = &[
    // Bytes that are not frames.
    EndingRule::certain("Socket.IO 4 with EIO=3", |e| {
        matches!(e.outside_frames(), Some((OutsideFrames::HttpResponse(400), _)))
            && e.resource_has("/socket.io/")
            && !e.resource_has("eio=4")
    })
    .cause(outside_frames)
    .hint(|_| "use EIO=4 in the query: the server refuses this version of Engine.IO".into()),
    EndingRule::certain("gateways that lose the server behind them", |e| {
        matches!(e.outside_frames(), Some((OutsideFrames::HttpResponse(502..=504), _)))
    })
    .cause(outside_frames)
    .hint(|_| "check the server behind the gateway, which answered in its place".into()),
    EndingRule::certain("flask-sock and Flask-SocketIO, whose handler failed", |e| {
        matches!(e.outside_frames(), Some((OutsideFrames::HttpResponse(500), _)))
    })
    .cause(outside_frames)
    .hint(|e| {
        if e.sent_text() || e.sent_binary() {
            "check the last message and the server's log: the server failed on it".into()
        } else {
            "this is a server error: check the server's log".into()
        }
    }),
    EndingRule::certain("two ws servers on one HTTP server, http-proxy-middleware", is_http)
        .cause(outside_frames)
        .hint(|_| {
            "check whether two handlers on the server answer the same upgrade, such as two \
             WebSocket servers on one HTTP server"
                .into()
        }),
    EndingRule::certain("proxies before a server with TLS", |e| {
        matches!(e.outside_frames(), Some((OutsideFrames::TlsRecord, _)))
    })
    .cause(outside_frames)
    .hint(|_| "check that any proxy uses TLS for the server behind it".into()),
    EndingRule::certain("handlers that write to the socket of the upgrade", |e| {
        e.outside_frames().is_some() && e.context.is_some()
    })
    .cause(outside_frames)
    .hint(|_| {
        "check the server, and any proxy, for code that writes to the connection itself".into()
    }),
    EndingRule::certain("clients that write to the socket of the upgrade", |e| {
        e.outside_frames().is_some()
    })
    .cause(outside_frames),
    // Violations.
    EndingRule::certain("ws behind nginx with proxy_hide_header", |e| {
        e.is_compressed_frame() && e.requests(Compression)
    })
    .cause(|_| COMPRESSED.into())
    .hint(|_| {
        "try without compression: --no-compress; a proxy may have removed \
         Sec-WebSocket-Extensions from the response"
            .into()
    }),
    EndingRule::certain("servers that compress without an offer", Ending::is_compressed_frame)
        .cause(|_| COMPRESSED.into())
        .hint(|e| {
            if e.context.is_some() {
                "offer compression, which the server uses: remove --no-compress".into()
            } else {
                String::new()
            }
        }),
    EndingRule::certain("RFC 7692, 7.2.2", |e| e.violation() == Some(Violation::InvalidDeflate))
        .hint(|_| UNCOMPRESSED.into()),
    EndingRule::certain("--max-message", |e| {
        matches!(e.violation(), Some(Violation::MessageTooLong { .. }))
    })
    .hint(|_| "raise the limit with --max-message BYTES (0 for none)".into()),
    EndingRule::certain("--ping-timeout", Ending::is_pong_timeout)
        .hint(|_| "raise --ping-timeout, or disable it with 0".into()),
    // GraphQL.
    EndingRule::certain("graphql-ws 5 and 6, Apollo Server 4", |e| {
        e.requested("graphql-ws")
            && !e.requested("graphql-transport-ws")
            && e.nothing_received()
            && (e.closed(&[4400, 4406]) || (e.subprotocol().is_none() && is_refused(e)))
            && !is_about_more(e)
    })
    .hint(|_| "request the later subprotocol: -s graphql-transport-ws".into()),
    EndingRule::certain("subscriptions-transport-ws 0.11, Apollo Server 2", |e| {
        e.requested("graphql-transport-ws")
            && !e.requested("graphql-ws")
            && e.nothing_received()
            && (e.closed(&[1002]) || (e.subprotocol().is_none() && is_refused(e)))
            && !is_about_more(e)
    })
    .hint(|_| "request the earlier subprotocol: -s graphql-ws".into()),
    EndingRule::certain("subscriptions-transport-ws 0.11", |e| {
        e.closed(&[1002])
            && e.resource_has("graphql")
            && !e.requests(Subprotocols)
            && e.nothing_received()
            && !is_about_more(e)
    })
    .hint(|_| "request a subprotocol: -s graphql-ws or -s graphql-transport-ws".into()),
    EndingRule::certain("graphql-ws 5 and 6", |e| e.closed(&[4406]) && !e.requests(Subprotocols))
        .hint(|_| {
            "if this is a GraphQL server, request its subprotocol: -s graphql-transport-ws".into()
        }),
    EndingRule::certain("graphql-ws 5 and 6", |e| is_graphql(e) && e.closed(&[4401, 4408]))
        .hint(|_| "start with -x '{\"type\":\"connection_init\"}' --expect connection_ack".into()),
    EndingRule::certain("graphql-ws 5 and 6", |e| is_graphql(e) && e.closed(&[4403])).hint(|_| {
        "if the server requires a token, put it in the payload of connection_init".into()
    }),
    EndingRule::certain("graphql-ws 5 and 6", |e| {
        is_graphql(e) && e.closed(&[4400]) && e.is_after_our_message()
    })
    .hint(|_| "check the last message: graphql-transport-ws does not define it".into()),
    EndingRule::certain("graphql-ws 5 and 6", |e| is_graphql(e) && e.closed(&[4429]))
        .hint(|_| "send connection_init only once".into()),
    EndingRule::certain("graphql-ws 5 and 6", |e| is_graphql(e) && e.closed(&[4500]))
        .hint(|_| "this is a server error: check the server's log".into()),
    EndingRule::certain("graphql-ws 5 and 6", |e| is_graphql(e) && e.code() >= 4000),
    // Services with codes of their own.
    EndingRule::certain("Pusher Channels (documented)", |e| {
        e.dialect() == Some(Dialect::Pusher) && (4100..=4299).contains(&e.code())
    })
    .hint(|e| format!("reconnect automatically: --reconnect --reconnect-on {}", e.code())),
    EndingRule::certain("Discord, Twitch EventSub, Pusher Channels (documented)", |e| {
        e.dialect().is_some_and(|dialect| dialect != Dialect::Graphql) && e.code() >= 4000
    }),
    // Messages of the wrong type.
    EndingRule::certain("mosquitto 2.0, websockify", |e| {
        is_binary_subprotocol(e)
            && e.sent_text()
            && !e.sent_binary()
            && e.is_after_our_message()
            && (e.is_cut() || (e.code() != 0 && (e.is_unexplained() || e.says(TYPE_WORDS))))
    })
    .hint(|e| format!("send binary messages with -b: {} carries no text", subprotocol(e))),
    EndingRule::certain("mosquitto 2.0 without the subprotocol", |e| {
        ((e.is_cut() && e.quiet().is_none()) || e.closed(&[1002, 1003]))
            && e.resource_has("mqtt")
            && !e.requested("mqtt")
            && e.subprotocol().is_none()
            && e.nothing_received()
    })
    .hint(|_| {
        "request the subprotocol of MQTT with -s mqtt, and send binary messages with -b".into()
    }),
    // Losses.
    EndingRule::certain("load balancers and firewalls", |e| e.quiet().is_some())
        .hint(|e| e.quiet().map(quiet_hint).unwrap_or_default()),
    EndingRule::certain(
        "uvicorn, aiohttp, Tornado, Jupyter Server and ws, whose handler failed",
        |e| e.is_cut() && e.is_after_our_message(),
    )
    .hint(|_| {
        "check the last message and the server's log: the connection ended right after that message"
            .into()
    }),
    // Reasons of a Close.
    EndingRule::certain("SockJS 0.3 at PREFIX/SERVER/SESSION/websocket", |e| {
        e.closed(&[3000]) && e.says(&["broken framing"])
    })
    .hint(|_| "send a JSON array of strings, or use the path PREFIX/websocket of SockJS".into()),
    EndingRule::certain("websockify", |e| e.code() != 0 && e.says(BEHIND))
        .hint(|_| "check the server behind this one: it cannot be reached".into()),
    // sockeye answers pings of WebSocket by itself.
    EndingRule::certain("Engine.IO, Phoenix, with pings in messages (documented)", |e| {
        e.code() != 0
            && e.says(&["ping timeout", "no pong", "missed heartbeat", "heartbeat timeout"])
    })
    .hint(|_| "answer the server's heartbeats, if its protocol has any of its own".into()),
    EndingRule::certain("servers with an idle timeout", |e| {
        (e.closed(&[3008]) && e.is_unexplained())
            || (e.code() != 0 && e.says(&["idle", "inactivity", "keepalive"]))
            || (e.code() != 0 && e.says_that(&["inactive"], &["connection", "client", "for"]))
    })
    .hint(|_| "the server may close idle connections: try --ping-interval SECONDS".into()),
    EndingRule::certain("Centrifugo (documented)", |e| e.closed(&[3502]) && e.says(&["stale"]))
        .hint(|_| {
            "send the first command of the server's protocol, such as connect, with -x".into()
        }),
    EndingRule::certain("servers that accept one type of message", |e| {
        e.closed(&[1003])
            && (e.is_unexplained() || e.says(TYPE_WORDS))
            && !(e.says(ONLY_TEXT) && e.sent_text() && !e.sent_binary())
    })
    .hint(|e| match (e.sent_text(), e.sent_binary()) {
        (true, false) => "send binary messages: -b".into(),
        (false, true) => "send text messages: leave out -b".into(),
        _ => "try the other message type: text is the default, -b sends binary".into(),
    }),
    EndingRule::certain("ws with maxPayload, Python websockets", |e| {
        e.closed(&[1009]) || (e.code() != 0 && e.says_that(SIZED, SIZES) && !e.says(&["took"]))
    })
    .hint(|_| "send smaller messages, or smaller frames with --fragment BYTES".into()),
    EndingRule::certain("services with JSON messages", |e| {
        (e.closed(&[1002, 1003, 1007, 1008, 1011]) || e.code() >= 3000)
            && e.says(FORMAT_WORDS)
            && (e.says(&["json", "unexpected token"]) || !e.says(CREDENTIALS))
    })
    .hint(|_| "check the format of the last message".into()),
    EndingRule::certain("servers with CORS", |e| {
        e.code() != 0
            && e.says(ORIGINS)
            && !e.closed(&[1011, 1012, 1013, 1014])
            && !e.says(&["origin server", "unreachable"])
    })
    .hint(origin),
    EndingRule::certain("graphql-ws, Python websockets", |e| e.code() != 0 && e.says(SUBPROTOCOLS))
        .hint(subprotocol_hint),
    EndingRule::certain("Phoenix, Socket.IO, servers with a limit", |e| {
        e.code() != 0 && e.says(LIMITS)
    })
    .hint(|_| "try again later, or send less often: the server sets a limit".into()),
    EndingRule::certain("servers with a token in the URL or in the first message", |e| {
        e.code() != 0 && e.says(CREDENTIALS) && !e.says(REPLACED)
    })
    .hint(credentials),
    EndingRule::certain("servers that deny access", |e| {
        e.code() != 0 && e.says(&["forbidden", "access denied", "not allowed", "permission"])
    })
    .hint(|e| missing_parts(e, &[Origin, Credentials])),
    EndingRule::certain("servers with permessage-deflate", |e| {
        e.code() != 0
            && e.requests(Compression)
            && e.says(&["deflate", "compress*", "rsv1", "reserved bit", "websocket extension"])
    })
    .hint(|_| UNCOMPRESSED.into()),
    EndingRule::certain("servers that route by path", |e| {
        e.code() != 0
            && !e.is_after_our_message()
            && e.says(&["not found", "unknown path", "no route", "invalid path"])
    })
    .hint(|_| "check the path and query of the URL".into()),
    // Codes.
    EndingRule::certain("Python websockets, servers with one subprotocol", |e| {
        e.closed(&[1002, 1008, 4406])
            && e.is_unexplained()
            && e.requests(Subprotocols)
            && e.subprotocol().is_none()
            && e.nothing_received()
    })
    .hint(|_| {
        "the server selected none of the requested subprotocols: request another with -s NAME"
            .into()
    }),
    EndingRule::certain("clients of RFC 7692", |e| {
        e.closed(&[1002, 1007]) && e.is_compressed() && e.is_unexplained()
    })
    .hint(|_| UNCOMPRESSED.into()),
    EndingRule::certain("servers with a subprotocol", |e| {
        e.closed(&[1002]) && e.is_unexplained() && e.nothing_received()
    })
    .hint(|e| missing_parts(e, &[Subprotocols])),
    EndingRule::certain("RFC 6455, 8.1", |e| e.closed(&[1007]) && e.is_unexplained()).hint(|_| {
        "check the format of the messages: sockeye sends only valid UTF-8 as text".into()
    }),
    EndingRule::likely("servers that judge the message", |e| {
        e.closed(&[1008]) && e.is_unexplained() && e.is_after_our_message()
    })
    .hint(|_| "check the last message: the server may not allow it".into()),
    EndingRule::certain("ws, FastAPI", |e| {
        e.closed(&[1008, 3003]) && e.is_unexplained() && e.nothing_received()
    })
    .hint(|e| missing_parts(e, &[Subprotocols, Origin, Credentials])),
    EndingRule::certain("RFC 6455, 7.4.1", |e| e.closed(&[1010]) && !e.requests(Compression))
        .hint(|_| "offer compression: remove --no-compress".into()),
    EndingRule::certain("Python websockets, Hypercorn, Daphne, whose handler failed", |e| {
        e.closed(&[1011]) && e.is_after_our_message()
    })
    .hint(|_| "check the last message and the server's log: the server failed on it".into()),
    EndingRule::certain("RFC 6455, 7.4.1", |e| e.closed(&[1011])).hint(|_| {
        "this is a server error: check the server's log; --reconnect reconnects automatically"
            .into()
    }),
    EndingRule::certain("Phoenix, uvicorn, gateways", |e| e.closed(&[1012, 1013, 1014]))
        .hint(|_| "try again later; --reconnect does so automatically".into()),
    EndingRule::certain("the registry of close codes", |e| e.closed(&[3000]) && e.has_no_reason())
        .hint(credentials),
    // An empty Close.
    EndingRule::certain("Socket.IO 4 with transport=polling", |e| {
        e.closed(&[1005]) && e.nothing_received() && e.resource_has("transport=polling")
    })
    .hint(|_| "use transport=websocket in the query: polling is not for WebSocket".into()),
    EndingRule::certain("Socket.IO 4.8 without the answer to a ping", |e| {
        // The first message opens the session.
        e.closed(&[1005])
            && e.resource_has("eio=4")
            && e.context.as_ref().is_some_and(|it| it.received > 1)
            && !e.is_at_once()
    })
    .hint(|_| "answer each message 2, a ping of Engine.IO, with the message 3".into()),
    EndingRule::likely(
        "express-ws 5 at another path, Fastify at that of a page, close() of ws",
        |e| e.closed(&[1005]) && e.nothing_received() && e.is_at_once(),
    )
    .hint(|_| "check the path and query of the URL".into()),
    EndingRule::likely("close() of ws and Tornado", |e| {
        e.closed(&[1005]) && e.nothing_received() && e.is_after_our_message()
    })
    .hint(|_| "check the last message: the server closed right after it".into()),
    EndingRule::likely("Bokeh, Tornado", |e| {
        e.closed(&[1005]) && e.nothing_received() && e.is_at_once()
    })
    .hint(|e| missing_parts(e, &[Subprotocols, Credentials])),
];

type EndingRule = Rule<Ending>;

const COMPRESSED: &str = "a compressed frame although compression was not negotiated";
const UNCOMPRESSED: &str = "try without compression: --no-compress";
