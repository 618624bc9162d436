//! Diagnostics on stderr: errors, notes and, with `-v`, progress.
//!
//! stderr may be closed or full. Write errors are ignored: they must neither end the run nor panic,
//! as `eprintln!` does.

use crate::{
    connect::Progress,
    error::Error,
    escape::Escaped,
    net::tls::Certificate,
    proto::{
        Role,
        excerpt::Excerpt,
        extension::{Deflate, MIN_BITS},
        handshake::{Headers, Response, Version},
        trace::Direction,
        upgrade::head as head_of,
    },
    redact::{Secrets, Shown, ShownPath},
    render::{
        frames,
        hexdump::{ROW, hexdump},
    },
    sys::stdio::write_stderr,
    wording::system_error,
};
use std::{io, time::Instant};

/// The amount of diagnostics on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only (`-q`).
    Quiet,
    /// Errors and notes, the default.
    #[default]
    Normal,
    /// Also progress (`-v`).
    Verbose,
    /// Also every frame, with times (`-vv`).
    Detailed,
    /// Also every byte (`--trace`).
    Complete,
}

/// Writes diagnostics to stderr.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Amount of diagnostics to write.
    pub verbosity: Verbosity,
    /// Treatment of secrets: hidden or shown.
    pub secrets: Secrets,
    /// Start of the run, from which times are measured.
    pub started: Instant,
}

impl Report {
    /// Writes a note, unless quiet.
    pub fn note(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            line(&format!("sockeye: {text}").into());
        }
    }

    /// Writes a hint below a note, unless quiet.
    pub fn hint(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            line(&format!("\nhint: {text}").into());
        }
    }

    /// Writes a line without the `sockeye: ` prefix, for programs that start this one. Nothing is
    /// written if quiet.
    pub fn line(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            line(&text.into());
        }
    }

    /// Writes a progress line, with `-v`.
    pub fn detail(self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            let text = self.secrets.shown(&format!("* {text}"));
            line(&self.dated(&text, Instant::now()));
        }
    }

    /// With `-vv`, prefixes `text` with the seconds from the start of the run until `at`.
    pub fn dated(self, text: &Shown, at: Instant) -> Shown {
        if self.verbosity < Verbosity::Detailed {
            return text.clone();
        }
        let elapsed = at.saturating_duration_since(self.started);
        Shown::formatted(format!("{:.6} {text}", elapsed.as_secs_f64()))
    }

    /// Reports whether to print the session summary separately. It is not with `-q`, and with `-v`
    /// the progress lines already contain it.
    pub fn shows_summary(self) -> bool {
        self.verbosity == Verbosity::Normal
    }

    /// Writes a step of opening a session with `-v`, and also the bytes of its HTTP/1 head with
    /// `--trace`. An error that does not end the run is written without `-v` too.
    pub fn progress(self, progress: &Progress<'_>) {
        if let Progress::KeysNotLogged(cause) = progress {
            return self.note(&keys_not_logged(cause));
        }
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
            let heading = Shown::formatted(frames::bytes(direction, head.len()));
            line(&self.dated(&heading, now));
            let mut dump = String::new();
            // Writing to a String cannot fail.
            let _ = hexdump(&head, ROW, &mut dump);
            line(&Shown::formatted(dump));
        }
    }
}

/// Returns the lines of a step of opening a connection that is one of many.
pub fn labelled_progress(label: &str, progress: &Progress<'_>, secrets: Secrets) -> Vec<Shown> {
    let labelled = |line: Shown| match line.as_str().strip_prefix("* ") {
        Some(words) => Shown::formatted(format!("* {label}: {words}")),
        None => Shown::formatted(format!("{label} {line}")),
    };
    progress_lines(progress, secrets).into_iter().map(labelled).collect()
}

/// Describes the compression negotiated between `local` and its peer.
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

/// Writes the error that ended the run, and its hint, if any.
pub fn error(error: &Error) {
    line(&Shown::formatted(format!("sockeye: {}", error.shown())));
    if let Some(hint) = error.shown_hint() {
        line(&Shown::formatted(format!("\nhint: {hint}")));
    }
}

