//! Values of keys that have several forms.

use super::{
    keys::{Entry, Keys, ReplyFault},
    rule::Pause,
};
use crate::{
    proto::{Close, CloseCode, close::MAX_REASON_BYTES},
    wording::nearest,
};

/// Returns a text that is one of these.
pub(super) fn choice<'a>(entry: &Entry<'a>, choices: &[&str]) -> Result<&'a str, ReplyFault> {
    let text = entry.text()?;
    if choices.contains(&text) {
        return Ok(text);
    }
    let words = format!("'{}' must be {}", entry.name, choices.join(", "));
    let near = nearest(text, choices.iter().copied());
    let fault = entry.fault(words);
    Err(match near {
        Some(near) => fault.hinted(format!("did you mean '{near}'?")),
        None => fault,
    })
}

/// Reads a time, or the limits of one.
pub(super) fn pause(entry: &Entry<'_>) -> Result<Pause, ReplyFault> {
    let Some(items) = entry.items() else {
        let time = entry.seconds()?;
        return Ok(Pause { shortest: time, longest: time });
    };
    let times = items.iter().map(Entry::seconds).collect::<Result<Vec<_>, _>>()?;
    match &times[..] {
        [shortest, longest] if shortest <= longest => {
            Ok(Pause { shortest: *shortest, longest: *longest })
        }
        _ => Err(entry.fault(format!("'{}' must be [SHORTEST, LONGEST] in seconds", entry.name))),
    }
}

/// Reads a Close: true, a code, or a table of code and reason.
pub(super) fn close(entry: &Entry<'_>) -> Result<Close, ReplyFault> {
    if entry.boolean() == Some(true) {
        return Ok(Close::new(CloseCode::NORMAL));
    }
    if entry.number().is_some() {
        return Ok(Close::new(close_code(entry)?));
    }
    let keys = Keys::new(entry.table()?, entry.at, &["code", "reason"])?;
    let code = keys.entry("code").map(|code| close_code(&code)).transpose()?;
    let reason = match keys.entry("reason") {
        None => String::new(),
        Some(reason) if reason.text()?.len() > MAX_REASON_BYTES => {
            return Err(reason.fault(format!("a reason has at most {MAX_REASON_BYTES} bytes")));
        }
        Some(reason) => reason.text()?.to_owned(),
    };
    Ok(Close { code: code.unwrap_or(CloseCode::NORMAL), reason })
}

fn close_code(entry: &Entry<'_>) -> Result<CloseCode, ReplyFault> {
    let code = entry.count().ok().and_then(|code| u16::try_from(code).ok()).map(CloseCode::new);
    code.filter(|code| code.is_sendable())
        .ok_or_else(|| entry.fault("a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999"))
}
