//! Targets: WebSocket URLs as typed by a user.

mod fault;
mod resource;
mod zone;

pub use fault::UrlFault;
pub use resource::DotSegments;

use crate::{known, proto::slice::Within, secret::SecretString};
use percent_encoding::percent_decode_str;
use std::{fmt, net::IpAddr};
use url::{Host, Url};

/// A parsed WebSocket URL. `Display` omits user and password, `Debug` the query as well.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Uses TLS (`wss:`).
    pub secure: bool,
    /// The host name, in ASCII (IDNA), or the address.
    pub host: Host<String>,
    /// The zone of a link-local address: the name or number of a network interface (RFC 4007).
    pub zone: Option<String>,
    /// The port, by default that of the scheme (80 or 443).
    pub port: u16,
    /// Path and query, percent-encoded (RFC 6455, 3).
    pub resource: String,
    /// User and password of the URL, percent-decoded.
    pub user: Option<(String, SecretString)>,
    /// The path of the Unix socket in a `ws+unix:` URL, or `@` and an abstract name.
    pub socket: Option<String>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_string();
        write!(f, "Target({:?})", text.split('?').next().unwrap_or_default())
    }
}

impl Target {
    /// Parses a URL, whose secrets are never shown from then on. The scheme defaults to `ws`;
    /// `http` and `https` stand for `ws` and `wss`. For Unix sockets, accepts
    /// `ws+unix:/path/to.sock:/resource`. Dot segments are removed from the path.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        Self::parse_with(text, DotSegments::Removed)
    }

    /// Parses a URL as [`Self::parse`] does, with a choice for dot segments.
    pub fn parse_with(text: &str, dots: DotSegments) -> Result<Self, UrlFault> {
        let target = Self::parse_url(text, dots)?;
        known::add_host(&target.host.to_string());
        Ok(target)
    }

    fn parse_url(text: &str, dots: DotSegments) -> Result<Self, UrlFault> {
        if text.is_empty() {
            return Err(UrlFault::Empty);
        }
        if text.ends_with('\r') {
            return Err(UrlFault::CarriageReturn);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlFault::Space);
        }
        if let Some((secure, rest)) = split_unix_scheme(text) {
            return Self::parse_unix(secure, rest, dots);
        }
        if let Some(fault) = foreign_address(text) {
            return Err(fault);
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
        // The parser skips any number of slashes, but the host must follow immediately.
        if rest.starts_with(['/', '\\', '?', '#']) || rest.is_empty() {
            return Err(UrlFault::NoHost);
        }
        let scheme = if secure { "wss" } else { "ws" };
        if let Some(port) = port_alone(rest) {
            return Err(UrlFault::PortAlone(port));
        }
        if let Some(delimiter) = delimiter_in_user(rest) {
            return Err(UrlFault::UserDelimiter(delimiter));
        }
        let raw_resource = rest.within(authority_end(rest)..);
        let (rest, zone) = zone::split_off(rest)?;
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
        let resource = resource::encode(raw_resource, dots);
        let decoded = |s: &str| percent_decode_str(s).decode_utf8_lossy().into_owned();
        let user = (!url.username().is_empty() || url.password().is_some())
            .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        let has_control = |s: &str| s.chars().any(char::is_control);
        if user.as_ref().is_some_and(|(user, password)| has_control(user) || has_control(password))
        {
            return Err(UrlFault::User);
        }
        let host = url.host().ok_or(UrlFault::NoHost)?.to_owned();
        if let Some((user, password)) = &user {
            known::add_user(user, password);
        }
        known::add_url(&resource);
        let user = user.map(|(user, password)| (user, password.into()));
        Ok(Self { secure, host, zone, port, resource, user, socket: None })
    }

    /// Parses the part of a URL after `ws+unix:`, in the format of wscat.
    fn parse_unix(secure: bool, rest: &str, dots: DotSegments) -> Result<Self, UrlFault> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (socket, resource) = rest.split_once(':').unwrap_or((rest, "/"));
        if socket.is_empty() {
            return Err(UrlFault::NoHost);
        }
        if resource.contains('#') {
            return Err(UrlFault::Fragment);
        }
        let slash = if resource.starts_with('/') { "" } else { "/" };
        let scheme = if secure { "wss" } else { "ws" };
        let url = format!("{scheme}://localhost{slash}{resource}");
        let target = Self::parse_url(&url, dots)?;
        Ok(Self { socket: Some(socket.to_owned()), ..target })
    }

    /// Resolves a reference against this URL (RFC 3986, 5). User, password and socket are kept if
    /// the origin is the same, and the zone if the host is: a server does not know it.
    pub fn join(&self, reference: &str) -> Result<Self, UrlFault> {
        let base = Self { zone: None, ..self.clone() };
        let base = Url::parse(&base.to_string()).map_err(|e| UrlFault::Other(e.to_string()))?;
        let mut url = base.join(reference).map_err(|e| UrlFault::Other(e.to_string()))?;
        url.set_fragment(None);
        if !matches!(url.scheme(), "ws" | "wss" | "http" | "https") {
            return Err(UrlFault::Scheme(url.scheme().to_owned()));
        }
        // Its host is not public: a peer may have put a secret there.
        let mut resolved = Self::parse_url(url.as_str(), DotSegments::Removed)?;
        if resolved.host == self.host {
            resolved.zone.clone_from(&self.zone);
        }
        if !resolved.is_same_origin(self) {
            return Ok(resolved);
        }
        let user = resolved.user.clone().or_else(|| self.user.clone());
        Ok(Self { socket: self.socket.clone(), user, ..resolved })
    }

    /// Returns true if scheme, host and port are the same (RFC 6454, 5).
    pub fn is_same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }

    /// Returns the host for the resolver and for certificates, without brackets around IPv6.
    pub fn host_name(&self) -> String {
        host_name(&self.host)
    }

    /// Returns the value of the Host header, with the port unless it is the scheme's default.
    pub fn host_header(&self) -> String {
        if self.port == if self.secure { 443 } else { 80 } {
            return self.host.to_string();
        }
        format!("{}:{}", self.host, self.port)
    }

    /// Returns the origin of the server's own pages (RFC 6454, 4), with http or https.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host_header())
    }

    /// Returns `host:port` for messages, with the zone.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.zoned_host(), self.port)
    }

    /// Returns the host with its zone, which is not part of the Host header field (RFC 6874, 4).
    fn zoned_host(&self) -> String {
        match (&self.host, &self.zone) {
            (Host::Ipv6(address), Some(zone)) => format!("[{address}%{zone}]"),
            (host, _) => host.to_string(),
        }
    }

    /// Returns the host if it is an IP address.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}", self.zoned_host())?;
        if self.port != if self.secure { 443 } else { 80 } {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.resource)
    }
}

