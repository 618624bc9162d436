//! Socket options, Unix sockets, file modes, child processes, jobs and signals.

use super::resources::run_blocking;
use rustix::fs::{Mode, OFlags, open};
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _},
    net::TcpListener,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            ffi::OsStrExt as _,
            fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
            net::{SocketAddr, UnixListener, UnixStream},
        },
    },
    path::Path,
    process::Child,
    time::Duration,
};
use tokio::net::{TcpSocket, TcpStream};

/// Reports whether this process may use its terminal: a job in the background is stopped if it does.
pub fn is_foreground() -> bool {
    use rustix::{process::getpgrp, termios::tcgetpgrp};
    // Without a controlling terminal there are no jobs.
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}

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

/// Makes a TCP connection end with a reset when its socket is closed.
pub fn reset_at_end(socket: impl AsFd) -> io::Result<()> {
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO))
}

/// Bounds the bytes that the system keeps before it sends them. Otherwise megabytes may wait there
/// for a slow peer, and a write is possible again only once a third of them has left, so that a peer
/// that takes bytes all the time looks like one that takes none.
pub fn bound_unsent_bytes(socket: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_LIMIT_BYTES)
}

/// Returns the device and inode numbers, which identify a file.
pub fn file_id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Makes a file that is created with these options accessible to its owner only (mode 0600).
pub fn set_private_mode(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// Opens a regular file for writing, or creates one that only its owner can access (mode 0600).
/// Returns it unchanged. Nothing else is opened: a symbolic link could lead to any file of the user,
/// and a device or a FIFO may wait or act when it is opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open_checked(path, OFlags::empty())
}

/// Opens or creates a file as [`open_regular`] does, and writes at its end.
pub fn open_appending(path: &Path) -> io::Result<File> {
    open_checked(path, OFlags::APPEND)
}

fn open_checked(path: &Path, more: OFlags) -> io::Result<File> {
    if let Ok(found) = fs::symlink_metadata(path) {
        check_regular(&found)?;
    }
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = flags | more | OFlags::CREATE | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::RUSR | Mode::WUSR)?);
    // It may have been replaced since it was examined.
    check_regular(&file.metadata()?)?;
    Ok(file)
}

