//! Whether the server is the one it should be: everything that is asked of its certificate.

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

/// The verifier: the usual one, with what it lacks around it.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Also without a verifier the server proves that it holds its key.
    pub(super) trust: Trust,
    /// SHA-256 of the public keys that the server may have; empty: any.
    pub(super) pins: Vec<[u8; 32]>,
    /// What the server showed, to be told of also when it was refused.
    pub(super) shown: Arc<Mutex<Vec<CertificateDer<'static>>>>,
}

/// The server has another key than those it may have; the SHA-256 of the one it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PinMismatch(pub(super) [u8; 32]);

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its key is not the one pinned")
    }
}

impl std::error::Error for PinMismatch {}

impl Verifier {
    /// A self-signed certificate of a server that was given to trust: webpki refuses it where it
    /// says that it is an authority's, which is what a plain `openssl req -x509` makes.
    fn is_known(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Result<(), rustls::Error>> {
        self.trust.known.iter().any(|known| known == end_entity).then(|| {
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
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = all;
        if let Some(inner) = &self.trust.verifier {
            match self.is_known(end_entity, name, now) {
                Some(known) => known?,
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
