//! The job of `sockeye listen`.

use super::{common::CommonOptions, prompt_habits::PromptHabits};
use crate::{
    connect::DialOptions,
    net::tls::{Identity, TlsOptions},
    proto::{
        Settings,
        handshake::{Choices, HeaderEdit, Headers},
    },
    script::{
        fault::FaultRule,
        goals::Goals,
        input::Framing,
        reply::{file::ReplyFile, rule::ReplyScript},
    },
    secret::SecretString,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Options of `sockeye listen`.
#[derive(Clone, Debug)]
pub struct ListenJob {
    /// Address to listen on.
    pub address: ListenAddress,
    /// TLS, if the server speaks wss://.
    pub tls: Option<ServerCertificate>,
    /// Subprotocols and compression to accept.
    pub choices: Choices,
    /// The service that clients get.
    pub service: Service,
    /// The file of the reply script, which may be read again.
    pub reply_file: Option<ReplyFile>,
    /// Faults of all sessions.
    pub faults: Arc<[FaultRule]>,
    /// The seed of what is chosen at random.
    pub seed: u64,
    /// Options for connecting to the servers that a reply script forwards messages to.
    pub dialing: DialOptions,
    /// The client certificate for those servers.
    pub forward_tls: TlsOptions,
    /// Changes of the header of the requests to those servers.
    pub forward_edits: Vec<HeaderEdit>,
    /// Rules for admitting clients.
    pub admission: AdmissionRules,
    /// Additional header fields of the 101 response.
    pub headers: Headers,
    /// Rules for the end of the server.
    pub life: LifeRules,
    /// Messages that end the server.
    pub goals: Goals,
    /// The number of bytes that may wait for a client.
    pub max_queue: usize,
    /// The treatment of a client for which more would wait.
    pub slow: SlowClients,
    /// Format of stdin and stdout.
    pub format: ListenFormat,
    /// Habits of the prompt.
    pub habits: PromptHabits,
    /// Files that record the run.
    pub recording: ServerRecordOptions,
    /// Settings of sessions. Those of `common` are for messages to many clients, whose fragments are
    /// shorter: a frame is copied for each client that is behind.
    pub session: Settings,
    /// Options that a client has too.
    pub common: CommonOptions,
}

impl ListenJob {
    /// Returns warnings about the reply script, if there is one.
    pub fn reply_warnings(&self) -> Vec<String> {
        match (&self.reply_file, &self.service) {
            (Some(file), Service::Reply(script, _)) => file.warnings(script),
            _ => Vec::new(),
        }
    }
}

/// Recordings of a server.
#[derive(Clone, Debug, Default)]
pub struct ServerRecordOptions {
    /// File of `--record`.
    pub record: Option<PathBuf>,
    /// File of `--har`.
    pub har: Option<PathBuf>,
    /// Files that the run reads, and must not overwrite.
    pub inputs: Vec<PathBuf>,
}

/// An address that a server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP port of both loopback addresses.
    Loopback(u16),
    /// A TCP port of a host, which is an address or a name.
    Tcp(String, u16),
    /// A Unix socket; `@name` is in the abstract namespace.
    Unix(String),
    /// A listening socket inherited with this descriptor number.
    Descriptor(i32),
}

/// The source of a server's certificate.
#[derive(Clone, Debug)]
pub enum ServerCertificate {
    /// A certificate and its key, read from files.
    Given(Arc<Identity>),
    /// A certificate made for this run.
    SelfSigned,
}

/// The treatment of clients' messages by a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Messages are shown, and input lines are sent to all clients.
    Talk,
    /// Messages are sent back.
    Echo,
    /// Messages are sent to all other clients.
    Broadcast,
    /// A command runs for each client.
    Exec(String),
    /// A script replies to each client, with this seed for what is chosen at random.
    Reply(Arc<ReplyScript>, u64),
}

/// Rules for admitting clients, each of which refuses others with its own status.
#[derive(Clone, Debug, Default)]
pub struct AdmissionRules {
    /// Patterns of paths; any path if empty (404).
    pub paths: Vec<Glob>,
    /// User and password (401).
    pub user: Option<(String, SecretString)>,
    /// Patterns of origins; any origin if empty (403).
    pub origins: Vec<Glob>,
    /// Headers that a request must have, perhaps with this value (403).
    pub headers: Vec<(String, Option<String>)>,
    /// A status for all requests, or for the first ones.
    pub refusal: Option<ForcedRefusal>,
    /// The greatest number of clients at the same time (503).
    pub max_clients: Option<usize>,
}

/// A refusal of requests that could be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedRefusal {
    /// The status of the answer.
    pub status: u16,
    /// The requests that it concerns.
    pub scope: RefusalScope,
}

/// The requests that a forced refusal concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalScope {
    /// All requests.
    Always,
    /// The first requests, this many.
    First(u64),
    /// The requests within this time after the start.
    Within(Duration),
}

