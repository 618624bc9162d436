//! TLS of a server.

use super::{chain, identity::Identity, parameters::parameters};
use crate::net::transport::Transport;
use data_encoding::BASE64;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use rustls::{
    InvalidMessage, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use std::{fmt, io, sync::Arc};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The certificate of a server, with which it accepts TLS handshakes.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

impl ServerTls {
    /// Configures TLS with a certificate and its key.
    pub fn new(identity: &Identity) -> Result<Self, rustls::Error> {
        let Some(certificate) = identity.chain.first().cloned() else {
            return Err(rustls::Error::NoCertificatesPresented);
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
        config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Makes a certificate for these names and addresses.
    pub fn self_signed(names: Vec<String>) -> io::Result<Self> {
        // rcgen would panic if the system has no random numbers.
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| io::Error::other("no random numbers"))?;
        let key = PrivatePkcs8KeyDer::from(key.as_ref().to_vec());
        let signing = rcgen::KeyPair::try_from(&key).map_err(io::Error::other)?;
        let params = rcgen::CertificateParams::new(names).map_err(io::Error::other)?;
        let made = params.self_signed(&signing).map_err(io::Error::other)?;
        let identity = Identity { chain: vec![made.der().clone()], key: key.into() };
        Self::new(&identity).map_err(io::Error::other)
    }

    /// Returns the SHA-256 of the public key, in the form of `--pin`.
    pub fn pin(&self) -> Option<String> {
        let hash = chain::key_hash(&self.certificate)?;
        Some(format!("sha256//{}", BASE64.encode(&hash)))
    }

    /// Returns the certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        let text = BASE64.encode(&self.certificate);
        let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
        for line in text.as_bytes().chunks(PEM_LINE_BYTES) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// Performs the TLS handshake with a client.
    pub async fn accept(
        &self,
        stream: Box<dyn Transport>,
    ) -> Result<(Box<dyn Transport>, TlsSummary), AcceptFault> {
        let secured = self.acceptor.accept(stream).await.map_err(AcceptFault::new)?;
        let session = secured.get_ref().1;
        let alpn = session.alpn_protocol();
        let summary = TlsSummary {
            parameters: parameters(session),
            alpn: alpn.map(|name| String::from_utf8_lossy(name).into_owned()),
            sni: session.server_name().map(ToOwned::to_owned),
            is_http2: alpn == Some(HTTP2),
        };
        Ok((Box::new(secured), summary))
    }
}

impl Transport for TlsStream<Box<dyn Transport>> {
    fn reset_at_end(&mut self) {
        self.get_mut().0.reset_at_end();
    }
}

/// The result of a TLS handshake with a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSummary {
    /// TLS version, cipher suite and key exchange group.
    pub parameters: Option<String>,
    /// The protocol that was selected (RFC 7301).
    pub alpn: Option<String>,
    /// The name of the server that the client sent (RFC 6066, 3).
    pub sni: Option<String>,
    /// True if HTTP/2 was selected.
    pub is_http2: bool,
}

/// The reason why a TLS handshake with a client failed.
#[derive(Debug)]
pub enum AcceptFault {
    /// The client did not begin a TLS handshake.
    Plain,
    /// The client rejected the certificate.
    Rejected,
    /// The client ended the connection in the middle of the handshake.
    Cut,
    /// Any other fault.
    Io(io::Error),
}

impl AcceptFault {
    fn new(cause: io::Error) -> Self {
        use rustls::AlertDescription as Alert;
        let fault = cause.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        match fault {
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Self::Plain,
            Some(rustls::Error::AlertReceived(
                Alert::UnknownCA
                | Alert::BadCertificate
                | Alert::CertificateUnknown
                | Alert::CertificateExpired,
            )) => Self::Rejected,
            None if cause.kind() == io::ErrorKind::UnexpectedEof => Self::Cut,
            _ => Self::Io(cause),
        }
    }
}

impl fmt::Display for AcceptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("a request without TLS where wss:// is served, not ws://"),
            Self::Rejected => f.write_str("the client does not trust the certificate"),
            Self::Cut => f.write_str("the connection ended in the middle of the TLS handshake"),
            Self::Io(cause) => write!(f, "TLS: {cause}"),
        }
    }
}

/// The length of a line (RFC 7468, 2).
const PEM_LINE_BYTES: usize = 64;
/// The name of HTTP/2 in ALPN (RFC 9113, 3.1).
const HTTP2: &[u8] = b"h2";
