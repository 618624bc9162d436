//! Descriptors and threads, which a system may refuse. Libraries panic if it does, so these
//! functions check first.

use rustix::io::{Errno, fcntl_dupfd_cloexec};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    panic, thread,
};
use tokio::sync::oneshot;

/// Returns an error unless this many more descriptors can be opened.
pub fn check_descriptors(count: usize) -> io::Result<()> {
    let stdin = io::stdin();
    let duplicate = |_| fcntl_dupfd_cloexec(&stdin, 0);
    match (0..count).map(duplicate).collect::<Result<Vec<_>, _>>() {
        // A closed stdin cannot be duplicated either, but that is not a lack of descriptors.
        Ok(_) | Err(Errno::BADF) => Ok(()),
        Err(cause) => Err(cause.into()),
    }
}

/// Runs a function of a library that panics, rather than returning an error, if the system refuses
/// a resource. Instead of a panic, `end` is called with that error of the system.
pub fn end_on_panic<T>(end: fn(io::Error) -> !, work: impl FnOnce() -> T) -> T {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |_| end(io::Error::last_os_error())));
    let result = work();
    panic::set_hook(hook);
    result
}

/// Raises the limit of open descriptors as far as allowed, and returns it if there is one.
pub fn raise_descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        // The lower limit may be enough.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile).current
}

/// Reports whether an operation failed because no more descriptors can be opened, in this process
/// or in the system.
pub fn is_lack_of_descriptors(cause: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| cause.raw_os_error() == Some(errno.raw_os_error()))
}

/// Reports whether an operation failed because the system lacks memory.
pub fn is_lack_of_memory(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::OutOfMemory
}

/// Reports whether an operation failed because no thread could be started.
pub fn is_lack_of_threads(cause: &io::Error) -> bool {
    cause.get_ref().and_then(|cause| cause.downcast_ref::<NoThread>()).is_some()
}

/// Runs a blocking function on a separate thread. Fails if the system starts no thread; tokio's
/// `spawn_blocking` would panic.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (sender, result) = oneshot::channel();
    spawn("blocking", move || {
        // If the deadline has passed, nobody waits for the result.
        let _ = sender.send(work());
    })?;
    result.await.map_err(io::Error::other)
}

/// Starts a thread.
pub fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<T>> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|cause| io::Error::new(cause.kind(), NoThread(cause)))
}

/// Looks a host and port up. An address needs no thread.
pub async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    let found = run_blocking(move || (host.as_str(), port).to_socket_addrs()).await?;
    // The resolver reports a lack of descriptors as a failure of the name servers.
    found
        .map(Iterator::collect)
        .map_err(|cause| check_descriptors(LOOKUP_DESCRIPTORS).err().unwrap_or(cause))
}

/// The system's reason for not starting a thread.
#[derive(Debug)]
struct NoThread(io::Error);

impl std::fmt::Display for NoThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no thread can be started: {}", self.0)
    }
}

impl std::error::Error for NoThread {}

/// The descriptors that a lookup has open at once: a file or a library, and two sockets.
const LOOKUP_DESCRIPTORS: usize = 4;
