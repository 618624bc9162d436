//! What only Unix sockets options and signals can do.

use crate::proto::slice::Within;
use std::{
    fs::{Metadata, OpenOptions},
    io::{self, Read as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            fs::{MetadataExt as _, OpenOptionsExt as _},
            net::{SocketAddr, UnixStream},
        },
    },
    process::Child,
    time::Duration,
};
use tokio::net::TcpSocket;

/// Small messages go out at once, and a dead path is noticed in the end.
pub fn tune(socket: impl AsFd) -> io::Result<()> {
    use rustix::net::sockopt;
    let socket = socket.as_fd();
    sockopt::set_tcp_nodelay(socket, true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(socket, KEEPALIVE_INTERVAL)?;
    Ok(())
}

/// What tells a file from every other: its device and its number there.
pub fn file_id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// A file that is created so can be read by its owner only.
pub fn private(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// Connects to a Unix socket; `@name` is one without a file (unix(7), abstract).
pub async fn connect(path: &str) -> io::Result<tokio::net::UnixStream> {
    let Some(name) = path.strip_prefix('@') else {
        return tokio::net::UnixStream::connect(path).await;
    };
    let address = abstract_address(name)?;
    // It waits where the backlog is full.
    let connected = tokio::task::spawn_blocking(move || UnixStream::connect_addr(&address)).await;
    let stream = connected.map_err(io::Error::other)??;
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_address(_: &str) -> io::Result<SocketAddr> {
    Err(unsupported("this system has no Unix sockets without a file"))
}

/// Makes a socket send and receive through this network interface only (`SO_BINDTODEVICE`).
///
/// Fails with [`io::ErrorKind::Unsupported`] where the system is not Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn bind_interface(socket: &TcpSocket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

/// Makes a socket send and receive through this network interface only.
///
/// Fails with [`io::ErrorKind::Unsupported`]: only Linux can.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn bind_interface(_: &TcpSocket, _: &str) -> io::Result<()> {
    Err(unsupported("this system cannot bind a socket to an interface by its name"))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unsupported(fault: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, fault)
}

/// Returns a descriptor that is readable once the child has ended; `None` where the system has no
/// such thing.
#[cfg(target_os = "linux")]
pub fn exit_descriptor(child: &Child) -> io::Result<Option<OwnedFd>> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    Ok(Some(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?))
}

/// Returns `None`: only Linux has a descriptor that is readable once a child has ended.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "Linux may refuse")]
pub fn exit_descriptor(_: &Child) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

/// Ends the process as this signal would have: a shell loop stops on Ctrl-C only if its child was
/// killed by it, not if it exits with 130.
pub fn end_by_signal(signal: i32) -> ! {
    // It returns only for a signal that would not end the process.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    signal_hook::low_level::exit(128 + signal)
}

/// The signals that were ignored when the process started (nohup, a background job), as bits from
/// signal 1 on.
pub fn ignored_signals() -> u64 {
    // In one call: the kernel writes the page anew for each.
    let mut status = [0; 4096];
    let read = std::fs::File::open("/proc/self/status").and_then(|mut file| file.read(&mut status));
    let status = status.within(..read.unwrap_or(0));
    let status = String::from_utf8_lossy(status);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// The kernel's defaults are two hours and 75 s.
const KEEPALIVE_IDLE: Duration = Duration::from_mins(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