/// Rules for the end of a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct LifeRules {
    /// The server ends after this many clients have left.
    pub clients: Option<u64>,
    /// Time limit for the whole run.
    pub max_time: Option<Duration>,
}

/// The treatment of a client that does not read as fast as messages are sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowClients {
    /// Close the session with 1013.
    Drop,
    /// Wait for the client.
    Wait,
    /// Do not send it the messages that it has no room for.
    Skip,
}

/// Format of a server's stdin and stdout.
#[derive(Clone, Copy, Debug)]
pub struct ListenFormat {
    /// Message framing on stdin and stdout.
    pub framing: Framing,
    /// `--input jsonl`: each line of stdin is an action.
    pub jsonl_input: bool,
    /// `--output jsonl`: each line of stdout is an event.
    pub jsonl_output: bool,
    /// `--label` or `--no-label`; `None` to label once a second client sends.
    pub labels: Option<bool>,
}

/// A pattern in which `*` stands for any characters and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Creates a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Reports whether the pattern matches all of a text.
    pub fn is_match(&self, text: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.as_str(), text);
        // The pattern after the last star, and the text from which it was tried last.
        let mut retry: Option<(&str, &str)> = None;
        loop {
            let (mut pattern_chars, mut chars) = (pattern.chars(), rest.chars());
            match (pattern_chars.next(), chars.next()) {
                (Some('*'), _) => {
                    pattern = pattern_chars.as_str();
                    retry = Some((pattern, rest));
                    continue;
                }
                (None, None) => return true,
                (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                    (pattern, rest) = (pattern_chars.as_str(), chars.as_str());
                    continue;
                }
                _ => {}
            }
            let Some((after_star, from)) = retry else { return false };
            let mut chars = from.chars();
            if chars.next().is_none() {
                return false;
            }
            (pattern, rest) = (after_star, chars.as_str());
            retry = Some((after_star, rest));
        }
    }
}

impl std::fmt::Display for ListenAddress {
    /// Writes the address as it may be given.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Loopback(port) => write!(f, "{port}"),
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Descriptor(number) => write!(f, "fd:{number}"),
        }
    }
}

impl ListenAddress {
    /// Parses `PORT`, `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH`, `unix:@NAME` or `fd:NUMBER`. `None`
    /// if the text is none of them.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return (!matches!(path, "" | "@")).then(|| Self::Unix(path.to_owned()));
        }
        if let Some(number) = text.strip_prefix("fd:") {
            return number.parse().ok().filter(|number| *number >= 0).map(Self::Descriptor);
        }
        let (host, port) = match text.rsplit_once(':') {
            None => ("", text),
            Some((host, port)) => (host, port),
        };
        let port: u16 = port.parse().ok()?;
        if host.is_empty() {
            return Some(Self::Loopback(port));
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        match bare {
            Some(bare) => {
                bare.parse().ok().map(|_: std::net::Ipv6Addr| Self::Tcp(bare.into(), port))
            }
            None if host == "localhost" => Some(Self::Loopback(port)),
            None if host.contains([':', '[', ']', '/']) => None,
            None => Some(Self::Tcp(host.to_owned(), port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_default_to_loopback() {
        let tcp = |host: &str| Some(ListenAddress::Tcp(host.to_owned(), 9000));
        for (text, address) in [
            ("9000", Some(ListenAddress::Loopback(9000))),
            (":9000", Some(ListenAddress::Loopback(9000))),
            ("0", Some(ListenAddress::Loopback(0))),
            ("localhost:9000", Some(ListenAddress::Loopback(9000))),
            ("0.0.0.0:9000", tcp("0.0.0.0")),
            ("example.com:9000", tcp("example.com")),
            ("[::1]:9000", tcp("::1")),
            ("unix:/tmp/socket", Some(ListenAddress::Unix("/tmp/socket".to_owned()))),
            ("unix:@name", Some(ListenAddress::Unix("@name".to_owned()))),
            ("fd:3", Some(ListenAddress::Descriptor(3))),
        ] {
            assert_eq!(ListenAddress::parse(text), address, "{text}");
        }
        for text in ["", "x", "99999", "host", "::1:9000", "h:", "-1", "[x]:1", "unix:", "fd:x"] {
            assert_eq!(ListenAddress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let matches = |pattern: &str, text: &str| Glob::new(pattern).is_match(text);
        for (pattern, text) in [
            ("/chat", "/chat"),
            ("*", ""),
            ("/chat/*", "/chat/a/b"),
            ("*.example.com", "https://a.example.com"),
            ("/a?c", "/abc"),
            ("*ab*ab", "xabyabab"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("/chat", "/chat2"), ("", "x"), ("/a?c", "/ac"), ("*.example.com", "example.com")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        // Takes linear time for each star.
        assert!(!matches(&"*a".repeat(30), &"a".repeat(10_000).replace('a', "ab")));
    }
}
