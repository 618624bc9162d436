//! The meanings of close codes: the registered ones (RFC 6455, 7.4.1 and 11.7) and the private ones
//! of some widespread services.

use super::close_code::CloseCode;

/// A close code in the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredCode {
    /// The code as a number.
    pub code: u16,
    /// The registered name, for people.
    pub name: &'static str,
    /// The meaning in a few words; "the sender" is the side that closed.
    pub meaning: &'static str,
    /// The side that may send it.
    pub sender: Sender,
}

/// The side that may send a close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Client and server.
    Either,
    /// Only a client: a server would refuse the opening handshake instead.
    Client,
    /// Only a server.
    Server,
    /// Neither side: the code only describes how a connection ended.
    Nobody,
}

/// The registered codes in ascending order, without those registered for one library or framework.
pub const REGISTERED: [RegisteredCode; 18] = [
    code(1000, "normal closure", "the session is complete", Sender::Either),
    code(1001, "going away", "the sender is leaving or shutting down", Sender::Either),
    code(1002, "protocol error", "the other side broke the protocol", Sender::Either),
    code(
        1003,
        "unsupported data",
        "the sender does not accept this type of message",
        Sender::Either,
    ),
    code(1005, "no status received", "the Close had no code", Sender::Nobody),
    code(1006, "abnormal closure", "the transport ended without a Close", Sender::Nobody),
    code(1007, "invalid payload data", "a message did not match its type", Sender::Either),
    code(1008, "policy violation", "a message or a client violates a policy", Sender::Either),
    code(1009, "message too big", "a message was longer than the limit", Sender::Either),
    code(1010, "mandatory extension", "a required extension was not negotiated", Sender::Client),
    code(1011, "internal error", "an unexpected error occurred", Sender::Either),
    code(1012, "service restart", "the server is restarting", Sender::Server),
    code(1013, "try again later", "the server is overloaded", Sender::Server),
    code(
        1014,
        "bad gateway",
        "a gateway got an invalid response from its upstream server",
        Sender::Server,
    ),
    code(1015, "TLS handshake", "the TLS handshake failed", Sender::Nobody),
    code(3000, "unauthorized", "authentication is required", Sender::Server),
    code(3003, "forbidden", "access is denied", Sender::Server),
    code(3008, "timeout", "an operation timed out", Sender::Either),
];

const fn code(
    code: u16,
    name: &'static str,
    meaning: &'static str,
    sender: Sender,
) -> RegisteredCode {
    RegisteredCode { code, name, meaning, sender }
}

/// Looks up a registered code.
pub fn find(code: u16) -> Option<&'static RegisteredCode> {
    REGISTERED.iter().find(|one| one.code == code)
}

impl CloseCode {
    /// Returns the registered name or the name of the code's range; empty if there is neither.
    pub fn name(self) -> &'static str {
        match (find(self.number()), self.number()) {
            (Some(found), _) => found.name,
            (None, 3000..=3999) => "registered by a library",
            (None, 4000..=4999) => "private use",
            _ => "",
        }
    }

    /// Returns the meaning in a few words; empty if it is unknown. The meaning of a private code is
    /// up to the application; [`Dialect`] knows some.
    pub fn meaning(self) -> &'static str {
        match (find(self.number()), self.number()) {
            (Some(found), _) => found.meaning,
            (None, 3000..=3999) => "defined by a library or framework",
            (None, 4000..=4999) => "defined by the application",
            _ => "",
        }
    }
}

/// The service or subprotocol that defines the private codes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The subprotocol graphql-transport-ws.
    Graphql,
    /// Pusher Channels.
    Pusher,
    /// The Discord gateway.
    Discord,
    /// Twitch `EventSub`.
    Twitch,
}

impl Dialect {
    /// Infers the dialect from the negotiated subprotocol or, failing that, from the host.
    pub fn of(subprotocol: Option<&str>, host: &str) -> Option<Self> {
        let is_in = |domain: &str| {
            let rest = host.strip_suffix(domain);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        match subprotocol {
            Some("graphql-transport-ws") => Some(Self::Graphql),
            _ if is_in("pusher.com") => Some(Self::Pusher),
            _ if is_in("discord.gg") => Some(Self::Discord),
            _ if is_in("wss.twitch.tv") => Some(Self::Twitch),
            _ => None,
        }
    }

    /// Returns the name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graphql => "graphql-transport-ws",
            Self::Pusher => "Pusher",
            Self::Discord => "Discord",
            Self::Twitch => "Twitch",
        }
    }

    /// Returns the dialect's meaning of a code; empty if it defines none.
    pub fn meaning(self, code: u16) -> &'static str {
        match self {
            Self::Graphql => graphql(code),
            Self::Pusher => pusher(code),
            Self::Discord => discord(code),
            Self::Twitch => twitch(code),
        }
    }
}

