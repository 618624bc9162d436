//! Everything that can end a run badly, as data by phase; here, and only here, it becomes a
//! sentence, a hint and an exit status.
//!
//! The status is curl's where curl has the same meaning; a number is never reused. The table
//! stands in the man page, and each number is tested.

mod answer;
mod cause;
mod closing;
mod connect;
mod hints;
mod http2;
mod page;
mod place;
mod proxy;
mod redirect;
mod refusal;
mod request;
mod resolve;
mod sentences;
mod service;
mod status;
mod text;
mod tls;
mod unmet;

pub use place::Place;
pub use unmet::Unmet;

use crate::{
    connect::{OpenError, RedirectFault},
    net::{
        http2::Http2Fault,
        tls::{IdentityError, IdentityFault, TlsFault},
    },
    proto::Violation,
    secret::SecretFault,
    session::{QuietPeriod, SessionError},
    target::UrlFault,
};
use std::{io, path::PathBuf, time::Duration};

/// Why a run ends with a status other than 0.
#[derive(Debug)]
pub enum Error {
    /// The command line does not make sense.
    Usage {
        /// What is wrong.
        fault: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// The URL is malformed.
    Url {
        /// As it was typed.
        url: String,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// Asked for something this build does not have.
    NotBuilt(String),
    /// The client certificate or its key cannot be used.
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: IdentityFault,
    },
    /// No session was opened.
    Open(OpenError),
    /// A session ended badly.
    Session(SessionError),
    /// The limit of the whole run passed while a session was open.
    RunTimeout {
        /// Host and port.
        authority: String,
        /// The limit.
        limit: Duration,
    },
    /// The session ended for another reason, and in the middle of a message.
    Truncated {
        /// The reason.
        cause: Box<Error>,
        /// How many bytes of the message were written.
        written: u64,
    },
    /// Stdout cannot be written.
    Output(io::Error),
    /// A file or directory cannot be written.
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// Stdin cannot be read.
    Input(io::Error),
    /// A recording cannot be read, or is none.
    Recording {
        /// Where it is.
        path: PathBuf,
        /// The line, from 1.
        line: Option<u64>,
        /// What is wrong.
        fault: String,
    },
    /// Stdin is to be text and is none.
    InputText {
        /// Where.
        place: Place,
        /// The byte there, from 1.
        byte: u64,
    },
    /// A line of typed input cannot be done.
    InputJson {
        /// The line, from 1.
        line: u64,
        /// Where in it, from 1, if it is no JSON.
        column: Option<usize>,
        /// What is wrong.
        fault: String,
    },
    /// Stdin ended inside a message.
    InputCut {
        /// Which message, from 1.
        message: u64,
        /// How many bytes it lacks.
        lacks: usize,
    },
    /// What was expected has not come.
    Unmet(Unmet),
    /// Cannot be the server there.
    Listen {
        /// The address.
        address: String,
        /// The system's words.
        cause: io::Error,
    },
    /// Anything else.
    Other {
        /// What was being done.
        doing: &'static str,
        /// The system's words.
        cause: io::Error,
    },
}

impl Error {
    /// Stdin is not valid UTF-8 after `valid` bytes.
    pub fn input_text(place: Place, valid: u64) -> Self {
        Self::InputText { place, byte: valid + 1 }
    }

    /// The quiet before the loss of a session.
    pub fn quiet_mut(&mut self) -> Option<&mut QuietPeriod> {
        match self {
            Self::Session(error) => error.quiet_mut(),
            Self::Truncated { cause, .. } => cause.quiet_mut(),
            _ => None,
        }
    }

    /// The exit status.
    pub fn code(&self) -> u8 {
        match self {
            Self::Listen { .. } | Self::Other { .. } => 1,
            Self::Usage { .. } => 2,
            Self::Url { .. } => 3,
            Self::NotBuilt(_) => 4,
            Self::Output(_) | Self::File { .. } => 23,
            Self::Input(_)
            | Self::Recording { .. }
            | Self::InputText { .. }
            | Self::InputJson { .. }
            | Self::InputCut { .. } => 26,
            Self::RunTimeout { .. } => 28,
            Self::Identity { .. } => 58,
            Self::Open(error) => open_code(error),
            Self::Session(error) => session_code(error),
            Self::Truncated { cause, .. } => cause.code(),
            Self::Unmet(_) => 112,
        }
    }
}

fn open_code(error: &OpenError) -> u8 {
    match error {
        OpenError::Other { .. } => 1,
        // The system cannot do it, as a build that lacks a part.
        OpenError::Interface { cause, .. } | OpenError::Socket { cause, .. }
            if cause.kind() == io::ErrorKind::Unsupported =>
        {
            4
        }
        OpenError::ResolveProxy { .. } | OpenError::ProxyVariable { .. } => 5,
        OpenError::Resolve { .. } => 6,
        OpenError::Connect { .. } | OpenError::ConnectProxy { .. } | OpenError::Socket { .. } => 7,
        OpenError::Handshake { .. } => 8,
        OpenError::Http2 { fault, .. } => http2_code(fault),
        OpenError::Status { .. } => 22,
        OpenError::Timeout { .. } => 28,
        OpenError::Tls { fault, .. } => match fault {
            TlsFault::Certificate { .. } => 60,
            TlsFault::Pin(_) => 90,
            TlsFault::Identity(_) => 58,
            _ => 35,
        },
        OpenError::Interface { .. } => 45,
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

fn session_code(error: &SessionError) -> u8 {
    match error {
        SessionError::Http2 { fault, .. } => http2_code(fault),
        SessionError::Idle { .. } | SessionError::PongTimeout { .. } => 28,
        SessionError::Send { .. } | SessionError::Unsent { .. } | SessionError::Unread { .. } => 55,
        SessionError::Receive { .. } | SessionError::NoClose { .. } => 56,
        SessionError::Protocol { violation: Violation::MessageTooLong { .. }, .. } => 100,
        SessionError::Protocol { .. } => 110,
        SessionError::Closed { .. } => 111,
    }
}

fn http2_code(fault: &Http2Fault) -> u8 {
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
