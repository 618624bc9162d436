//! What a server and its URL expose: credentials in clear text, cookies, and its resources.

use crate::{
    known::signs::secret_parameters,
    mode::check::{
        answer::Answer,
        describe::describe,
        frames::{BINARY, PING, SeenFrame, frame, masked},
        judgement::Judgement,
        server::Server,
    },
    proto::raw::{Length, RawFrame},
};
use tokio::{
    io::AsyncReadExt as _,
    time::{Instant, timeout_at},
};

/// Whether credentials are sent without TLS.
pub(crate) fn clear_text(server: &Server) -> Judgement {
    let credentials = server.credentials();
    if server.is_secure() {
        return Judgement::Holds("the URL is wss://".to_owned());
    }
    if server.is_local() {
        return Judgement::Unknown("the server is on this machine".to_owned());
    }
    match credentials {
        Some(kind) => Judgement::Proven(format!("the URL is ws://, and the request has {kind}")),
        None => Judgement::Weak("the URL is ws://".to_owned()),
    }
}

/// Whether the URL has a parameter that looks like a secret.
pub(crate) fn token_in_url(server: &Server) -> Judgement {
    let resource = server.resource();
    match secret_parameters(resource).len() {
        0 => Judgement::Holds("the URL has no parameter that looks like a secret".to_owned()),
        number => Judgement::Weak(format!("the URL has {number} such parameters")),
    }
}

/// Whether cookies that are set by the response can be stolen.
pub(crate) async fn cookies(server: &Server) -> Judgement {
    let answer = match plain_answer(server).await {
        Ok(answer) => answer,
        Err(reason) => return Judgement::Unknown(reason),
    };
    let Some(response) = answer.response() else { return Judgement::Unknown(answer.to_string()) };
    let mut number = 0;
    for cookie in response.headers.all("Set-Cookie") {
        number += 1;
        let has = |wanted: &str| {
            cookie.split(';').skip(1).any(|attribute| {
                let name = attribute.split('=').next().unwrap_or_default();
                name.trim().eq_ignore_ascii_case(wanted)
            })
        };
        let mut missing = Vec::new();
        if server.is_secure() && !has("Secure") {
            missing.push("Secure");
        }
        missing.extend(["HttpOnly", "SameSite"].into_iter().filter(|name| !has(name)));
        let name = cookie.split('=').next().unwrap_or_default();
        if !missing.is_empty() {
            return Judgement::Weak(format!(
                "the cookie {name} is set without {}",
                missing.join(", ")
            ));
        }
    }
    match number {
        0 => Judgement::Holds("the response sets no cookie".to_owned()),
        number => Judgement::Holds(format!("{number} cookies are set, with all attributes")),
    }
}

/// Whether the response names the version of a product.
pub(crate) async fn banner(server: &Server) -> Judgement {
    let answer = match plain_answer(server).await {
        Ok(answer) => answer,
        Err(reason) => return Judgement::Unknown(reason),
    };
    let Some(response) = answer.response() else { return Judgement::Unknown(answer.to_string()) };
    let fields = ["Server", "X-Powered-By", "X-AspNet-Version"];
    let mut versions = fields.into_iter().filter_map(|name| {
        let value = response.headers.get(name)?;
        let has_version = value
            .split(['/', ' '])
            .skip(1)
            .any(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
        has_version.then(|| format!("{name}: {value}"))
    });
    match versions.next() {
        None => Judgement::Holds("the response names no version".to_owned()),
        Some(field) => Judgement::Weak(format!("the response has {field}")),
    }
}

/// Whether each key gets an answer of its own, rather than one from a cache.
pub(crate) async fn fresh_accept(server: &Server) -> Judgement {
    if let Some(reason) = server.no_upgrade() {
        return Judgement::Unknown(reason);
    }
    for _ in 0..2 {
        let draft = server.draft();
        let answer = match server.request(&draft).await {
            Ok(answer) => answer,
            Err(missing) => return Judgement::Unknown(missing.reason),
        };
        match answer.response() {
            Some(response) if response.status == 101 => {
                if !draft.is_accepted_by(response) {
                    return Judgement::Broken(answer.to_string());
                }
            }
            _ => return Judgement::Unknown(answer.to_string()),
        }
    }
    Judgement::Holds("two keys were answered, each with its own hash".to_owned())
}

/// Whether bytes after a refused request are taken for frames.
pub(crate) async fn frames_after_refusal(server: &Server) -> Judgement {
    if let Some(reason) = server.no_upgrade() {
        return Judgement::Unknown(reason);
    }
    let mut draft = server.draft();
    draft.set("Sec-WebSocket-Version", "99");
    draft.tail = frame(PING, MARK);
    let answer = match server.request(&draft).await {
        Ok(answer) => answer,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let words = answer.to_string();
    match answer {
        Answer::Response(response, mut after, mut transport) if response.status != 101 => {
            let deadline = Instant::now() + server.grace();
            while after.len() < BODY_BYTES {
                match timeout_at(deadline, transport.read_buf(&mut after)).await {
                    Ok(Ok(1..)) => {}
                    Ok(Ok(0) | Err(_)) | Err(_) => break,
                }
            }
            let pong = [&[0x8a, MARK.len() as u8][..], MARK].concat();
            if after.windows(pong.len()).any(|window| window == pong) {
                Judgement::Proven(format!("{words}, and then a Pong for the Ping behind it"))
            } else {
                Judgement::Holds(words)
            }
        }
        Answer::Response(..) => Judgement::Unknown(words),
        _ => Judgement::Holds(words),
    }
}

/// Whether a frame that announces 4 EiB is refused, and the server goes on.
pub(crate) async fn huge_frame(server: &Server) -> Judgement {
    let mut wire = match server.open_admitted(false).await {
        Ok(wire) => wire,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let deadline = Instant::now() + server.impatience();
    let header = RawFrame::new(BINARY).length(Length::Bits64(1 << 62)).payload("start");
    wire.send(&masked(header), deadline).await;
    wire.wait(deadline, |frames| frames.iter().any(SeenFrame::is_close)).await;
    let reaction = describe(&wire);
    drop(wire);
    match server.open_admitted(false).await {
        Ok(_) => Judgement::Holds(format!("{reaction}; another session was opened after it")),
        Err(missing) if missing.is_dead && !server.pace.is_limited() => {
            Judgement::Broken(format!("{reaction}; after that: {}", missing.reason))
        }
        Err(missing) => Judgement::Unknown(missing.reason),
    }
}

/// Whether a head of 300 KB is refused.
pub(crate) async fn long_head(server: &Server) -> Judgement {
    let mut draft = server.draft();
    for number in 0..300 {
        draft.add(&format!("X-Sockeye-{number}"), &"x".repeat(1000));
    }
    if let Some(reason) = server.no_upgrade() {
        return Judgement::Unknown(reason);
    }
    match server.request(&draft).await {
        Err(missing) => Judgement::Unknown(missing.reason),
        Ok(answer) if answer.status() == Some(101) => Judgement::Weak(answer.to_string()),
        Ok(answer) => Judgement::Holds(answer.to_string()),
    }
}

async fn plain_answer(server: &Server) -> Result<Answer, String> {
    if let Some(reason) = &server.facts.no_request {
        return Err(reason.clone());
    }
    server.request(&server.draft()).await.map_err(|missing| missing.reason)
}

/// The payload of a ping that must not be answered.
const MARK: &[u8] = b"sockeye-smuggled";
/// The bytes of a body that are looked at.
const BODY_BYTES: usize = 64 << 10;
