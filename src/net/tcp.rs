//! Name resolution and TCP connections (RFC 8305, Happy Eyeballs).

use crate::sys::resources::look_up;
use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// The IP versions that may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// IPv4 and IPv6.
    #[default]
    Any,
    /// Only IPv4 addresses.
    V4,
    /// Only IPv6 addresses.
    V6,
}

impl Family {
    fn admits(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

/// The local end of outgoing connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LocalAddr {
    /// Chosen by the system.
    #[default]
    Any,
    /// This local IP address, with any port.
    Address(IpAddr),
    /// This network interface.
    Interface(String),
}

impl LocalAddr {
    fn bind(&self, socket: &TcpSocket, to: SocketAddr) -> io::Result<()> {
        match self {
            Self::Any => Ok(()),
            Self::Address(address) if address.is_ipv4() != to.is_ipv4() => {
                let (ours, theirs) = (ip_version(*address), ip_version(to.ip()));
                let words = format!("the local address is {ours}, the remote address {theirs}");
                Err(io::Error::new(io::ErrorKind::AddrNotAvailable, words))
            }
            Self::Address(address) => socket.bind(SocketAddr::new(*address, 0)),
            Self::Interface(name) => crate::sys::unix::bind_interface(socket, name),
        }
    }

    /// Checks that a socket can be bound to it, by binding one.
    pub fn check(&self) -> io::Result<()> {
        match self {
            Self::Any => Ok(()),
            Self::Address(IpAddr::V6(_)) => {
                self.bind(&TcpSocket::new_v6()?, (Ipv6Addr::LOCALHOST, 0).into())
            }
            Self::Address(_) | Self::Interface(_) => {
                self.bind(&TcpSocket::new_v4()?, (Ipv4Addr::LOCALHOST, 0).into())
            }
        }
    }
}

/// Resolves a name to all its addresses, in the order of connection attempts: IPv6 and IPv4
/// alternate, the one that the system prefers first (RFC 8305, 4).
pub async fn resolve(host: &str, port: u16, family: Family) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> =
        look_up(host, port).await?.into_iter().filter(|a| family.admits(a)).collect();
    if found.is_empty() {
        return Err(no_address(family));
    }
    Ok(interleave(found))
}

/// Returns the error for a name without an address of this family.
pub fn no_address(family: Family) -> io::Error {
    let words = match family {
        Family::Any => "no address",
        Family::V4 => "no IPv4 address",
        Family::V6 => "no IPv6 address",
    };
    io::Error::new(io::ErrorKind::NotFound, words)
}

/// Checks the IP version of an address that was not looked up.
pub fn check_family(address: SocketAddr, family: Family) -> io::Result<SocketAddr> {
    if family.admits(&address) {
        return Ok(address);
    }
    let words = format!("{} addresses are excluded", ip_version(address.ip()));
    Err(io::Error::new(io::ErrorKind::NotFound, words))
}

/// Returns the name of an address's IP version, for messages.
pub fn ip_version(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// Connects to the first address that accepts. Attempts start `ATTEMPT_DELAY` apart, or as soon
/// as one fails, and then run side by side (RFC 8305, 5). If all fail, returns the error of each.
pub async fn connect(
    addresses: Vec<SocketAddr>,
    local: &LocalAddr,
) -> Result<(TcpStream, SocketAddr), Vec<(SocketAddr, io::Error)>> {
    let mut failed = Vec::new();
    if let [address] = *addresses {
        return match dial(address, local.clone()).await {
            Ok(stream) => Ok((stream, address)),
            Err(cause) => Err(vec![(address, cause)]),
        };
    }
    let mut waiting: VecDeque<SocketAddr> = addresses.into();
    let mut attempts = JoinSet::new();
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = sleep_until(next), if !waiting.is_empty() => {
                if let Some(address) = waiting.pop_front() {
                    let local = local.clone();
                    attempts.spawn(async move { (address, dial(address, local).await) });
                }
                next = Instant::now() + ATTEMPT_DELAY;
            }
            Some(done) = attempts.join_next() => match done {
                Ok((address, Ok(stream))) => return Ok((stream, address)),
                Ok((address, Err(cause))) => {
                    failed.push((address, cause));
                    next = Instant::now();
                }
                Err(_) => next = Instant::now(),
            },
            else => return Err(failed),
        }
    }
}

async fn dial(address: SocketAddr, local: LocalAddr) -> io::Result<TcpStream> {
    let stream = match local {
        LocalAddr::Any => TcpStream::connect(address).await?,
        local => {
            let socket =
                if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            local.bind(&socket, address)?;
            socket.connect(address).await?
        }
    };
    // Failures are ignored: the connection also works without these options.
    let _ = crate::sys::unix::set_tcp_options(&stream);
    Ok(stream)
}

fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let preferred = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == preferred);
    let (mut first, mut second) = (first, second);
    let mut order = Vec::new();
    while !first.is_empty() || !second.is_empty() {
        order.extend(first.pop_front());
        order.extend(second.pop_front());
    }
    order
}

/// The recommended Connection Attempt Delay (RFC 8305, 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_versions_alternate_and_keep_their_order() {
        let parse = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|a| format!("{a}:1").parse().unwrap()).collect()
        };
        let given = parse(&["[::1]", "[::2]", "[::3]", "1.1.1.1", "2.2.2.2"]);
        let order = parse(&["[::1]", "1.1.1.1", "[::2]", "2.2.2.2", "[::3]"]);
        assert_eq!(interleave(given), order);
    }

    #[tokio::test]
    async fn a_refused_address_is_skipped_at_once_and_every_failure_is_reported() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let closed: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let started = Instant::now();
        let (_, address) = connect(vec![closed, good], &LocalAddr::Any).await.unwrap();
        assert_eq!(address, good);
        assert!(started.elapsed() < ATTEMPT_DELAY);
        let failed = connect(vec![closed, closed], &LocalAddr::Any).await.unwrap_err();
        assert_eq!(failed.len(), 2);
    }
}
