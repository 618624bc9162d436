//! Which failures are worth another attempt, with `--reconnect`.

use crate::{
    connect::{LimitScope, OpenError},
    error::Error,
    net::http2::Http2Fault,
    session::SessionError,
};
use rustix::io::Errno;
use std::io;

/// Reports whether another attempt may succeed.
pub(super) fn is_retryable(error: &Error) -> bool {
    match error {
        // Only the user can change the limits of this system.
        error if error.is_lack_of_resources() => false,
        Error::Open(error) => is_temporary(error),
        Error::Session(error) => match error {
            SessionError::Send { .. }
            | SessionError::Receive { .. }
            | SessionError::NoClose { .. }
            | SessionError::PongTimeout { .. } => true,
            SessionError::Http2 { fault, .. } => is_lost(fault),
            _ => false,
        },
        Error::Truncated { cause, .. } => is_retryable(cause),
        _ => false,
    }
}

/// Reports whether a failure to open a session may be temporary.
fn is_temporary(error: &OpenError) -> bool {
    match error {
        OpenError::Connect { attempts, .. } | OpenError::ConnectProxy { attempts, .. } => {
            attempts.is_empty() || attempts.iter().any(|(_, cause)| !is_permanent(cause))
        }
        OpenError::Resolve { cause, .. }
        | OpenError::ResolveProxy { cause, .. }
        | OpenError::Socket { cause, .. }
        | OpenError::Request { cause, .. } => !is_permanent(cause),
        OpenError::HandshakeCut { .. } => true,
        OpenError::Timeout { scope, .. } => *scope != LimitScope::Run,
        OpenError::Status { response, .. } => matches!(response.status, 429 | 500 | 502..=504),
        OpenError::Http2 { fault, .. } => is_lost(fault),
        _ => false,
    }
}

/// Reports whether the server ended the connection or the stream.
fn is_lost(fault: &Http2Fault) -> bool {
    matches!(
        fault,
        Http2Fault::NoSettings
            | Http2Fault::GoAway { .. }
            | Http2Fault::Lost(_)
            | Http2Fault::Reset(_)
    )
}

/// Reports whether the system refused a call for a reason that time does not change.
fn is_permanent(cause: &io::Error) -> bool {
    Errno::from_io_error(cause).is_some_and(|errno| PERMANENT.contains(&errno))
}

/// The errors of this system that another attempt does not change. All others may pass: the network
/// comes back, a server starts, a socket file appears.
const PERMANENT: [Errno; 14] = [
    // The address: not of this kind of socket, or of a kind that this system lacks.
    Errno::INVAL,
    Errno::AFNOSUPPORT,
    Errno::DESTADDRREQ,
    Errno::NODEV,
    Errno::PROTONOSUPPORT,
    Errno::PROTOTYPE,
    Errno::OPNOTSUPP,
    Errno::SOCKTNOSUPPORT,
    // The permission: of a socket file, of a broadcast address, of a firewall or a sandbox.
    Errno::ACCESS,
    Errno::PERM,
    // The path of a socket file.
    Errno::NOTDIR,
    Errno::LOOP,
    Errno::NAMETOOLONG,
    Errno::NOTSOCK,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    const ADDRESS: &str = "127.0.0.1:80";

    fn attempts(errnos: &[Errno]) -> Vec<(SocketAddr, io::Error)> {
        errnos.iter().map(|errno| (ADDRESS.parse().unwrap(), (*errno).into())).collect()
    }

    /// Reports whether each kind of error with this cause is worth a retry.
    fn is_retried(errno: Errno) -> bool {
        let cause = || io::Error::from(errno);
        let retried = [
            OpenError::Connect { authority: "h".into(), attempts: attempts(&[errno]) },
            OpenError::ConnectProxy { proxy: "p".into(), attempts: attempts(&[errno]) },
            OpenError::Resolve { host: "h".into(), cause: cause() },
            OpenError::ResolveProxy { proxy: "h".into(), cause: cause() },
            OpenError::Socket { path: "s".into(), cause: cause() },
        ]
        .map(|error| is_retryable(&error.into()));
        assert!(retried.iter().all(|it| *it == retried[0]), "{errno:?}: {retried:?}");
        retried[0]
    }

    #[test]
    fn what_time_does_not_change_ends_the_attempts() {
        let resources = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
        for errno in PERMANENT.into_iter().chain(resources) {
            assert!(!is_retried(errno), "{errno:?}");
        }
        for errno in [
            Errno::CONNREFUSED,
            Errno::CONNRESET,
            Errno::NETUNREACH,
            Errno::HOSTUNREACH,
            Errno::NETDOWN,
            Errno::TIMEDOUT,
            Errno::NOENT,
            Errno::AGAIN,
            Errno::ADDRNOTAVAIL,
        ] {
            assert!(is_retried(errno), "{errno:?}");
        }
    }

    #[test]
    fn one_address_that_may_accept_later_is_worth_a_retry() {
        let of = |errnos: &[Errno]| {
            let error = OpenError::Connect { authority: "h".into(), attempts: attempts(errnos) };
            is_retryable(&error.into())
        };
        assert!(of(&[Errno::AFNOSUPPORT, Errno::CONNREFUSED]));
        assert!(!of(&[Errno::AFNOSUPPORT, Errno::ACCESS]));
    }
}
