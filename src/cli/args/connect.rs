//! Options of the connection to a server: carrier, time limits, addresses, proxies, TLS and
//! reconnection.

use super::heading::{CONNECTION, TLS};
use crate::{
    cli::values::{self, Pins},
    connect::{ConnectTo, ResolveOverride},
    net::tcp::LocalAddr,
};
use clap::{Args, ValueEnum, ValueHint};
use std::{path::PathBuf, time::Duration};

#[derive(Clone, Debug, Args)]
pub struct ConnectArgs {
    /// Use WebSocket over HTTP/2 (RFC 8441)
    ///
    /// Over wss://, the server must select h2 by ALPN; over ws://, it must accept HTTP/2 with prior
    /// knowledge. Same as --http 2.
    #[arg(long, overrides_with_all = ["http1", "http"], help_heading = CONNECTION)]
    pub http2: bool,

    /// Use WebSocket over HTTP/1.1 (the default)
    ///
    /// Same as --http 1.1.
    #[arg(long = "http1.1", overrides_with_all = ["http2", "http"], help_heading = CONNECTION)]
    pub http1: bool,

    /// HTTP version
    ///
    /// The session runs over HTTP/1.1 by default.
    #[arg(long, value_enum, value_name = "VERSION", help_heading = CONNECTION)]
    #[arg(overrides_with_all = ["http2", "http1"])]
    pub http: Option<HttpChoice>,

    /// Time limit for opening a session
    ///
    /// Covers all steps: name lookup, TCP, proxy, TLS and the opening handshake. A session that is
    /// not open by then fails with exit status 28.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = values::seconds)]
    #[arg(help_heading = CONNECTION)]
    pub connect_timeout: Duration,

    /// Time limit for the name lookup
    ///
    /// By default, only --connect-timeout applies.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = CONNECTION)]
    pub resolve_timeout: Option<Duration>,

    /// Time limit for the TLS handshake
    ///
    /// By default, only --connect-timeout applies.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = CONNECTION)]
    pub tls_timeout: Option<Duration>,

    /// Time limit for the opening handshake
    ///
    /// Limits the wait for the server's response. By default, only --connect-timeout applies.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = CONNECTION)]
    pub handshake_timeout: Option<Duration>,

    /// Use IPv4 only
    ///
    /// Cannot be combined with --ipv6.
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = CONNECTION)]
    pub ipv4: bool,

    /// Use IPv6 only
    ///
    /// Cannot be combined with --ipv4.
    #[arg(short = '6', long, help_heading = CONNECTION)]
    pub ipv6: bool,

    /// Proxy URL [default: from the environment]
    ///
    /// Connects through this proxy: http://, https://, socks4://, socks4a://, socks5:// or
    /// socks5h://. With socks4a and socks5h, the proxy resolves the host name. Without this option,
    /// the environment variables that curl reads apply. Use env:NAME, file:PATH or cmd:COMMAND for
    /// a URL that contains a password.
    #[arg(long, value_name = "URL", value_parser = values::secret, help_heading = CONNECTION)]
    pub proxy: Option<String>,

    /// Hosts and networks to reach without a proxy
    ///
    /// Comma-separated list of hosts (each including its subdomains), addresses and networks, each
    /// with an optional :PORT; * disables proxies. Replaces the variable no_proxy.
    #[arg(long, value_name = "LIST", help_heading = CONNECTION)]
    pub noproxy: Option<String>,

    /// Use ADDRESS for HOST:PORT instead of a lookup
    ///
    /// ADDRESS may be a comma-separated list. * stands for any host or any port. May be repeated.
    #[arg(long, value_name = "HOST:PORT:ADDRESS", value_parser = values::resolve)]
    #[arg(help_heading = CONNECTION)]
    pub resolve: Vec<ResolveOverride>,

    /// Connect to HOST2:PORT2 instead of HOST1:PORT1
    ///
    /// The Host header and the TLS server name remain those of the URL. An empty HOST1 or PORT1
    /// matches any; an empty HOST2 or PORT2 keeps the URL's. May be repeated.
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2", value_parser = values::connect_to)]
    #[arg(help_heading = CONNECTION)]
    pub connect_to: Vec<ConnectTo>,

    /// Connect to a Unix socket; @NAME is abstract
    ///
    /// The socket replaces the URL's host and port. @NAME is a socket in the abstract namespace.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = CONNECTION)]
    pub unix_socket: Option<PathBuf>,

    /// Local interface or address
    ///
    /// Binds the connection to this network interface or local address.
    #[arg(long, visible_alias = "bind", value_name = "NAME", value_parser = values::interface)]
    #[arg(help_heading = CONNECTION)]
    pub interface: Option<LocalAddr>,

    /// Use these CAs instead of the system's
    ///
    /// Trusts the CA certificates in this PEM file or directory instead of the system's. A
    /// self-signed server certificate can be given as its own CA. May be repeated.
    #[arg(long, visible_alias = "cacert", value_name = "FILE", value_hint = ValueHint::AnyPath)]
    #[arg(help_heading = TLS)]
    pub ca: Vec<PathBuf>,

    /// Trust the system's CAs in addition to --ca
    #[arg(long, help_heading = TLS)]
    pub ca_native: bool,

    /// Do not verify the server's certificate
    ///
    /// Accepts any certificate, so the server's identity is not verified. --pin still applies.
    #[arg(short = 'k', long, visible_short_alias = 'n', visible_alias = "no-check")]
    #[arg(help_heading = TLS)]
    pub insecure: bool,

    /// Server name for SNI and certificate verification
    ///
    /// Sends this server name in the TLS handshake and verifies the certificate against it, instead
    /// of the URL's host.
    #[arg(long, value_name = "NAME", help_heading = TLS)]
    pub sni: Option<String>,

    /// Do not send the server name in the TLS handshake
    #[arg(long, help_heading = TLS)]
    pub no_sni: bool,

    /// Minimum TLS version [default: 1.2]
    #[arg(long, value_enum, value_name = "VERSION", help_heading = TLS)]
    pub tls_min: Option<TlsVersion>,

    /// Maximum TLS version [default: 1.3]
    #[arg(long, value_enum, value_name = "VERSION", help_heading = TLS)]
    pub tls_max: Option<TlsVersion>,

    /// Require a server public key with this SHA-256 hash
    ///
    /// The hash is in base64; separate several with semicolons. A server whose key matches none of
    /// them is rejected with exit status 90, even with --insecure.
    #[arg(long, value_name = "sha256//HASH", value_parser = values::pins, help_heading = TLS)]
    pub pin: Option<Pins>,
}

