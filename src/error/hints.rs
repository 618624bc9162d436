//! Hints: what a user can do about an error.

use super::{
    Error, connect,
    diagnosis::{self, Ending, NoAnswer, Refusal},
    http2, proxy, redirect, resolve, resources, response_fault, tls,
};
use crate::{
    connect::{LimitScope, OpenError, Step},
    escape::Escaped,
    net::listener::ListenFault,
    session::SessionError,
    target::UrlFault,
    wording::CARRIAGE_RETURN_HINT,
};
use std::io;

impl Error {
    /// Returns an imperative for the user, if there is one that is likely to help.
    pub fn hint(&self) -> Option<String> {
        if let Some(hint) = resources::hint(self) {
            return Some(hint.to_owned());
        }
        let hint = match self {
            Self::Usage { hint, .. } => return hint.clone(),
            Self::Truncated { cause, .. } => return cause.hint(),
            Self::NoCheck(cause) => {
                let is_other =
                    |hint: &String| CLIENT_OPTIONS.iter().any(|name| hint.contains(name));
                return cause.hint().filter(|hint| !is_other(hint));
            }
            Self::Url { fault, url } => match fault {
                UrlFault::NoHost if url.starts_with(':') => {
                    return Some(format!("for a port of this machine: localhost{}", Escaped(url)));
                }
                UrlFault::Fragment => "write # as %23 if it belongs to the path or query",
                UrlFault::UserDelimiter(delimiter) => {
                    return Some(format!(
                        "write {delimiter} as %{:02X} in user and password, or pass them with \
                         --auth",
                        u32::from(*delimiter)
                    ));
                }
                UrlFault::CarriageReturn => CARRIAGE_RETURN_HINT,
                UrlFault::Space => "write a space as %20",
                UrlFault::PortAlone(port) => {
                    return Some(format!("for port {port} of this machine: localhost:{port}"));
                }
                UrlFault::Unix(path) => {
                    return Some(format!("a client connects with ws+unix:{}", Escaped(path)));
                }
                UrlFault::AddressType(name) if name == "autoreconnect" => {
                    "--reconnect URL opens a session again"
                }
                UrlFault::AddressType(name)
                    if name.ends_with("-l") || name.ends_with("-listen") =>
                {
                    "'sockeye listen PORT' runs a server, with --echo one that sends messages back"
                }
                UrlFault::Scheme(_) | UrlFault::AddressType(_) => "use ws:// or wss://",
                _ => return None,
            },
            Self::InputLeft { close: None, .. } => {
                "pass -w -1 to keep reading stdin, or --receive-only to leave it unread"
            }
            Self::Listen { address, fault: ListenFault::System(cause) } => {
                return listen_hint(address, cause);
            }
            Self::Identity { fault, .. } => return tls::identity_hint(fault),
            Self::Open(error) => return open_hint(error),
            Self::Session(error) => return session_hint(error),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Options in hints that `sockeye check` does not have.
const CLIENT_OPTIONS: [&str; 11] = [
    "--echo",
    "--expect",
    "--fragment",
    "--max-message",
    "--no-compress",
    "--ping-interval",
    "--ping-timeout",
    "--receive-only",
    "--reconnect",
    "--reconnect-on",
    "--trace",
];

/// Returns the hint for a server that cannot listen on its address.
fn listen_hint(address: &str, cause: &io::Error) -> Option<String> {
    let is_tcp = !["unix:", "fd:"].iter().any(|start| address.starts_with(start));
    if let Some(port) = address.strip_prefix("*:") {
        let port = Escaped(port);
        return Some(format!("for all addresses of this machine: 0.0.0.0:{port} or [::]:{port}"));
    }
    match cause.kind() {
        io::ErrorKind::AddrInUse if is_tcp => Some(format!(
            "another program listens on {}; choose another port, or 0 for any free one",
            Escaped(address)
        )),
        io::ErrorKind::AddrInUse => {
            Some(format!("another program listens on {}", Escaped(address)))
        }
        io::ErrorKind::AddrNotAvailable => Some(
            "this machine does not have the address: use one of its own, or 0.0.0.0:PORT for all"
                .to_owned(),
        ),
        _ => None,
    }
}

fn open_hint(error: &OpenError) -> Option<String> {
    let hint = match error {
        OpenError::Tls { fault, .. } => return tls::hint(fault),
        OpenError::Authorities { path: None, .. } => {
            "install the system's CA certificates (Debian: ca-certificates) or pass --ca FILE"
        }
        OpenError::Resolve { cause, .. } | OpenError::ResolveProxy { cause, .. } => {
            return resolve::hint(cause);
        }
        OpenError::Connect { attempts, .. } => return connect::hint(attempts),
        OpenError::ConnectProxy { .. } => {
            "check the proxy's address, or bypass it with --noproxy '*'"
        }
        OpenError::Socket { cause, .. } => return connect::socket_hint(cause),
        OpenError::Handshake { request, fault } => {
            return response_fault::hint(fault, request);
        }
        OpenError::Http2 { fault, .. } => return http2::hint(fault, http2::SessionStage::Opening),
        OpenError::Status { request, response, body, location } => {
            let refusal = Refusal::new(request, response, body, location.as_deref());
            return diagnosis::of_refusal(&refusal).hint();
        }
        OpenError::HandshakeCut { request, begun: false, waited, .. } => {
            return diagnosis::of_no_answer(&NoAnswer::cut(request, *waited)).hint();
        }
        OpenError::Proxy { proxy, fault, .. } => return proxy::hint(proxy, fault),
        OpenError::Redirect { fault, .. } => return redirect::hint(fault),
        OpenError::Timeout { scope: LimitScope::Run, .. } => return None,
        OpenError::Timeout { received: 1.., .. } => {
            "check the server: its response lacks the empty line that ends the header (--trace \
             shows its bytes)"
        }
        OpenError::Timeout { request: Some(request), limit, scope, .. } => {
            let no_answer = NoAnswer::timeout(request, *limit, *scope);
            return diagnosis::of_no_answer(&no_answer).hint();
        }
        OpenError::Timeout { step: Step::Connect, .. } => {
            "the host does not respond: check the address and any firewall in between, or raise \
             the limit with --connect-timeout SECONDS"
        }
        OpenError::Timeout { step, scope: LimitScope::Step, .. } => match step {
            Step::Resolve => "raise the limit with --resolve-timeout SECONDS",
            Step::Tls => {
                "use ws:// if the port has no TLS, or raise the limit with --tls-timeout SECONDS"
            }
            _ => "raise the limit with --handshake-timeout SECONDS",
        },
        OpenError::Timeout { step: Step::Tls, .. } => {
            "use ws:// if the port has no TLS, or raise the limit with --connect-timeout SECONDS"
        }
        OpenError::Timeout { .. } => "raise the limit with --connect-timeout SECONDS",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn session_hint(error: &SessionError) -> Option<String> {
    if let SessionError::Http2 { fault, inside_message, .. } = error {
        let stage = if *inside_message {
            http2::SessionStage::InsideMessage
        } else {
            http2::SessionStage::Open
        };
        return http2::hint(fault, stage);
    }
    diagnosis::of_ending(&Ending::new(error)).hint()
}
