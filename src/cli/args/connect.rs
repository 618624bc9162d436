//! Options about how a server is reached.

use crate::{
    cli::values::{self, Pins},
    connect::{ConnectTo, Resolve},
    net::tcp::LocalAddr,
};
use clap::{Args, ValueEnum, ValueHint};
use std::{path::PathBuf, time::Duration};

// How a server is reached.
#[derive(Clone, Debug, Args)]
pub struct ConnectArgs {
    /// WebSocket over HTTP/2 (RFC 8441); with ws:// the server must expect it
    #[arg(long, overrides_with_all = ["http1", "http"], help_heading = REACH)]
    pub http2: bool,

    /// WebSocket over HTTP/1.1, as is the default
    #[arg(long = "http1.1", overrides_with_all = ["http2", "http"], help_heading = REACH)]
    pub http1: bool,

    /// The version of HTTP under it; auto: 2 if a wss:// server has WebSocket there, otherwise 1.1
    #[arg(long, value_enum, value_name = "VERSION", help_heading = REACH)]
    #[arg(overrides_with_all = ["http2", "http1"])]
    pub http: Option<HttpChoice>,

    /// How long opening the session may take, from the start
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = values::seconds)]
    #[arg(help_heading = REACH)]
    pub connect_timeout: Duration,

    /// How long looking a name up may take
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = REACH)]
    pub resolve_timeout: Option<Duration>,

    /// How long the TLS handshake may take
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = REACH)]
    pub tls_timeout: Option<Duration>,

    /// How long the answer to the opening handshake may take
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = REACH)]
    pub handshake_timeout: Option<Duration>,

    /// Use IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = REACH)]
    pub ipv4: bool,

    /// Use IPv6 only
    #[arg(short = '6', long, help_heading = REACH)]
    pub ipv6: bool,

    /// Connect through a proxy: http, https, socks4, socks4a, socks5 or socks5h (the proxy resolves
    /// the name) [default: what the environment says, as for curl]
    #[arg(long, value_name = "URL", value_parser = values::line, help_heading = REACH)]
    pub proxy: Option<String>,

    /// Hosts, domains, addresses and networks to connect to without a proxy; * for all
    #[arg(long, value_name = "LIST", help_heading = REACH)]
    pub noproxy: Option<String>,

    /// Use this address for a host and port, instead of looking it up; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDRESS", value_parser = values::resolve)]
    #[arg(help_heading = REACH)]
    pub resolve: Vec<Resolve>,

    /// Connect to HOST2:PORT2 instead of HOST1:PORT1; may be repeated
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2", value_parser = values::connect_to)]
    #[arg(help_heading = REACH)]
    pub connect_to: Vec<ConnectTo>,

    /// Connect to a Unix socket; @NAME for an abstract one
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = REACH)]
    pub unix_socket: Option<String>,

    /// Connect from this network interface or address
    #[arg(long, visible_alias = "bind", value_name = "NAME", value_parser = values::interface)]
    #[arg(help_heading = REACH)]
    pub interface: Option<LocalAddr>,

    /// Trust the authorities in this PEM file or directory instead of the system's; may be repeated
    #[arg(long, visible_alias = "cacert", value_name = "FILE", value_hint = ValueHint::AnyPath)]
    #[arg(help_heading = TLS)]
    pub ca: Vec<PathBuf>,

    /// Trust the system's authorities beside those of --ca
    #[arg(long, help_heading = TLS)]
    pub ca_native: bool,

    /// Do not check the server's certificate
    #[arg(short = 'k', long, visible_short_alias = 'n', visible_alias = "no-check")]
    #[arg(help_heading = TLS)]
    pub insecure: bool,

    /// A client certificate, with the chain behind it and perhaps its key, in PEM; or PKCS#12
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = TLS)]
    pub cert: Option<PathBuf>,

    /// The key of the client certificate, in PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = TLS)]
    #[arg(requires = "cert")]
    pub key: Option<PathBuf>,

    /// The passphrase of the key; asked for if not given
    #[arg(long, value_name = "PASSPHRASE", num_args = 0..=1, default_missing_value = "")]
    #[arg(help_heading = TLS)]
    pub passphrase: Option<String>,

    /// Ask for this name (SNI), and check the certificate for it, instead of the URL's host
    #[arg(long, value_name = "NAME", help_heading = TLS)]
    pub sni: Option<String>,

    /// Do not say the host's name in the TLS handshake
    #[arg(long, help_heading = TLS)]
    pub no_sni: bool,

    /// The oldest version of TLS that is spoken [default: 1.2]
    #[arg(long, value_enum, value_name = "VERSION", help_heading = TLS)]
    pub tls_min: Option<TlsVersion>,

    /// The newest version of TLS that is spoken [default: 1.3]
    #[arg(long, value_enum, value_name = "VERSION", help_heading = TLS)]
    pub tls_max: Option<TlsVersion>,

    /// The server's public key must have this hash, also with -k; several with ; between them
    #[arg(long, value_name = "sha256//HASH", value_parser = values::pins, help_heading = TLS)]
    pub pin: Option<Pins>,

    /// Connect again when the connection is lost or cannot be made, at most MAX times in a row; -x
    /// is sent again
    #[arg(long, value_name = "MAX", num_args = 0..=1, require_equals = true)]
    #[arg(help_heading = REACH)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub reconnect: Option<Option<u32>>,

    /// The most that is waited before the first attempt; twice as much before each further one
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = values::seconds)]
    #[arg(help_heading = REACH)]
    pub reconnect_delay: Duration,

    /// The most that is ever waited before an attempt
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds)]
    #[arg(help_heading = REACH)]
    pub reconnect_max_delay: Duration,

    /// Connect again also after these close codes, beside 1001 and 1011 to 1014
    #[arg(long, value_name = "CODE", value_delimiter = ',', requires = "reconnect")]
    #[arg(help_heading = REACH)]
    pub reconnect_on: Vec<u16>,
}

/// What may carry a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HttpChoice {
    /// HTTP/1.1
    #[value(name = "1.1")]
    One,
    /// HTTP/2
    #[value(name = "2")]
    Two,
    /// Whichever the server has
    Auto,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsVersion {
    /// TLS 1.2
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3
    #[value(name = "1.3")]
    Tls13,
}

const REACH: &str = "Connection";
const TLS: &str = "TLS";
