//! The cookies of a run, shared by its sessions.

use super::{
    cookie::{Cookie, Scope, Source},
    date::now,
};
use crate::target::Target;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The cookies of files and servers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct CookieJar(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    cookies: CookieList,
    /// True once a server has set or removed a cookie.
    changed: bool,
}

/// Cookies in the order of insertion, at most one of each scope.
#[derive(Debug, Default)]
struct CookieList {
    by_number: BTreeMap<u64, Cookie>,
    numbers: HashMap<Scope, u64>,
    next: u64,
    /// The number of cookies of servers.
    received: usize,
}

impl CookieList {
    /// Appends a cookie and removes the earlier one of its scope.
    fn insert(&mut self, cookie: Cookie) {
        if let Some(number) = self.numbers.insert(cookie.scope(), self.next) {
            self.forget(number);
        }
        self.received += usize::from(cookie.source == Source::Server);
        self.by_number.insert(self.next, cookie);
        self.next += 1;
    }

    fn forget(&mut self, number: u64) -> Option<Cookie> {
        let cookie = self.by_number.remove(&number)?;
        self.received -= usize::from(cookie.source == Source::Server);
        Some(cookie)
    }

    /// Removes the oldest cookie of a server, an expired one if possible.
    fn remove_oldest_received(&mut self, now: u64) {
        let received = || self.by_number.iter().filter(|(_, it)| it.source == Source::Server);
        let oldest = received().find(|(_, it)| it.has_expired(now)).or_else(|| received().next());
        let number = oldest.map(|(number, _)| *number);
        if let Some(cookie) = number.and_then(|number| self.forget(number)) {
            self.numbers.remove(&cookie.scope());
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Cookie> {
        self.by_number.values()
    }
}

impl CookieJar {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the cookies of a file. A later one replaces an earlier one of its name and scope.
    pub fn add(&self, cookies: Vec<Cookie>) {
        let mut content = self.lock();
        for cookie in cookies {
            content.cookies.insert(cookie);
        }
    }

    /// Stores the cookie of a server. An expired one removes the stored one; it is kept to remove
    /// that cookie from the file too.
    pub(super) fn set(&self, cookie: Cookie, now: u64) {
        let mut content = self.lock();
        content.changed = true;
        content.cookies.insert(cookie);
        if content.cookies.received > MAX_RECEIVED {
            content.cookies.remove_oldest_received(now);
        }
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

/// The greatest number of cookies of servers, including removed ones.
pub(super) const MAX_RECEIVED: usize = 300;
/// The first line, by which other programs recognize the format.
const HEADER: &str = "# Netscape HTTP Cookie File\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_added_in_linear_time() {
        let line = |i: usize, value| format!("h{i}.com\tFALSE\t/\tFALSE\t0\tn{i}\t{value}\n");
        let lines: String = (0..200_000).map(|i| line(i, "v")).collect();
        let jar = CookieJar::default();
        jar.add(Cookie::parse_file(&lines).unwrap());
        jar.add(Cookie::parse_file(&line(7, "w")).unwrap());
        let file = jar.file();
        assert_eq!(file.lines().count(), 200_001);
        assert!(file.ends_with(&line(7, "w")) && !file.contains(&line(7, "v")));
    }
}
