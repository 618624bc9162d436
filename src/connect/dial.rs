//! A byte stream to a target, by whatever way leads there.

use super::{Opening, Progress, Way, within};
use crate::{
    error::{Error, ProxyFault, Step},
    net::{
        Transport,
        proxy::{Destination, Protocol, Proxies, Proxy},
        tcp, tls,
    },
    sys::unix,
    target::{Target, host_name},
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// How streams are made.
#[derive(Clone, Debug, Default)]
pub struct Dialing {
    /// Which addresses may be used.
    pub family: tcp::Family,
    /// Where connections come from.
    pub from: tcp::From,
    /// Addresses of names that the system is not asked for.
    pub resolve: Vec<Resolve>,
    /// Where to connect instead of where the URL says.
    pub connect_to: Vec<ConnectTo>,
    /// The Unix socket to connect to, instead of a network.
    pub socket: Option<String>,
    /// The proxies.
    pub proxies: Proxies,
}

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The name; none: any.
    pub host: Option<String>,
    /// The port; none: any.
    pub port: Option<u16>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Another place to connect to.
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

/// The name and the port that are connected to.
struct Place {
    host: String,
    port: u16,
}

impl Place {
    fn new(dialing: &Dialing, target: &Target) -> Self {
        let (host, port) = (target.host_name(), target.port);
        let is = |wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&host))
        };
        let found = dialing
            .connect_to
            .iter()
            .find(|other| is(&other.host) && other.port.is_none_or(|wanted| wanted == port));
        match found {
            None => Self { host, port },
            Some(other) => Self {
                host: other.to_host.clone().unwrap_or(host),
                port: other.to_port.unwrap_or(port),
            },
        }
    }
}

/// A stream to the target, and the address it goes to.
pub(super) async fn dial(
    opening: &Opening,
    way: &mut Way<'_>,
) -> Result<(Box<dyn Transport>, Option<SocketAddr>), Error> {
    let (target, dialing) = (&opening.target, &opening.dialing);
    let socket = dialing.socket.as_ref().or(target.socket.as_ref());
    if let Some(path) = socket {
        way.enter(Step::Connect);
        let stream = unix::connect(path)
            .await
            .map_err(|cause| Error::Socket { path: path.clone(), cause })?;
        (way.watch)(Progress::Socket(path));
        return Ok((Box::new(stream), None));
    }
    dialing.from.check().map_err(|cause| Error::Interface { from: dialing.from.clone(), cause })?;
    let place = Place::new(dialing, target);
    let proxy = dialing
        .proxies
        .choose(target)
        .map_err(|(variable, fault)| Error::ProxyVariable { variable, fault })?;
    if let Some(proxy) = proxy {
        return Ok((through(opening, &proxy, &place, way).await?, None));
    }
    let authority = target.authority();
    let addresses = resolve(opening, &place, way)
        .await
        .map_err(|fault| fault.or(|cause| Error::Resolve { host: place.host.clone(), cause }))?;
    if let tcp::From::Address(ours) = dialing.from
        && addresses.iter().all(|address| address.is_ipv4() != ours.is_ipv4())
    {
        let cause = io::Error::other(format!("{} has no address of its IP version", place.host));
        return Err(Error::Interface { from: dialing.from.clone(), cause });
    }
    way.enter(Step::Connect);
    let (stream, address) = tcp::connect(addresses, &dialing.from)
        .await
        .map_err(|attempts| Error::Connect { authority, attempts })?;
    (way.watch)(Progress::Connected(address));
    Ok((Box::new(stream), Some(address)))
}

/// Why there is no address.
enum Unresolved {
    Cause(io::Error),
    Late(Error),
}

impl Unresolved {
    fn or(self, words: impl FnOnce(io::Error) -> Error) -> Error {
        match self {
            Self::Cause(cause) => words(cause),
            Self::Late(error) => error,
        }
    }
}

