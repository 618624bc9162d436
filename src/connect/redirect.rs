//! Redirects: the next target, and the secrets that stay behind (RFC 9110, 15.4).

use super::options::ConnectOptions;
use crate::{
    proto::handshake::{HeaderEdit, Response},
    target::UrlFault,
};

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    /// As many as the limit allows were followed.
    TooMany(usize),
    /// The answer has no Location.
    NoLocation,
    /// The Location is not a WebSocket URL.
    Location {
        /// Its value.
        location: String,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// It leads from wss to this URL of ws.
    Downgrade(String),
}

/// Options for the target of a redirect; `None` if the answer is not one, or none are followed.
pub(super) fn follow(
    options: &ConnectOptions,
    response: &Response,
) -> Result<Option<ConnectOptions>, RedirectFault> {
    let Some(limit) = options.redirects else { return Ok(None) };
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers.get("Location") else {
        return Err(RedirectFault::NoLocation);
    };
    if options.followed >= limit {
        return Err(RedirectFault::TooMany(limit));
    }
    let location = location.trim();
    let target = options
        .target
        .join(location)
        .map_err(|fault| RedirectFault::Location { location: location.to_owned(), fault })?;
    if options.target.secure && !target.secure {
        return Err(RedirectFault::Downgrade(target.to_string()));
    }
    let mut next = ConnectOptions { target, followed: options.followed + 1, ..options.clone() };
    next.credentials.forget_answer();
    if !next.target.has_origin_of(&options.target) {
        next.credentials.leave();
        next.host = None;
        // The client certificate is for the first server only, and so is the name asked of it.
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
