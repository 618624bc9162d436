//! Messages and hints for the end of a session, with or without a Close.

use crate::{
    escape::Escaped,
    known,
    proto::{Close, codes::Dialect, handshake::Version},
    session::{QuietPeriod, SessionContext},
};
use std::{fmt, time::Duration};

/// Writes the code, its meaning and the reason of a Close. The meaning may depend on the subprotocol
/// or the service.
pub(super) fn write_close(
    f: &mut fmt::Formatter<'_>,
    close: &Close,
    context: Option<&SessionContext>,
) -> fmt::Result {
    let code = u16::from(close.code);
    let dialect = context.and_then(SessionContext::dialect);
    let known = dialect.map(|dialect| (dialect, dialect.meaning(code)));
    match known.filter(|(_, meaning)| !meaning.is_empty()) {
        Some((dialect, meaning)) => {
            write!(f, "{code} ({}: {meaning})", dialect.name())?;
            write_reason(f, close)
        }
        // Another subprotocol was agreed on, so the meaning in graphql-transport-ws does not apply.
        None if context.is_some_and(|it| it.subprotocol.is_some()) => {
            write!(f, "{code}")?;
            write_name(f, close.code.name())?;
            write_reason(f, close)
        }
        None => write!(f, "{close}"),
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u16::from(self.code);
        write!(f, "{code}")?;
        // Codes from 4400 are mostly those of graphql-transport-ws, so its meaning helps.
        match Dialect::Graphql.meaning(code) {
            meaning if code >= 4400 && !meaning.is_empty() => {
                let dialect = Dialect::Graphql.name();
                write!(f, " ({}; in {dialect}: {meaning})", self.code.name())?;
            }
            _ => write_name(f, self.code.name())?,
        }
        write_reason(f, self)
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if name.is_empty() { Ok(()) } else { write!(f, " ({name})") }
}

fn write_reason(f: &mut fmt::Formatter<'_>, close: &Close) -> fmt::Result {
    if close.reason.is_empty() {
        Ok(())
    } else {
        write!(f, ": {}", Escaped(&known::redact(&close.reason)))
    }
}

/// Writes that the transport ended without a Close.
pub(super) fn no_close(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    carrier: Version,
    inside_message: bool,
) -> fmt::Result {
    let inside = if inside_message { ", in the middle of a message" } else { "" };
    let transport = if carrier == Version::Http2 { "HTTP/2 stream" } else { "connection" };
    write!(f, "{authority} closed the {transport} without a Close frame{inside} (1006)")
}

impl fmt::Display for QuietPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " after {} s of silence", rounded_seconds(*self))?;
        match self.times {
            0 | 1 => Ok(()),
            times => write!(
                f,
                ", as {}: --ping-interval {} may prevent it",
                before(times),
                ping_seconds(*self)
            ),
        }
    }
}

fn before(times: u32) -> String {
    match times {
        2 => "before".to_owned(),
        times => format!("the {} times before", times - 1),
    }
}

/// Returns the hint for a connection that was lost after a silence.
pub(super) fn quiet_hint(quiet: QuietPeriod) -> String {
    let seconds = ping_seconds(quiet);
    format!("a proxy or firewall may drop idle connections: try --ping-interval {seconds}")
}

/// Returns half of the silence, at least 1 s: early enough even with a coarse clock.
fn ping_seconds(quiet: QuietPeriod) -> u64 {
    (rounded_seconds(quiet) / 2).max(1)
}

/// Returns the silence in whole seconds, rounded: people compare it with the timeout of a server,
/// and a timeout of 60 s may be measured as 59.97 s.
fn rounded_seconds(quiet: QuietPeriod) -> u64 {
    quiet.length.saturating_add(Duration::from_millis(500)).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Error, session::SessionError};
    use std::io;

    #[test]
    fn ping_interval_is_half_of_the_silence() {
        for (seconds, interval) in [(5, 2), (10, 5), (60, 30), (300, 150), (1, 1)] {
            let quiet = QuietPeriod::new(Duration::from_secs(seconds));
            assert_eq!(ping_seconds(quiet), interval);
        }
    }

    #[test]
    fn a_silence_is_rounded_and_not_cut_to_whole_seconds() {
        for (millis, words, interval) in [
            (5_000, " after 5 s of silence", 2),
            (5_499, " after 5 s of silence", 2),
            (5_970, " after 6 s of silence", 3),
            (59_970, " after 60 s of silence", 30),
            (60_400, " after 60 s of silence", 30),
        ] {
            let quiet = QuietPeriod::new(Duration::from_millis(millis));
            assert_eq!((quiet.to_string().as_str(), ping_seconds(quiet)), (words, interval));
        }
    }

    #[test]
    fn repeated_silences_are_counted() {
        let words = |times| {
            QuietPeriod { times, ..QuietPeriod::new(Duration::from_millis(60_400)) }.to_string()
        };
        assert_eq!(words(1), " after 60 s of silence");
        let hint = "--ping-interval 30 may prevent it";
        assert_eq!(words(2), format!(" after 60 s of silence, as before: {hint}"));
        assert_eq!(words(3), format!(" after 60 s of silence, as the 2 times before: {hint}"));
    }

    #[test]
    fn loss_after_silence_names_its_length_and_gives_a_hint() {
        let quiet = Some(QuietPeriod::new(Duration::from_secs(5)));
        let no_close = SessionError::NoClose {
            authority: "h:1".to_owned(),
            carrier: Version::Http11,
            inside_message: false,
            quiet,
            context: None,
        };
        let reset = io::ErrorKind::ConnectionReset.into();
        let authority = "h:1".to_owned();
        let receive = SessionError::Receive { authority, cause: reset, quiet, context: None };
        for (error, start) in [
            (no_close, "h:1 closed the connection without a Close frame (1006)"),
            (receive, "cannot receive from h:1: connection reset"),
        ] {
            let error = Error::Session(error);
            assert_eq!(error.to_string(), format!("{start} after 5 s of silence"));
            let hint = "a proxy or firewall may drop idle connections: try --ping-interval 2";
            assert_eq!(error.hint().as_deref(), Some(hint));
        }
    }
}
