//! Answers of the proxy itself, where there is none of the server.

use super::{announce, shared::Shared};
use crate::{
    connect::incoming::Incoming,
    error::Error,
    proto::{Leg, handshake::Headers},
};
use http::StatusCode;
use std::time::Duration;

/// Tells a client, and stderr, why there is no answer of the server.
pub(super) async fn fail(shared: &Shared, incoming: Incoming, label: &str, error: &Error) {
    let (message, hint) = (error.shown(), error.shown_hint());
    let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    let body = explained(shared, label, message.as_str()) + &hint;
    announce::refused(shared, &incoming, Some(502), message.as_str());
    // The client may have gone.
    let _ = incoming.refuse(StatusCode::BAD_GATEWAY, &Headers::default(), &body).await;
}

/// Tells stderr what is wrong with the server. Returns the start of the body of the answer that a client
/// gets instead.
pub(super) fn explained(shared: &Shared, label: &str, message: &str) -> String {
    let sentence = format!("{}: {message}", Leg::Server);
    shared.notes.error(&format!("{label}: {sentence}"));
    format!("sockeye proxy: {sentence}\n")
}

/// The time limit for a client to take the head of an answer.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
