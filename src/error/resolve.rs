//! Messages and hints for failed name resolution.

use crate::wording::system_error;
use std::io;

/// Returns the meaning of a resolver error, with the resolver's own words.
pub(super) fn sentence(cause: &io::Error) -> String {
    let words = system_error(cause);
    match LookupFailure::of(cause) {
        Some(LookupFailure::Name) => format!("host not found ({words})"),
        Some(LookupFailure::Resolver) => format!("DNS lookup failed ({words})"),
        None => words,
    }
}

pub(super) fn hint(cause: &io::Error) -> Option<String> {
    let hint = match LookupFailure::of(cause)? {
        LookupFailure::Name => {
            "check the spelling, or pass the address with --resolve HOST:PORT:ADDRESS"
        }
        LookupFailure::Resolver => "check the network and the name servers (/etc/resolv.conf)",
    };
    Some(hint.to_owned())
}

/// The party at fault when a name does not resolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LookupFailure {
    /// The name does not exist or has no address.
    Name,
    /// The resolver failed or could not be reached.
    Resolver,
}

impl LookupFailure {
    /// Matches the message, of glibc or musl: the error has no code that distinguishes the two.
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
    fn distinguishes_unknown_names_from_failed_resolvers() {
        let sentence_for = |words: &str| {
            let words = format!("failed to lookup address information: {words}");
            sentence(&io::Error::other(words))
        };
        assert_eq!(
            sentence_for("Name or service not known"),
            "host not found (name or service not known)"
        );
        assert_eq!(
            sentence_for("Temporary failure in name resolution"),
            "DNS lookup failed (temporary failure in name resolution)"
        );
        assert_eq!(sentence_for("System error"), "system error");
    }
}
