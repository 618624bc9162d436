//! A byte stream to a target: over TCP, a Unix socket or a proxy.

use super::{
    dial_options::DialOptions, error::OpenError, options::ConnectOptions, progress::Progress,
    step::Step, timeout::within, tracker::Tracker, trust::read_authorities,
};
use crate::{
    net::{
        Transport,
        proxy::{Destination, Protocol, Proxy, ProxyFault},
        tcp::{self, LocalAddr},
        tls,
    },
    sys::unix,
    target::{Target, host_name},
};
use std::{io, net::SocketAddr};

/// The name and the port to connect to.
struct Place {
    host: String,
    port: u16,
}

impl Place {
    fn new(dialing: &DialOptions, target: &Target) -> Self {
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

/// Makes a stream to the target; returns it with the address it goes to.
pub(super) async fn dial(
    options: &ConnectOptions,
    tracker: &mut Tracker<'_>,
) -> Result<(Box<dyn Transport>, Option<SocketAddr>), OpenError> {
    let (target, dialing) = (&options.target, &options.dialing);
    let socket = dialing.socket.as_ref().or(target.socket.as_ref());
    if let Some(path) = socket {
        tracker.enter(Step::Connect);
        let stream = unix::connect(path)
            .await
            .map_err(|cause| OpenError::Socket { path: path.clone(), cause })?;
        tracker.tell(Progress::Socket(path));
        return Ok((Box::new(stream), None));
    }
    let local = &dialing.local;
    local.check().map_err(|cause| OpenError::Interface { local: local.clone(), cause })?;
    let place = Place::new(dialing, target);
    let proxy = dialing
        .proxies
        .choose(target)
        .map_err(|(variable, fault)| OpenError::ProxyVariable { variable, fault })?;
    if let Some(proxy) = proxy {
        return Ok((through(options, &proxy, &place, tracker).await?, None));
    }
    let authority = target.authority();
    let addresses = resolve(options, &place, tracker).await.map_err(|fault| {
        fault.or(|cause| OpenError::Resolve { host: place.host.clone(), cause })
    })?;
    if let LocalAddr::Address(ours) = *local
        && addresses.iter().all(|address| address.is_ipv4() != ours.is_ipv4())
    {
        let cause = io::Error::other(format!("{} has no address of its IP version", place.host));
        return Err(OpenError::Interface { local: local.clone(), cause });
    }
    tracker.enter(Step::Connect);
    let (stream, address) = tcp::connect(addresses, &dialing.local)
        .await
        .map_err(|attempts| OpenError::Connect { authority, attempts })?;
    tracker.tell(Progress::Connected(address));
    Ok((Box::new(stream), Some(address)))
}

/// Why a name has no address.
enum Unresolved {
    Cause(io::Error),
    Late(OpenError),
}

impl Unresolved {
    fn or(self, words: impl FnOnce(io::Error) -> OpenError) -> OpenError {
        match self {
            Self::Cause(cause) => words(cause),
            Self::Late(error) => error,
        }
    }
}

async fn resolve(
    options: &ConnectOptions,
    place: &Place,
    tracker: &Tracker<'_>,
) -> Result<Vec<SocketAddr>, Unresolved> {
    let dialing = &options.dialing;
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
    tracker.enter(Step::Resolve);
    let found = within(options.limits.resolve, Step::Resolve, &options.target, async {
        Ok(tcp::resolve(host, port, dialing.family).await)
    });
    found.await.map_err(Unresolved::Late)?.map_err(Unresolved::Cause)
}

/// A stream through a proxy.
async fn through(
    options: &ConnectOptions,
    proxy: &Proxy,
    place: &Place,
    tracker: &mut Tracker<'_>,
) -> Result<Box<dyn Transport>, OpenError> {
    let dialing = &options.dialing;
    let name = proxy.to_string();
    let at = Place { host: host_name(&proxy.host), port: proxy.port };
    let addresses = resolve(options, &at, tracker).await.map_err(|fault| {
        fault.or(|cause| OpenError::ResolveProxy { proxy: name.clone(), cause })
    })?;
    tracker.stopwatch.set_proxy(Some(name.clone()));
    tracker.enter(Step::Connect);
    let (stream, address) = tcp::connect(addresses, &dialing.local)
        .await
        .map_err(|attempts| OpenError::ConnectProxy { proxy: name.clone(), attempts })?;
    tracker.tell(Progress::ConnectedToProxy(address));
    tracker.enter(Step::Proxy);
    let target = options.target.authority();
    let fail = |fault| OpenError::Proxy { proxy: name.clone(), to: target.clone(), fault };
    let mut stream: Box<dyn Transport> = Box::new(stream);
    if proxy.protocol == Protocol::Https {
        // What is asked of the server's TLS is not asked of the proxy's.
        let ours = tls::Tls {
            authorities: options.tls.authorities.clone(),
            native: options.tls.native,
            danger_anyone: options.tls.danger_anyone,
            ..tls::Tls::default()
        };
        tracker.enter(Step::Tls);
        let config = read_authorities(ours, &[b"http/1.1"]).await?;
        let securing = async { Ok(tls::secure(stream, &at.host, &config).await) };
        let secured = within(options.limits.tls, Step::Tls, &options.target, securing).await?;
        tracker.enter(Step::Proxy);
        stream = Box::new(secured.map_err(|fault| fail(ProxyFault::Tls(fault)))?);
    }
    let resolved = if proxy.wants_address() {
        let addresses = resolve(options, place, tracker).await;
        let addresses = addresses.map_err(|fault| {
            fault.or(|cause| OpenError::Resolve { host: place.host.clone(), cause })
        })?;
        tracker.enter(Step::Proxy);
        let v4 = |address: &&SocketAddr| proxy.protocol != Protocol::Socks4 || address.is_ipv4();
        let usable = addresses.iter().find(v4).copied();
        Some(usable.ok_or_else(|| {
            let cause =
                io::Error::new(io::ErrorKind::NotFound, "no IPv4 address, as SOCKS 4 needs");
            OpenError::Resolve { host: place.host.clone(), cause }
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
    tracker.stopwatch.set_proxy(None);
    tracker.tell(Progress::Tunnelled(&to));
    Ok(stream)
}
