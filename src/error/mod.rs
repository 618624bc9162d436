//! Everything that can end a run badly, as data by phase; here, and only here, it becomes a
//! sentence, a hint and an exit status.
//!
//! The status is curl's where curl has the same meaning; a number is never reused. The table
//! stands in the man page, and each number is tested.

mod cause;
mod circumstances;
mod closing;
mod faults;
mod hints;
mod http2;
mod opening;
mod page;
mod reach;
mod service;
mod status;
mod tls;
mod words;

pub use circumstances::{Asked, Circumstances, Part, Silence};
pub use faults::{
    Http2Fault, IdentityFault, Place, ProxyFault, RedirectFault, Stage, Step, TlsFault, Unmet,
};

use crate::{
    net::tcp,
    proto::{
        Close, Violation,
        handshake::{Refusal, Response, Version},
    },
    target::UrlFault,
};
use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

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
    /// The host's name does not resolve.
    Resolve {
        /// The name.
        host: String,
        /// The resolver's words.
        cause: io::Error,
    },
    /// The proxy's name does not resolve.
    ResolveProxy {
        /// Host and port of the proxy.
        proxy: String,
        /// The resolver's words.
        cause: io::Error,
    },
    /// A variable that names a proxy is malformed.
    ProxyVariable {
        /// Its name.
        variable: String,
        /// What is wrong with the URL in it.
        fault: UrlFault,
    },
    /// No address of the proxy accepted a connection.
    ConnectProxy {
        /// Host and port of the proxy.
        proxy: String,
        /// Every address tried, and what became of it.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The proxy does not connect.
    Proxy {
        /// Host and port of the proxy.
        proxy: String,
        /// Host and port where it was to connect.
        to: String,
        /// Why.
        fault: ProxyFault,
    },
    /// Nobody answers at a Unix socket.
    Socket {
        /// Its path.
        path: String,
        /// The system's words.
        cause: io::Error,
    },
    /// Connections cannot come from there.
    Interface {
        /// From where.
        from: tcp::From,
        /// The system's words.
        cause: io::Error,
    },
    /// A redirect cannot be followed.
    Redirect {
        /// The URL.
        from: String,
        /// The status.
        status: u16,
        /// Why.
        fault: RedirectFault,
    },
    /// No address of the host accepted a connection.
    Connect {
        /// Host and port.
        authority: String,
        /// Every address tried, and what became of it.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The transport was not secured.
    Tls {
        /// Host and port.
        authority: String,
        /// What went wrong.
        fault: TlsFault,
    },
    /// The file of certification authorities cannot be used, or the system has none.
    Authorities {
        /// The file, if one was given.
        path: Option<PathBuf>,
        /// What is wrong.
        cause: String,
    },
    /// Who we are to be in TLS cannot be read from this file.
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: IdentityFault,
    },
    /// The answer to the opening handshake breaks the RFC.
    Handshake {
        /// What was asked.
        asked: Box<Asked>,
        /// Which rule.
        refusal: Refusal,
    },
    /// An HTTP status that does not upgrade.
    Status {
        /// What was asked.
        asked: Box<Asked>,
        /// The answer.
        response: Box<Response>,
        /// The start of its body.
        body: Vec<u8>,
        /// Where it sends us, if it does.
        location: Option<String>,
    },
    /// The server ended the transport in the opening handshake.
    HandshakeCut {
        /// What was asked.
        asked: Box<Asked>,
        /// Whether part of an answer had come.
        begun: bool,
        /// Whether it was with a reset.
        reset: bool,
    },
    /// HTTP/2 failed.
    Http2 {
        /// Host and port.
        authority: String,
        /// What went wrong.
        fault: Http2Fault,
        /// When.
        stage: Stage,
    },
    /// Something took longer than it may.
    Timeout {
        /// Host and port.
        authority: String,
        /// What was waited for.
        step: Step,
        /// For how long.
        limit: Duration,
        /// The limit is that of the step alone.
        own: bool,
    },
    /// The network took no more bytes.
    Send {
        /// Host and port.
        authority: String,
        /// The system's words.
        cause: io::Error,
    },
    /// The peer closed while messages were waiting to be sent.
    Unsent {
        /// Host and port.
        authority: String,
        /// How many messages.
        messages: usize,
        /// What the peer's Close said.
        close: Close,
        /// What the session was like, if we were its client.
        circumstances: Option<Box<Circumstances>>,
    },
    /// The peer stopped reading: what was to be sent before our Close did not go.
    Unread {
        /// Host and port.
        authority: String,
        /// What carries the session.
        carrier: Version,
        /// How many messages.
        messages: usize,
    },
    /// The network gave an error instead of bytes.
    Receive {
        /// Host and port.
        authority: String,
        /// The system's words.
        cause: io::Error,
        /// The silence before, if there was one.
        silence: Option<Silence>,
    },
    /// The transport ended without a Close (what 1006 stands for).
    NoClose {
        /// Host and port.
        authority: String,
        /// What carries the session.
        carrier: Version,
        /// In the middle of a message.
        inside_message: bool,
        /// The silence before, if there was one.
        silence: Option<Silence>,
    },
    /// The peer broke the protocol.
    Protocol {
        /// Host and port.
        authority: String,
        /// Which rule.
        violation: Violation,
        /// The peer has been told so by a Close: ours had not gone out before.
        told: bool,
    },
    /// The session ended for another reason, and in the middle of a message.
    Truncated {
        /// The reason.
        cause: Box<Error>,
        /// How many bytes of the message were written.
        written: u64,
    },
    /// The peer closed with a code that tells of an error.
    Closed {
        /// Host and port.
        authority: String,
        /// What its Close said.
        close: Close,
        /// What the session was like, if we were its client.
        circumstances: Option<Box<Circumstances>>,
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
    /// What was received last is an error of the network, or of what carries the session over it.
    pub fn receive(
        authority: String,
        cause: io::Error,
        stage: Stage,
        silence: Option<Silence>,
    ) -> Self {
        match cause.downcast() {
            Ok(fault) => Self::Http2 { authority, fault, stage },
            Err(cause) => Self::Receive { authority, cause, silence },
        }
    }

    /// Stdin is no text, there behind so many good bytes.
    pub fn input_text(place: Place, good: u64) -> Self {
        Self::InputText { place, byte: good + 1 }
    }

    /// The exit status.
    pub fn code(&self) -> u8 {
        match self {
            Self::Listen { .. } | Self::Other { .. } => 1,
            Self::Usage { .. } => 2,
            Self::Url { .. } => 3,
            Self::NotBuilt(_) => 4,
            Self::ResolveProxy { .. } | Self::ProxyVariable { .. } => 5,
            Self::Resolve { .. } => 6,
            Self::Connect { .. } | Self::ConnectProxy { .. } | Self::Socket { .. } => 7,
            Self::Proxy { .. } => 97,
            Self::Interface { .. } => 45,
            Self::Redirect { fault, .. } => match fault {
                RedirectFault::TooMany(_) => 47,
                RedirectFault::Location { .. } => 3,
                RedirectFault::NoLocation | RedirectFault::Downgrade(_) => 22,
            },
            Self::Handshake { .. } => 8,
            Self::Http2 { fault, .. } => match fault {
                Http2Fault::Request(_) => 2,
                Http2Fault::Reset(_) | Http2Fault::Broken { stream: true, .. } => 92,
                _ => 16,
            },
            Self::Status { .. } => 22,
            Self::Output(_) | Self::File { .. } => 23,
            Self::Input(_)
            | Self::Recording { .. }
            | Self::InputText { .. }
            | Self::InputJson { .. }
            | Self::InputCut { .. } => 26,
            Self::Timeout { .. } => 28,
            Self::Tls { fault, .. } => match fault {
                TlsFault::Certificate { .. } => 60,
                TlsFault::Pin(_) => 90,
                TlsFault::Identity(_) => 58,
                _ => 35,
            },
            Self::Identity { .. } => 58,
            Self::HandshakeCut { begun: false, .. } => 52,
            Self::Send { .. } | Self::Unsent { .. } | Self::Unread { .. } => 55,
            Self::HandshakeCut { begun: true, .. }
            | Self::Receive { .. }
            | Self::NoClose { .. } => 56,
            Self::Authorities { .. } => 77,
            Self::Protocol { violation: Violation::MessageTooLong { .. }, .. } => 100,
            Self::Protocol { .. } => 110,
            Self::Closed { .. } => 111,
            Self::Truncated { cause, .. } => cause.code(),
            Self::Unmet(_) => 112,
        }
    }
}

/// An error of the system, in lower case.
pub fn words(cause: &io::Error) -> String {
    words::Words(cause).to_string()
}

impl std::error::Error for Error {}
