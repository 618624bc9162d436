//! Verification of the server's certificate: chain, name, validity and pins.

use super::{chain, trust::Trust};
use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Verifies certificates with the verifier of [`Trust`], adding pins, trust in individual
/// certificates, and a copy of the chain.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Signatures are verified even if every certificate is accepted: the server has to prove
    /// possession of its key.
    pub(super) trust: Trust,
    /// The SHA-256 of each public key that is accepted; any key if empty.
    pub(super) pins: Vec<[u8; 32]>,
    /// Receives the chain that the server sent, even if it is rejected.
    pub(super) chain: Arc<Mutex<Vec<CertificateDer<'static>>>>,
}

/// The server's public key matches no pin; the SHA-256 of that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PinMismatch(pub(super) [u8; 32]);

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the public key matches no pin")
    }
}

impl std::error::Error for PinMismatch {}

impl Verifier {
    /// Verifies name and validity of a certificate that the user trusts individually; `None` for
    /// any other. webpki rejects a server certificate that is marked as an authority's, as those of
    /// a plain `openssl req -x509` are.
    fn verify_trusted(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Result<(), rustls::Error>> {
        self.trust.trusted_certificates.iter().any(|trusted| trusted == end_entity).then(|| {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
            chain::check_validity(end_entity, now).map_err(rustls::Error::InvalidCertificate)
        })
    }

    fn check_pin(&self, end_entity: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let key = chain::key_hash(end_entity);
        match key {
            _ if self.pins.is_empty() => Ok(()),
            Some(hash) if self.pins.contains(&hash) => Ok(()),
            Some(hash) => {
                let other = OtherError(Arc::new(PinMismatch(hash)));
                Err(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
            }
            None => Err(rustls::Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        let all = all.map(|one| one.clone().into_owned()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = all;
        if let Some(inner) = &self.trust.verifier {
            match self.verify_trusted(end_entity, name, now) {
                Some(verified) => verified?,
                None => {
                    inner.verify_server_cert(end_entity, intermediates, name, ocsp, now)?;
                }
            }
        }
        self.check_pin(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.trust.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.trust.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.provider.signature_verification_algorithms.supported_schemes()
    }
}
