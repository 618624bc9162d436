//! Helpers of all tests: runs of the binary, scripted peers, frames, certificates.

pub mod child;
mod expected;
mod http2_proxy;
mod message;
pub mod meter;
pub mod page;
pub mod peer;
pub mod server;
mod test;
mod tls;
pub mod wire;

pub use expected::Expected;
pub use message::says;
pub use meter::Meter;
pub use peer::Peer;
pub use rustix::process::Signal;
pub use test::{Stdin, Test};
pub use tls::{Authority, CertifiedClient, Identity, path_text};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use std::{
    ffi::OsStr,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::OwnedFd,
    process::Command,
    time::Duration,
};

/// The time after which a step counts as hanging, generous enough for a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The time after which a peer that reads nothing counts as not reading.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// Returns a command for which all signals have their default effects. It would inherit those that are
/// ignored, as by `nohup` or by a shell in the background.
pub fn signalled(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(program);
    command
}

/// Returns a port of 127.0.0.1 that refuses connections as long as the socket is open.
pub fn closed_port() -> (OwnedFd, u16) {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddrV4 = getsockname(&socket).unwrap().try_into().unwrap();
    (socket, address.port())
}
