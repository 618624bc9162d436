//! The library and the gateway of a server, as its answers tell them.

use crate::{
    mode::check::{
        answer::{Answer, opens_session},
        draft::{KEY, VERSION},
        judgement::Judgement,
        server::Server,
    },
    net::body,
};

/// A sign by which a product is recognized.
struct Sign {
    /// The product.
    name: &'static str,
    /// The place of the sign.
    place: Place,
    /// Lower-case text in that place.
    text: &'static str,
    /// The confidence in percent.
    confidence: u8,
}

/// A part of the answers of a server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The field `Server`, `Via` or `X-Powered-By` of any answer.
    Fields,
    /// The body of an answer to a request without a key.
    Body,
    /// The field `Sec-WebSocket-Version` of an answer to another version.
    Versions,
    /// The body of an answer to a malformed request, which a gateway gives itself.
    ErrorBody,
}

/// Recognizes the library that speaks WebSocket.
pub(crate) async fn library(server: &Server) -> Judgement {
    recognized(server, LIBRARIES).await
}

/// Recognizes a gateway in front of it.
pub(crate) async fn gateway(server: &Server) -> Judgement {
    recognized(server, GATEWAYS).await
}

async fn recognized(server: &Server, signs: &[Sign]) -> Judgement {
    if let Some(reason) = &server.facts.no_request {
        return Judgement::Unknown(reason.clone());
    }
    let mut without_key = server.draft();
    without_key.remove(KEY);
    let mut other_version = server.draft();
    other_version.set(VERSION, "99");
    let mut malformed = server.draft();
    malformed.add_line("no colon is in this line");
    let (mut fields, mut text, mut versions) = (String::new(), String::new(), String::new());
    let mut error = String::new();
    let drafts = [server.draft(), without_key, other_version, malformed];
    for (number, draft) in drafts.iter().enumerate() {
        let answer = match server.request(draft).await {
            Ok(answer) => answer,
            Err(missing) => return Judgement::Unknown(missing.reason),
        };
        let Answer::Response(response, rest, mut transport) = answer else { continue };
        for name in ["Server", "Via", "X-Powered-By"] {
            for value in response.headers.all(name) {
                fields.extend([name, ": ", value, "\n"]);
            }
        }
        match number {
            1 | 3 if !opens_session(&response) => {
                let bytes = body::read(&mut transport, &response, rest).await;
                let body = if number == 1 { &mut text } else { &mut error };
                *body = String::from_utf8_lossy(&bytes).into_owned();
            }
            2 => response.headers.get(VERSION).unwrap_or_default().clone_into(&mut versions),
            _ => {}
        }
    }
    let found = signs.iter().find(|sign| {
        let place = match sign.place {
            Place::Fields => &fields,
            Place::Body => &text,
            Place::Versions => &versions,
            Place::ErrorBody => &error,
        };
        place.to_ascii_lowercase().contains(sign.text)
    });
    match found {
        None => Judgement::Unknown("the answers name none that is known".to_owned()),
        Some(Sign { name, place, text: sign, confidence }) => {
            let seen = match place {
                Place::Fields => {
                    let line =
                        fields.lines().find(|line| line.to_ascii_lowercase().contains(*sign));
                    line.unwrap_or_default().to_owned()
                }
                Place::Body | Place::ErrorBody => format!("a body with '{sign}'"),
                Place::Versions => format!("Sec-WebSocket-Version: {versions}"),
            };
            Judgement::Holds(format!("{name} ({confidence}%): {seen}"))
        }
    }
}

const fn field(name: &'static str, text: &'static str) -> Sign {
    Sign { name, place: Place::Fields, text, confidence: 95 }
}

const fn in_body(name: &'static str, text: &'static str, confidence: u8) -> Sign {
    Sign { name, place: Place::Body, text, confidence }
}

const fn in_error(name: &'static str, text: &'static str, confidence: u8) -> Sign {
    Sign { name, place: Place::ErrorBody, text, confidence }
}

/// Libraries and application servers. The first that matches counts.
const LIBRARIES: &[Sign] = &[
    field("websockets (Python)", " websockets/"),
    field("aiohttp", "aiohttp/"),
    field("Tornado", "tornadoserver/"),
    field("Uvicorn", "uvicorn"),
    field("Hypercorn", "hypercorn"),
    field("Daphne", "daphne"),
    field("Kestrel", "server: kestrel"),
    field("Jetty", "jetty("),
    field("Undertow", "undertow"),
    field("Cowboy", "server: cowboy"),
    field("Werkzeug", "werkzeug/"),
    field("Gunicorn", "gunicorn"),
    in_body("ws (Node.js)", "missing or invalid sec-websocket-key header", 95),
    in_body("sockeye", "no valid sec-websocket-key", 95),
    in_body("gorilla/websocket", "websocket: the client is not using the websocket protocol", 90),
    in_body("coder/websocket", "websocket protocol violation: missing sec-websocket-key", 90),
    in_body("websockets (Python)", "failed to open a websocket connection", 90),
    Sign { name: "ws (Node.js)", place: Place::Versions, text: "13, 8", confidence: 80 },
];

/// Proxies and services in front of a server.
const GATEWAYS: &[Sign] = &[
    field("nginx", "server: nginx"),
    field("OpenResty", "openresty"),
    field("Cloudflare", "server: cloudflare"),
    field("AWS load balancer", "awselb/"),
    field("Envoy", "server: envoy"),
    field("Apache httpd", "server: apache"),
    field("Caddy", "caddy"),
    field("Google", "via: 1.1 google"),
    field("Varnish", "varnish"),
    field("lighttpd", "server: lighttpd"),
    field("Microsoft IIS", "microsoft-iis"),
    in_error("HAProxy", "your browser sent an invalid request.", 85),
    in_error("nginx", "<center>nginx", 95),
    in_error(
        "Apache httpd",
        "your browser sent a request that this server could not understand.",
        85,
    ),
];
