//! The choice of a proxy for a target: by option, or by the environment, read as curl reads it.

use super::server::Proxy;
use crate::target::{Target, UrlFault};
use ipnet::IpNet;
use std::net::IpAddr;

/// The proxies there are to choose from.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The one asked for.
    pub given: Option<Proxy>,
    /// What the environment says where none was.
    pub variables: Variables,
    /// What is reached without a proxy.
    pub none: NoProxy,
}

impl Proxies {
    /// The proxy for this target. The error names the variable that cannot be read.
    pub fn choose(&self, target: &Target) -> Result<Option<Proxy>, (String, UrlFault)> {
        if self.none.has(target) {
            return Ok(None);
        }
        if let Some(proxy) = &self.given {
            return Ok(Some(proxy.clone()));
        }
        match self.variables.find(target.secure) {
            None => Ok(None),
            Some((name, value)) => {
                Proxy::parse(value).map(Some).map_err(|fault| (name.to_owned(), fault))
            }
        }
    }
}

/// The variables that name proxies, with their values; empty ones are as good as absent.
#[derive(Clone, Debug, Default)]
pub struct Variables(Vec<(&'static str, String)>);

impl Variables {
    /// Those of this environment.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let names = PLAIN.iter().chain(&SECURE).chain(&ALL);
        let set = names.filter_map(|name| Some((*name, get(name).filter(|v| !v.is_empty())?)));
        Self(set.collect())
    }

    fn find(&self, secure: bool) -> Option<(&'static str, &str)> {
        let names = if secure { &SECURE[..] } else { &PLAIN };
        let set = |name: &&str| self.0.iter().find(|(set, _)| set == name);
        let (name, value) = names.iter().chain(&ALL).find_map(set)?;
        Some((name, value))
    }
}

/// For ws. A server that runs as CGI gets `HTTP_PROXY` from a request header: lower case only.
const PLAIN: [&str; 2] = ["ws_proxy", "http_proxy"];
/// For wss.
const SECURE: [&str; 4] = ["wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY"];
/// For both.
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];

/// A list of what is reached without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<(Pattern, Option<u16>)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Any,
    /// A name, and all below it.
    Name(String),
    Net(IpNet),
}

impl NoProxy {
    /// Reads a list of names (and all below them), addresses and networks, each with a port or
    /// without, and `*`, with commas or spaces between them. Also what could not be read.
    pub fn parse(list: &str) -> (Self, Vec<String>) {
        let mut patterns = Vec::new();
        let mut faults = Vec::new();
        for entry in list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
            match Self::entry(entry) {
                Some(pattern) => patterns.push(pattern),
                None => faults.push(entry.to_owned()),
            }
        }
        (Self(patterns), faults)
    }

    fn entry(entry: &str) -> Option<(Pattern, Option<u16>)> {
        let net = |s: &str| {
            // An IPv6 address may stand in brackets.
            let s = s.replacen('[', "", 1).replacen(']', "", 1);
            s.parse().ok().or_else(|| s.parse::<IpAddr>().ok().map(IpNet::from))
        };
        // In brackets the last colon is that of a port only behind them.
        let is_bare = !entry.ends_with(|c: char| c.is_ascii_digit()) || !entry.contains("]:");
        if let Some(net) = net(entry).filter(|_| is_bare) {
            return Some((Pattern::Net(net), None));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (entry, None),
        };
        if host == "*" {
            return Some((Pattern::Any, port));
        }
        if let Some(net) = net(host) {
            return Some((Pattern::Net(net), port));
        }
        let name = host.strip_prefix("*.").or(host.strip_prefix('.')).unwrap_or(host);
        let name = name.strip_suffix('.').unwrap_or(name);
        let ascii = url::Host::parse(name).ok().map(|host| host.to_string());
        let name = ascii.unwrap_or_else(|| name.to_ascii_lowercase());
        let is_name = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b) || b >= 0x80);
        is_name.then_some((Pattern::Name(name), port))
    }

    /// Whether this target is in it.
    pub fn has(&self, target: &Target) -> bool {
        let host = target.host.to_string().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.0.iter().any(|(pattern, port)| {
            let matches = match pattern {
                Pattern::Any => true,
                Pattern::Name(_) if target.address().is_some() => false,
                Pattern::Name(name) => host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                Pattern::Net(net) => target.address().is_some_and(|address| net.contains(&address)),
            };
            matches && port.is_none_or(|port| port == target.port)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    #[test]
    fn what_is_reached_without_a_proxy() {
        let list = "example.com, .dot.example *.star.example host:8080,10.0.0.0/8 192.168.1.1,[::1]:9000,fd00::/8";
        let (none, faults) = NoProxy::parse(list);
        assert_eq!(faults, Vec::<String>::new());
        for url in [
            "ws://example.com",
            "wss://EXAMPLE.com.",
            "ws://a.example.com",
            "ws://dot.example",
            "ws://a.b.dot.example",
            "ws://x.star.example",
            "ws://host:8080",
            "ws://10.1.2.3",
            "ws://192.168.1.1:5",
            "ws://[::1]:9000",
            "ws://[fd00::7]",
        ] {
            assert!(none.has(&target(url)), "{url}");
        }
        for url in [
            "ws://notexample.com",
            "ws://example.org",
            "ws://host",
            "ws://11.0.0.1",
            "ws://192.168.1.2",
            "ws://[::1]:9001",
        ] {
            assert!(!none.has(&target(url)), "{url}");
        }
        let (none, _) = NoProxy::parse("b\u{fc}cher.example,1,0.0.1,[2001:db8::]/32");
        assert!(none.has(&target("ws://b\u{fc}cher.example")));
        assert!(none.has(&target("ws://[2001:db8::1]")));
        assert!(!none.has(&target("ws://127.0.0.1")));
        assert!(NoProxy::parse("*").0.has(&target("ws://h")));
        let (none, faults) = NoProxy::parse("a!b,host:x,10.0.0.0/99,ok");
        assert_eq!(faults, ["a!b", "host:x", "10.0.0.0/99"]);
        assert!(none.has(&target("ws://ok")));
    }

    #[test]
    fn variables_are_read_in_order() {
        let choose = |url: &str, set: &[(&str, &str)]| {
            let get = |name: &str| {
                set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            };
            let variables = Variables::read(get);
            let proxies = Proxies { variables, ..Proxies::default() };
            proxies.choose(&target(url)).map(|proxy| proxy.map(|p| p.to_string()))
        };
        let chosen = |url, set: &[_]| choose(url, set).unwrap();
        assert_eq!(chosen("ws://h", &[]), None);
        assert_eq!(chosen("ws://h", &[("HTTP_PROXY", "a:1")]), None);
        assert_eq!(chosen("ws://h", &[("http_proxy", "a:1")]), Some("a:1".into()));
        let both = [("http_proxy", "a:1"), ("ws_proxy", "b:1"), ("all_proxy", "c:1")];
        assert_eq!(chosen("ws://h", &both), Some("b:1".into()));
        assert_eq!(chosen("wss://h", &both), Some("c:1".into()));
        assert_eq!(chosen("wss://h", &[("HTTPS_PROXY", "a:1")]), Some("a:1".into()));
        assert_eq!(
            chosen("ws://h", &[("http_proxy", ""), ("ALL_PROXY", "c:1")]),
            Some("c:1".into())
        );
        let fault = choose("ws://h", &[("http_proxy", "ftp://x")]).unwrap_err();
        assert_eq!(fault, ("http_proxy".to_owned(), UrlFault::Scheme("ftp".to_owned())));
    }
}
