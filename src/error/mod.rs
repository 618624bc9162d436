//! Errors that end a run: their messages, hints and exit codes.
//!
//! The other modules carry errors as data; this module alone turns them into text. An exit code
//! is curl's where curl has one with the same meaning, and a number is never reused. The man page
//! lists them all; each is tested.

mod body;
mod closing;
mod connect;
mod diagnosis;
mod hints;
mod http2;
mod proxy;
mod redirect;
mod request;
mod resolve;
mod resources;
mod response_fault;
mod sentences;
mod service;
mod status;
mod stdin_position;
mod text;
mod tls;
mod unmet;

pub use stdin_position::StdinPosition;
pub use unmet::{UnmetExpectation, UnmetReply};

use crate::{
    connect::{OpenError, RedirectFault},
    net::{
        http2::Http2Fault,
        listener::ListenFault,
        tls::{IdentityError, IdentityFault, TlsFault},
    },
    proto::Violation,
    redact::Shown,
    secret::SecretFault,
    session::{QuietPeriod, SessionError},
    target::UrlFault,
};
use std::{io, path::PathBuf, time::Duration};

/// The reason for an exit code other than 0.
#[derive(Debug)]
pub enum Error {
    /// An invalid command line or configuration.
    Usage {
        /// The mistake in words.
        fault: String,
        /// A correction, if there is an obvious one.
        hint: Option<String>,
    },
    /// A malformed URL.
    Url {
        /// The URL as typed; it may contain a password.
        url: String,
        /// The rule that it breaks.
        fault: UrlFault,
    },
    /// A feature that this build lacks.
    NotBuilt(String),
    /// The certificate of `--cert` or its key cannot be used.
    Identity {
        /// The file of the certificate or of the key.
        path: PathBuf,
        /// The reason for refusing it.
        fault: IdentityFault,
    },
    /// A session could not be opened.
    Open(OpenError),
    /// An open session failed.
    Session(SessionError),
    /// `--max-time` expired while files and secrets were read, before a session was opened.
    SetupTimeout {
        /// The value of `--max-time`.
        limit: Duration,
    },
    /// `--max-time` expired while a session was open.
    RunTimeout {
        /// The server's host and port.
        authority: String,
        /// The value of `--max-time`.
        limit: Duration,
    },
    /// The session ended in the middle of a message.
    Truncated {
        /// The error that ended the session.
        cause: Box<Error>,
        /// Bytes of the incomplete message that were written to the output.
        written: u64,
        /// Bytes of it that were received.
        received: u64,
    },
    /// Writing to stdout failed.
    Output(io::Error),
    /// Writing a file or creating a directory failed.
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// Reading stdin failed.
    Input(io::Error),
    /// A recording cannot be read or is malformed.
    Recording {
        /// The recording.
        path: PathBuf,
        /// The malformed line, counted from 1; `None` for an error of the whole file.
        line: Option<u64>,
        /// The reason in words.
        fault: String,
    },
    /// Stdin is sent as text but is not valid UTF-8.
    InputEncoding {
        /// The line or message that is invalid.
        position: StdinPosition,
        /// The first invalid byte, counted from 1 within `position`.
        byte: u64,
    },
    /// A line of JSON Lines input is malformed or describes an impossible action.
    InputJson {
        /// The line, counted from 1.
        line: u64,
        /// The column of the syntax error, counted from 1; `None` if the line is valid JSON.
        column: Option<usize>,
        /// The reason in words.
        fault: String,
    },
    /// A line of stdin is longer than the limit, and its end may not have been read.
    InputLineTooLong {
        /// The line, counted from 1.
        line: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Stdin ended in the middle of a message.
    InputTruncated {
        /// The message, counted from 1.
        message: u64,
        /// Bytes needed to complete it.
        missing: usize,
    },
    /// Messages were cut off by the loss of a session and are too long to be sent again.
    CutOff {
        /// Their number.
        messages: usize,
    },
    /// The run ended while stdin was open and held bytes that were not sent.
    InputLeft {
        /// Bytes that were not read, or that begin an unfinished message.
        bytes: u64,
        /// The Close of the peer, if that ended the run rather than a time limit.
        close: Option<Box<SessionError>>,
    },
    /// No session was opened whose server could be checked.
    NoCheck(Box<Error>),
    /// Checks of a server failed.
    Checks {
        /// The number of them.
        failed: usize,
    },
    /// The run ended before an expectation was met.
    Unmet(UnmetExpectation),
    /// The time limit of a server's run expired.
    ServerTimeout {
        /// The limit.
        limit: Duration,
    },
    /// The server cannot listen on its address.
    Listen {
        /// The address as given on the command line.
        address: String,
        /// The reason.
        fault: ListenFault,
    },
    /// Any other operation that failed.
    Other {
        /// The operation, as an infinitive: "wait for signals".
        operation: &'static str,
        /// The system's error.
        cause: io::Error,
    },
}

impl Error {
    /// Creates the error for input that is not valid UTF-8 after its first `valid` bytes.
    pub fn input_encoding(position: StdinPosition, valid: u64) -> Self {
        Self::InputEncoding { position, byte: valid + 1 }
    }

