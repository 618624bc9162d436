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
        trace::Direction,
        upgrade::head as head_of,
    },
    redact::Secrets,
    render::{
        frames,
        hexdump::{ROW, hexdump},
    },
    sys::stdio::write_stderr,
};
use std::time::Instant;

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
    /// Every frame too, and when (`-vv`).
    Detailed,
    /// Every byte too (`--trace`).
    Complete,
}

/// Writes to stderr.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// How much is said.
    pub verbosity: Verbosity,
    /// What happens to secrets.
    pub secrets: Secrets,
    /// When the run began.
    pub started: Instant,
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
            line(&self.dated(&format!("* {text}"), Instant::now()));
        }
    }

    /// Something that happened `at` a time, as it stands in a line: with `-vv` behind the time.
    pub fn dated(self, text: &str, at: Instant) -> String {
        if self.verbosity < Verbosity::Detailed {
            return text.to_owned();
        }
        let elapsed = at.saturating_duration_since(self.started);
        format!("{:.6} {text}", elapsed.as_secs_f64())
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
        let now = Instant::now();
        for text in progress_lines(progress, self.secrets) {
            line(&self.dated(&text, now));
        }
        if self.verbosity == Verbosity::Complete
            && let Some((direction, head)) = head_bytes(progress, self.secrets)
        {
            line(&self.dated(&frames::bytes(direction, head.len()), now));
            let mut dump = String::new();
            hexdump(&head, ROW, &mut dump);
            line(&dump);
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
    write_stderr(format!("{text}\n").as_bytes());
}

/// A step as lines in curl's manner: `*` what happened, `>` sent, `<` received.
pub fn progress_lines(progress: &Progress<'_>, secrets: Secrets) -> Vec<String> {
    match progress {
        Progress::Connected(address) => vec![format!("* connected to {address}")],
        Progress::Socket(path) => vec![format!("* connected to {}", Escaped(path))],
        Progress::ConnectedToProxy(address) => {
            vec![format!("* connected to the proxy {address}")]
        }
        Progress::Tunnelled(to) => vec![format!("* the proxy connected to {to}")],
        Progress::Redirected(target) => {
            let url = target.to_string();
            vec![format!("* redirected to {}", Escaped(&secrets.url(&url)))]
        }
        Progress::Open(timing) => vec![format!("* open after {timing}")],
        Progress::Failed(_) => Vec::new(),
        Progress::Challenged => vec!["* answering the challenge".to_owned()],
        Progress::Chain(chain) => chain.iter().enumerate().map(certificate).collect(),
        Progress::Secured { tls, alpn } => {
            let alpn = alpn.map(|name| format!(", ALPN {}", Escaped(name))).unwrap_or_default();
            vec![format!("* {tls}{alpn}")]
        }
        Progress::Settings(settings) => vec![format!("* HTTP/2, SETTINGS: {settings}")],
        Progress::HttpFallback(error) => vec![format!("* {error}; retrying over HTTP/1.1")],
        Progress::Request(request, _) => {
            let first = match request.version {
                // Its pseudo-header fields say it all.
                Version::Http2 => None,
                version => {
                    let target = secrets.url(&request.target);
                    Some(format!("> GET {} {version}", Escaped(&target)))
                }
            };
            head(first, '>', &request.headers, secrets)
        }
        Progress::Response(Response { version, status, reason, headers }, _) => {
            let first = match version {
                Version::Http2 => format!("< :status: {status}"),
                version => format!("< {version} {status} {}", Escaped(reason)),
            };
            head(Some(first), '<', headers, secrets)
        }
    }
}

/// The head of a request or an answer of HTTP/1 as bytes, what is hidden in its place.
fn head_bytes(progress: &Progress<'_>, secrets: Secrets) -> Option<(Direction, Vec<u8>)> {
    let (direction, first, headers) = match progress {
        Progress::Request(request, _) if request.version != Version::Http2 => {
            let first = format!("GET {} {}", secrets.url(&request.target), request.version);
            (Direction::Out, first, &request.headers)
        }
        Progress::Response(Response { version, status, reason, headers }, _)
            if *version != Version::Http2 =>
        {
            (Direction::In, format!("{version} {status} {reason}"), headers)
        }
        _ => return None,
    };
    let mut seen = Headers::default();
    for (name, value) in secrets.headers(headers) {
        seen.push(name, value);
    }
    Some((direction, head_of(&first, &seen)))
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

fn head(first: Option<String>, mark: char, headers: &Headers, secrets: Secrets) -> Vec<String> {
    let fields = secrets
        .headers(headers)
        .map(|(name, value)| format!("{mark} {}: {}", Escaped(name), Escaped(&value)));
    first.into_iter().chain(fields).chain([mark.to_string()]).collect()
}
