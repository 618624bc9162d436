//! Options of making a stream to a target.

use crate::net::{
    proxy::ProxyOptions,
    tcp::{Family, LocalAddr},
    tls::TrustOptions,
};
use std::net::IpAddr;

/// Options of making streams.
#[derive(Clone, Debug, Default)]
pub struct DialOptions {
    /// The address families allowed.
    pub family: Family,
    /// The local end of connections.
    pub local: LocalAddr,
    /// Addresses of names that are not looked up.
    pub resolve: Vec<Resolve>,
    /// Hosts and ports that replace those of the URL.
    pub connect_to: Vec<ConnectTo>,
    /// The Unix socket to connect to instead of host and port.
    pub socket: Option<String>,
    /// The proxies to choose from.
    pub proxies: ProxyOptions,
    /// The authorities that certificates of servers and proxies are checked against.
    pub trust: TrustOptions,
}

/// Addresses given for a name (`--resolve`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The name; none: any.
    pub host: Option<String>,
    /// The port; none: any.
    pub port: Option<u16>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// A replacement for host and port of a URL (`--connect-to`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    /// The host of the URL; none: any.
    pub host: Option<String>,
    /// Its port; none: any.
    pub port: Option<u16>,
    /// The host to connect to; none: the same.
    pub to_host: Option<String>,
    /// The port to connect to; none: the same.
    pub to_port: Option<u16>,
}
