//! Hints for a lack of descriptors or threads.

use super::Error;
use crate::{
    connect::OpenError,
    sys::resources::{is_lack_of_descriptors, is_lack_of_threads},
};
use std::io;

/// Returns the hint for an error whose cause is that the system refuses a descriptor or a thread.
pub(super) fn hint(error: &Error) -> Option<&'static str> {
    let cause = match error {
        Error::Other { cause, .. }
        | Error::Listen { cause, .. }
        | Error::File { cause, .. }
        | Error::Input(cause)
        | Error::Output(cause) => cause,
        Error::Open(error) => open_cause(error)?,
        _ => return None,
    };
    if is_lack_of_descriptors(cause) {
        Some("allow more open files: ulimit -n 256")
    } else if is_lack_of_threads(cause) {
        Some("allow more processes and threads: ulimit -u, or the limit of the container")
    } else {
        None
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