/// Returns a host without brackets around IPv6.
pub fn host_name(host: &Host<String>) -> String {
    match host {
        Host::Ipv6(address) => address.to_string(),
        other => other.to_string(),
    }
}

/// Replaces user and password in a URL, which may be malformed.
pub fn without_user(text: &str) -> String {
    let scheme = text.find("//").or_else(|| text.find(':').map(|at| at + 1));
    let slashes = |at: usize| text.bytes().skip(at).take_while(|b| *b == b'/').count();
    let (scheme, rest) = text.split_at(scheme.map_or(0, |at| at + slashes(at)));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    let is_port = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    // An unencoded slash in a password ends the authority before its `@`. Text after the colon that
    // is not a port is taken for the start of such a password.
    let is_password = authority.split_once(':').is_some_and(|(_, after)| !is_port(after))
        || delimiter_in_user(rest).is_some();
    let at = authority.rfind('@').or_else(|| rest.rfind('@').filter(|_| is_password));
    match at {
        Some(at) => format!("{scheme}[redacted]{}", rest.within(at..)),
        None => text.to_owned(),
    }
}

/// Returns the index after user, host and port.
fn authority_end(rest: &str) -> usize {
    rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())
}

/// Returns the delimiter that ends user and password before their `@`, if there is one: a `#`, which
/// can be nothing else there, or any after a colon that no port follows.
fn delimiter_in_user(rest: &str) -> Option<char> {
    let (authority, after) = rest.split_at(authority_end(rest));
    let delimiter = after.chars().next().filter(|_| after.contains('@'))?;
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let is_password = port.is_some_and(|port| port.bytes().any(|b| !b.is_ascii_digit()));
    let is_user = !authority.contains(['@', '[']) && (is_password || delimiter == '#');
    is_user.then_some(delimiter)
}