/// Source: the protocol, and `CloseCode` in its reference implementation.
fn graphql(code: u16) -> &'static str {
    match code {
        4004 => "bad response",
        4005 => "internal client error",
        4400 => "invalid message",
        4401 => "unauthorized",
        4403 => "forbidden",
        4406 => "subprotocol not acceptable",
        4408 => "no connection_init in time",
        4409 => "subscription exists already",
        4429 => "more than one connection_init",
        4500 => "internal server error",
        4504 => "no connection_ack in time",
        _ => "",
    }
}

/// Source: the Pusher Channels protocol, version 7.
fn pusher(code: u16) -> &'static str {
    match code {
        4000 => "TLS only",
        4001 => "no such application",
        4003 => "application disabled",
        4004 => "too many connections",
        4005 => "no such path",
        4006 => "malformed version",
        4007 => "unsupported version",
        4008 => "no version given",
        4009 => "unauthorized",
        4100 => "over capacity",
        4200 => "connect again",
        4201 => "no pong in time",
        4202 => "inactive",
        4301 => "too many client events",
        _ => match code / 100 {
            40 => "do not connect again",
            41 => "connect again later",
            42 => "connect again at once",
            _ => "",
        },
    }
}

/// Source: the table of gateway close event codes.
fn discord(code: u16) -> &'static str {
    match code {
        4000 => "unknown error",
        4001 => "unknown opcode",
        4002 => "undecodable message",
        4003 => "not authenticated",
        4004 => "authentication failed",
        4005 => "already authenticated",
        4007 => "invalid sequence number",
        4008 => "rate limited",
        4009 => "session timed out",
        4010 => "invalid shard",
        4011 => "sharding required",
        4012 => "invalid API version",
        4013 => "invalid intents",
        4014 => "disallowed intents",
        _ => "",
    }
}

/// Source: the table of `EventSub` close codes.
fn twitch(code: u16) -> &'static str {
    match code {
        4000 => "internal server error",
        4001 => "the client must not send messages",
        4002 => "no pong in time",
        4003 => "no subscription in time",
        4004 => "not reconnected in time",
        4005 => "network timeout",
        4006 => "network error",
        4007 => "invalid reconnect",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_the_registry() {
        let code = CloseCode::new;
        assert_eq!(
            (code(1008).name(), code(1008).meaning()),
            ("policy violation", "a message or a client violates a policy")
        );
        assert_eq!(
            (code(3001).name(), code(4401).name()),
            ("registered by a library", "private use")
        );
        for nameless in [999, 1004, 2000, 5000] {
            assert_eq!((code(nameless).name(), code(nameless).meaning()), ("", ""));
        }
    }

    #[test]
    fn the_table_is_sorted_and_agrees_with_is_sendable() {
        assert!(REGISTERED.is_sorted_by_key(|one| one.code));
        for one in REGISTERED {
            assert_eq!(
                CloseCode::new(one.code).is_sendable(),
                one.sender != Sender::Nobody,
                "{one:?}"
            );
            assert!(!one.meaning.is_empty() && !one.name.is_empty(), "{one:?}");
        }
    }

    #[test]
    fn the_subprotocol_takes_precedence_over_the_host() {
        assert_eq!(Dialect::of(Some("graphql-transport-ws"), "h"), Some(Dialect::Graphql));
        assert_eq!(Dialect::of(None, "h"), None);
        assert_eq!(Dialect::of(None, "gateway.discord.gg"), Some(Dialect::Discord));
        assert_eq!(Dialect::of(None, "ws-eu.pusher.com"), Some(Dialect::Pusher));
        assert_eq!(Dialect::of(None, "notpusher.com"), None);
        assert_eq!(Dialect::of(None, "eventsub.wss.twitch.tv"), Some(Dialect::Twitch));
        for (dialect, code, words) in [
            (Dialect::Graphql, 4401, "unauthorized"),
            (Dialect::Discord, 4004, "authentication failed"),
            (Dialect::Pusher, 4004, "too many connections"),
            (Dialect::Pusher, 4150, "connect again later"),
            (Dialect::Twitch, 4003, "no subscription in time"),
            (Dialect::Discord, 4401, ""),
        ] {
            assert_eq!(dialect.meaning(code), words);
        }
    }
}
