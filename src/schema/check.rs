//! The lines of `sockeye check --json`: a line for each check, and the grade.

use serde::Serialize;
use std::{borrow::Cow, fmt};

/// A part of the protocol, or of a server, that checks are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckGroup {
    /// The way to the server: names, addresses and TLS.
    Reach,
    /// The opening handshake.
    Handshake,
    /// Frames and fragments.
    Framing,
    /// The encoding of text.
    Utf8,
    /// The closing handshake.
    Close,
    /// Compression.
    Deflate,
    /// Dangers to users and to the server.
    Security,
    /// What browsers do with the server.
    Browsers,
    /// The versions of HTTP that carry sessions.
    Versions,
    /// Measured limits.
    Limits,
    /// The software of the server.
    Identity,
}

/// How binding the rule of a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckLevel {
    /// An RFC requires it, or peers cannot work together without it.
    Must,
    /// An RFC recommends it, or clients rely on it.
    Should,
    /// A danger to users or to the server.
    Security,
    /// Something worth knowing.
    Info,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// The rule holds.
    Pass,
    /// The server breaks a rule that counts.
    Fail,
    /// The server breaks a recommendation.
    Warn,
    /// The check could not be made or judged.
    Skip,
}

/// The result of one check, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult<'a> {
    /// The stable name of the check.
    pub id: Cow<'a, str>,
    /// The part that it is about.
    pub group: CheckGroup,
    /// The section of the RFC, such as `RFC 6455, 5.1`.
    pub section: Cow<'a, str>,
    /// How binding the rule is.
    pub level: CheckLevel,
    /// The result.
    pub result: CheckVerdict,
    /// The rule in a few words.
    pub title: Cow<'a, str>,
    /// What the server did, or why the check was skipped.
    pub evidence: Cow<'a, str>,
    /// What follows if the rule is broken; only with `fail` and `warn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consequence: Option<Cow<'a, str>>,
    /// What to change; only with `fail` and `warn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Cow<'a, str>>,
    /// The duration of the check in milliseconds.
    pub ms: u64,
}

/// The grade of a server, with the counts of all results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckGrade<'a> {
    /// `A` to `F`; `None` if too little could be judged.
    pub grade: Option<char>,
    /// The reasons for a grade below `A`.
    pub reasons: Vec<String>,
    /// The URL, without secrets.
    pub url: Cow<'a, str>,
    /// The number of checks that passed.
    pub pass: usize,
    /// The number of checks that failed.
    pub fail: usize,
    /// The number of recommendations that are not followed.
    pub warn: usize,
    /// The number of checks that were not made.
    pub skip: usize,
    /// False if the run was interrupted or ran out of time.
    pub complete: bool,
    /// The duration of all checks in milliseconds.
    pub ms: u64,
}

/// The reason why no check was made: no session came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckError<'a> {
    /// The URL, without secrets.
    pub url: Cow<'a, str>,
    /// What went wrong.
    pub message: Cow<'a, str>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Cow<'a, str>>,
    /// The exit status.
    pub status: u8,
}

/// A line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum CheckLine<'a> {
    /// `check`: the result of one check.
    Check(&'a CheckResult<'a>),
    /// `grade`: the last line.
    Grade(&'a CheckGrade<'a>),
    /// `error`: the only line if no session was opened.
    Error(&'a CheckError<'a>),
}

impl CheckGroup {
    /// All groups, in the order of their results.
    pub const ALL: &'static [Self] = &[
        Self::Reach,
        Self::Handshake,
        Self::Framing,
        Self::Utf8,
        Self::Close,
        Self::Deflate,
        Self::Security,
        Self::Browsers,
        Self::Versions,
        Self::Limits,
        Self::Identity,
    ];

    /// Returns the name, as in `--only`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Handshake => "handshake",
            Self::Framing => "framing",
            Self::Utf8 => "utf8",
            Self::Close => "close",
            Self::Deflate => "deflate",
            Self::Security => "security",
            Self::Browsers => "browsers",
            Self::Versions => "versions",
            Self::Limits => "limits",
            Self::Identity => "identity",
        }
    }

    /// Returns what the group is about, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Reach => "names, addresses, TLS and certificates",
            Self::Handshake => "the opening handshake over HTTP/1.1",
            Self::Framing => "frames, fragments, pings and pongs",
            Self::Utf8 => "the encoding of text messages",
            Self::Close => "the closing handshake",
            Self::Deflate => "permessage-deflate",
            Self::Security => "dangers to users and to the server",
            Self::Browsers => "the requests of browsers, and what becomes of them",
            Self::Versions => "HTTP/2, and which version browsers use",
            Self::Limits => "measured: sizes, round trips, slow readers and idle sessions",
            Self::Identity => "the software of the server",
        }
    }
}

impl CheckLevel {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Security => "security",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for CheckGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
