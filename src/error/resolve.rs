//! Sentences and hints for names without an address.

use crate::wording::system_error;
use std::io;

/// Why a name has no address: the resolver's words, and what they mean.
pub(super) fn sentence(cause: &io::Error) -> String {
    let words = system_error(cause);
    match Unresolved::of(cause) {
        Some(Unresolved::Name) => format!("no such name ({words})"),
        Some(Unresolved::Resolver) => format!("no answer from the resolver ({words})"),
        None => words,
    }
}

pub(super) fn hint(cause: &io::Error) -> Option<String> {
    let hint = match Unresolved::of(cause)? {
        Unresolved::Name => {
            "check the spelling, or give its address with --resolve HOST:PORT:ADDRESS"
        }
        Unresolved::Resolver => "check the network and the name servers (/etc/resolv.conf)",
    };
    Some(hint.to_owned())
}

/// Whose fault it is that a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unresolved {
    /// The name's.
    Name,
    /// The resolver's, or that of the way to it.
    Resolver,
}

impl Unresolved {
    /// The system tells them apart only in words, those of glibc and of musl.
    fn of(cause: &io::Error) -> Option<Self> {
        let words = cause.to_string();
        let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        if has(&["Name or service not known", "No address associated", "Name does not resolve"]) {
            Some(Self::Name)
        } else if has(&["Temporary failure in name resolution", "Try again"]) {
            Some(Self::Resolver)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_there_is_told_from_a_resolver_that_is_not() {
        let told = |words: &str| {
            let words = format!("failed to lookup address information: {words}");
            sentence(&io::Error::other(words))
        };
        assert_eq!(told("Name or service not known"), "no such name (name or service not known)");
        assert_eq!(
            told("Temporary failure in name resolution"),
            "no answer from the resolver (temporary failure in name resolution)"
        );
        assert_eq!(told("System error"), "system error");
    }
}
