//! Listening sockets of a server: TCP, Unix and inherited ones.

use super::transport::Transport;
use crate::sys::{
    resources::look_up,
    socket_handle::SocketHandle,
    unix::{self, ListeningSocket, bound_unsent_bytes, set_tcp_options},
};
use std::{
    fs::symlink_metadata,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};
use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixStream};

/// A listening socket.
pub enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// An accepted connection.
pub struct Accepted {
    /// The stream.
    pub transport: Box<dyn Transport>,
    /// The peer's address.
    pub address: String,
    /// A second handle of the socket, if requested.
    pub handle: Option<SocketHandle>,
}

/// The file of a Unix socket, which is removed when this is dropped, unless another file has taken
/// its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: file_identity(path) }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && file_identity(&self.path) == self.identity {
            // Nothing is lost if somebody else removed it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The reason why a server cannot listen on its address.
#[derive(Debug)]
pub enum ListenFault {
    /// The path of a Unix socket is that of another kind of file, or of a symbolic link.
    NotSocket(PathBuf),
    /// An error of the system.
    System(io::Error),
}

impl From<io::Error> for ListenFault {
    fn from(cause: io::Error) -> Self {
        Self::System(cause)
    }
}

impl Listener {
    /// Listens on both loopback addresses. Without IPv6, listens on 127.0.0.1 only.
    pub fn loopback(port: u16) -> io::Result<Vec<Self>> {
        let mut attempts = 0;
        loop {
            let v4 = bind(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))?;
            let address = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), v4.local_addr()?.port());
            attempts += 1;
            match bind(address) {
                Ok(v6) => return Ok(vec![Self::Tcp(v4), Self::Tcp(v6)]),
                // The free port of one family may be taken in the other.
                Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => {
                    if port != 0 || attempts >= FREE_PORT_ATTEMPTS {
                        return Err(cause);
                    }
                }
                Err(_) => return Ok(vec![Self::Tcp(v4)]),
            }
        }
    }

    /// Listens on the addresses of a host.
    pub async fn tcp(host: &str, port: u16) -> io::Result<Vec<Self>> {
        let mut addresses = look_up(host, port).await?;
        addresses.dedup();
        let mut listeners: Vec<Self> = Vec::new();
        for mut address in addresses {
            if let Some(Self::Tcp(first)) = listeners.first() {
                address.set_port(first.local_addr()?.port());
            }
            match bind(address) {
                Ok(listener) => listeners.push(Self::Tcp(listener)),
                // A name may have addresses of a family that the system does not use.
                Err(_) if !listeners.is_empty() => {}
                Err(cause) => return Err(cause),
            }
        }
        if listeners.is_empty() {
            Err(io::ErrorKind::AddrNotAvailable.into())
        } else {
            Ok(listeners)
        }
    }

    /// Listens on a Unix socket. A socket file that no server listens on is replaced; any other file
    /// is left alone.
    pub async fn unix(path: &str) -> Result<(Self, Option<SocketFile>), ListenFault> {
        if path.starts_with('@') {
            return Ok((Self::Unix(unix::listen_abstract(path)?), None));
        }
        let path = Path::new(path);
        let listener = match UnixListener::bind(path) {
            Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => {
                // A symbolic link is not followed: `bind` would not follow it either.
                if !symlink_metadata(path)?.file_type().is_socket() {
                    return Err(ListenFault::NotSocket(path.to_owned()));
                }
                match UnixStream::connect(path).await {
                    Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                        std::fs::remove_file(path)?;
                        UnixListener::bind(path)?
                    }
                    _ => return Err(cause.into()),
                }
            }
            bound => bound?,
        };
        Ok((Self::Unix(listener), Some(SocketFile::new(path))))
    }

    /// Takes over a listening socket that was inherited with this descriptor number.
    pub fn inherited(number: i32) -> io::Result<Self> {
        match unix::inherited_socket(number)? {
            ListeningSocket::Tcp(listener) => TcpListener::from_std(listener).map(Self::Tcp),
            ListeningSocket::Unix(listener) => UnixListener::from_std(listener).map(Self::Unix),
        }
    }

    /// Returns the address of a TCP socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Waits for the next connection. Cancel-safe. `keeps_handle` requests a handle of its socket.
    pub async fn accept(&self, keeps_handle: bool) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // The connection works without these options, only slower.
                let _ = set_tcp_options(&stream);
                let _ = bound_unsent_bytes(&stream);
                let handle = keeps_handle.then(|| SocketHandle::new(&stream)).transpose()?;
                let address = canonical(peer).to_string();
                Ok(Accepted { transport: Box::new(stream), address, handle })
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let handle = keeps_handle.then(|| SocketHandle::new(&stream)).transpose()?;
                Ok(Accepted { transport: Box::new(stream), address: "unix".to_owned(), handle })
            }
        }
    }
}

/// Reports whether a connection could not be accepted because it failed already (accept(2)), rather
/// than because of this system.
pub fn is_fault_of_connection(cause: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable,
    };
    let kinds =
        [ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable];
    kinds.contains(&cause.kind())
}

/// Returns an address whose IPv4 form is not mapped to IPv6, as it is where a socket takes both.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Returns device and inode of a file, without following a symbolic link.
fn file_identity(path: &Path) -> Option<(u64, u64)> {
    symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Otherwise connections of an earlier run that linger keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The greatest number of connections that wait to be accepted. The system may lower it
/// (net.core.somaxconn).
const BACKLOG: u32 = 4096;
/// The number of free ports that are tried.
const FREE_PORT_ATTEMPTS: usize = 10;
