//! The address of a server, its certificate, and the start of connections.

use super::notes::Notes;
use crate::{
    connect::incoming::{Arrival, HANDSHAKE_LIMIT, IncomingFault, Rejection},
    error::Error,
    job::listen::{ListenAddress, ServerCertificate},
    net::{
        Transport,
        listener::{ListenFault, Listener, SocketFile, is_fault_of_connection},
        tls::server::{AcceptFault, ServerTls, TlsSummary},
    },
    proto::handshake::Headers,
    sys::resources::is_lack_of_descriptors,
    wording::system_error,
};
use std::{io, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// Returns TLS with the certificate of a server on this address.
pub(super) fn tls(
    certificate: Option<&ServerCertificate>,
    address: &ListenAddress,
) -> Result<Option<ServerTls>, Error> {
    let Some(certificate) = certificate else { return Ok(None) };
    match certificate {
        ServerCertificate::Given(identity) => {
            let cause = match ServerTls::new(identity) {
                Ok(tls) => return Ok(Some(tls)),
                Err(cause) => io::Error::other(cause),
            };
            Err(Error::Other { operation: "use the certificate", cause })
        }
        ServerCertificate::SelfSigned => {
            let mut names = ["localhost", "127.0.0.1", "::1"].map(ToOwned::to_owned).to_vec();
            if let ListenAddress::Tcp(host, _) = address
                && !names.contains(host)
            {
                names.push(host.clone());
            }
            let made = ServerTls::self_signed(names);
            made.map(Some).map_err(|cause| Error::Other { operation: "make a certificate", cause })
        }
    }
}

/// Returns the note about a certificate that was made for this run.
pub(super) fn certificate_note(pin: &str) -> String {
    format!("self-signed certificate: connect with --pin '{pin}' -k")
}

/// Listens on an address.
pub(super) async fn bind(
    address: &ListenAddress,
) -> Result<(Vec<Listener>, Option<SocketFile>), Error> {
    let bound = match address {
        ListenAddress::Loopback(port) => {
            Listener::loopback(*port).map(|all| (all, None)).map_err(ListenFault::from)
        }
        ListenAddress::Tcp(host, port) => {
            let bound = Listener::tcp(host, *port).await;
            bound.map(|all| (all, None)).map_err(ListenFault::from)
        }
        ListenAddress::Unix(path) => {
            Listener::unix(path).await.map(|(listener, file)| (vec![listener], file))
        }
        ListenAddress::Descriptor(number) => Listener::inherited(*number)
            .map(|listener| (vec![listener], None))
            .map_err(ListenFault::from),
    };
    bound.map_err(|fault| Error::Listen { address: address.to_string(), fault })
}

/// Returns the URL at which clients connect.
pub(super) fn url(has_tls: bool, address: &ListenAddress, listeners: &[Listener]) -> String {
    let scheme = if has_tls { "wss" } else { "ws" };
    match (listeners.first().and_then(Listener::local_addr), address) {
        (Some(address), _) => format!("{scheme}://{address}"),
        (None, address) => address.to_string(),
    }
}

/// Reports whether the port is one that the system has chosen, so that nobody knows it before it is
/// told.
pub(super) fn is_port_chosen(address: &ListenAddress) -> bool {
    matches!(address, ListenAddress::Loopback(0) | ListenAddress::Tcp(_, 0))
}

/// Returns a warning if other machines can connect.
pub(super) fn exposure(listeners: &[Listener]) -> Option<String> {
    let addresses = listeners.iter().filter_map(Listener::local_addr);
    let mut exposed = addresses.filter(|address| !address.ip().to_canonical().is_loopback());
    let address = exposed.next()?;
    let who = if address.ip().is_unspecified() { "every network" } else { "other machines" };
    Some(format!("warning: clients on {who} can connect"))
}

/// The reason why a connection carries no request.
pub(super) enum StartFault<'a> {
    Tls(&'a AcceptFault),
    /// The TLS handshake was not completed in time.
    TlsTimedOut,
    Request(&'a IncomingFault),
}

/// Performs the TLS handshake with a client, and reads what the connection begins with: a request, or
/// the preface of HTTP/2. A fault is passed to `tell`; an answer to it has these header fields.
pub(super) async fn receive(
    tls: Option<&ServerTls>,
    (transport, address): (Box<dyn Transport>, String),
    headers: &Headers,
    tell: &(dyn Fn(&StartFault<'_>) + Sync),
) -> Option<(Arrival, Option<TlsSummary>)> {
    let deadline = Instant::now() + HANDSHAKE_LIMIT;
    let (transport, summary) = match tls {
        None => (transport, None),
        Some(tls) => match timeout_at(deadline, tls.accept(transport)).await {
            Ok(Ok((secured, summary))) => (secured, Some(summary)),
            Ok(Err(cause)) => {
                tell(&StartFault::Tls(&cause));
                return None;
            }
            Err(_) => {
                tell(&StartFault::TlsTimedOut);
                return None;
            }
        },
    };
    let limit = deadline.saturating_duration_since(Instant::now());
    let is_http2 = summary.as_ref().is_some_and(|tls| tls.is_http2);
    let tell = |fault: &IncomingFault| tell(&StartFault::Request(fault));
    let rejection = Rejection { headers, tell: &tell };
    let arrival = Arrival::read(transport, is_http2, address, limit, rejection).await;
    Some((arrival.ok()?, summary))
}

/// The failures of a task that accepts connections. A lasting one is told once.
#[derive(Default)]
pub(super) struct AcceptFaults {
    is_told: bool,
}

impl AcceptFaults {
    /// Records that a connection was accepted.
    pub(super) fn accepted(&mut self) {
        self.is_told = false;
    }

    /// Tells of a failure beside this many clients, and waits before the next attempt.
    pub(super) async fn failed(&mut self, cause: &io::Error, notes: &Notes, clients: usize) {
        let words = system_error(cause);
        if is_fault_of_connection(cause) {
            notes.detail(&format!("cannot accept a connection: {words}"));
        } else if !self.is_told {
            self.is_told = true;
            notes.note(&if is_lack_of_descriptors(cause) {
                format!("no more clients can connect beside {clients}: {words} (see ulimit -n)")
            } else {
                format!("cannot accept a connection: {words}")
            });
        }
        sleep(ACCEPT_RETRY_DELAY).await;
    }
}

/// Delay before the next attempt if a connection cannot be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
