//! Proxy servers, read from URLs.

use crate::{
    secret::SecretString,
    target::{Target, UrlFault},
};
use std::fmt;
use url::Host;

/// A proxy server. `Display` omits user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The protocol of the proxy.
    pub protocol: ProxyProtocol,
    /// The name or address of the proxy.
    pub host: Host<String>,
    /// The TCP port of the proxy.
    pub port: u16,
    /// User and password, percent-decoded.
    pub user: Option<(String, SecretString)>,
}

/// The protocol between client and proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// HTTP CONNECT (RFC 9110, 9.3.6).
    Http,
    /// HTTP CONNECT over TLS.
    Https,
    /// SOCKS 4. The client resolves the target's name, to IPv4.
    Socks4,
    /// SOCKS 4a. The proxy resolves the target's name.
    Socks4a,
    /// SOCKS 5 (RFC 1928). The client resolves the target's name.
    Socks5,
    /// SOCKS 5 (RFC 1928). The proxy resolves the target's name.
    Socks5h,
}

impl Proxy {
    /// Parses a URL. The scheme defaults to `http` and the port to 1080 (443 with TLS), as in curl.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        // The text before `://` is not repeated in the error: it may contain a password.
        if !scheme.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(UrlFault::Host);
        }
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyProtocol::Http,
            "https" => ProxyProtocol::Https,
            "socks4" => ProxyProtocol::Socks4,
            "socks4a" => ProxyProtocol::Socks4a,
            "socks" | "socks5" => ProxyProtocol::Socks5,
            "socks5h" => ProxyProtocol::Socks5h,
            other => return Err(UrlFault::Scheme(other.to_owned())),
        };
        // The parser drops a port that is the scheme's default, so the text is searched for the
        // `:80` of a proxy without TLS.
        let secure = protocol == ProxyProtocol::Https;
        let target = Target::parse(&format!("{}://{rest}", if secure { "wss" } else { "ws" }))?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let port = host.rsplit(']').next().and_then(|after| after.split_once(':'));
        let has_port = port.is_some_and(|(_, port)| !port.is_empty());
        let port =
            if !secure && target.port == 80 && !has_port { DEFAULT_PORT } else { target.port };
        Ok(Self { protocol, host: target.host, port, user: target.user })
    }

    /// Returns true if the client has to resolve the target's name.
    pub fn needs_address(&self) -> bool {
        matches!(self.protocol, ProxyProtocol::Socks4 | ProxyProtocol::Socks5)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The default port of proxies without TLS, as in curl.
const DEFAULT_PORT: u16 = 1080;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_proxy_urls() {
        for (text, protocol, place) in [
            ("p", ProxyProtocol::Http, "p:1080"),
            ("p:3128", ProxyProtocol::Http, "p:3128"),
            ("http://p:80/", ProxyProtocol::Http, "p:80"),
            ("http://p:080", ProxyProtocol::Http, "p:80"),
            ("http://u:w@p:/", ProxyProtocol::Http, "p:1080"),
            ("[::1]", ProxyProtocol::Http, "[::1]:1080"),
            ("HTTPS://p", ProxyProtocol::Https, "p:443"),
            ("socks://p", ProxyProtocol::Socks5, "p:1080"),
            ("socks5h://[::1]:9050", ProxyProtocol::Socks5h, "[::1]:9050"),
            ("socks4a://1.2.3.4", ProxyProtocol::Socks4a, "1.2.3.4:1080"),
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
