//! A lack of descriptors, threads or memory: its recognition and hints.

use super::Error;
use crate::{
    connect::OpenError,
    net::listener::ListenFault,
    sys::resources::{is_lack_of_descriptors, is_lack_of_memory, is_lack_of_threads},
};
use std::io;

impl Error {
    /// Reports whether the cause is that the system refuses a descriptor, a thread or memory.
    pub fn is_lack_of_resources(&self) -> bool {
        cause(self).is_some_and(|cause| {
            is_lack_of_descriptors(cause) || is_lack_of_threads(cause) || is_lack_of_memory(cause)
        })
    }
}

/// Returns the hint for an error whose cause is that the system refuses a descriptor or a thread.
pub(super) fn hint(error: &Error) -> Option<&'static str> {
    let cause = cause(error)?;
    if is_lack_of_descriptors(cause) {
        Some("allow more open files: ulimit -n 256")
    } else if is_lack_of_threads(cause) {
        Some("allow more processes and threads: ulimit -u, or the limit of the container")
    } else {
        None
    }
}

fn cause(error: &Error) -> Option<&io::Error> {
    match error {
        Error::Other { cause, .. }
        | Error::Listen { fault: ListenFault::System(cause), .. }
        | Error::File { cause, .. }
        | Error::Input(cause)
        | Error::Output(cause) => Some(cause),
        Error::Open(error) => open_cause(error),
        _ => None,
    }
}

fn open_cause(error: &OpenError) -> Option<&io::Error> {
    match error {
        OpenError::Other { cause, .. }
        | OpenError::Resolve { cause, .. }
        | OpenError::ResolveProxy { cause, .. }
        | OpenError::Socket { cause, .. }
        | OpenError::Interface { cause, .. } => Some(cause),
        OpenError::Connect { attempts, .. } | OpenError::ConnectProxy { attempts, .. } => {
            attempts.first().map(|(_, cause)| cause)
        }
        _ => None,
    }
}
