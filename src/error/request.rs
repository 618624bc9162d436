//! Parts of hints about the request.

use crate::{
    connect::{RequestPart, RequestSummary},
    escape::Escaped,
    redact::Secrets,
};

/// Returns a hint that names those of `parts` that the request lacks.
pub(super) fn missing(request: &RequestSummary, parts: &[RequestPart]) -> Option<String> {
    let words = |part: &RequestPart| match part {
        RequestPart::Upgrade => "an upgrade (-H 'Upgrade: websocket')".to_owned(),
        RequestPart::Subprotocols => "a subprotocol (-s NAME)".to_owned(),
        RequestPart::Origin => {
            format!("an origin (-o {})", Escaped(&request.target.origin()))
        }
        RequestPart::Credentials => "credentials (--auth, --bearer, --cookie)".to_owned(),
        RequestPart::Compression => "an offer of compression".to_owned(),
        RequestPart::UserAgent => "a User-Agent (-A NAME)".to_owned(),
        RequestPart::OtherSecrets => "a token".to_owned(),
    };
    let missing: Vec<_> = parts.iter().filter(|part| !request.has(**part)).map(words).collect();
    let (last, first) = missing.split_last()?;
    let or = if first.is_empty() { "" } else { " or " };
    Some(format!("the server may require {}{or}{last}", first.join(", ")))
}

/// Returns the `wss:` URL for a request to a `ws:` URL, redacted.
pub(super) fn secured(request: &RequestSummary) -> String {
    let target = &request.target;
    // The authority includes the port, even port 80: without it the URL would mean port 443.
    format!("wss://{}{}", target.authority(), Secrets::Hidden.url(&target.resource))
}
