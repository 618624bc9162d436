//! Where to connect: a URL as a person types it.

use std::{fmt, net::IpAddr};
use url::{Host, Url};

/// A server and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// TLS first (`wss:`).
    pub secure: bool,
    /// A name, in ASCII, or an address.
    pub host: Host<String>,
    /// The port, the scheme's own if none was given.
    pub port: u16,
    /// Path and query, as they are sent.
    pub resource: String,
    /// User and password of the URL, decoded.
    pub user: Option<(String, String)>,
}

/// What is wrong with a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// Nothing was given.
    Empty,
    /// White space or a control character.
    Space,
    /// Not ws, wss, http or https; what it is.
    Scheme(String),
    /// The scheme is not followed by two slashes.
    Slashes,
    /// No host.
    NoHost,
    /// Not a host name or address.
    Host,
    /// Not a port from 1 to 65535.
    Port,
    /// A fragment, which a WebSocket URL must not have (RFC 6455, 3).
    Fragment,
    /// Anything else, in the parser's words.
    Other(String),
}

impl Target {
    /// Reads a URL. Without a scheme it is `ws://`; `http(s)://` is read as `ws(s)://`.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        if text.is_empty() {
            return Err(UrlFault::Empty);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlFault::Space);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => {
                let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
                if matches!(scheme.as_str(), "ws" | "wss" | "http" | "https") && scheme != text {
                    return Err(UrlFault::Slashes);
                }
                ("ws".to_owned(), text)
            }
        };
        let secure = match scheme.as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(UrlFault::Scheme(scheme)),
        };
        // The parser skips any number of slashes: a host must begin at once.
        if rest.starts_with(['/', '\\', '?', '#']) || rest.is_empty() {
            return Err(UrlFault::NoHost);
        }
        let scheme = if secure { "wss" } else { "ws" };
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|e| match e {
            url::ParseError::EmptyHost => UrlFault::NoHost,
            url::ParseError::InvalidPort => UrlFault::Port,
            url::ParseError::IdnaError
            | url::ParseError::InvalidIpv4Address
            | url::ParseError::InvalidIpv6Address
            | url::ParseError::InvalidDomainCharacter => UrlFault::Host,
            other => UrlFault::Other(other.to_string()),
        })?;
        if url.fragment().is_some() {
            return Err(UrlFault::Fragment);
        }
        let port = match url.port_or_known_default() {
            None | Some(0) => return Err(UrlFault::Port),
            Some(port) => port,
        };
        let mut resource = url.path().to_owned();
        if let Some(query) = url.query() {
            resource.push('?');
            resource.push_str(query);
        }
        let user = (!url.username().is_empty() || url.password().is_some()).then(|| {
            (percent_decoded(url.username()), percent_decoded(url.password().unwrap_or_default()))
        });
        let host = url.host().ok_or(UrlFault::NoHost)?.to_owned();
        Ok(Self { secure, host, port, resource, user })
    }

    /// What the Host header says: the port only if it is not the scheme's own.
    pub fn host_header(&self) -> String {
        if self.port == if self.secure { 443 } else { 80 } {
            return self.host.to_string();
        }
        self.authority()
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The address, if the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

/// The URL, without user and password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host_header(), self.resource)
    }
}

fn is_scheme(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn percent_decoded(s: &str) -> String {
    let mut bytes = Vec::with_capacity(s.len());
    let mut rest = s.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%'
            && let [a, b, tail @ ..] = tail
            && let (Some(a), Some(b)) = ((*a as char).to_digit(16), (*b as char).to_digit(16))
        {
            bytes.push((a * 16 + b) as u8);
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_right() {
        let cases = [
            ("ws://example.com", "ws://example.com/", "example.com:80"),
            ("WSS://Example.COM/a?b=c", "wss://example.com/a?b=c", "example.com:443"),
            ("http://h:80/", "ws://h/", "h:80"),
            ("https://h:8443", "wss://h:8443/", "h:8443"),
            ("localhost:9000", "ws://localhost:9000/", "localhost:9000"),
            ("localhost", "ws://localhost/", "localhost:80"),
            ("127.0.0.1:9000/x", "ws://127.0.0.1:9000/x", "127.0.0.1:9000"),
            ("ws://[::1]:9000/", "ws://[::1]:9000/", "[::1]:9000"),
            ("[::1]:9000", "ws://[::1]:9000/", "[::1]:9000"),
            (
                "ws://b\u{fc}cher.example/",
                "ws://xn--bcher-kva.example/",
                "xn--bcher-kva.example:80",
            ),
            ("ws://h/caf\u{e9}?x=%20", "ws://h/caf%C3%A9?x=%20", "h:80"),
            ("ws://h?x=://", "ws://h/?x=://", "h:80"),
            ("h/?to=http://x", "ws://h/?to=http://x", "h:80"),
        ];
        for (text, shown, authority) in cases {
            let target = Target::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            assert_eq!(target.to_string(), shown);
            assert_eq!(target.authority(), authority);
        }
    }

    #[test]
    fn urls_that_are_wrong() {
        let cases = [
            ("", UrlFault::Empty),
            ("ws://", UrlFault::NoHost),
            ("ws:///path", UrlFault::NoHost),
            ("ws://:80/", UrlFault::NoHost),
            ("ws:/h", UrlFault::Slashes),
            ("wss:h", UrlFault::Slashes),
            ("ftp://h/", UrlFault::Scheme("ftp".into())),
            ("ws://h:0/", UrlFault::Port),
            ("ws://h:99999/", UrlFault::Port),
            ("ws://h:port/", UrlFault::Port),
            ("ws://h/a b", UrlFault::Space),
            (" ws://h", UrlFault::Space),
            ("ws://h/\n", UrlFault::Space),
            ("ws://[::1/", UrlFault::Host),
            ("ws://1.2.3.999/", UrlFault::Host),
            ("ws://h<x/", UrlFault::Host),
            ("ws://h/#x", UrlFault::Fragment),
        ];
        for (text, fault) in cases {
            assert_eq!(Target::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_not_shown() {
        let target = Target::parse("ws://us%40er:p%3Ass@h/").unwrap();
        assert_eq!(target.user, Some(("us@er".into(), "p:ss".into())));
        assert_eq!(target.to_string(), "ws://h/");
    }
}
