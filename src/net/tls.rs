//! TLS by rustls: whom to trust, and a secured stream.

use crate::error::{Error, TlsFault};
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;
use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Whom to trust.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Files of authorities in PEM, used instead of the system's.
    pub authorities: Vec<PathBuf>,
    /// Trust anyone: the certificate is not checked.
    pub danger_anyone: bool,
}

/// A TCP stream, secured.
pub type SecureStream = TlsStream<BufReader<Witness>>;

/// Reads the authorities: hundreds of files where they are the system's, so not on the thread
/// that is connecting. `alpn`: what is offered to speak, the best first (RFC 7301).
pub fn config(trust: &Trust, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Authorities { path: None, cause: e.to_string() })?;
    let builder = if trust.danger_anyone {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(DangerAnyone(provider)))
    } else if trust.authorities.is_empty() {
        builder
            .with_platform_verifier()
            .map_err(|e| Error::Authorities { path: None, cause: e.to_string() })?
    } else {
        builder.with_root_certificates(authorities(&trust.authorities)?)
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

fn authorities(paths: &[PathBuf]) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for path in paths {
        let fault = |cause: String| Error::Authorities { path: Some(path.clone()), cause };
        for certificate in read(path).map_err(fault)? {
            store.add(certificate).map_err(|e| fault(e.to_string()))?;
        }
    }
    Ok(store)
}

/// The certificates of a file, or of all files of a directory.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let words = |e: io::Error| e.to_string();
    let mut certificates = Vec::new();
    if path.is_dir() {
        for entry in path.read_dir().map_err(words)?.flatten() {
            // What else lies there is no concern of ours.
            certificates.extend(read_file(&entry.path()).unwrap_or_default());
        }
    } else {
        certificates = read_file(path)?;
    }
    if certificates.is_empty() {
        return Err("no certificate in PEM".to_owned());
    }
    Ok(certificates)
}

fn read_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let certificates: Result<_, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    certificates.map_err(|e| format!("not PEM: {e}"))
}

/// Secures a stream to this host, which is both asked for (SNI) and checked.
pub async fn secure(
    stream: TcpStream,
    host: &str,
    config: Arc<ClientConfig>,
) -> Result<SecureStream, TlsFault> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| TlsFault::Other(format!("'{host}' is not a name a certificate can have")))?;
    // rustls reads 4 KiB at a time: without a buffer that is 256 system calls a MiB.
    let stream = BufReader::with_capacity(READ_AHEAD, Witness { stream, first: Vec::new() });
    TlsConnector::from(config)
        .connect(name, stream)
        .into_fallible()
        .await
        .map_err(|(cause, stream)| fault(&cause, &stream.get_ref().first))
}

/// What TLS has to say when reading fails later: in TLS 1.3 a server refuses a client certificate,
/// or the lack of one, only after its own handshake.
pub fn late_fault(cause: &io::Error) -> Option<TlsFault> {
    let inner = cause.get_ref()?;
    inner.is::<rustls::Error>().then(|| fault(cause, &TLS))
}

fn fault(cause: &io::Error, first: &[u8]) -> TlsFault {
    // A record begins with its type (20 to 24) and the version's major number, 3.
    let speaks_tls = matches!(first, [20..=24, 3, ..]);
    let error = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match error {
        Some(rustls::Error::InvalidCertificate(cause)) => {
            TlsFault::Certificate(Box::new(cause.clone()))
        }
        Some(rustls::Error::InvalidMessage(_)) if !speaks_tls => {
            TlsFault::NotTls { http: first.starts_with(b"HTTP/") }
        }
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
            TlsFault::NoProtocol
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            TlsFault::Other(format!("the server refused it: alert {alert:?}"))
        }
        Some(other) => TlsFault::Other(other.to_string()),
        None if first.starts_with(b"HTTP/") => TlsFault::NotTls { http: true },
        None => match cause.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => TlsFault::Cut,
            _ => TlsFault::Other(cause.to_string()),
        },
    }
}

/// A TCP stream that remembers how the peer began, to tell what speaks there if it is not TLS.
#[derive(Debug)]
pub struct Witness {
    stream: TcpStream,
    first: Vec<u8>,
}

impl AsyncRead for Witness {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        let room = FIRST.saturating_sub(self.first.len());
        if room > 0 {
            let new = buf.filled().iter().skip(before).take(room);
            self.first.extend(new);
        }
        done
    }
}

impl AsyncWrite for Witness {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Takes any certificate. That the server holds its key is still proven.
#[derive(Debug)]
struct DangerAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for DangerAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// How a peer begins that speaks it.
const TLS: [u8; 2] = [22, 3];
/// Bytes read from TCP in one go.
const READ_AHEAD: usize = 64 << 10;
/// Enough to tell TLS from HTTP.
const FIRST: usize = 8;

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
        assert!(matches!(fault(&invalid(), b"HTTP/1.1"), TlsFault::NotTls { http: true }));
        assert!(matches!(fault(&invalid(), b"SSH-2.0-"), TlsFault::NotTls { http: false }));
        assert!(matches!(fault(&invalid(), b"\x16\x03\x03"), TlsFault::Other(_)));
        let eof = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(matches!(fault(&eof, b""), TlsFault::Cut));
        let cause = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let refused = io::Error::new(io::ErrorKind::InvalidData, cause);
        assert!(matches!(fault(&refused, b"\x16\x03\x03"), TlsFault::Certificate(_)));
    }
}
