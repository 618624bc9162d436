//! Redirects: the next target, and the secrets that stay behind (RFC 9110, 15.4).

use super::{hop::Hop, redirect_fault::RedirectFault};
use crate::proto::handshake::{HeaderEdit, Response};
use std::borrow::Cow;

impl Hop<'_> {
    /// Moves to the target of a redirect; `false` if the answer is not one, or none are followed.
    /// Secrets that are meant for the first origin stay behind at another.
    pub(super) fn follow(&mut self, response: &Response) -> Result<bool, RedirectFault> {
        let Some(limit) = self.options.redirects else { return Ok(false) };
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(false);
        }
        let Some(location) = response.headers.get("Location") else {
            return Err(RedirectFault::NoLocation);
        };
        if self.followed >= limit {
            return Err(RedirectFault::TooMany(limit));
        }
        let location = location.trim();
        let target = self
            .target
            .join(location)
            .map_err(|fault| RedirectFault::Location { location: location.to_owned(), fault })?;
        if self.target.secure && !target.secure {
            return Err(RedirectFault::Downgrade(target.to_string()));
        }
        self.challenges.forget_answer();
        if !target.has_origin_of(&self.target) {
            self.credentials.to_mut().leave();
            self.host = None;
            let tls = self.tls.to_mut();
            (tls.identity, tls.name) = (None, None);
            self.edits.to_mut().retain(|edit| match edit {
                HeaderEdit::Set(name, _) => !is_private(name),
                HeaderEdit::Remove(_) => true,
            });
        }
        self.target = Cow::Owned(target);
        self.followed += 1;
        Ok(true)
    }
}

/// Header fields that are meant for one origin.
fn is_private(name: &str) -> bool {
    PRIVATE.iter().any(|private| private.eq_ignore_ascii_case(name))
}

const PRIVATE: [&str; 4] = ["Authorization", "Cookie", "Host", "Proxy-Authorization"];
