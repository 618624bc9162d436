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

    /// Adds the cookies of the file that [`Self::merged_into`] updates.
    pub fn add_stored(&self, cookies: Vec<Cookie>) {
        self.add(cookies.into_iter().map(|it| Cookie { source: Source::Jar, ..it }).collect());
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

    /// Returns the text of the file with the changes of this run: the cookies that other files gave
    /// and it lacks, and those that servers have set or removed. Expired cookies are left out. The
    /// comments are kept, at the start. Fails if the text is not in the Netscape format.
    pub fn merged_into(&self, text: &str) -> Result<String, String> {
        let stored = Cookie::parse_file(text)?;
        let content = self.lock();
        let of = |source| content.cookies.iter().filter(move |it| it.source == source).cloned();
        let mut merged = CookieList::default();
        for cookie in of(Source::File).chain(stored).chain(of(Source::Server)) {
            merged.insert(cookie);
        }
        let now = now();
        let cookies = merged.iter().filter(|cookie| !cookie.has_expired(now)).map(Cookie::line);
        let comments = text.lines().filter(|line| Cookie::is_comment(line) && *line != HEADER);
        let mut file = String::new();
        for line in
            [HEADER.to_owned()].into_iter().chain(comments.map(str::to_owned)).chain(cookies)
        {
            file.push_str(&line);
            file.push('\n');
        }
        Ok(file)
    }
}

/// The greatest number of cookies of servers, including removed ones.
pub(super) const MAX_RECEIVED: usize = 300;
/// The first line, by which other programs recognize the format.
const HEADER: &str = "# Netscape HTTP Cookie File";

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
        let file = jar.merged_into("").unwrap();
        assert_eq!(file.lines().count(), 200_001);
        assert!(file.ends_with(&line(7, "w")) && !file.contains(&line(7, "v")));
    }

    #[test]
    fn a_file_that_has_changed_is_merged_with_the_changes_of_this_run() {
        let line = |name: &str, value| format!("h\tFALSE\t/\tFALSE\t0\t{name}\t{value}\n");
        let parse = |lines: &[String]| Cookie::parse_file(&lines.concat()).unwrap();
        let jar = CookieJar::default();
        jar.add(parse(&[line("given", 1), line("both", 1)]));
        jar.add_stored(parse(&["both", "kept", "set", "removed", "lost"].map(|it| line(it, 2))));
        let of_server = |name, expires| {
            let cookie = parse(&[line(name, 3)]).pop().unwrap();
            Cookie { source: Source::Server, expires, ..cookie }
        };
        for cookie in [of_server("set", 0), of_server("removed", 1), of_server("theirs", 1)] {
            jar.set(cookie, 9);
        }
        let header = format!("{HEADER}\n# of a person\n");
        let theirs = ["both", "kept", "set", "removed", "theirs", "new"].map(|it| line(it, 4));
        let merged = jar.merged_into(&format!("{header}{}", theirs.concat())).unwrap();
        let expected =
            [line("given", 1), line("both", 4), line("kept", 4), line("new", 4), line("set", 3)];
        assert_eq!(merged, header + &expected.concat());
        assert!(jar.merged_into("a text").is_err());
    }
}
