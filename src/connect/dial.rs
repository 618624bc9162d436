//! Byte streams to a target over TCP, a Unix socket or a proxy.

use super::{
    dial_options::DialOptions, dialer::Dialer, error::OpenError, progress::Progress,
    redirect_hop::RedirectHop, resolver::Resolution, step::Step, timeout::within, tracker::Tracker,
};
use crate::{
    net::{
        Transport,
        proxy::{Destination, Proxy, ProxyFault, ProxyProtocol},
        tcp::{self, LocalAddr},
        tls::{self, TlsOptions},
    },
    sys::unix::{self, bound_unsent_bytes},
    target::{Target, host_name},
};
use std::{io, net::SocketAddr, path::Path, time::Instant};
use tokio::net::TcpStream;

/// A host and port to connect to.
struct Endpoint {
    host: String,
    /// The zone of a link-local address.
    zone: Option<String>,
    port: u16,
}

impl Endpoint {
    /// Returns the endpoint of a target, with the replacements of `--connect-to`.
    fn new(dialing: &DialOptions, target: &Target) -> Self {
        let (host, port, zone) = (target.host_name(), target.port, target.zone.clone());
        let is = |wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&host))
        };
        let found = dialing
            .connect_to
            .iter()
            .find(|other| is(&other.host) && other.port.is_none_or(|wanted| wanted == port));
        match found {
            None => Self { host, zone, port },
            Some(other) => Self {
                zone: zone.filter(|_| other.to_host.is_none()),
                host: other.to_host.clone().unwrap_or(host),
                port: other.to_port.unwrap_or(port),
            },
        }
    }

    /// Returns the host with its zone, for messages.
    fn zoned_host(&self) -> String {
        let zone = self.zone.as_deref().map(|zone| format!("%{zone}")).unwrap_or_default();
        format!("{}{zone}", self.host)
    }

    /// Returns the address, if the host is one.
    fn address(&self) -> io::Result<Option<SocketAddr>> {
        let Ok(ip) = self.host.parse() else { return Ok(None) };
        let mut address = SocketAddr::new(ip, self.port);
        if let (SocketAddr::V6(address), Some(zone)) = (&mut address, &self.zone) {
            address.set_scope_id(match zone.parse() {
                Ok(index) => index,
                Err(_) => unix::interface_index(zone)?,
            });
        }
        Ok(Some(address))
    }
}

/// Connects to the target. Returns the stream and the address of the server, which is `None` with a
/// proxy or a Unix socket.
pub(super) async fn dial(
    dialer: &Dialer,
    hop: &RedirectHop<'_>,
    tracker: &mut Tracker<'_>,
) -> Result<(Box<dyn Transport>, Option<SocketAddr>), OpenError> {
    #[cfg(test)]
    if let Some(stream) = super::planted::take() {
        return Ok((stream, None));
    }
    let (target, dialing) = (&*hop.target, dialer.options());
    let socket = dialing.socket.as_deref().or(target.socket.as_deref().map(Path::new));
    if let Some(path) = socket {
        tracker.enter(Step::Connect);
        let stream = unix::connect(path)
            .await
            .map_err(|cause| OpenError::Socket { path: path.to_owned(), cause })?;
        tracker.report(Progress::Socket(path));
        return Ok((Box::new(stream), None));
    }
    let local = &dialing.local;
    local.check().map_err(|cause| OpenError::Interface { local: local.clone(), cause })?;
    let endpoint = Endpoint::new(dialing, target);
    let proxy = dialing
        .proxies
        .choose(target)
        .map_err(|(variable, fault)| OpenError::ProxyVariable { variable, fault })?;
    if let Some(proxy) = proxy {
        return Ok((dial_through_proxy(dialer, hop, &proxy, &endpoint, tracker).await?, None));
    }
    let authority = target.authority();
    let resolution = resolve(dialer, hop, &endpoint, tracker).await.map_err(|failure| {
        failure.into_error(|cause| OpenError::Resolve { host: endpoint.zoned_host(), cause })
    })?;
    if let LocalAddr::Address(ours) = *local
        && resolution.addresses.iter().all(|address| address.is_ipv4() != ours.is_ipv4())
    {
        let version = tcp::ip_version(ours);
        let cause = io::Error::other(format!("{} has no {version} address", endpoint.host));
        return Err(OpenError::Interface { local: local.clone(), cause });
    }
    tracker.enter(Step::Connect);
    let (stream, address) = tcp::connect(resolution.addresses.clone(), &dialing.local)
        .await
        .map_err(|attempts| OpenError::Connect { authority, attempts })?;
    bound_unsent(&stream, dialing);
    resolution.confirm();
    tracker.report(Progress::Connected(address));
    Ok((Box::new(stream), Some(address)))
}

/// A failure to resolve a name.
enum ResolveFailure {
    Lookup(io::Error),
    Timeout(OpenError),
}

impl ResolveFailure {
    /// Converts the failure; `lookup` converts the error of a lookup.
    fn into_error(self, lookup: impl FnOnce(io::Error) -> OpenError) -> OpenError {
        match self {
            Self::Lookup(cause) => lookup(cause),
            Self::Timeout(error) => error,
        }
    }
}

