//! Where an answer sends us, and what comes along.

use super::Opening;
use crate::{
    error::{Error, RedirectFault},
    proto::handshake::{HeaderEdit, Response},
};

/// What to open instead of this, if the answer is a redirect that is to be followed (RFC 9110,
/// 15.4).
pub(super) fn follow(opening: &Opening, response: &Response) -> Result<Option<Opening>, Error> {
    let Some(limit) = opening.redirects else { return Ok(None) };
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let from = opening.target.to_string();
    let fail = |fault| Error::Redirect { from: from.clone(), status: response.status, fault };
    let Some(location) = response.headers.get("Location") else {
        return Err(fail(RedirectFault::NoLocation));
    };
    if opening.followed >= limit {
        return Err(fail(RedirectFault::TooMany(limit)));
    }
    let location = location.trim();
    let target = opening
        .target
        .join(location)
        .map_err(|fault| fail(RedirectFault::Location { location: location.to_owned(), fault }))?;
    if opening.target.secure && !target.secure {
        return Err(fail(RedirectFault::Downgrade(target.to_string())));
    }
    let mut next = Opening { target, followed: opening.followed + 1, ..opening.clone() };
    next.credentials.forget_answer();
    if !next.target.has_origin_of(&opening.target) {
        next.credentials.leave();
        next.host = None;
        // Who we are in TLS is no other's business, either; nor is it called what the first was.
        (next.tls.identity, next.tls.name) = (None, None);
        next.edits.retain(|edit| match edit {
            HeaderEdit::Set(name, _) => !is_private(name),
            HeaderEdit::Remove(_) => true,
        });
    }
    Ok(Some(next))
}

/// Header fields that are meant for one origin.
fn is_private(name: &str) -> bool {
    PRIVATE.iter().any(|private| private.eq_ignore_ascii_case(name))
}

const PRIVATE: [&str; 4] = ["Authorization", "Cookie", "Host", "Proxy-Authorization"];
