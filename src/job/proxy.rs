//! The job of `sockeye proxy`.

use super::{
    common::ColorMode,
    listen::{LifeRules, ListenAddress, ServerCertificate, ServerRecordOptions},
};
use crate::{
    connect::{ConnectOptions, DialOptions},
    proto::handshake::HeaderEdit,
    redact::Secrets,
    report::Verbosity,
    script::fault::FaultRule,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Options of `sockeye proxy`.
#[derive(Clone, Debug)]
pub struct ProxyJob {
    /// Address to listen on for clients.
    pub address: ListenAddress,
    /// TLS with the clients, if they connect to wss://.
    pub tls: Option<ServerCertificate>,
    /// `--tls-export`: the file for the certificate that the clients see.
    pub tls_export: Option<PathBuf>,
    /// Options for the connections to the server. Of the request they have the target and the changes of
    /// `-H`; its fields are those of the clients.
    pub opening: ConnectOptions,
    /// Addresses, interface and proxies to connect to the server with.
    pub dialing: DialOptions,
    /// The treatment of requests.
    pub passing: PassingRules,
    /// `--fault` and `--faults`: the faults of all sessions.
    pub faults: Arc<[FaultRule]>,
    /// The seed of what they choose at random.
    pub seed: u64,
    /// The greatest number of sessions at the same time.
    pub max_clients: Option<usize>,
    /// Rules for the end of the run.
    pub life: LifeRules,
    /// Time limit for the end of a session that the proxy closes.
    pub close_timeout: Duration,
    /// Output on stdout, or above a prompt.
    pub shows: ShownMessages,
    /// `--frames`.
    pub frames: bool,
    /// `--record` and `--har`.
    pub recording: ServerRecordOptions,
    /// Notes to print before the run.
    pub notes: Vec<String>,
    /// The amount of diagnostics.
    pub verbosity: Verbosity,
    /// Redaction in diagnostics and recordings.
    pub secrets: Secrets,
    /// When to use colours.
    pub color: ColorMode,
}

/// The messages that a proxy shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownMessages {
    /// Messages as text.
    Text,
    /// Events as JSON Lines.
    Events,
    /// Nothing.
    Nothing,
}

/// Options for passing on requests and answers.
#[derive(Clone, Debug)]
pub struct PassingRules {
    /// `--fixed-path`: the path and query of the URL are used, not those of the client.
    pub fixed_path: bool,
    /// `--keep-host`: the server gets the Host of the client, not its own.
    pub keep_host: bool,
    /// `--ws-only`: requests that open no session are refused.
    pub sessions_only: bool,
    /// Changes of `--response-header` to the answers.
    pub response_edits: Vec<HeaderEdit>,
}
