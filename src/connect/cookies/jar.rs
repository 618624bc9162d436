//! The cookies of a run, shared by its sessions.

use super::{cookie::Cookie, date::now};
use crate::target::Target;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The cookies of files and servers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct CookieJar(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    cookies: Vec<Cookie>,
    /// True once a server has set or removed a cookie.
    changed: bool,
}

impl CookieJar {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the cookies of a file. A later one replaces an earlier one of its name and scope.
    pub fn add(&self, cookies: Vec<Cookie>) {
        let mut content = self.lock();
        for cookie in cookies {
            content.cookies.retain(|other| !cookie.replaces(other));
            content.cookies.push(cookie);
        }
    }

    /// Stores the cookie of a server. One that has expired removes the stored one.
    pub(super) fn set(&self, cookie: Cookie, now: u64) {
        let mut content = self.lock();
        content.changed = true;
        content.cookies.retain(|other| !cookie.replaces(other));
        if cookie.has_expired(now) {
            return;
        }
        let received = content.cookies.iter().filter(|cookie| cookie.received).count();
        if received >= MAX_RECEIVED
            && let Some(oldest) = content.cookies.iter().position(|cookie| cookie.received)
        {
            content.cookies.remove(oldest);
        }
        content.cookies.push(cookie);
    }

    /// Returns the cookies for a target, those with longer paths first (RFC 6265, 5.4).
    pub(super) fn matching(&self, target: &Target, now: u64) -> Vec<Cookie> {
        let content = self.lock();
        let matching = content.cookies.iter().filter(|cookie| cookie.matches(target, now));
        let mut matching: Vec<_> = matching.cloned().collect();
        matching.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        matching
    }

    /// Reports whether a server has set or removed a cookie.
    pub fn has_changed(&self) -> bool {
        self.lock().changed
    }

    /// Returns the cookies that have not expired as a file in the Netscape format.
    pub fn file(&self) -> String {
        let now = now();
        let mut file = HEADER.to_owned();
        for cookie in self.lock().cookies.iter().filter(|cookie| !cookie.has_expired(now)) {
            file.push_str(&cookie.line());
            file.push('\n');
        }
        file
    }
}

/// The greatest number of cookies of servers.
pub(super) const MAX_RECEIVED: usize = 300;
/// The first line, by which other programs recognize the format.
const HEADER: &str = "# Netscape HTTP Cookie File\n";
