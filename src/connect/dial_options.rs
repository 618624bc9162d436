//! Options for connecting to targets and proxies.

use crate::net::{
    proxy::ProxyOptions,
    tcp::{Family, LocalAddr},
    tls::TrustOptions,
};
use std::{net::IpAddr, path::PathBuf};

/// Options of a [`Dialer`](super::Dialer).
#[derive(Clone, Debug, Default)]
pub struct DialOptions {
    /// The IP versions allowed.
    pub family: Family,
    /// The local address or interface of connections.
    pub local: LocalAddr,
    /// True if the system should buffer only a few unsent bytes, so that a peer that stops reading
    /// is noticed soon.
    pub bounds_unsent: bool,
    /// Addresses that replace lookups (`--resolve`).
    pub resolve: Vec<ResolveOverride>,
    /// Hosts and ports that replace those of the URL (`--connect-to`).
    pub connect_to: Vec<ConnectTo>,
    /// The Unix socket to connect to instead of host and port (`--unix-socket`).
    pub socket: Option<PathBuf>,
    /// The options that select a proxy.
    pub proxies: ProxyOptions,
    /// The trusted authorities, for servers and proxies.
    pub trust: TrustOptions,
}

/// Fixed addresses of a host (`--resolve`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveOverride {
    /// The host name; `None` matches any.
    pub host: Option<String>,
    /// The port; `None` matches any.
    pub port: Option<u16>,
    /// The addresses of the host.
    pub addresses: Vec<IpAddr>,
}

/// A replacement for the host and port of a URL (`--connect-to`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    /// The host of the URL; `None` matches any.
    pub host: Option<String>,
    /// The port of the URL; `None` matches any.
    pub port: Option<u16>,
    /// The host to connect to; `None` keeps that of the URL.
    pub to_host: Option<String>,
    /// The port to connect to; `None` keeps that of the URL.
    pub to_port: Option<u16>,
}
