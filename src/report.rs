//! What is said on stderr: errors, notes, and with `-v` what happens.
//!
//! stderr may be closed or full; that is no reason to end, or to panic as `eprintln!` does.

use crate::{
    connect::Progress,
    error::Error,
    escape::Escaped,
    net::tls::Certificate,
    proto::{
        Role,
        extension::{Deflate, MIN_BITS},
        handshake::{Headers, Response, Version},
    },
    target::without_user,
};
use std::{borrow::Cow, io::Write as _};

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only (`-q`).
    Quiet,
    /// Notes too.
    #[default]
    Normal,
    /// Everything that happens (`-v`).
    Verbose,
}

/// Writes to stderr.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// How much is said.
    pub verbosity: Verbosity,
}

impl Report {
    /// Something the user may want to know.
    pub fn note(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            line(&format!("sockeye: {text}"));
        }
    }

    /// A line for programs that start this one, without its name before it.
    pub fn line(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            line(text);
        }
    }

    /// Something that happened.
    pub fn detail(self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            line(&format!("* {text}"));
        }
    }

    /// Whether a person is told what a session came to, who will not read it in what happened.
    pub fn shows_summary(self) -> bool {
        self.verbosity == Verbosity::Normal
    }

    /// A step on the way to an open session.
    pub fn progress(self, progress: &Progress<'_>) {
        if self.verbosity < Verbosity::Verbose {
            return;
        }
        for text in progress_lines(progress) {
            line(&text);
        }
    }
}

/// What was agreed on compression by `local` and its peer.
pub fn compression(deflate: &Deflate, local: Role) -> String {
    let side = |role: Role| {
        let side = deflate.side(role);
        let context = if side.keeps_context { "context takeover" } else { "no context takeover" };
        if role == local && side.window_bits < MIN_BITS {
            return format!("sends uncompressed ({} window bits agreed)", side.window_bits);
        }
        format!("{} window bits, {context}", side.window_bits)
    };
    let remote = if local == Role::Client { Role::Server } else { Role::Client };
    format!("permessage-deflate: local {}; remote {}", side(local), side(remote))
}

/// Why the run ends badly, and what to try.
pub fn error(error: &Error) {
    line(&format!("sockeye: {error}"));
    if let Some(hint) = error.hint() {
        line(&format!("\nhint: {hint}"));
    }
}

/// A line on stderr, if it takes one.
pub fn line(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// A step as lines in curl's manner: `*` what happened, `>` sent, `<` received.
pub fn progress_lines(progress: &Progress<'_>) -> Vec<String> {
    match progress {
        Progress::Connected(address) => vec![format!("* connected to {address}")],
        Progress::Socket(path) => vec![format!("* connected to {}", Escaped(path))],
        Progress::ConnectedToProxy(address) => {
            vec![format!("* connected to the proxy {address}")]
        }
        Progress::Tunnelled(to) => vec![format!("* the proxy connected to {to}")],
        Progress::Redirected(target) => {
            vec![format!("* redirected to {}", Escaped(&target.to_string()))]
        }
        Progress::Open(timing) => vec![format!("* open after {timing}")],
        Progress::Challenged => vec!["* answering the challenge".to_owned()],
        Progress::Chain(chain) => chain.iter().enumerate().map(certificate).collect(),
        Progress::Secured { tls, alpn } => {
            let alpn = alpn.map(|name| format!(", ALPN {}", Escaped(name))).unwrap_or_default();
            vec![format!("* {tls}{alpn}")]
        }
        Progress::Settings(settings) => vec![format!("* HTTP/2, SETTINGS: {settings}")],
        Progress::Again(error) => vec![format!("* {error}; again over HTTP/1.1")],
        Progress::Request(request) => {
            let first = match request.version {
                // Its pseudo-header fields say it all.
                Version::Http2 => None,
                version => Some(format!("> GET {} {version}", Escaped(&request.target))),
            };
            head(first, '>', &request.headers)
        }
        Progress::Response(Response { version, status, reason, headers }) => {
            let first = match version {
                Version::Http2 => format!("< :status: {status}"),
                version => format!("< {version} {status} {}", Escaped(reason)),
            };
            head(Some(first), '<', headers)
        }
    }
}

fn certificate((depth, certificate): (usize, &Certificate)) -> String {
    let Certificate { subject, names, issuer, days_left } = certificate;
    let what = if depth == 0 { "certificate" } else { "issuer" };
    let names = match &names[..] {
        [] => String::new(),
        names => format!(" (for {})", Escaped(&names.join(", "))),
    };
    let left = match days_left {
        1 => "1 day left".to_owned(),
        0.. => format!("{days_left} days left"),
        _ => format!("expired {} days ago", days_left.unsigned_abs()),
    };
    format!("* {what}: {}{names}, by {}, {left}", Escaped(subject), Escaped(issuer))
}

fn head(first: Option<String>, mark: char, headers: &Headers) -> Vec<String> {
    let fields = headers
        .iter()
        .map(|(name, value)| format!("{mark} {}: {}", Escaped(name), Escaped(&shown(name, value))));
    first.into_iter().chain(fields).chain([mark.to_string()]).collect()
}

/// The value of a header as it may be seen.
pub fn shown<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
        return "[redacted]".into();
    }
    if name.eq_ignore_ascii_case("Location") { without_user(value).into() } else { value.into() }
}

/// Headers whose values are not for a screen or a log.
const SECRET: [&str; 4] = ["Authorization", "Cookie", "Proxy-Authorization", "Set-Cookie"];
