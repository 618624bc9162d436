//! TLS by rustls: trusted authorities, the client's certificate, and the secured stream.

mod chain;
mod fault;
mod identity;
mod trust;
mod verify;
pub(super) mod witness;

pub use chain::Certificate;
pub use fault::{TlsFault, TlsSetupFault};
pub use identity::{Identity, IdentityError, IdentityFault};
pub use trust::{Trust, TrustOptions};

use super::transport::Transport;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, KeyLogFile, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::io::BufReader;
use tokio_rustls::{TlsConnector, client::TlsStream};
use verify::{PinMismatch, Verifier};
use witness::Witness;

/// Options of TLS with one server.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// The client certificate and its key.
    pub identity: Option<Arc<Identity>>,
    /// The name that is asked for, and that the certificate must be for, if not the host's.
    pub name: Option<String>,
    /// The name is sent (SNI).
    pub sends_name: bool,
    /// The oldest version that is spoken.
    pub min: Version,
    /// The newest.
    pub max: Version,
    /// SHA-256 of the public keys that the server may have; empty: any.
    pub pins: Vec<[u8; 32]>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            identity: None,
            name: None,
            sends_name: true,
            min: Version::Tls12,
            max: Version::Tls13,
            pins: Vec::new(),
        }
    }
}

/// The configuration of one connection, which keeps the chain that its server showed.
#[derive(Clone, Debug)]
pub struct Config {
    client: Arc<ClientConfig>,
    name: Option<String>,
    shown: Arc<Mutex<Vec<CertificateDer<'static>>>>,
}

impl Config {
    /// Configures a connection. `alpn`: the protocols to offer, the best first (RFC 7301).
    pub fn new(options: &TlsOptions, trust: &Trust, alpn: &[&[u8]]) -> Result<Self, TlsSetupFault> {
        let shown = Arc::default();
        let verifier = Verifier {
            trust: trust.clone(),
            pins: options.pins.clone(),
            shown: Arc::clone(&shown),
        };
        let wanted = |version| (options.min..=options.max).contains(&version);
        let versions: Vec<&SupportedProtocolVersion> =
            [(Version::Tls12, &TLS12), (Version::Tls13, &TLS13)]
                .into_iter()
                .filter_map(|(version, supported)| wanted(version).then_some(supported))
                .collect();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&trust.provider))
            .with_protocol_versions(&versions)
            .map_err(TlsSetupFault::Library)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut client = match &options.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(TlsSetupFault::Library)?,
        };
        client.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        client.enable_sni = options.sends_name;
        // For Wireshark: writes the session's keys to the file of SSLKEYLOGFILE, if it is set.
        client.key_log = Arc::new(KeyLogFile::new());
        Ok(Self { client: Arc::new(client), name: options.name.clone(), shown })
    }

    /// The chain that the server showed, its own certificate first.
    pub fn chain(&self) -> Vec<Certificate> {
        chain::describe(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A stream, secured.
pub type SecureStream = TlsStream<BufReader<Witness<Box<dyn Transport>>>>;

/// Secures a stream to this host, which is both asked for (SNI) and checked.
pub async fn secure(
    stream: Box<dyn Transport>,
    host: &str,
    config: &Config,
) -> Result<SecureStream, TlsFault> {
    let host = config.name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| TlsFault::Other(format!("'{host}' is not a name a certificate can have")))?;
    // rustls reads 4 KiB at a time: without a buffer that is 256 system calls a MiB.
    let stream = BufReader::with_capacity(READ_AHEAD, Witness::new(stream));
    TlsConnector::from(Arc::clone(&config.client))
        .connect(name, stream)
        .into_fallible()
        .await
        .map_err(|(cause, stream)| fault(&cause, stream.get_ref().first(), config.chain()))
}

/// What TLS has to say when reading fails later: in TLS 1.3 a server refuses a client certificate,
/// or the lack of one, only after its own handshake.
pub fn late_fault(cause: &io::Error) -> Option<TlsFault> {
    let inner = cause.get_ref()?;
    inner.is::<rustls::Error>().then(|| fault(cause, &TLS, Vec::new()))
}

fn fault(cause: &io::Error, first: &[u8], chain: Vec<Certificate>) -> TlsFault {
    // A record begins with its type (20 to 24) and the version's major number, 3.
    let speaks_tls = matches!(first, [20..=24, 3, ..]);
    let error = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match error {
        Some(rustls::Error::InvalidCertificate(cause)) => match pin_mismatch(cause) {
            Some(PinMismatch(hash)) => TlsFault::Pin(data_encoding::BASE64.encode(&hash)),
            None => TlsFault::Certificate { cause: Box::new(cause.clone()), chain },
        },
        Some(rustls::Error::InvalidMessage(_)) if !speaks_tls => TlsFault::NotTls(first.to_owned()),
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
            TlsFault::NoProtocol
        }
        Some(rustls::Error::AlertReceived(alert)) if is_about_us(*alert) => {
            TlsFault::Identity(*alert)
        }
        Some(rustls::Error::AlertReceived(alert)) => TlsFault::Alert(*alert),
        Some(other) => TlsFault::Library(Box::new(other.clone())),
        // What was said before the end tells more than the end.
        None if !first.is_empty() && !speaks_tls => TlsFault::NotTls(first.to_owned()),
        None => match cause.kind() {
            io::ErrorKind::UnexpectedEof => TlsFault::Cut { reset: false },
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => TlsFault::Cut { reset: true },
            _ => TlsFault::Other(cause.to_string()),
        },
    }
}

fn pin_mismatch(cause: &CertificateError) -> Option<PinMismatch> {
    let CertificateError::Other(other) = cause else { return None };
    other.0.downcast_ref().copied()
}

/// Whether an alert is about the client's certificate (RFC 8446, 6.2).
fn is_about_us(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

/// How a peer begins that speaks it.
const TLS: [u8; 2] = [22, 3];
/// Bytes read from TCP in one go.
const READ_AHEAD: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;

    #[test]
    fn what_speaks_there_is_told_from_its_first_bytes() {
        let invalid = || {
            let cause = rustls::InvalidMessage::InvalidContentType;
            io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidMessage(cause))
        };
        let fault = |cause: &io::Error, first: &[u8]| fault(cause, first, Vec::new());
        assert!(matches!(fault(&invalid(), b"SSH-2.0-"), TlsFault::NotTls(_)));
        assert!(matches!(fault(&invalid(), b"\x16\x03\x03"), TlsFault::Library(_)));
        let eof = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(matches!(fault(&eof, b""), TlsFault::Cut { reset: false }));
        assert!(matches!(fault(&eof, b"220 h"), TlsFault::NotTls(_)));
        let cause = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let refused = io::Error::new(io::ErrorKind::InvalidData, cause);
        assert!(matches!(fault(&refused, b"\x16\x03\x03"), TlsFault::Certificate { .. }));
    }
}
