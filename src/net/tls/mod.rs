//! TLS with rustls: trusted authorities, client certificates and the encrypted stream.

mod chain;
mod fault;
mod identity;
mod key_log;
mod parameters;
pub(super) mod prefix_capture;
pub mod server;
mod stream;
mod trust;
mod verify;

pub use chain::Certificate;
pub use fault::{TlsFault, TlsSetupFault};
pub use identity::{Identity, IdentityError, IdentityFault};
pub use key_log::KeyLog;
pub use parameters::parameters;
pub use stream::SecureStream;
pub use trust::{Trust, TrustOptions};

use super::transport::Transport;
use prefix_capture::PrefixCapture;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::io::BufReader;
use tokio_rustls::TlsConnector;
use verify::{PinMismatch, Verifier};

/// TLS options for one server.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// The client certificate and its private key.
    pub identity: Option<Arc<Identity>>,
    /// The name for SNI and certificate verification, if not the URL's host.
    pub name: Option<String>,
    /// Sends the server name (SNI, RFC 6066, 3).
    pub sends_name: bool,
    /// The oldest version allowed.
    pub min: Version,
    /// The newest version allowed.
    pub max: Version,
    /// The SHA-256 of each public key that is accepted; any key if empty.
    pub pins: Vec<[u8; 32]>,
}

/// A TLS version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
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

/// The TLS configuration of one connection. It stores the certificate chain of the server.
#[derive(Clone, Debug)]
pub struct Config {
    client: Arc<ClientConfig>,
    name: Option<String>,
    chain: Arc<Mutex<Vec<CertificateDer<'static>>>>,
    key_log: Option<Arc<KeyLog>>,
}

impl Config {
    /// Configures a connection that offers the protocols `alpn`, the preferred first (RFC 7301).
    pub fn new(options: &TlsOptions, trust: &Trust, alpn: &[&[u8]]) -> Result<Self, TlsSetupFault> {
        let chain = Arc::default();
        let verifier = Verifier {
            trust: trust.clone(),
            pins: options.pins.clone(),
            chain: Arc::clone(&chain),
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
        // Writes the session keys to the file named by SSLKEYLOGFILE, if set, for Wireshark.
        let key_log = KeyLog::named().map(|log| Arc::new(log.unwrap_or_else(KeyLog::failed)));
        if let Some(log) = &key_log {
            client.key_log = Arc::<KeyLog>::clone(log);
        }
        Ok(Self { client: Arc::new(client), name: options.name.clone(), chain, key_log })
    }

    /// Takes the first error of logging the session keys, if any.
    pub fn take_key_log_fault(&self) -> Option<io::Error> {
        self.key_log.as_ref()?.take_fault()
    }

    /// Returns the chain that the server sent, its own certificate first; empty before that.
    pub fn chain(&self) -> Vec<Certificate> {
        chain::describe(&self.chain.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Performs the TLS handshake. `host` is sent as SNI and verified against the certificate, unless
/// the configuration has another name.
pub async fn secure(
    stream: Box<dyn Transport>,
    host: &str,
    config: &Config,
) -> Result<SecureStream, TlsFault> {
    let host = config.name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| TlsFault::Other(format!("'{host}' is not a valid server name")))?;
    // rustls reads 4 KiB at a time; without a buffer, that is 256 system calls per MiB.
    let stream = BufReader::with_capacity(READ_BUFFER_BYTES, PrefixCapture::new(stream));
    TlsConnector::from(Arc::clone(&config.client))
        .connect(name, stream)
        .into_fallible()
        .await
        .map(SecureStream::new)
        .map_err(|(cause, stream)| fault(&cause, stream.get_ref().prefix(), config.chain()))
}

/// Returns the TLS failure behind a read error after the handshake, if any. In TLS 1.3 a server
/// rejects a client certificate, or its absence, only after the client's handshake has finished.
pub fn late_fault(cause: &io::Error) -> Option<TlsFault> {
    let inner = cause.get_ref()?;
    inner.is::<rustls::Error>().then(|| fault(cause, &HANDSHAKE_RECORD, Vec::new()))
}

fn fault(cause: &io::Error, first: &[u8], chain: Vec<Certificate>) -> TlsFault {
    // A record starts with its type (20 to 24) and the major version, 3.
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
        Some(rustls::Error::AlertReceived(alert)) if concerns_client_certificate(*alert) => {
            TlsFault::Identity(*alert)
        }
        Some(rustls::Error::AlertReceived(alert)) => TlsFault::Alert(*alert),
        Some(other) => TlsFault::Library(Box::new(other.clone())),
        // The bytes received are a better explanation than the closed connection.
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

/// Returns true if an alert concerns the client certificate (RFC 8446, 6.2).
fn concerns_client_certificate(alert: AlertDescription) -> bool {
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

/// The start of a TLS handshake record (RFC 8446, 5.1).
const HANDSHAKE_RECORD: [u8; 2] = [22, 3];
/// The size of one read from TCP.
const READ_BUFFER_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;

    #[test]
    fn recognizes_other_protocols_by_their_first_bytes() {
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