/// Returns the fault of an address that other programs, or servers, understand.
fn foreign_address(text: &str) -> Option<UrlFault> {
    if text.starts_with('/') {
        return Some(UrlFault::Unix(text.to_owned()));
    }
    let (name, rest) = text.split_once(':')?;
    match name {
        "unix" if rest.parse::<u16>().is_err() => Some(UrlFault::Unix(rest.to_owned())),
        "ws-l" | "wss-l" | "ws-c" | "ws-u" | "tcp-l" | "tcp-connect" | "tcp-listen"
            if !rest.is_empty() =>
        {
            Some(UrlFault::AddressType(name.to_owned()))
        }
        // These may be hosts.
        "autoreconnect" | "broadcast" | "mirror" | "literal" | "cmd" | "exec" | "sh-c" | "tcp" => {
            (!rest.is_empty() && rest.parse::<u16>().is_err())
                .then(|| UrlFault::AddressType(name.to_owned()))
        }
        _ => None,
    }
}

/// Returns the port if an authority has nothing else. An address in one number is larger.
fn port_alone(rest: &str) -> Option<u16> {
    rest.get(..authority_end(rest))?.parse().ok().filter(|port| *port > 0)
}

fn split_unix_scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "ws+unix" => Some((false, rest)),
        "wss+unix" => Some((true, rest)),
        _ => None,
    }
}