fn check_regular(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_file() {
        Ok(())
    } else if kind.is_symlink() {
        Err(io::Error::other("it is a symbolic link, which is not followed"))
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

/// Makes a file accessible to its owner only.
pub fn make_private(file: &File) -> io::Result<()> {
    let mode = file.metadata()?.permissions().mode();
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// Reports whether a path leads to /dev/null, under any name.
pub fn is_null_device(path: &Path) -> bool {
    let device = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        found.file_type().is_char_device().then(|| found.rdev())
    };
    device(path).is_some_and(|device_number| Some(device_number) == device(Path::new("/dev/null")))
}

/// Connects to a Unix socket. `@name` is a socket in the abstract namespace of Linux (unix(7)).
pub async fn connect(path: &Path) -> io::Result<tokio::net::UnixStream> {
    let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"@") else {
        return tokio::net::UnixStream::connect(path).await;
    };
    let address = abstract_address(name)?;
    // connect(2) blocks while the backlog is full.
    let stream = run_blocking(move || UnixStream::connect_addr(&address)).await??;
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(unsupported("this system does not support abstract Unix sockets"))
}

/// Listens on a socket in the abstract namespace, whose name follows `@`.
pub fn listen_abstract(path: &str) -> io::Result<tokio::net::UnixListener> {
    let address = abstract_address(path.strip_prefix('@').unwrap_or(path).as_bytes())?;
    let listener = UnixListener::bind_addr(&address)?;
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

/// A listening socket.
#[derive(Debug)]
pub enum ListeningSocket {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// Takes over a listening socket that was inherited with this descriptor number.
#[cfg(target_os = "linux")]
pub fn inherited_socket(number: i32) -> io::Result<ListeningSocket> {
    use rustix::{
        net::{AddressFamily, sockopt},
        process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
    };
    // The standard library has no safe function that takes a descriptor by its number.
    let process = pidfd_open(getpid(), PidfdFlags::empty())?;
    let socket = pidfd_getfd(process, number, PidfdGetfdFlags::empty())?;
    if !sockopt::socket_acceptconn(&socket)? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a listening socket"));
    }
    if sockopt::socket_domain(&socket)? == AddressFamily::UNIX {
        let listener = UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        return Ok(ListeningSocket::Unix(listener));
    }
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    Ok(ListeningSocket::Tcp(listener))
}

/// Fails with [`io::ErrorKind::Unsupported`]: only Linux has a safe way to take over a descriptor.
#[cfg(not(target_os = "linux"))]
pub fn inherited_socket(_: i32) -> io::Result<ListeningSocket> {
    Err(unsupported("this system cannot take over an inherited socket"))
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

/// Returns the index of a network interface, which is the scope of link-local addresses.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn interface_index(name: &str) -> io::Result<u32> {
    use rustix::net::{AddressFamily, SocketType, netdevice::name_to_index, socket};
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    name_to_index(any, name).map_err(|cause| match cause {
        rustix::io::Errno::NODEV => {
            let words = format!("no network interface is named {name}");
            io::Error::new(io::ErrorKind::NotFound, words)
        }
        cause => cause.into(),
    })
}

/// Fails with [`io::ErrorKind::Unsupported`]: the number of the interface is needed.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn interface_index(_: &str) -> io::Result<u32> {
    Err(unsupported("on this system, the zone must be the number of an interface"))
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

/// Kills the processes of the group that a child process leads. The child must not have been waited
/// for: its number could be that of another group then.
pub fn kill_group(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // All of its processes may have exited.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Ends the process by this signal's default action. A shell loop stops on Ctrl-C only if its child
/// was killed by SIGINT, not if it exited with 130. A process that the signal cannot kill exits with
/// that status.
pub fn end_by_signal(signal: i32) -> ! {
    match end_of_signal(std::process::id()) {
        // Also ends a process that started with the signal blocked or ignored. Returns only for a
        // signal whose default action does not end the process.
        EndOfSignal::Kill => {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        EndOfSignal::Exit => {}
    }
    signal_hook::low_level::exit(128 + signal)
}

/// The way in which a process ends by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOfSignal {
    /// By the signal's default action.
    Kill,
    /// By an exit with 128 and the signal's number.
    Exit,
}

/// Returns how the process with this number ends by a signal. The kernel discards a signal with its
/// default action that is sent to the first process of a PID namespace, as in a container
/// (`pid_namespaces(7)`).
pub fn end_of_signal(pid: u32) -> EndOfSignal {
    if pid == 1 { EndOfSignal::Exit } else { EndOfSignal::Kill }
}

/// Returns the signals that are ignored since the start of the process (nohup, a background job) as
/// a bit mask, with signal 1 at bit 0.
pub fn ignored_signals() -> u64 {
    let Ok(status) = File::open("/proc/self/status") else { return 0 };
    // The groups of the user, which may be thousands, precede it in one line.
    let lines = BufReader::new(status.take(MAX_STATUS_BYTES)).split(b'\n').map_while(Result::ok);
    ignored_in(lines).unwrap_or(0)
}

fn ignored_in(mut lines: impl Iterator<Item = Vec<u8>>) -> Option<u64> {
    let mask = lines.find_map(|line| line.strip_prefix(b"SigIgn:").map(ToOwned::to_owned))?;
    u64::from_str_radix(std::str::from_utf8(&mask).ok()?.trim(), 16).ok()
}

/// The part of /proc/self/status that is read: Linux allows 65,536 groups, of up to 11 characters.
const MAX_STATUS_BYTES: u64 = 1 << 20;
// The kernel's defaults are two hours and 75 s.
/// The number of bytes that the system keeps unsent, enough to fill the next packets.
const UNSENT_LIMIT_BYTES: u32 = 64 << 10;
const KEEPALIVE_IDLE: Duration = Duration::from_mins(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_found_behind_thousands_of_groups() {
        let groups = "Groups:\t".to_owned() + &"4294967294 ".repeat(65_536);
        let status = format!("Name:\tsockeye\n{groups}\nSigIgn:\t0000000000000001\n");
        assert!(u64::try_from(status.len()).unwrap() < MAX_STATUS_BYTES);
        let lines = || status.as_bytes().split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        assert_eq!(ignored_in(lines()), Some(1));
        assert_eq!(ignored_in(lines().take(2)), None);
    }

    #[test]
    fn only_regular_files_are_opened_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let fault = |path: &Path| open_regular(path).unwrap_err().to_string();
        assert!(fault(&link).contains("symbolic link"));
        assert!(!file.exists(), "a dangling link created a file");
        assert_eq!(open_regular(&file).unwrap().metadata().unwrap().mode() & 0o777, 0o600);
        assert!(fault(&link).contains("symbolic link"));
        assert_eq!(fault(dir.path()), "not a regular file");
        assert_eq!(fault(Path::new("/dev/null")), "not a regular file");
        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(fault(&socket), "not a regular file");
    }

    #[test]
    fn the_null_device_is_known_by_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(is_null_device(&link) && is_null_device(Path::new("/dev/null")));
        assert!(!is_null_device(Path::new("/dev/zero")) && !is_null_device(dir.path()));
    }

    #[test]
    fn the_first_process_of_a_namespace_exits_as_no_signal_can_kill_it() {
        assert_eq!(end_of_signal(1), EndOfSignal::Exit);
        assert_eq!(end_of_signal(2), EndOfSignal::Kill);
        assert_eq!(end_of_signal(std::process::id()), EndOfSignal::Kill);
    }
}
