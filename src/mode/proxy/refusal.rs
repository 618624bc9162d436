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
    shared.notes.error(&format!("{label}: {}: {message}", Leg::Server));
    let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    announce::refused(shared, &incoming, Some(502), message.as_str());
    let body = format!("sockeye proxy: {}: {message}\n{hint}", Leg::Server);
    // The client may have gone.
    let _ = incoming.refuse(StatusCode::BAD_GATEWAY, &Headers::default(), &body).await;
}

/// The time limit for a client to take the head of an answer.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