/// Resolves an endpoint. An IP address, and a host listed in `--resolve`, need no lookup.
async fn resolve<'a>(
    dialer: &'a Dialer,
    hop: &RedirectHop<'_>,
    endpoint: &Endpoint,
    tracker: &Tracker<'_>,
) -> Result<Resolution<'a>, ResolveFailure> {
    let dialing = dialer.options();
    let (host, port) = (endpoint.host.as_str(), endpoint.port);
    let given = dialing.resolve.iter().find(|one| {
        one.host.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(host))
            && one.port.is_none_or(|wanted| wanted == port)
    });
    if let Some(given) = given {
        let all = given.addresses.iter().map(|ip| SocketAddr::new(*ip, port));
        let allowed: Vec<_> =
            all.filter(|address| tcp::check_family(*address, dialing.family).is_ok()).collect();
        if allowed.is_empty() {
            return Err(ResolveFailure::Lookup(tcp::no_address(dialing.family)));
        }
        return Ok(Resolution::fixed(allowed));
    }
    if let Some(address) = endpoint.address().map_err(ResolveFailure::Lookup)? {
        let allowed = tcp::check_family(address, dialing.family);
        return allowed.map(|one| Resolution::fixed(vec![one])).map_err(ResolveFailure::Lookup);
    }
    tracker.enter(Step::Resolve);
    let found = within(hop.options.limits.resolve, Step::Resolve, &hop.target, async {
        Ok(dialer.resolver().resolve(host, port, dialing.family, Instant::now()).await)
    });
    found.await.map_err(ResolveFailure::Timeout)?.map_err(ResolveFailure::Lookup)
}

/// Connects to a proxy and requests a tunnel to the endpoint.
async fn dial_through_proxy(
    dialer: &Dialer,
    hop: &RedirectHop<'_>,
    proxy: &Proxy,
    endpoint: &Endpoint,
    tracker: &mut Tracker<'_>,
) -> Result<Box<dyn Transport>, OpenError> {
    let dialing = dialer.options();
    let name = proxy.to_string();
    let proxy_endpoint = Endpoint { host: host_name(&proxy.host), zone: None, port: proxy.port };
    let resolution = resolve(dialer, hop, &proxy_endpoint, tracker).await.map_err(|failure| {
        failure.into_error(|cause| OpenError::ResolveProxy { proxy: name.clone(), cause })
    })?;
    tracker.stopwatch.set_proxy(Some(name.clone()));
    tracker.enter(Step::Connect);
    let (stream, address) = tcp::connect(resolution.addresses.clone(), &dialing.local)
        .await
        .map_err(|attempts| OpenError::ConnectProxy { proxy: name.clone(), attempts })?;
    bound_unsent(&stream, dialing);
    resolution.confirm();
    tracker.report(Progress::ConnectedToProxy(address));
    tracker.enter(Step::Proxy);
    let target = hop.target.authority();
    let fail = |fault| OpenError::Proxy { proxy: name.clone(), to: target.clone(), fault };
    let mut stream: Box<dyn Transport> = Box::new(stream);
    if proxy.protocol == ProxyProtocol::Https {
        // The user's TLS options apply to the server, not to the proxy.
        let tls_options = TlsOptions::default();
        tracker.enter(Step::Tls);
        let config = tls::Config::new(&tls_options, &dialer.trust().await?, &[b"http/1.1"])?;
        let securing = async { Ok(tls::secure(stream, &proxy_endpoint.host, &config).await) };
        let secured = within(hop.options.limits.tls, Step::Tls, &hop.target, securing).await?;
        tracker.enter(Step::Proxy);
        stream = Box::new(secured.map_err(|fault| fail(ProxyFault::Tls(fault)))?);
    }
    let resolved = if proxy.needs_address() {
        let resolution = resolve(dialer, hop, endpoint, tracker).await;
        let resolution = resolution.map_err(|failure| {
            failure.into_error(|cause| OpenError::Resolve { host: endpoint.zoned_host(), cause })
        })?;
        tracker.enter(Step::Proxy);
        let v4 =
            |address: &&SocketAddr| proxy.protocol != ProxyProtocol::Socks4 || address.is_ipv4();
        let usable = resolution.addresses.iter().find(v4).copied();
        let usable = usable.ok_or_else(|| {
            let cause =
                io::Error::new(io::ErrorKind::NotFound, "no IPv4 address, which SOCKS 4 requires");
            OpenError::Resolve { host: endpoint.zoned_host(), cause }
        })?;
        Some((usable, resolution))
    } else {
        None
    };
    let bracketed = endpoint.host.contains(':').then(|| format!("[{}]", endpoint.host));
    let host = match proxy.protocol {
        ProxyProtocol::Http | ProxyProtocol::Https => {
            bracketed.as_deref().unwrap_or(&endpoint.host)
        }
        _ => &endpoint.host,
    };
    let to = match &resolved {
        Some((address, _)) => Destination::Address(*address),
        None => Destination::Name(host, endpoint.port),
    };
    let stream = proxy.tunnel(stream, to).await.map_err(fail)?;
    if let Some((_, resolution)) = resolved {
        resolution.confirm();
    }
    tracker.stopwatch.set_proxy(None);
    tracker.report(Progress::Tunnelled(&to));
    Ok(stream)
}

fn bound_unsent(stream: &TcpStream, dialing: &DialOptions) {
    if dialing.bounds_unsent {
        // The connection also works without it.
        let _ = bound_unsent_bytes(stream);
    }
}