async fn resolve(
    opening: &Opening,
    place: &Place,
    way: &Way<'_>,
) -> Result<Vec<SocketAddr>, Unresolved> {
    let dialing = &opening.dialing;
    let (host, port) = (place.host.as_str(), place.port);
    let given = dialing.resolve.iter().find(|one| {
        one.host.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(host))
            && one.port.is_none_or(|wanted| wanted == port)
    });
    if let Some(given) = given {
        let all = given.addresses.iter().map(|ip| SocketAddr::new(*ip, port));
        let allowed: Vec<_> =
            all.filter(|address| tcp::allowed(*address, dialing.family).is_ok()).collect();
        if allowed.is_empty() {
            let words = "no address of the IP version asked for";
            return Err(Unresolved::Cause(io::Error::new(io::ErrorKind::NotFound, words)));
        }
        return Ok(allowed);
    }
    if let Ok(ip) = host.parse() {
        let allowed = tcp::allowed(SocketAddr::new(ip, port), dialing.family);
        return allowed.map(|one| vec![one]).map_err(Unresolved::Cause);
    }
    way.enter(Step::Resolve);
    let found = within(opening, Step::Resolve, opening.limits.resolve, async {
        Ok(tcp::resolve(host, port, dialing.family).await)
    });
    found.await.map_err(Unresolved::Late)?.map_err(Unresolved::Cause)
}

/// A stream through a proxy.
async fn through(
    opening: &Opening,
    proxy: &Proxy,
    place: &Place,
    way: &mut Way<'_>,
) -> Result<Box<dyn Transport>, Error> {
    let dialing = &opening.dialing;
    let name = proxy.to_string();
    let at = Place { host: host_name(&proxy.host), port: proxy.port };
    let addresses = resolve(opening, &at, way)
        .await
        .map_err(|fault| fault.or(|cause| Error::ResolveProxy { proxy: name.clone(), cause }))?;
    way.course.turn(Some(name.clone()));
    way.enter(Step::Connect);
    let (stream, address) = tcp::connect(addresses, &dialing.from)
        .await
        .map_err(|attempts| Error::ConnectProxy { proxy: name.clone(), attempts })?;
    (way.watch)(Progress::ConnectedToProxy(address));
    way.enter(Step::Proxy);
    let target = opening.target.authority();
    let fail = |fault| Error::Proxy { proxy: name.clone(), to: target.clone(), fault };
    let mut stream: Box<dyn Transport> = Box::new(stream);
    if proxy.protocol == Protocol::Https {
        // What is asked of the server's TLS is not asked of the proxy's.
        let ours = tls::Tls {
            authorities: opening.tls.authorities.clone(),
            native: opening.tls.native,
            danger_anyone: opening.tls.danger_anyone,
            ..tls::Tls::default()
        };
        way.enter(Step::Tls);
        let config = super::read_authorities(ours, &[b"http/1.1"]).await?;
        let securing = async { Ok(tls::secure(stream, &at.host, &config).await) };
        let secured = within(opening, Step::Tls, opening.limits.tls, securing).await?;
        way.enter(Step::Proxy);
        stream = Box::new(secured.map_err(|fault| fail(ProxyFault::Tls(fault)))?);
    }
    let resolved = if proxy.wants_address() {
        let addresses = resolve(opening, place, way).await;
        let addresses = addresses.map_err(|fault| {
            fault.or(|cause| Error::Resolve { host: place.host.clone(), cause })
        })?;
        way.enter(Step::Proxy);
        let v4 = |address: &&SocketAddr| proxy.protocol != Protocol::Socks4 || address.is_ipv4();
        let usable = addresses.iter().find(v4).copied();
        Some(usable.ok_or_else(|| {
            let cause =
                io::Error::new(io::ErrorKind::NotFound, "no IPv4 address, as SOCKS 4 needs");
            Error::Resolve { host: place.host.clone(), cause }
        })?)
    } else {
        None
    };
    let bracketed = place.host.contains(':').then(|| format!("[{}]", place.host));
    let host = match proxy.protocol {
        Protocol::Http | Protocol::Https => bracketed.as_deref().unwrap_or(&place.host),
        _ => &place.host,
    };
    let to = match resolved {
        Some(address) => Destination::Address(address),
        None => Destination::Name(host, place.port),
    };
    let stream = proxy.tunnel(stream, to).await.map_err(fail)?;
    way.course.turn(None);
    (way.watch)(Progress::Tunnelled(&to));
    Ok(stream)
}

/// Limits of steps that are shorter than that of all.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From start to open session.
    pub total: Duration,
    /// That is what is left of the whole run's limit: its end is the run's.
    pub is_run: bool,
    /// Looking a name up.
    pub resolve: Option<Duration>,
    /// TLS.
    pub tls: Option<Duration>,
    /// The answer to the opening handshake.
    pub handshake: Option<Duration>,
}
