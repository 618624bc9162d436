//! Socket options, Unix sockets, file modes, child processes and signals.

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

/// Disables Nagle's algorithm, so that small messages are sent at once, and enables TCP keepalive,
/// so that a dead path is noticed eventually.
pub fn set_tcp_options(socket: impl AsFd) -> io::Result<()> {
    use rustix::net::sockopt;
    let socket = socket.as_fd();
    sockopt::set_tcp_nodelay(socket, true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(socket, KEEPALIVE_INTERVAL)?;
    Ok(())
}

/// Returns the device and inode numbers, which identify a file.
pub fn file_id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Makes a file that is created with these options accessible to its owner only (mode 0600).
pub fn set_private_mode(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// Connects to a Unix socket. `@name` is a socket in the abstract namespace of Linux (unix(7)).
pub async fn connect(path: &str) -> io::Result<tokio::net::UnixStream> {
    let Some(name) = path.strip_prefix('@') else {
        return tokio::net::UnixStream::connect(path).await;
    };
    let address = abstract_address(name)?;
    // connect(2) blocks while the backlog is full.
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

/// Restricts a socket to this network interface (`SO_BINDTODEVICE`).
///
/// Fails with [`io::ErrorKind::Unsupported`] on systems other than Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn bind_interface(socket: &TcpSocket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

/// Fails with [`io::ErrorKind::Unsupported`]: only Linux can restrict a socket to an interface.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn bind_interface(_: &TcpSocket, _: &str) -> io::Result<()> {
    Err(unsupported("this system cannot bind a socket to an interface by its name"))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unsupported(fault: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, fault)
}

/// Returns a descriptor that is readable once the child has exited; `None` on systems other than
/// Linux.
#[cfg(target_os = "linux")]
pub fn exit_descriptor(child: &Child) -> io::Result<Option<OwnedFd>> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    Ok(Some(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?))
}

/// Returns `None`: only Linux has a descriptor that is readable once a child has exited.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on Linux")]
pub fn exit_descriptor(_: &Child) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

/// Ends the process by this signal's default action. A shell loop stops on Ctrl-C only if its child
/// was killed by SIGINT, not if it exited with 130.
pub fn end_by_signal(signal: i32) -> ! {
    // Returns only for a signal whose default action does not end the process.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    signal_hook::low_level::exit(128 + signal)
}

/// Returns the signals that are ignored since the start of the process (nohup, a background job) as
/// a bit mask, with signal 1 at bit 0.
pub fn ignored_signals() -> u64 {
    // A single read: the kernel generates the file anew for each.
    let mut status = [0; 4096];
    let read = std::fs::File::open("/proc/self/status").and_then(|mut file| file.read(&mut status));
    let status = status.within(..read.unwrap_or(0));
    let status = String::from_utf8_lossy(status);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

// The kernel's defaults are two hours and 75 s.
const KEEPALIVE_IDLE: Duration = Duration::from_mins(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
