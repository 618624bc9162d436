//! Whether pages of other sites may open sessions: cross-site WebSocket hijacking (CWE-1385).

use super::session::{Trial, attempt};
use crate::mode::check::{draft::RequestDraft, judgement::Judgement, server::Server};

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
        Judgement::Broken(_) | Judgement::Proven(_) | Judgement::Weak(_) => {
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
    let draft = cross_site(server, origin);
    let asked = format!("Origin: {origin}");
    match attempt(server, &draft).await {
        Err(missing) => Judgement::Unknown(missing.reason),
        Ok(Trial::Fails(words)) => Judgement::Holds(format!("{asked} was answered with {words}")),
        Ok(Trial::StaysOpen(words)) => Judgement::Unknown(format!(
            "{asked} opened a session, which may not work, as pings are not answered: {words}"
        )),
        Ok(Trial::Works(words)) => match server.ambient_credentials() {
            Some(kind) => Judgement::Proven(format!(
                "{asked} and {kind} opened a session that works: {words}"
            )),
            None => Judgement::Weak(format!(
                "{asked} opened a session that works, without credentials: {words}"
            )),
        },
    }
}

/// Returns the request that a browser sends for a page of another site: cookies are in it, but nothing
/// that a script would have to set.
fn cross_site(server: &Server, origin: &str) -> RequestDraft {
    let mut draft = server.draft();
    for (name, _) in server.own_fields() {
        draft.remove(&name);
    }
    draft.remove("Authorization");
    draft.set("Origin", origin);
    draft
}
