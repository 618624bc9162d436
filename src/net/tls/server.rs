//! TLS of a server.

use super::{chain, identity::Identity};
use crate::net::transport::Transport;
use data_encoding::BASE64;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use std::{io, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// The certificate of a server, with which it accepts TLS handshakes.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

impl ServerTls {
    /// Configures TLS with a certificate and its key.
    pub fn new(identity: Identity) -> Result<Self, rustls::Error> {
        let Some(certificate) = identity.chain.first().cloned() else {
            return Err(rustls::Error::NoCertificatesPresented);
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Makes a certificate for these names and addresses.
    pub fn self_signed(names: Vec<String>) -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let identity = Identity { chain: vec![made.cert.der().clone()], key: key.into() };
        Self::new(identity).map_err(io::Error::other)
    }

    /// Returns the SHA-256 of the public key, in the form of `--pin`.
    pub fn pin(&self) -> Option<String> {
        let hash = chain::key_hash(&self.certificate)?;
        Some(format!("sha256//{}", BASE64.encode(&hash)))
    }

    /// Performs the TLS handshake with a client.
    pub async fn accept(&self, stream: Box<dyn Transport>) -> io::Result<Box<dyn Transport>> {
        Ok(Box::new(self.acceptor.accept(stream).await?))
    }
}
