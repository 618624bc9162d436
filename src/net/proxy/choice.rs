//! Selection of a proxy for a target, by option or from the environment, with curl's rules.

use super::server::Proxy;
use crate::target::{Target, UrlFault};
use ipnet::IpNet;
use std::{
    ffi::{OsStr, OsString},
    net::IpAddr,
};

/// Options that select a proxy.
#[derive(Clone, Debug, Default)]
pub struct ProxyOptions {
    /// The proxy for all targets; overrides the environment.
    pub explicit: Option<Proxy>,
    /// The proxies of the environment.
    pub variables: ProxyVariables,
    /// The hosts that are reached without a proxy.
    pub no_proxy: NoProxy,
    /// The variable with these hosts, if it is not valid UTF-8. Using a proxy, or none, would be a
    /// guess.
    pub invalid_no_proxy: Option<&'static str>,
}

impl ProxyOptions {
    /// Returns the proxy for a target, if any. The error names the variable with a malformed URL.
    pub fn choose(&self, target: &Target) -> Result<Option<Proxy>, (String, UrlFault)> {
        if let Some(name) = self.invalid_no_proxy {
            return Err((name.to_owned(), UrlFault::Encoding));
        }
        if self.no_proxy.matches(target) {
            return Ok(None);
        }
        if let Some(proxy) = &self.explicit {
            return Ok(Some(proxy.clone()));
        }
        match self.variables.find(target.secure) {
            None => Ok(None),
            Some((name, value)) => {
                let proxy = value.to_str().ok_or(UrlFault::Encoding).and_then(Proxy::parse);
                proxy.map(Some).map_err(|fault| (name.to_owned(), fault))
            }
        }
    }
}

/// Environment variables that name proxies, with their values. Empty ones count as unset.
#[derive(Clone, Debug, Default)]
pub struct ProxyVariables(Vec<(&'static str, OsString)>);

impl ProxyVariables {
    /// Reads the variables through `get`.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let names = WS_NAMES.iter().chain(&WSS_NAMES).chain(&COMMON_NAMES);
        let set = names.filter_map(|name| Some((*name, get(name).filter(|v| !v.is_empty())?)));
        Self(set.collect())
    }

    fn find(&self, secure: bool) -> Option<(&'static str, &OsStr)> {
        let names = if secure { &WSS_NAMES[..] } else { &WS_NAMES };
        let set = |name: &&str| self.0.iter().find(|(set, _)| set == name);
        let (name, value) = names.iter().chain(&COMMON_NAMES).find_map(set)?;
        Some((name, value))
    }
}

/// Variables for ws, in lower case only: in a CGI program `HTTP_PROXY` is the request header
/// `Proxy`, which the remote client chooses.
const WS_NAMES: [&str; 2] = ["ws_proxy", "http_proxy"];
const WSS_NAMES: [&str; 4] = ["wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY"];
const COMMON_NAMES: [&str; 2] = ["all_proxy", "ALL_PROXY"];

/// A list of hosts that are reached without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<(HostPattern, Option<u16>)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// A domain and its subdomains.
    Name(String),
    Net(IpNet),
}