    /// Adds how much of an incomplete message was written and received, if the session ended in the
    /// middle of one.
    #[must_use]
    pub fn inside_message(self, written: u64, received: Option<u64>) -> Self {
        let concerns = match &self {
            Self::Output(_) => false,
            _ if written > 0 => true,
            // The first already says how much was received; after the second, no message is
            // complete.
            Self::Session(SessionError::Incomplete { .. } | SessionError::Protocol { .. }) => false,
            Self::Session(_) => received.is_some(),
            _ => false,
        };
        let received = received.unwrap_or_default();
        if concerns { Self::Truncated { cause: Box::new(self), written, received } } else { self }
    }

    /// Returns the message, to be shown or recorded.
    pub fn shown(&self) -> Shown {
        let sentence = Shown::sentence(&self.to_string());
        Shown::formatted(text::with_short_words(sentence.as_str()))
    }

    /// Returns the hint, if any, to be shown or recorded.
    pub fn shown_hint(&self) -> Option<Shown> {
        self.hint().as_deref().map(Shown::sentence)
    }

    /// Returns the silence that preceded the loss of a session, if this is such a loss.
    pub fn quiet_mut(&mut self) -> Option<&mut QuietPeriod> {
        match self {
            Self::Session(error) => error.quiet_mut(),
            Self::Truncated { cause, .. } => cause.quiet_mut(),
            _ => None,
        }
    }

    /// Returns the exit code, 1 to 113.
    pub fn code(&self) -> u8 {
        match self {
            Self::Listen { .. } | Self::Other { .. } => 1,
            Self::Usage { .. } => 2,
            Self::Url { .. } => 3,
            Self::NotBuilt(_) => 4,
            Self::Output(_) | Self::File { .. } => 23,
            Self::Input(_)
            | Self::Recording { .. }
            | Self::InputEncoding { .. }
            | Self::InputJson { .. }
            | Self::InputLineTooLong { .. }
            | Self::InputTruncated { .. } => 26,
            Self::RunTimeout { .. } | Self::SetupTimeout { .. } | Self::ServerTimeout { .. } => 28,
            Self::CutOff { .. } | Self::InputLeft { .. } => 55,
            Self::Identity { .. } => 58,
            Self::Open(error) => open_exit_code(error),
            Self::Session(error) => session_exit_code(error),
            Self::Truncated { cause, .. } | Self::NoCheck(cause) => cause.code(),
            Self::Unmet(_) => 112,
            Self::Checks { .. } => 113,
        }
    }
}

fn open_exit_code(error: &OpenError) -> u8 {
    match error {
        OpenError::Other { .. } => 1,
        // The system lacks the feature, just as a build may.
        OpenError::Interface { cause, .. } | OpenError::Socket { cause, .. }
            if cause.kind() == io::ErrorKind::Unsupported =>
        {
            4
        }
        OpenError::ResolveProxy { .. } | OpenError::ProxyVariable { .. } => 5,
        OpenError::Resolve { .. } => 6,
        OpenError::Connect { .. } | OpenError::ConnectProxy { .. } | OpenError::Socket { .. } => 7,
        OpenError::Handshake { .. } => 8,
        OpenError::Http2 { fault, .. } => http2_exit_code(fault),
        OpenError::Status { .. } => 22,
        OpenError::Timeout { .. } => 28,
        OpenError::Tls { fault, .. } => match fault {
            TlsFault::Certificate { .. } => 60,
            TlsFault::Pin(_) => 90,
            TlsFault::Identity(_) => 58,
            _ => 35,
        },
        OpenError::Interface { .. } => 45,
        OpenError::Request { .. } => 55,
        OpenError::Redirect { fault, .. } => match fault {
            RedirectFault::TooMany(_) => 47,
            RedirectFault::Location { .. } => 3,
            RedirectFault::NoLocation | RedirectFault::Downgrade(_) => 22,
        },
        OpenError::HandshakeCut { begun: false, .. } => 52,
        OpenError::HandshakeCut { begun: true, .. } => 56,
        OpenError::Authorities { .. } => 77,
        OpenError::Proxy { .. } => 97,
    }
}

/// Returns the exit code for the failure of a session.
pub fn session_exit_code(error: &SessionError) -> u8 {
    match error {
        SessionError::Http2 { fault, .. } => http2_exit_code(fault),
        SessionError::Idle { .. } | SessionError::PongTimeout { .. } => 28,
        SessionError::Send { .. } | SessionError::Unsent { .. } | SessionError::Unread { .. } => 55,
        SessionError::Receive { .. }
        | SessionError::NoClose { .. }
        | SessionError::Incomplete { .. } => 56,
        SessionError::Protocol { violation: Violation::MessageTooLong { .. }, .. } => 100,
        SessionError::Protocol { .. } => 110,
        SessionError::Closed { .. } => 111,
    }
}

fn http2_exit_code(fault: &Http2Fault) -> u8 {
    match fault {
        Http2Fault::Request(_) => 2,
        Http2Fault::Reset(_) | Http2Fault::Broken { stream: true, .. } => 92,
        _ => 16,
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<SecretFault> for Error {
    fn from(SecretFault { fault, hint }: SecretFault) -> Self {
        Self::Usage { fault, hint }
    }
}

impl From<IdentityError> for Error {
    fn from(IdentityError { path, fault }: IdentityError) -> Self {
        Self::Identity { path, fault }
    }
}

impl std::error::Error for Error {}
