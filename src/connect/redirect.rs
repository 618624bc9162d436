//! Redirects (RFC 9110, 15.4): the next target, and the removal of secrets for another origin.

use super::{redirect_fault::RedirectFault, redirect_hop::RedirectHop};
use crate::proto::handshake::{HeaderEdit, Response};
use std::borrow::Cow;

impl RedirectHop<'_> {
    /// Moves to the target of a redirect. Returns false if the response is not a redirect or
    /// redirects are disabled. Secrets of the first origin are not sent to another.
    pub(super) fn follow(&mut self, response: &Response) -> Result<bool, RedirectFault> {
        let Some(limit) = self.options.redirects else { return Ok(false) };
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(false);
        }
        let Some(location) = response.headers.get("Location") else {
            return Err(RedirectFault::NoLocation);
        };
        if self.redirects_followed >= limit {
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
        if !target.is_same_origin(&self.target) {
            self.credentials.to_mut().leave_origin();
            self.host = None;
            let tls = self.tls.to_mut();
            (tls.identity, tls.name) = (None, None);
            self.edits.to_mut().retain(|edit| match edit {
                HeaderEdit::Set(name, _) => !is_origin_bound(name),
                HeaderEdit::Remove(_) => true,
            });
        }
        self.target = Cow::Owned(target);
        self.redirects_followed += 1;
        Ok(true)
    }
}

fn is_origin_bound(name: &str) -> bool {
    ORIGIN_BOUND_HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name))
}

/// Header fields that are not sent to another origin.
const ORIGIN_BOUND_HEADERS: [&str; 4] = ["Authorization", "Cookie", "Host", "Proxy-Authorization"];
