//! What there is to try after an error, where there is something.

use super::{Error, Step, closing, http2, opening, reach, status, tls};
use crate::{proto::Violation, target::UrlFault};

impl Error {
    /// What there is to try, if there is something.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Usage { hint, .. } => return hint.clone(),
            Self::Truncated { cause, .. } => return cause.hint(),
            Self::Url { fault, .. } => match fault {
                UrlFault::Fragment => "write # as %23 if it belongs to the path or query",
                UrlFault::Space => "write a space as %20",
                UrlFault::Scheme(_) => "use ws:// or wss://",
                _ => return None,
            },
            Self::Tls { fault, .. } => return tls::hint(fault),
            Self::Identity { fault, .. } => return tls::identity_hint(fault),
            Self::Authorities { path: None, .. } => {
                "install the system's CA certificates (Debian: ca-certificates) or give --ca FILE"
            }
            Self::Resolve { cause, .. } | Self::ResolveProxy { cause, .. } => {
                return reach::resolve_hint(cause);
            }
            Self::Connect { attempts, .. } => return opening::connect_hint(attempts),
            Self::ConnectProxy { .. } => {
                "check the proxy's address, or go without one: --noproxy '*'"
            }
            Self::Socket { cause, .. } => return reach::socket_hint(cause),
            Self::Handshake { asked, refusal } => return opening::refusal_hint(refusal, asked),
            Self::Http2 { fault, stage, .. } => return http2::hint(fault, *stage),
            Self::Status { asked, response, body, location } => {
                let location = location.as_deref();
                return status::Answer { asked, response, body, location }.hint();
            }
            Self::HandshakeCut { asked, begun: false, .. } if !asked.target.secure => {
                let secured = status::secured(asked);
                return Some(format!("the port may want TLS ({secured}) or HTTP/2 (--http2)"));
            }
            Self::Proxy { proxy, fault, .. } => return reach::proxy_hint(proxy, fault),
            Self::NoClose { silence: Some(silence), .. }
            | Self::Receive { silence: Some(silence), .. } => {
                return Some(closing::silence_hint(*silence));
            }
            Self::Closed { close, circumstances: Some(circumstances), .. }
            | Self::Unsent { close, circumstances: Some(circumstances), .. } => {
                return closing::hint(close, circumstances);
            }
            Self::Redirect { fault, .. } => return reach::redirect_hint(fault),
            Self::Timeout { step: Step::Pong, .. } => "raise --ping-timeout or leave it out",
            Self::Timeout { step: Step::Total | Step::Idle, .. } => return None,
            Self::Timeout { step: Step::Connect, .. } => {
                "nobody answers: check the address and any firewall on the way, or raise the limit \
                 with --connect-timeout SECONDS"
            }
            // Steps without a limit of their own have that of all.
            Self::Timeout { step, own: true, .. } => match step {
                Step::Resolve => "raise the limit with --resolve-timeout SECONDS",
                Step::Tls => "raise the limit with --tls-timeout SECONDS",
                _ => "raise the limit with --handshake-timeout SECONDS",
            },
            Self::Timeout { .. } => "raise the limit with --connect-timeout SECONDS",
            Self::Protocol { violation: Violation::NotDeflate, .. } => {
                "see whether it goes without compression: --no-compress"
            }
            Self::Protocol { violation: Violation::MessageTooLong { .. }, .. } => {
                "raise the limit with --max-message BYTES (0 for none)"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
