//! All checks, in a file for each group.

mod browsers;
mod close;
mod deflate;
mod framing;
mod handshake;
mod identity;
mod limits;
mod reach;
mod security;
mod utf8;
mod versions;

use super::case::Case;

/// Returns all checks, in the order of their results.
pub(crate) fn all() -> Vec<Case> {
    let mut all = reach::cases();
    all.extend(handshake::cases());
    all.extend(framing::cases());
    all.extend(utf8::cases());
    all.extend(close::cases());
    all.extend(deflate::cases());
    all.extend(security::cases());
    all.extend(browsers::cases());
    all.extend(versions::cases());
    all.extend(limits::cases());
    all.extend(identity::cases());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::check::CheckGroup;
    use std::collections::HashSet;

    #[test]
    fn each_check_has_an_id_of_its_own_and_words() {
        let all = all();
        let ids: HashSet<_> = all.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids.len(), all.len(), "an id is used twice");
        for case in &all {
            let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            assert!(case.id.chars().all(is_id), "{}", case.id);
            assert!(CheckGroup::ALL.contains(&case.group), "{}", case.group);
            assert!(CheckGroup::ALL.iter().all(|group| group.name() != case.id), "{}", case.id);
            let sections = ["RFC ", "CWE-", "WHATWG "];
            let is_named = sections.iter().any(|start| case.section.starts_with(start));
            assert!(is_named, "{}", case.id);
            assert!(case.title.starts_with(char::is_uppercase), "{}", case.title);
            assert!(!case.title.ends_with('.') && case.title.len() <= 80, "{}", case.title);
            for sentence in [case.consequence, case.fix] {
                assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
            }
        }
    }
}