impl NoProxy {
    /// Parses a list separated by commas or white space: domains (with their subdomains),
    /// addresses, networks in CIDR notation and `*`, each with an optional port. Also returns the
    /// malformed entries.
    pub fn parse(list: &str) -> (Self, Vec<String>) {
        let mut patterns = Vec::new();
        let mut faults = Vec::new();
        for entry in list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
            match Self::parse_entry(entry) {
                Some(pattern) => patterns.push(pattern),
                None => faults.push(entry.to_owned()),
            }
        }
        (Self(patterns), faults)
    }

    fn parse_entry(entry: &str) -> Option<(HostPattern, Option<u16>)> {
        let net = |s: &str| {
            // An IPv6 address may be enclosed in brackets.
            let s = s.replacen('[', "", 1).replacen(']', "", 1);
            s.parse().ok().or_else(|| s.parse::<IpAddr>().ok().map(IpNet::from))
        };
        // A colon after the closing bracket separates a port; every other one is part of the
        // address.
        let is_bare = !entry.ends_with(|c: char| c.is_ascii_digit()) || !entry.contains("]:");
        if let Some(net) = net(entry).filter(|_| is_bare) {
            return Some((HostPattern::Net(net), None));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (entry, None),
        };
        if host == "*" {
            return Some((HostPattern::Any, port));
        }
        if let Some(net) = net(host) {
            return Some((HostPattern::Net(net), port));
        }
        let name = host.strip_prefix("*.").or(host.strip_prefix('.')).unwrap_or(host);
        let name = name.strip_suffix('.').unwrap_or(name);
        let ascii = url::Host::parse(name).ok().map(|host| host.to_string());
        let name = ascii.unwrap_or_else(|| name.to_ascii_lowercase());
        let is_name = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b) || b >= 0x80);
        is_name.then_some((HostPattern::Name(name), port))
    }

    /// Returns true if the list includes the host and port of this target.
    pub fn matches(&self, target: &Target) -> bool {
        let host = target.host.to_string().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.0.iter().any(|(pattern, port)| {
            let matches = match pattern {
                HostPattern::Any => true,
                HostPattern::Name(_) if target.address().is_some() => false,
                HostPattern::Name(name) => host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                HostPattern::Net(net) => {
                    target.address().is_some_and(|address| net.contains(&address))
                }
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
    fn no_proxy_matches_domains_addresses_and_networks() {
        let text = "example.com, .dot.example *.star.example host:8080,10.0.0.0/8 192.168.1.1,[::1]:9000,fd00::/8";
        let (list, faults) = NoProxy::parse(text);
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
            assert!(list.matches(&target(url)), "{url}");
        }
        for url in [
            "ws://notexample.com",
            "ws://example.org",
            "ws://host",
            "ws://11.0.0.1",
            "ws://192.168.1.2",
            "ws://[::1]:9001",
        ] {
            assert!(!list.matches(&target(url)), "{url}");
        }
        let (list, _) = NoProxy::parse("b\u{fc}cher.example,1,0.0.1,[2001:db8::]/32");
        assert!(list.matches(&target("ws://b\u{fc}cher.example")));
        assert!(list.matches(&target("ws://[2001:db8::1]")));
        assert!(!list.matches(&target("ws://127.0.0.1")));
        assert!(NoProxy::parse("*").0.matches(&target("ws://h")));
        let (list, faults) = NoProxy::parse("a!b,host:x,10.0.0.0/99,ok");
        assert_eq!(faults, ["a!b", "host:x", "10.0.0.0/99"]);
        assert!(list.matches(&target("ws://ok")));
    }

    #[test]
    fn specific_variables_precede_common_ones() {
        let choose = |url: &str, set: &[(&str, &str)]| {
            let get = |name: &str| {
                set.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
            };
            let variables = ProxyVariables::read(get);
            let proxies = ProxyOptions { variables, ..ProxyOptions::default() };
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
    #[test]
    fn a_variable_that_is_not_utf8_is_not_taken_for_an_unset_one() {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(b"http://us\xe9r:pw@h:1".to_vec());
        let variables = ProxyVariables::read(|name| (name == "http_proxy").then(|| value.clone()));
        let mut proxies = ProxyOptions { variables, ..ProxyOptions::default() };
        let fault = |proxies: &ProxyOptions, url| proxies.choose(&target(url)).unwrap_err();
        let of = |name: &str| (name.to_owned(), UrlFault::Encoding);
        assert_eq!(fault(&proxies, "ws://h"), of("http_proxy"));
        assert!(proxies.choose(&target("wss://h")).unwrap().is_none());
        proxies.invalid_no_proxy = Some("no_proxy");
        assert_eq!(fault(&proxies, "wss://h"), of("no_proxy"));
    }
}
