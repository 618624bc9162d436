//! What only Unix sockets options and signals can do.

use crate::proto::slice::Within;
use std::{
    fs::{Metadata, OpenOptions},
    io::{self, Read as _},
    os::{
        fd::AsFd,
        linux::net::SocketAddrExt as _,
        unix::{
            fs::{MetadataExt as _, OpenOptionsExt as _},
            net::{SocketAddr, UnixStream},
        },
    },
    time::Duration,
};

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
    let address = SocketAddr::from_abstract_name(name)?;
    // It waits where the backlog is full.
    let connected = tokio::task::spawn_blocking(move || UnixStream::connect_addr(&address)).await;
    let stream = connected.map_err(io::Error::other)??;
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
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
