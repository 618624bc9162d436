//! A proxy and how to speak to it, as its URL says.

use crate::{
    secret::SecretString,
    target::{Target, UrlFault},
};
use std::fmt;
use url::Host;

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// A name or an address.
    pub host: Host<String>,
    /// The port.
    pub port: u16,
    /// User and password.
    pub user: Option<(String, SecretString)>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP CONNECT (RFC 9110, 9.3.6).
    Http,
    /// The same behind TLS.
    Https,
    /// SOCKS 4: we resolve the name, to IPv4.
    Socks4,
    /// SOCKS 4a: the proxy does.
    Socks4a,
    /// SOCKS 5 (RFC 1928): we resolve the name.
    Socks5,
    /// The same: the proxy does.
    Socks5h,
}

impl Proxy {
    /// Reads a URL; without a scheme it is HTTP, without a port 1080 (443 with TLS), as in curl.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        // What is no scheme may be a password.
        if !scheme.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(UrlFault::Host);
        }
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => Protocol::Http,
            "https" => Protocol::Https,
            "socks4" => Protocol::Socks4,
            "socks4a" => Protocol::Socks4a,
            "socks" | "socks5" => Protocol::Socks5,
            "socks5h" => Protocol::Socks5h,
            other => return Err(UrlFault::Scheme(other.to_owned())),
        };
        // A scheme whose own port says whether one was given.
        let secure = protocol == Protocol::Https;
        let target = Target::parse(&format!("{}://{rest}", if secure { "wss" } else { "ws" }))?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let port = host.rsplit(']').next().and_then(|behind| behind.split_once(':'));
        let has_port = port.is_some_and(|(_, port)| !port.is_empty());
        let port = if !secure && target.port == 80 && !has_port { PORT } else { target.port };
        Ok(Self { protocol, host: target.host, port, user: target.user })
    }

    /// Whether the proxy is given an address instead of a name.
    pub fn wants_address(&self) -> bool {
        matches!(self.protocol, Protocol::Socks4 | Protocol::Socks5)
    }
}

/// The proxy, without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// curl's port for proxies.
const PORT: u16 = 1080;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_proxies() {
        for (text, protocol, place) in [
            ("p", Protocol::Http, "p:1080"),
            ("p:3128", Protocol::Http, "p:3128"),
            ("http://p:80/", Protocol::Http, "p:80"),
            ("http://p:080", Protocol::Http, "p:80"),
            ("http://u:w@p:/", Protocol::Http, "p:1080"),
            ("[::1]", Protocol::Http, "[::1]:1080"),
            ("HTTPS://p", Protocol::Https, "p:443"),
            ("socks://p", Protocol::Socks5, "p:1080"),
            ("socks5h://[::1]:9050", Protocol::Socks5h, "[::1]:9050"),
            ("socks4a://1.2.3.4", Protocol::Socks4a, "1.2.3.4:1080"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!((proxy.protocol, &*proxy.to_string()), (protocol, place), "{text}");
        }
        let proxy = Proxy::parse("socks5://us%40er:p%3Ass@p").unwrap();
        assert_eq!(proxy.user, Some(("us@er".to_owned(), "p:ss".into())));
        assert_eq!(proxy.to_string(), "p:1080");
        assert_eq!(Proxy::parse("ftp://p"), Err(UrlFault::Scheme("ftp".to_owned())));
        assert_eq!(Proxy::parse("http://"), Err(UrlFault::NoHost));
        assert_eq!(Proxy::parse("p:x"), Err(UrlFault::Port));
    }
}