// The certificate of a client. A separate group, since the options of a server have these names too.
#[derive(Clone, Debug, Default, Args)]
pub struct IdentityArgs {
    /// Client certificate: PEM (may include the key) or PKCS#12
    ///
    /// A PEM file contains the certificate followed by its chain, and may contain the private key;
    /// otherwise --key names it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = TLS)]
    pub cert: Option<PathBuf>,

    /// Private key of the client certificate, in PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = TLS)]
    #[arg(requires = "cert")]
    pub key: Option<PathBuf>,

    /// Passphrase of the private key; prompts if omitted
    ///
    /// Without a value, or without this option for an encrypted key, prompts on the terminal.
    /// env:NAME, file:PATH and cmd:COMMAND read it from a variable, a file or a command.
    #[arg(long, value_name = "PASSPHRASE", num_args = 0..=1, default_missing_value = "")]
    #[arg(help_heading = TLS)]
    pub passphrase: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct ReconnectArgs {
    /// Reconnect, at most MAX times in a row
    ///
    /// Reopens the session when it is lost or cannot be opened. Without MAX, the number of attempts
    /// is not limited, but errors that another attempt does not change end the run: a lack of
    /// descriptors, threads or memory, a missing permission, an unsupported kind of address. -x and
    /// --expect run again in each session. Implies --wait -1, unless --wait, --quiet-for or --send-only is
    /// given, and --ping-timeout 60, unless one is given. With a --ping-interval under 30, the
    /// implied timeout is twice that interval, but at least 10.
    #[arg(long, value_name = "MAX", num_args = 0..=1, require_equals = true)]
    #[arg(help_heading = CONNECTION)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub reconnect: Option<Option<u32>>,

    /// Maximum delay before the first retry
    ///
    /// The delay is random, up to this limit. The limit doubles with each attempt, up to
    /// --reconnect-max-delay.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = values::seconds)]
    #[arg(help_heading = CONNECTION)]
    pub reconnect_delay: Duration,

    /// Maximum delay before any retry
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds)]
    #[arg(help_heading = CONNECTION)]
    pub reconnect_max_delay: Duration,

    /// Also reconnect after these close codes
    ///
    /// Comma-separated close codes, in addition to 1001 and 1011 to 1014. Requires --reconnect.
    #[arg(long, value_name = "CODE", value_delimiter = ',', requires = "reconnect")]
    #[arg(help_heading = CONNECTION)]
    pub reconnect_on: Vec<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HttpChoice {
    #[value(name = "1.1")]
    One,
    #[value(name = "2")]
    Two,
    /// 2 if a wss:// server supports WebSocket over it, otherwise 1.1
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsVersion {
    #[value(name = "1.2")]
    Tls12,
    #[value(name = "1.3")]
    Tls13,
}
