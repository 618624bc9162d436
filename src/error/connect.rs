//! Messages and hints for failed connections.

use crate::{escape::Escaped, net::tcp::LocalAddr, wording::system_error};
use std::{fmt, io, net::SocketAddr};

pub(super) fn sentence(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    attempts: &[(SocketAddr, io::Error)],
) -> fmt::Result {
    match attempts {
        [(address, cause)] if authority.ends_with(&address.to_string()) => {
            write!(f, "cannot connect to {authority}: {}", system_error(cause))
        }
        [(address, cause)] => {
            write!(f, "cannot connect to {authority} ({}): {}", address.ip(), system_error(cause))
        }
        _ => {
            write!(f, "cannot connect to {authority}: all addresses failed")?;
            for (address, cause) in attempts.iter().take(SHOWN_ADDRESSES) {
                write!(f, "\n  {}: {}", address.ip(), system_error(cause))?;
            }
            let more = attempts.len().saturating_sub(SHOWN_ADDRESSES);
            if more > 0 {
                write!(f, "\n  and {more} more")?;
            }
            Ok(())
        }
    }
}

pub(super) fn hint(attempts: &[(SocketAddr, io::Error)]) -> Option<String> {
    let all = |kinds: &[io::ErrorKind]| {
        !attempts.is_empty() && attempts.iter().all(|(_, cause)| kinds.contains(&cause.kind()))
    };
    let lacks_zone = |address: &SocketAddr| match address {
        SocketAddr::V6(address) => address.ip().is_unicast_link_local() && address.scope_id() == 0,
        SocketAddr::V4(_) => false,
    };
    let hint = match () {
        () if attempts.iter().any(|(address, _)| lacks_zone(address)) => {
            "add the network interface to the link-local address, as in [fe80::1%eth0]"
        }
        () if all(&[io::ErrorKind::ConnectionRefused]) => {
            "check the port, and that the server is running"
        }
        () if all(&[io::ErrorKind::NetworkUnreachable, io::ErrorKind::HostUnreachable]) => {
            "no route to the host: check the address, the network and any VPN"
        }
        () if all(&[io::ErrorKind::TimedOut]) => {
            "the host does not respond: check the address, and any firewall in between"
        }
        () => return None,
    };
    Some(hint.to_owned())
}

pub(super) fn socket_hint(cause: &io::Error) -> Option<String> {
    let hint = match cause.kind() {
        io::ErrorKind::NotFound => "check the path, and that the server is running",
        io::ErrorKind::ConnectionRefused => {
            "no process listens on the socket: check that the server is running"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

pub(super) fn interface(
    f: &mut fmt::Formatter<'_>,
    local: &LocalAddr,
    cause: &io::Error,
) -> fmt::Result {
    match local {
        LocalAddr::Interface(name) => write!(f, "cannot use the interface {}", Escaped(name))?,
        LocalAddr::Address(address) => write!(f, "cannot connect from {address}")?,
        LocalAddr::Any => f.write_str("cannot connect")?,
    }
    write!(f, ": {}", system_error(cause))
}

/// The maximum number of addresses listed in a message.
const SHOWN_ADDRESSES: usize = 3;
