//! Messages and hints for HTTP/2 faults.

use super::text::{FirstLine, short};
use crate::{
    escape::Escaped,
    known,
    net::http2::{ErrorCode, Http2Fault},
    wording::system_error,
};
use h2::Reason;
use std::fmt;

/// The stage of the session at the time of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionStage {
    /// The response to the handshake is outstanding.
    Opening,
    /// The session is open, and no message is incomplete.
    Open,
    /// Part of a message has been received.
    InsideMessage,
}

pub(super) fn sentence(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    fault: &Http2Fault,
    stage: SessionStage,
) -> fmt::Result {
    let when = match stage {
        SessionStage::Opening => " instead of responding to the handshake",
        SessionStage::Open => " without a Close frame (1006)",
        SessionStage::InsideMessage => " without a Close frame, in the middle of a message (1006)",
    };
    match fault {
        Http2Fault::NotChosen(None) => {
            write!(f, "{authority} does not support HTTP/2: it selected no protocol by ALPN")
        }
        Http2Fault::NotChosen(Some(protocol)) => {
            let protocol = Escaped(protocol);
            write!(f, "{authority} does not support HTTP/2: it selected '{protocol}' by ALPN")
        }
        Http2Fault::Refused => {
            write!(f, "{authority} does not support HTTP/2: it rejected h2 by ALPN")
        }
        Http2Fault::NotHttp2(start) if start.starts_with(TLS_ALERT) => {
            write!(f, "{authority} does not speak HTTP/2: the response is a TLS alert")
        }
        Http2Fault::NotHttp2(start) => {
            let line = FirstLine(start);
            write!(f, "{authority} does not speak HTTP/2: it answered '{line}'")
        }
        Http2Fault::NoSettings => {
            write!(f, "{authority} closed the connection before sending HTTP/2 SETTINGS")
        }
        Http2Fault::NoExtendedConnect => write!(
            f,
            "{authority} does not support WebSocket over HTTP/2: its SETTINGS lack \
             ENABLE_CONNECT_PROTOCOL (RFC 8441, 3)"
        ),
        Http2Fault::Request(cause) => {
            write!(
                f,
                "cannot send the request to {authority} over HTTP/2: {}",
                Escaped(&known::redact(cause))
            )
        }
        Http2Fault::GoAway { reason, debug } => {
            write!(
                f,
                "{authority} ended the HTTP/2 connection{when}: GOAWAY {}",
                ErrorCode(*reason)
            )?;
            write_debug_data(f, debug)
        }
        Http2Fault::Lost(None) => {
            write!(f, "{authority} closed the HTTP/2 connection{when}")
        }
        Http2Fault::Lost(Some(cause)) => {
            write!(f, "the HTTP/2 connection to {authority} failed{}: ", inside(stage))?;
            write!(f, "{}", system_error(cause))
        }
        Http2Fault::Broken { reason, debug, .. } => {
            let (inside, too_busy) = (inside(stage), *reason == Reason::ENHANCE_YOUR_CALM);
            let did = if too_busy { "exceeded a limit of HTTP/2" } else { "violated HTTP/2" };
            write!(f, "{authority} {did}{inside}: closed with {}", ErrorCode(*reason))?;
            write_debug_data(f, debug)
        }
        Http2Fault::Reset(reason) => {
            write!(
                f,
                "{authority} reset the HTTP/2 stream{when}: RST_STREAM {}",
                ErrorCode(*reason)
            )
        }
    }
}

fn inside(stage: SessionStage) -> &'static str {
    if stage == SessionStage::InsideMessage { " in the middle of a message" } else { "" }
}

fn write_debug_data(f: &mut fmt::Formatter<'_>, debug: &str) -> fmt::Result {
    if debug.is_empty() { Ok(()) } else { write!(f, " ({})", Escaped(&short(debug))) }
}

pub(super) fn hint(fault: &Http2Fault, stage: SessionStage) -> Option<String> {
    let reason = match fault {
        Http2Fault::GoAway { reason, .. } | Http2Fault::Reset(reason) => Some(*reason),
        _ => None,
    };
    let hint = match fault {
        Http2Fault::NotHttp2(start) if start.starts_with(TLS_ALERT) => {
            "the port speaks TLS: use wss://"
        }
        Http2Fault::NotChosen(_)
        | Http2Fault::Refused
        | Http2Fault::NotHttp2(_)
        | Http2Fault::NoSettings => "try without --http2",
        Http2Fault::NoExtendedConnect => {
            "try without --http2, or let --http auto select the version"
        }
        _ if reason == Some(Reason::HTTP_1_1_REQUIRED)
            || reason == Some(Reason::INADEQUATE_SECURITY) =>
        {
            "try without --http2"
        }
        _ if reason == Some(Reason::ENHANCE_YOUR_CALM) => {
            "try again later, or send less often: the server sets a limit"
        }
        _ if reason == Some(Reason::CONNECT_ERROR) => {
            "check the server behind the gateway: it cannot be reached"
        }
        _ if stage == SessionStage::Opening && reason == Some(Reason::PROTOCOL_ERROR) => {
            "try without --http2: the server may not support WebSocket over HTTP/2"
        }
        Http2Fault::GoAway { reason: Reason::NO_ERROR, .. } if stage != SessionStage::Opening => {
            "the server may be restarting; --reconnect reconnects automatically"
        }
        _ if stage == SessionStage::Opening && reason == Some(Reason::REFUSED_STREAM) => {
            "try again later: the server accepts no more streams now"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The first bytes of a TLS alert: the content type and the major version.
const TLS_ALERT: &[u8] = b"\x15\x03";
