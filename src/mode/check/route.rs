//! The way to the server, for connections that differ from those of its sessions.

use crate::{
    connect::{
        ConnectOptions, DialOptions, DialedStream, Dialer, Http, OpenError, Progress,
        ResolveOverride,
    },
    net::tls::{Certificate, Version},
    proto::handshake::Version as HttpVersion,
    target::Target,
};
use std::net::IpAddr;
use tokio::time::Duration;

/// The options of sessions, which may be changed for one connection.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) dialing: DialOptions,
    pub(crate) options: ConnectOptions,
}

/// A session that was opened, or the reason why it was not, with what TLS showed.
pub(crate) struct Opening {
    pub(crate) outcome: Result<HttpVersion, OpenError>,
    /// The certificates of the server, its own first; empty without TLS.
    pub(crate) chain: Vec<Certificate>,
}

impl Route {
    /// Returns the target.
    pub(crate) fn target(&self) -> &Target {
        &self.options.target
    }

    /// Returns the name that certificates are compared with.
    pub(crate) fn certified_name(&self) -> String {
        self.options.tls.name.clone().unwrap_or_else(|| self.target().host_name())
    }

    /// Returns why addresses cannot be judged: the connection goes to something else first, or an
    /// option names the address.
    pub(crate) fn detour(&self) -> Option<String> {
        if self.dialing.socket.is_some() || self.target().socket.is_some() {
            return Some("the server is reached through a Unix socket".to_owned());
        }
        if let Some(reason) = self.proxied() {
            return Some(reason);
        }
        let replaced = [
            (self.dialing.resolve.is_empty(), "--resolve"),
            (self.dialing.connect_to.is_empty(), "--connect-to"),
        ];
        let option = replaced.into_iter().find_map(|(is_none, name)| (!is_none).then_some(name));
        option.map(|name| format!("{name} says where to connect"))
    }

    /// Returns why the stream to the server is not its own TCP connection, if so.
    pub(crate) fn proxied(&self) -> Option<String> {
        match self.dialing.proxies.choose(self.target()) {
            Ok(None) => None,
            Ok(Some(proxy)) => Some(format!("the server is reached through the proxy {proxy}")),
            Err(_) => Some("the server is reached through a proxy".to_owned()),
        }
    }

    /// Limits the time for a connection.
    #[must_use]
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.options.limits.total = self.options.limits.total.min(limit);
        self
    }

    /// Connects to this address only.
    #[must_use]
    pub(crate) fn to(mut self, address: IpAddr) -> Self {
        let addresses = vec![address];
        self.dialing.resolve = vec![ResolveOverride { host: None, port: None, addresses }];
        self
    }

    /// Offers only this version of TLS.
    #[must_use]
    pub(crate) fn with_tls(mut self, version: Version) -> Self {
        (self.options.tls.min, self.options.tls.max) = (version, version);
        self
    }

    /// Offers this version of HTTP.
    #[must_use]
    pub(crate) fn with_http(mut self, http: Http) -> Self {
        self.options.http = http;
        self
    }

    /// Opens a stream, without a handshake of WebSocket.
    pub(crate) async fn stream(&self) -> Result<DialedStream, OpenError> {
        Dialer::new(self.dialing.clone()).open_stream(&self.options).await
    }

    /// Opens a session, and drops it.
    pub(crate) async fn open(&self) -> Opening {
        let mut chain = Vec::new();
        let mut observer = |progress: Progress<'_>| {
            if let Progress::Chain(found) = progress {
                chain = found.to_vec();
            }
        };
        let dialer = Dialer::new(self.dialing.clone());
        let opened = dialer.open(&self.options, &mut observer).await;
        Opening { outcome: opened.map(|opened| opened.established.carrier), chain }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        connect::{ConnectTo, Limits, credentials::Credentials},
        net::{proxy::Proxy, tls::TlsOptions},
        proto::handshake::Headers,
    };

    /// Returns options for sessions with a target.
    pub(crate) fn options(url: &str) -> ConnectOptions {
        ConnectOptions {
            target: Target::parse(url).unwrap(),
            host: None,
            headers: Headers::default(),
            edits: Vec::new(),
            credentials: Credentials::default(),
            redirects: None,
            tls: TlsOptions::default(),
            http: Http::One,
            limits: Limits {
                total: Duration::from_secs(5),
                is_run_limit: false,
                resolve: None,
                tls: None,
                handshake: None,
            },
        }
    }

    #[test]
    fn a_detour_has_a_reason() {
        let route = |url| Route { dialing: DialOptions::default(), options: options(url) };
        assert_eq!(route("ws://h").detour(), None);
        let socket = route("ws+unix:/tmp/socket:/");
        assert_eq!(socket.detour().unwrap(), "the server is reached through a Unix socket");
        let mut replaced = route("ws://h");
        let to_host = Some("other".to_owned());
        replaced.dialing.connect_to =
            vec![ConnectTo { host: None, port: None, to_host, to_port: None }];
        assert_eq!(replaced.detour().unwrap(), "--connect-to says where to connect");
        let mut proxied = route("ws://h");
        proxied.dialing.proxies.explicit = Some(Proxy::parse("http://p:8080").unwrap());
        let words = "the server is reached through the proxy p:8080";
        assert_eq!(proxied.detour().unwrap(), words);
        let at = route("ws://h").to("192.0.2.1".parse().unwrap());
        assert_eq!(at.detour().unwrap(), "--resolve says where to connect");
    }
}
