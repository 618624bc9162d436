//! What the request of a browser would be, and how the server answers exactly that.

use super::session::{Trial, attempt};
use crate::mode::check::{
    draft::{EXTENSIONS, KEY, PROTOCOL, RequestDraft, VERSION},
    judgement::Judgement,
    server::Server,
};
use crate::proto::{handshake::Version, headers::Headers};

/// A browser whose request is sent.
struct Browser {
    name: &'static str,
    connection: &'static str,
    extensions: &'static str,
    agent: &'static str,
    more: &'static [(&'static str, &'static str)],
}

/// Chromium, Chrome and Edge.
pub(crate) async fn chrome(server: &Server) -> Judgement {
    judged(server, &CHROME).await
}

/// Firefox.
pub(crate) async fn firefox(server: &Server) -> Judgement {
    judged(server, &FIREFOX).await
}

/// Safari.
pub(crate) async fn safari(server: &Server) -> Judgement {
    judged(server, &SAFARI).await
}

/// Returns the fields that Chrome sends over HTTP/2.
pub(super) fn fields_of_chrome(server: &Server) -> Headers {
    fields(server, &CHROME)
}

/// Returns the fields that Firefox sends over HTTP/2.
pub(super) fn fields_of_firefox(server: &Server) -> Headers {
    fields(server, &FIREFOX)
}

fn fields(server: &Server, browser: &Browser) -> Headers {
    let mut fields = request(server, browser).headers();
    let upgrade = ["Host", "Connection", "Upgrade", KEY];
    fields.retain(|name, _| !upgrade.iter().any(|one| one.eq_ignore_ascii_case(name)));
    fields
}

async fn judged(server: &Server, browser: &Browser) -> Judgement {
    if let Some(reason) = &server.facts.no_request {
        return Judgement::Unknown(reason.clone());
    }
    if server.carrier == Version::Http2 && !server.is_secure() {
        return Judgement::Unknown("no browser uses HTTP/2 for ws://".to_owned());
    }
    let draft = request(server, browser);
    let name = browser.name;
    let failed = match attempt(server, &draft).await {
        Err(missing) => return Judgement::Unknown(missing.reason),
        Ok(Trial::Works(words) | Trial::StaysOpen(words)) => {
            return Judgement::Holds(format!("the request of {name} was answered with {words}"));
        }
        Ok(Trial::Fails(words)) => words,
    };
    let origin = draft.get("Origin").unwrap_or_default();
    let mut with_own = draft.clone();
    let own = server.own_fields();
    for (field, value) in &own {
        with_own.set(field, value);
    }
    let mut without_origin = draft.clone();
    without_origin.remove("Origin");
    let mut without_extensions = draft.clone();
    without_extensions.remove(EXTENSIONS);
    let variants = [
        (with_own, format!("scripts cannot set {}", names(&own))),
        (
            without_origin,
            format!("a page has an origin, and {origin} is not accepted (-o sets another)"),
        ),
        (without_extensions, "of its offer of permessage-deflate".to_owned()),
    ];
    for (variant, cause) in variants {
        if let Ok(Trial::Works(_) | Trial::StaysOpen(_)) = attempt(server, &variant).await {
            // The server may have had too many connections only then.
            if let Ok(Trial::Works(words) | Trial::StaysOpen(words)) = attempt(server, &draft).await
            {
                return Judgement::Holds(format!(
                    "the request of {name} was answered with {words}"
                ));
            }
            return Judgement::Broken(format!(
                "works here, fails in {name}, because {cause}: {failed}"
            ));
        }
    }
    Judgement::Broken(format!("works here, fails in {name}: {failed}"))
}

fn names(fields: &[(String, String)]) -> String {
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { "more fields".to_owned() } else { names.join(" and ") }
}

/// Returns the request of a browser, in its order.
fn request(server: &Server, browser: &Browser) -> RequestDraft {
    let ours = server.draft();
    let mut draft = server.draft();
    draft.clear();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            draft.add(name, &value);
        }
    };
    let text = |text: &str| Some(text.to_owned());
    add("Host", ours.get("Host"));
    add("Connection", text(browser.connection));
    add("Pragma", text("no-cache"));
    add("Cache-Control", text("no-cache"));
    add("User-Agent", text(browser.agent));
    add("Upgrade", text("websocket"));
    add("Origin", ours.get("Origin").or_else(|| Some(server.page_origin())));
    add(VERSION, text("13"));
    add("Accept-Encoding", text("gzip, deflate, br, zstd"));
    add("Accept-Language", text("en-US,en;q=0.9"));
    add("Cookie", ours.get("Cookie"));
    // The user has typed them for the page, and the browser repeats them.
    add("Authorization", server.basic_credentials().map(ToOwned::to_owned));
    for (name, value) in browser.more {
        add(name, text(value));
    }
    add(PROTOCOL, ours.get(PROTOCOL));
    add(KEY, ours.get(KEY));
    add(EXTENSIONS, text(browser.extensions));
    draft
}

const CHROME: Browser = Browser {
    name: "Chrome",
    connection: "Upgrade",
    extensions: "permessage-deflate; client_max_window_bits",
    agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
            Chrome/142.0.0.0 Safari/537.36",
    more: &[],
};
const FIREFOX: Browser = Browser {
    name: "Firefox",
    connection: "keep-alive, Upgrade",
    extensions: "permessage-deflate",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    more: &[
        ("Accept", "*/*"),
        ("Sec-Fetch-Dest", "empty"),
        ("Sec-Fetch-Mode", "websocket"),
        ("Sec-Fetch-Site", "same-origin"),
    ],
};
const SAFARI: Browser = Browser {
    name: "Safari",
    connection: "Upgrade",
    extensions: "permessage-deflate",
    agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
            Gecko) Version/26.1 Safari/605.1.15",
    more: &[("Accept", "*/*"), ("Sec-Fetch-Dest", "websocket"), ("Sec-Fetch-Mode", "websocket")],
};

/// Whether a subprotocol is selected, without which browsers that offer one fail the connection.
pub(crate) async fn subprotocol(server: &Server) -> Judgement {
    if let Some(reason) = &server.facts.no_request {
        return Judgement::Unknown(reason.clone());
    }
    let draft = server.draft();
    let Some(offer) = draft.get(PROTOCOL) else {
        return Judgement::Unknown("no subprotocol is offered (-s)".to_owned());
    };
    let answer = match server.request(&draft).await {
        Ok(answer) => answer,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let selected = answer.response().and_then(|response| response.headers.get(PROTOCOL));
    match selected {
        Some(name) => Judgement::Holds(format!("{name} was selected of {offer}")),
        None => Judgement::Broken(format!("{answer}, without Sec-WebSocket-Protocol for {offer}")),
    }
}
