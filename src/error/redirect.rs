//! Messages and hints for redirects that cannot be followed.

use super::text::short;
use crate::{connect::RedirectFault, escape::Escaped, redact::Secrets, target::without_user};
use std::fmt;

pub(super) fn sentence(
    f: &mut fmt::Formatter<'_>,
    from: &str,
    status: u16,
    fault: &RedirectFault,
) -> fmt::Result {
    let from = Secrets::Hidden.url(from);
    let from = Escaped(&from);
    match fault {
        RedirectFault::TooMany(limit) => {
            write!(f, "{from} answered {status}: too many redirects (limit: {limit})")
        }
        RedirectFault::NoLocation => {
            write!(f, "{from} answered {status} without a Location header")
        }
        RedirectFault::Location { location, fault } => {
            let location = without_user(location);
            let location = Secrets::Hidden.url(&location);
            write!(f, "{from} redirects to '{}': {fault}", Escaped(&short(&location)))
        }
        RedirectFault::Downgrade(to) => {
            write!(
                f,
                "{from} redirects to {}, which has no TLS: not followed",
                Escaped(&Secrets::Hidden.url(to))
            )
        }
    }
}

pub(super) fn hint(fault: &RedirectFault) -> Option<String> {
    match fault {
        RedirectFault::TooMany(_) => Some("raise the limit with --max-redirects N".to_owned()),
        RedirectFault::Downgrade(to) => {
            let to = Secrets::Hidden.url(to);
            Some(format!("to allow this, connect to {} directly", Escaped(&to)))
        }
        _ => None,
    }
}
