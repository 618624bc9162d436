//! Hints about a request.

use crate::{
    connect::{RequestPart, RequestSummary},
    escape::Escaped,
};

/// Which of these parts the request lacks, for a server that does not say what it misses.
pub(super) fn missing(request: &RequestSummary, parts: &[RequestPart]) -> Option<String> {
    let words = |part: &RequestPart| match part {
        RequestPart::Upgrade => "an upgrade (-H 'Upgrade: websocket')".to_owned(),
        RequestPart::Subprotocols => "a subprotocol (-s NAME)".to_owned(),
        RequestPart::Origin => {
            format!("an origin (-o {})", Escaped(&request.target.origin()))
        }
        RequestPart::Credentials => "credentials (--auth, --bearer, --cookie)".to_owned(),
        RequestPart::Compression => "an offer of compression".to_owned(),
    };
    let missing: Vec<_> = parts.iter().filter(|part| !request.has(**part)).map(words).collect();
    let (last, first) = missing.split_last()?;
    let or = if first.is_empty() { "" } else { " or " };
    Some(format!("{}{or}{last} may be missing", first.join(", ")))
}

/// The URL of a request without TLS, with TLS.
pub(super) fn secured(request: &RequestSummary) -> String {
    let target = &request.target;
    // The port was given, or it is 80, where none would be the other scheme's own.
    format!("wss://{}{}", target.authority(), target.resource)
}
