//! Redirects (RFC 9110, 15.4): the next target, and the removal of secrets for another origin.

use super::{redirect_fault::RedirectFault, redirect_hop::RedirectHop};
use crate::{
    known::is_bound_to_origin,
    proto::handshake::{HeaderEdit, Response},
};
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
        self.withheld.clear();
        if !target.is_same_origin(&self.target) {
            self.leave_origin();
        }
        self.target = Cow::Owned(target);
        self.redirects_followed += 1;
        Ok(true)
    }

    /// Withholds what is for the first origin only: credentials, the client certificate, and header
    /// fields of the user whose name or value says that they hold a secret.
    fn leave_origin(&mut self) {
        let mut sent = self.headers();
        sent.edit(&self.edits);
        self.credentials.to_mut().leave_origin();
        self.host = None;
        let tls = self.tls.to_mut();
        if tls.identity.is_some() {
            self.withheld.push("the client certificate".to_owned());
        }
        (tls.identity, tls.name) = (None, None);
        self.edits.to_mut().retain(|edit| match edit {
            HeaderEdit::Set(name, value) => !is_bound_to_origin(name, value),
            HeaderEdit::Remove(_) => true,
        });
        self.headers.to_mut().retain(|name, value| !is_bound_to_origin(name, value));
        let names = sent.iter().filter(|(name, value)| is_bound_to_origin(name, value));
        for (name, _) in names {
            let name = name.to_owned();
            if !self.withheld.contains(&name) {
                self.withheld.push(name);
            }
        }
    }
}