/// Writes a line to stderr, ignoring errors.
pub fn line(text: &Shown) {
    write_stderr(format!("{text}\n").as_bytes());
}

/// Returns a step as lines in the style of curl: `*` for information, `>` for sent and `<` for
/// received header fields.
pub fn progress_lines(progress: &Progress<'_>, secrets: Secrets) -> Vec<Shown> {
    let lines = match progress {
        Progress::Connected(address) => vec![format!("* connected to {address}")],
        Progress::Socket(path) => vec![format!("* connected to {}", ShownPath(path))],
        Progress::ConnectedToProxy(address) => {
            vec![format!("* connected to the proxy {address}")]
        }
        Progress::Tunnelled(to) => vec![format!("* the proxy connected to {to}")],
        Progress::Redirected(target) => {
            let url = target.to_string();
            vec![format!("* redirected to {}", Escaped(&secrets.url(&url)))]
        }
        Progress::Withheld(what) => {
            vec![format!("* not sent to another origin: {}", what.join(", "))]
        }
        Progress::Open(timing) => vec![format!("* open after {timing}")],
        Progress::Failed(_) => Vec::new(),
        Progress::Challenged => vec!["* answering the challenge".to_owned()],
        Progress::Chain(chain) => chain.iter().enumerate().map(certificate).collect(),
        Progress::KeysNotLogged(cause) => vec![format!("* {}", keys_not_logged(cause))],
        Progress::Secured { tls, alpn } => {
            let alpn = alpn.map(|name| format!(", ALPN {}", Escaped(name))).unwrap_or_default();
            vec![format!("* {tls}{alpn}")]
        }
        Progress::Settings(settings) => vec![format!("* HTTP/2, SETTINGS: {settings}")],
        Progress::HttpFallback(error) => vec![format!("* {error}; retrying over HTTP/1.1")],
        Progress::Request(request, _) => {
            let first = match request.version {
                // HTTP/2 has no request line: the pseudo-header fields carry its contents.
                Version::Http2 => None,
                version => {
                    let target = secrets.url(&request.target);
                    Some(format!("> GET {} {version}", Escaped(&target)))
                }
            };
            head(first, '>', &request.headers, secrets)
        }
        Progress::Broken(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(|line| format!("< {}", Escaped(&secrets.text(line)))).collect()
        }
        Progress::Response(Response { version, status, reason, headers }, _) => {
            let first = match version {
                Version::Http2 => format!("< :status: {status}"),
                version => {
                    let reason = Excerpt(&secrets.text(reason)).to_string();
                    format!("< {version} {status} {}", Escaped(&reason))
                }
            };
            head(Some(first), '<', headers, secrets)
        }
    };
    lines.iter().map(|line| secrets.shown(line)).collect()
}

/// Returns a note about the file of `SSLKEYLOGFILE`, which was opened but cannot be written.
fn keys_not_logged(cause: &io::Error) -> String {
    format!("cannot write the TLS keys of SSLKEYLOGFILE: {}", system_error(cause))
}

/// Returns the bytes of an HTTP/1 request or response head, with secrets redacted.
fn head_bytes(progress: &Progress<'_>, secrets: Secrets) -> Option<(Direction, Vec<u8>)> {
    let (direction, first, headers) = match progress {
        Progress::Request(request, _) if request.version != Version::Http2 => {
            let first = format!("GET {} {}", secrets.url(&request.target), request.version);
            (Direction::Out, first, &request.headers)
        }
        Progress::Response(Response { version, status, reason, headers }, _)
            if *version != Version::Http2 =>
        {
            (Direction::In, format!("{version} {status} {}", secrets.text(reason)), headers)
        }
        Progress::Broken(bytes) => {
            return Some((Direction::In, crate::known::redact_bytes(bytes.to_vec())));
        }
        _ => return None,
    };
    let mut seen = Headers::default();
    for (name, value) in secrets.headers(headers) {
        seen.push(name.into_owned(), value.into_owned());
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
        .map(|(name, value)| format!("{mark} {}: {}", Escaped(&name), Escaped(&value)));
    first.into_iter().chain(fields).chain([mark.to_string()]).collect()
}
