//! The message and hint for an HTTP answer that refuses the upgrade.

use super::{
    diagnosis::{self, Refusal},
    text::{StatusLine, short},
};
use crate::{escape::Escaped, redact::Secrets, target::without_user};
use std::fmt;

/// Writes the message and, below it, the header field and the text that support it.
pub(super) fn sentence(f: &mut fmt::Formatter<'_>, refusal: &Refusal) -> fmt::Result {
    let judgement = diagnosis::of_refusal(refusal);
    let url = refusal.request.target.to_string();
    let url = Secrets::Hidden.url(&url);
    write!(f, "{} answered {}", Escaped(&url), StatusLine(&refusal.response))?;
    f.write_str(" instead of upgrading to WebSocket")?;
    let body = &refusal.body;
    let is_page = (200..300).contains(&refusal.response.status);
    if !judgement.cause.is_empty() {
        write!(f, ": {}", judgement.cause)?;
    } else if is_page && !body.kind.is_empty() {
        write!(f, ": {}", Escaped(&short(&body.kind)))?;
        if let Some(title) = &body.title {
            write!(f, ", '{}'", Escaped(&short(title)))?;
        }
    }
    let field = refusal.evidence(judgement.fields);
    if let Some((name, value)) = field {
        let value = without_user(value);
        let value = short(&Secrets::Hidden.url(&value));
        write!(f, "\n  {name}: {}", Escaped(&value))?;
    }
    // The first line already contains the title of an ordinary page.
    let headline = if is_page { None } else { body.headline.as_deref() };
    body.write(f, headline, usize::from(field.is_some()))
}
