//! The messages of errors: lower case, no full stop, the cause after a colon.
//!
//! A message names the party at fault. Text from a peer is escaped.

use super::{
    Error, closing, connect,
    diagnosis::{self, Ending, Refusal},
    http2, proxy, redirect, resolve,
    response_fault::FaultText,
    status,
    stdin_position::StdinPosition,
    text::seconds,
    tls,
};
use crate::{
    connect::{LimitScope, OpenError, Step},
    escape::Escaped,
    net::listener::ListenFault,
    proto::{Violation, handshake::Version},
    redact::{Secrets, ShownPath},
    session::SessionError,
    target::{UrlFault, without_user},
    wording::{lower, system_error},
};
use std::{fmt, time::Duration};

impl fmt::Display for Error {
    #[allow(clippy::too_many_lines, reason = "one arm for each error")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { fault, .. } => write!(f, "{fault}"),
            Self::Url { url, fault } => {
                let url = without_user(url);
                write!(f, "malformed URL '{}': {fault}", Escaped(&Secrets::Hidden.url(&url)))
            }
            Self::NotBuilt(feature) => write!(f, "{feature} is not available in this build"),
            Self::Identity { path, fault } => tls::identity(f, path, fault),
            Self::Open(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::SetupTimeout { limit } => write!(
                f,
                "the run (--max-time) timed out after {}, before it connected",
                seconds(*limit)
            ),
            Self::ServerTimeout { limit } => {
                write!(f, "the run (--max-time) timed out after {}", seconds(*limit))
            }
            Self::RunTimeout { authority, limit } => run_timeout(f, authority, *limit),
            Self::Truncated { cause, written: 0, received } => {
                write!(f, "{cause}\n  received {} of an incomplete message", bytes(*received))
            }
            Self::Truncated { cause, written, .. } => {
                write!(f, "{cause}\n  wrote {} of an incomplete message", bytes(*written))
            }
            Self::Output(cause) => write!(f, "cannot write stdout: {}", system_error(cause)),
            Self::File { path, cause } => {
                write!(f, "cannot write {}: {}", ShownPath(path), system_error(cause))
            }
            Self::Input(cause) => write!(f, "cannot read stdin: {}", system_error(cause)),
            Self::Recording { path, line, fault } => {
                write!(f, "cannot read {}: ", ShownPath(path))?;
                if let Some(line) = line {
                    write!(f, "line {line}: ")?;
                }
                write!(f, "{}", Escaped(fault))
            }
            Self::InputEncoding { position, byte } => {
                f.write_str("stdin is not valid UTF-8: ")?;
                match position {
                    StdinPosition::Line(line) => write!(f, "line {line}, byte {byte}")?,
                    StdinPosition::Message(message) => write!(f, "message {message}, byte {byte}")?,
                    StdinPosition::Stream => write!(f, "byte {byte}")?,
                }
                f.write_str("; the rest was not sent")
            }
            Self::InputJson { line, column, fault } => {
                write!(f, "cannot send stdin: line {line}")?;
                if let Some(column) = column {
                    write!(f, ", column {column}")?;
                }
                write!(f, ": {}; the rest was not sent", Escaped(fault))
            }
            Self::InputLineTooLong { line, limit } => {
                write!(f, "cannot send stdin: line {line} is longer than ")?;
                match (limit >> 20, limit % (1 << 20)) {
                    (mebibytes, 0) => write!(f, "{mebibytes} MiB")?,
                    _ => write!(f, "{limit} bytes")?,
                }
                f.write_str(", the limit of a line; the rest was not sent")
            }
            Self::CutOff { messages: 1 } => f.write_str(
                "a message was cut off by the loss of a connection and is too long to send again",
            ),
            Self::CutOff { messages } => write!(
                f,
                "{messages} messages were cut off by the loss of a connection and are too long to \
                 send again"
            ),
            Self::InputTruncated { message, missing } => {
                write!(
                    f,
                    "stdin ended in the middle of message {message}: {missing} bytes are missing"
                )
            }
            Self::InputLeft { bytes, close } => {
                let byte = if *bytes == 1 { "byte" } else { "bytes" };
                let were = if *bytes == 1 { "was" } else { "were" };
                match close {
                    Some(close) => write!(f, "{close}; {bytes} {byte} of stdin {were} not sent"),
                    None => {
                        write!(f, "the run ended before stdin did: {bytes} {byte} {were} not sent")
                    }
                }
            }
            Self::NoCheck(cause) => cause.fmt(f),
            Self::Checks { failed: 1 } => f.write_str("a check failed"),
            Self::Checks { failed } => write!(f, "{failed} checks failed"),
            Self::Unmet(unmet) => unmet.fmt(f),
            Self::Listen { address, fault } => {
                write!(f, "cannot listen on {}: ", Escaped(address))?;
                match fault {
                    ListenFault::NotSocket(path) => {
                        let path = path.display().to_string();
                        write!(f, "{} exists and is not a socket", Escaped(&path))
                    }
                    ListenFault::System(cause) => f.write_str(&system_error(cause)),
                }
            }
            Self::Other { operation, cause } => {
                write!(f, "cannot {operation}: {}", system_error(cause))
            }
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { host, cause } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                write!(f, "cannot resolve {}: {}", Escaped(&host), resolve::sentence(cause))
            }
            Self::Connect { authority, attempts } => connect::sentence(f, authority, attempts),
            Self::ResolveProxy { proxy, cause } => {
                let cause = resolve::sentence(cause);
                write!(f, "cannot resolve the proxy {}: {cause}", Escaped(proxy))
            }
            Self::ProxyVariable { variable, fault: UrlFault::Encoding } => {
                write!(f, "the variable {variable} is not valid UTF-8")
            }
            Self::ProxyVariable { variable, fault } => {
                write!(f, "the environment variable {variable} is not a valid proxy URL: {fault}")
            }
            Self::ConnectProxy { proxy, attempts } => {
                connect::sentence(f, &format!("the proxy {proxy}"), attempts)
            }
            Self::Proxy { proxy, to, fault } => proxy::sentence(f, proxy, to, fault),
            Self::Socket { path, cause } => {
                write!(f, "cannot connect to {}: {}", ShownPath(path), system_error(cause))
            }
            Self::Interface { local, cause } => connect::interface(f, local, cause),
            Self::Redirect { from, status, fault } => redirect::sentence(f, from, *status, fault),
            Self::Tls { authority, fault } => tls::sentence(f, authority, fault),
            Self::Authorities { path: Some(path), cause } => {
                write!(f, "cannot use the CA file {}: {}", ShownPath(path), lower(cause))
            }
            Self::Authorities { path: None, cause } => {
                write!(f, "no trusted CA certificates: {cause}")
            }
            Self::Handshake { request, fault } => {
                let reason = FaultText(fault);
                write!(f, "handshake with {} failed: {reason}", request.target.authority())
            }
            Self::Status { request, response, body, location } => {
                let refusal = Refusal::new(request, response, body, location.as_deref());
                status::sentence(f, &refusal)
            }
            Self::Request { authority, cause } => {
                write!(f, "cannot send the request to {authority}: {}", system_error(cause))
            }
            Self::HandshakeCut { request, begun, reset, .. } => {
                let did = if *reset { "reset" } else { "closed" };
                let when = if *begun {
                    "in the middle of its handshake response"
                } else {
                    "before responding to the handshake"
                };
                let authority = request.target.authority();
                write!(f, "{authority} {did} the connection {when}")
            }
            Self::Http2 { authority, fault } => {
                http2::sentence(f, authority, fault, http2::SessionStage::Opening)
            }
            Self::Timeout { authority, limit, scope: LimitScope::Run, .. } => {
                run_timeout(f, authority, *limit)
            }
            Self::Timeout { authority, step, limit, received, .. } => {
                timeout(f, authority, step, *limit)?;
                match *received {
                    0 => Ok(()),
                    n => write!(f, ": the response stopped after {}", bytes(n as u64)),
                }
            }
            Self::Other { operation, cause } => {
                write!(f, "cannot {operation}: {}", system_error(cause))
            }
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { authority, cause, .. } => {
                write!(f, "cannot send to {authority}: {}", system_error(cause))
            }
            Self::Unsent { authority, messages, close, context } => {
                write!(f, "{authority} closed the connection: ")?;
                closing::write_close(f, close, context.as_deref())?;
                write!(f, "; {}", unsent(*messages))
            }
            Self::Unread { authority, carrier, messages } => {
                let stream =
                    if *carrier == Version::Http2 { " from the HTTP/2 stream" } else { "" };
                write!(f, "{authority} does not read{stream}: {}", unsent(*messages))
            }
            Self::Receive { authority, cause, quiet, .. } => {
                write!(f, "cannot receive from {authority}: {}", system_error(cause))?;
                quiet.map_or(Ok(()), |quiet| quiet.fmt(f))
            }
            Self::NoClose { authority, carrier, inside_message, quiet, .. } => {
                closing::no_close(f, authority, *carrier, *inside_message)?;
                quiet.map_or(Ok(()), |quiet| quiet.fmt(f))
            }
            Self::Incomplete { authority, by_peer, received } => {
                let (middle, bytes) = ("in the middle of a message", bytes(*received));
                if *by_peer {
                    write!(f, "{authority} closed the connection {middle}: received {bytes} of it")
                } else {
                    write!(f, "the session ended {middle} from {authority}: received {bytes} of it")
                }
            }
            Self::Protocol {
                authority, violation: Violation::MessageTooLong { limit }, ..
            } => {
                write!(f, "{authority} sent a message over the limit of {limit} bytes (1009)")
            }
            Self::Protocol { authority, violation, told, .. } => {
                let cause = diagnosis::of_ending(&Ending::new(self)).cause;
                write!(f, "{authority} violated the protocol: ")?;
                if cause.is_empty() {
                    write!(f, "{violation} ({}", violation.section())?;
                } else {
                    // What is not a frame breaks the framing, whichever rule it broke first.
                    write!(f, "{cause} ({}", Violation::ReservedBits(0).section())?;
                }
                if *told {
                    write!(f, "; closed with {}", violation.close_code())?;
                }
                f.write_str(")")
            }
            Self::Closed { authority, close, context } => {
                write!(f, "{authority} closed the connection: ")?;
                closing::write_close(f, close, context.as_deref())
            }
            Self::Http2 { authority, fault, inside_message } => {
                let stage = if *inside_message {
                    http2::SessionStage::InsideMessage
                } else {
                    http2::SessionStage::Open
                };
                http2::sentence(f, authority, fault, stage)
            }
            Self::Idle { authority, limit } => {
                write!(f, "no message from or to {authority} for {}", seconds(*limit))
            }
            Self::PongTimeout { authority, limit } => timeout(f, authority, &"the pong", *limit),
        }
    }
}

fn timeout(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    step: &dyn fmt::Display,
    limit: Duration,
) -> fmt::Result {
    write!(f, "{authority}: {step} timed out after {}", seconds(limit))
}

fn run_timeout(f: &mut fmt::Formatter<'_>, authority: &str, limit: Duration) -> fmt::Result {
    timeout(f, authority, &"the run (--max-time)", limit)
}

fn bytes(n: u64) -> String {
    if n == 1 { "1 byte".to_owned() } else { format!("{n} bytes") }
}

fn unsent(messages: usize) -> String {
    if messages == 1 {
        "1 message was not sent".to_owned()
    } else {
        format!("{messages} messages were not sent")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "name resolution",
            Self::Connect => "connecting",
            Self::Proxy => "its response",
            Self::Tls => "the TLS handshake",
            Self::Settings => "HTTP/2 SETTINGS",
            Self::Stream => "waiting for an HTTP/2 stream (MAX_CONCURRENT_STREAMS)",
            Self::Handshake => "the WebSocket handshake",
        })
    }
}