fn is_scheme(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_urls() {
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
            ("ws://[fe80::1%25eth0]/x", "ws://[fe80::1%eth0]/x", "[fe80::1%eth0]:80"),
            ("[fe80::1%eth0.7]:9000", "ws://[fe80::1%eth0.7]:9000/", "[fe80::1%eth0.7]:9000"),
            ("u:p@[fe80::1%253]:9/?a@b", "ws://[fe80::1%3]:9/?a@b", "[fe80::1%3]:9"),
        ];
        for (text, shown, authority) in cases {
            let target = Target::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            assert_eq!(target.to_string(), shown);
            assert_eq!(target.authority(), authority);
        }
    }

    #[test]
    fn rejects_malformed_urls() {
        let cases = [
            ("", UrlFault::Empty),
            ("ws://", UrlFault::NoHost),
            ("ws:///path", UrlFault::NoHost),
            ("ws://:80/", UrlFault::NoHost),
            (":9000", UrlFault::NoHost),
            ("9000", UrlFault::PortAlone(9000)),
            ("wss://9000/path", UrlFault::PortAlone(9000)),
            ("unix:/tmp/x", UrlFault::Unix("/tmp/x".into())),
            ("/tmp/x", UrlFault::Unix("/tmp/x".into())),
            ("ws-l:127.0.0.1:9000", UrlFault::AddressType("ws-l".into())),
            ("ws-l:9000", UrlFault::AddressType("ws-l".into())),
            ("autoreconnect:ws://h", UrlFault::AddressType("autoreconnect".into())),
            ("ws:/h", UrlFault::Slashes),
            ("wss:h", UrlFault::Slashes),
            ("ftp://h/", UrlFault::Scheme("ftp".into())),
            ("ws://h:0/", UrlFault::Port),
            ("ws://h:99999/", UrlFault::Port),
            ("ws://h:port/", UrlFault::Port),
            ("ws://h/a b", UrlFault::Space),
            (" ws://h", UrlFault::Space),
            ("ws://h/\n", UrlFault::Space),
            ("ws://h/\r", UrlFault::CarriageReturn),
            ("ws://u:p#w@h/", UrlFault::UserDelimiter('#')),
            ("ws://u:1#2@h:9000/x", UrlFault::UserDelimiter('#')),
            ("ws://t#oken@h/", UrlFault::UserDelimiter('#')),
            ("u:p/w@h", UrlFault::UserDelimiter('/')),
            ("ws://u:p?w@h/", UrlFault::UserDelimiter('?')),
            ("ws://u@h/#a@b", UrlFault::Fragment),
            ("ws://[fe80::1%]/", UrlFault::Host),
            ("ws://[fe80::1%a b]/", UrlFault::Space),
            ("ws://[fe80::1%25a%2fb]/", UrlFault::Host),
            ("ws://[fe80::1%25/", UrlFault::Host),
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
    fn parses_unix_socket_urls() {
        for (text, socket, resource) in [
            ("ws+unix:/run/a.sock:/x?y=1", "/run/a.sock", "/x?y=1"),
            ("ws+unix:///run/a.sock", "/run/a.sock", "/"),
            ("wss+unix:@name:chat", "@name", "/chat"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.socket.as_deref(), Some(socket), "{text}");
            assert_eq!((&*target.resource, target.secure), (resource, text.starts_with("wss")));
        }
        assert_eq!(Target::parse("ws+unix:"), Err(UrlFault::NoHost));
        assert_eq!(Target::parse("ws+unix:/s:/#x"), Err(UrlFault::Fragment));
    }

    #[test]
    fn resolves_references() {
        let base = Target::parse("wss://h:8443/a/b?c").unwrap();
        for (reference, expected) in [
            ("d", "wss://h:8443/a/d"),
            ("/d?e#f", "wss://h:8443/d?e"),
            ("//other/x", "wss://other/x"),
            ("https://h:8443/", "wss://h:8443/"),
            ("http://h/", "ws://h/"),
            ("", "wss://h:8443/a/b?c"),
        ] {
            assert_eq!(base.join(reference).unwrap().to_string(), expected, "{reference}");
        }
        for reference in ["ftp://h/", "mailto:a@h", "javascript:1", "ws+unix:/s:/", "h:1"] {
            let fault = base.join(reference);
            assert!(matches!(fault, Err(UrlFault::Scheme(_))), "{reference}: {fault:?}");
        }
        let ours = Target::parse("ws://u:p@h/a").unwrap();
        assert_eq!(ours.join("/b").unwrap().user, ours.user);
        assert_eq!(ours.join("ws://h/b").unwrap().user, ours.user);
        assert_eq!(ours.join("ws://i/b").unwrap().user, None);
        assert_eq!(base.join("//x%0d%0ay@h/"), Err(UrlFault::User));
        let origin = |reference| base.join(reference).unwrap().is_same_origin(&base);
        assert!(origin("/x") && origin("https://h:8443/"));
        assert!(!origin("ws://h:8443/") && !origin("wss://h/") && !origin("//i:8443/"));
    }

    #[test]
    fn redacts_user_and_password() {
        for (text, shown) in [
            ("ws://u:p@h:99999/", "ws://[redacted]@h:99999/"),
            ("ws:/u:p@h", "ws:/[redacted]@h"),
            ("u:p@h", "u:[redacted]@h"),
            ("ws://u:p/x@h/", "ws://[redacted]@h/"),
            ("ws://u:1#x@h/", "ws://[redacted]@h/"),
            ("//u@h/a@b", "//[redacted]@h/a@b"),
            ("ws://h/a@b", "ws://h/a@b"),
            ("/a@b", "/a@b"),
            ("ws://h:80/a@b", "ws://h:80/a@b"),
            ("h", "h"),
        ] {
            assert_eq!(without_user(text), shown, "{text}");
        }
    }

    #[test]
    fn the_zone_is_local() {
        let target = Target::parse("ws://[fe80::1%25eth0]:9000/a").unwrap();
        assert_eq!(target.host_header(), "[fe80::1]:9000");
        assert_eq!(target.host_name(), "fe80::1");
        assert_eq!(target.zone.as_deref(), Some("eth0"));
        assert_eq!(target.join("/b").unwrap().to_string(), "ws://[fe80::1%eth0]:9000/b");
        assert_eq!(target.join("ws://[fe80::1]/").unwrap().zone, target.zone);
        assert_eq!(target.join("ws://[fe80::2]/").unwrap().zone, None);
    }

    #[test]
    fn user_and_password_are_decoded_and_not_shown() {
        let target = Target::parse("ws://us%40er:p%3Ass@h/").unwrap();
        assert_eq!(target.user, Some(("us@er".into(), "p:ss".into())));
        assert_eq!(target.to_string(), "ws://h/");
    }
}
