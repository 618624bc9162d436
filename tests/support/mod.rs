//! What every test needs: a run of the binary, a scripted peer, frames, certificates.

pub mod child;
mod expected;
mod front;
mod message;
pub mod peer;
pub mod server;
mod test;
mod tls;
pub mod wire;

pub use expected::Expected;
pub use message::says;
pub use peer::Peer;
pub use rustix::process::Signal;
pub use test::{Stdin, Test};
pub use tls::{Authority, CertifiedClient, Identity, path_text};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use std::{
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::OwnedFd,
    time::Duration,
};

/// The time after which a step counts as hanging. Not a measure of anything: generous, for a machine
/// that does much else.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The time after which a reader that took nothing counts as not reading.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// A port of 127.0.0.1 at which nobody listens, and nobody will while the socket lives.
pub fn closed_port() -> (OwnedFd, u16) {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddrV4 = getsockname(&socket).unwrap().try_into().unwrap();
    (socket, address.port())
}
