//! Examines the echo of messages.

use crate::mode::check::{judgement::Judgement, server::Server};

/// Judges whether each message is echoed once.
pub(crate) fn once(server: &Server) -> Judgement {
    let echo = &server.facts.echo;
    match (echo.copies, &echo.text) {
        (0, Err(reason)) => Judgement::Unknown(reason.clone()),
        (0 | 1, _) => Judgement::Holds("each text message came back once".to_owned()),
        (copies, _) => Judgement::Proven(format!("each text message came back {copies} times")),
    }
}
