//! Whether pages of other sites may open sessions: cross-site WebSocket hijacking (CWE-1385).

use super::session::{Trial, attempt};
use crate::mode::check::{judgement::Judgement, server::Server};

/// A page of another site.
pub(crate) async fn foreign(server: &Server) -> Judgement {
    judged(server, "https://attacker.example").await
}

/// A sandboxed frame or a file.
pub(crate) async fn null(server: &Server) -> Judgement {
    unless_any(server, "null").await
}

/// A site whose name begins with that of the server.
pub(crate) async fn prefix(server: &Server) -> Judgement {
    let origin = format!("{}.attacker.example", server.page_origin());
    unless_any(server, &origin).await
}

/// A site whose name ends with that of the server.
pub(crate) async fn suffix(server: &Server) -> Judgement {
    let origin = server.page_origin().replace("://", "://attacker-");
    unless_any(server, &origin).await
}

/// Judges an origin that is only accepted by mistake, unless the server accepts any.
async fn unless_any(server: &Server, origin: &str) -> Judgement {
    match foreign(server).await {
        Judgement::Holds(_) => judged(server, origin).await,
        Judgement::Unknown(reason) => Judgement::Unknown(reason),
        Judgement::Broken(_) | Judgement::Weak(_) => {
            Judgement::Unknown("any origin is accepted".to_owned())
        }
    }
}

async fn judged(server: &Server, origin: &str) -> Judgement {
    if let Some(reason) = &server.facts.no_request {
        return Judgement::Unknown(reason.clone());
    }
    if server.is_local() {
        let words = "the server is on this machine; check it at its public address";
        return Judgement::Unknown(words.to_owned());
    }
    let mut draft = server.draft();
    draft.set("Origin", origin);
    let credentials = server.browser_credentials();
    match attempt(server, &draft).await {
        Err(missing) => Judgement::Unknown(missing.reason),
        Ok(Trial::Fails(words)) => {
            Judgement::Holds(format!("Origin: {origin} was answered with {words}"))
        }
        Ok(Trial::Works(words)) => match credentials {
            Some(kind) => Judgement::Broken(format!(
                "Origin: {origin} and {kind} opened a session that works: {words}"
            )),
            None => Judgement::Weak(format!(
                "Origin: {origin} opened a session that works, without credentials: {words}"
            )),
        },
    }
}
