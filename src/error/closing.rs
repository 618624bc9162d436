//! The sentences and hints for how a session ends: a Close, or a transport that ends without one.

use super::request::missing;
use crate::{
    connect::RequestPart,
    escape::Escaped,
    proto::{Close, codes::Dialect, handshake::Version},
    session::{QuietPeriod, SessionContext},
};
use std::{fmt, time::Duration};

/// What a Close says, by what its code means to those who agreed on it.
pub(super) fn said(
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
            reason(f, close)
        }
        // Another subprotocol was agreed on: what graphql-transport-ws means is beside the point.
        None if context.is_some_and(|it| it.subprotocol.is_some()) => {
            write!(f, "{code}")?;
            parenthesis(f, close.code.name())?;
            reason(f, close)
        }
        None => write!(f, "{close}"),
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u16::from(self.code);
        write!(f, "{code}")?;
        // Codes from 4400 on are so often those of graphql-transport-ws that it helps to say so.
        match Dialect::Graphql.meaning(code) {
            meaning if code >= 4400 && !meaning.is_empty() => {
                let whose = Dialect::Graphql.name();
                write!(f, " ({}; in {whose}: {meaning})", self.code.name())?;
            }
            _ => parenthesis(f, self.code.name())?,
        }
        reason(f, self)
    }
}

fn parenthesis(f: &mut fmt::Formatter<'_>, words: &str) -> fmt::Result {
    if words.is_empty() { Ok(()) } else { write!(f, " ({words})") }
}

fn reason(f: &mut fmt::Formatter<'_>, close: &Close) -> fmt::Result {
    if close.reason.is_empty() { Ok(()) } else { write!(f, ": {}", Escaped(&close.reason)) }
}

/// What there is to try after a Close of a server.
pub(super) fn hint(close: &Close, context: &SessionContext) -> Option<String> {
    let request = &context.request;
    let code = u16::from(close.code);
    // A server that misses something in the request closes before it says anything.
    let at_once = context.received == 0;
    let has_none = context.subprotocol.is_none() && at_once;
    let who = "--auth USER:PASSWORD, --bearer TOKEN or --cookie NAME=VALUE";
    if let Some(hint) = private_hint(code, context) {
        return Some(hint);
    }
    let hint = match code {
        1002 | 1008 | 4406 if request.has(RequestPart::Subprotocols) && has_none => {
            "it chose none of the subprotocols asked for: ask for another with -s NAME"
        }
        1002 | 1007 if context.compression => {
            "see whether it goes without compression: --no-compress"
        }
        1002 if at_once => return missing(request, &[RequestPart::Subprotocols]),
        1003 => "it may want the other type of message: text is the default, -b sends binary",
        1007 => "only valid UTF-8 is sent as text: the server may want other data in it",
        1008 | 3003 if at_once => {
            let all = [RequestPart::Subprotocols, RequestPart::Origin, RequestPart::Credentials];
            return missing(request, &all);
        }
        1009 => "the limit is the server's: send smaller messages",
        1010 if !request.has(RequestPart::Compression) => {
            "offer compression: leave out --no-compress"
        }
        1011 => "the fault is the server's: its log may say why; --reconnect connects again",
        1012..=1014 => "try again later; --reconnect does so by itself",
        3000 if request.has(RequestPart::Credentials) => {
            "the credentials that were sent are not taken"
        }
        3000 => return Some(format!("show who you are: {who}")),
        3008 => "it may want to hear something more often: --ping-interval SECONDS",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// After a code that an application made its own.
fn private_hint(code: u16, context: &SessionContext) -> Option<String> {
    let (request, dialect) = (&context.request, context.dialect());
    let graphql = dialect == Some(Dialect::Graphql);
    let hint = match code {
        4406 if !request.has(RequestPart::Subprotocols) => {
            "if it speaks GraphQL, ask for -s graphql-transport-ws"
        }
        4401 | 4408 if graphql => {
            "begin with -x '{\"type\":\"connection_init\"}' --expect connection_ack"
        }
        4403 if graphql => "it may want a token in the payload of connection_init",
        4429 if graphql => "send connection_init only once",
        4500 if graphql => "the fault is the server's: its log may say why",
        4100..=4299 if dialect == Some(Dialect::Pusher) => {
            return Some(format!("connect again by itself: --reconnect --reconnect-on {code}"));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// A transport that ended without a Close.
pub(super) fn no_close(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    carrier: Version,
    inside_message: bool,
) -> fmt::Result {
    let inside = if inside_message { " and inside a message" } else { "" };
    let what = if carrier == Version::Http2 { "HTTP/2 stream" } else { "connection" };
    write!(f, "{authority} ended the {what} without a Close{inside} (1006)")
}

/// How long it had been silent.
impl fmt::Display for QuietPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " after {} s of silence", self.length.as_secs())?;
        match self.times {
            0 | 1 => Ok(()),
            n => write!(f, ", as {}: --ping-interval {} may prevent it", before(n), ping(*self)),
        }
    }
}

fn before(times: u32) -> String {
    match times {
        2 => "before".to_owned(),
        n => format!("the {} times before", n - 1),
    }
}

/// What may keep a connection open that was dropped for its silence.
pub(super) fn quiet_hint(quiet: QuietPeriod) -> String {
    let ping = ping(quiet);
    format!("something on the way may drop idle connections: try --ping-interval {ping}")
}

/// Half of it: early enough also where a clock is coarse.
fn ping(quiet: QuietPeriod) -> u64 {
    (quiet.length / 2).max(Duration::from_secs(1)).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Error, session::SessionError};
    use std::io;

    #[test]
    fn a_ping_comes_before_the_silence_is_too_long() {
        for (seconds, interval) in [(5, 2), (10, 5), (60, 30), (300, 150), (1, 1)] {
            let quiet = QuietPeriod::new(Duration::from_secs(seconds));
            assert_eq!(ping(quiet), interval);
        }
    }

    #[test]
    fn a_silence_that_comes_again_is_told() {
        let told = |times| {
            QuietPeriod { times, ..QuietPeriod::new(Duration::from_millis(60_400)) }.to_string()
        };
        assert_eq!(told(1), " after 60 s of silence");
        let hint = "--ping-interval 30 may prevent it";
        assert_eq!(told(2), format!(" after 60 s of silence, as before: {hint}"));
        assert_eq!(told(3), format!(" after 60 s of silence, as the 2 times before: {hint}"));
    }

    #[test]
    fn a_loss_after_silence_is_reported_with_its_length_and_a_hint() {
        let quiet = Some(QuietPeriod::new(Duration::from_secs(5)));
        let no_close = SessionError::NoClose {
            authority: "h:1".to_owned(),
            carrier: Version::Http11,
            inside_message: false,
            quiet,
        };
        let reset = io::ErrorKind::ConnectionReset.into();
        let receive = SessionError::Receive { authority: "h:1".to_owned(), cause: reset, quiet };
        for (error, start) in [
            (no_close, "h:1 ended the connection without a Close (1006)"),
            (receive, "cannot receive from h:1: connection reset"),
        ] {
            let error = Error::Session(error);
            assert_eq!(error.to_string(), format!("{start} after 5 s of silence"));
            let hint = "something on the way may drop idle connections: try --ping-interval 2";
            assert_eq!(error.hint().as_deref(), Some(hint));
        }
    }
}
