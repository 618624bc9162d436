//! Certificates made for one test, and servers that present them.

use super::Test;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// A certificate authority, and the directory that holds its certificate.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: Arc<TempDir>,
}

/// A certificate and its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
    /// The certificates of issuers below the authority, in PEM.
    issuers: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let dir = tempfile::tempdir().expect("a directory");
        // Distinct names tell authorities apart; with equal names rustls would try the signature.
        let name = dir.path().display().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("an authority");
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).expect("a file");
        Self { issuer, dir: Arc::new(dir) }
    }

    /// Returns the directory of the trusted file, which may outlive the authority.
    pub fn keep(&self) -> Arc<TempDir> {
        Arc::clone(&self.dir)
    }

    /// Returns the path of the authority's certificate.
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Issues a certificate for `localhost` that is valid today.
    pub fn issue(&self) -> Identity {
        self.issue_with(|_| {})
    }

    /// Issues a certificate for `localhost` by an authority below this one. The identity's chain has
    /// both.
    pub fn issue_below(&self) -> Identity {
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "below");
        let below =
            CertifiedIssuer::signed_by(parameters, key(), &self.issuer).expect("an authority");
        let key = key();
        let certificate = params(|_| {}).signed_by(&key, &below).expect("a certificate");
        Identity { certificate, key, issuers: below.pem() }
    }

    /// Issues a certificate for `localhost` with changed parameters.
    pub fn issue_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = key();
        let certificate = params(change).signed_by(&key, &self.issuer).expect("a certificate");
        Identity { certificate, key, issuers: String::new() }
    }
}

impl Identity {
    /// Makes a self-signed certificate for `localhost` (CA:FALSE).
    pub fn self_signed() -> Self {
        Self::self_signed_with(|_| {})
    }

    /// Returns a server that presents this certificate.
    pub fn server(&self) -> Arc<ServerConfig> {
        self.server_with(rustls::DEFAULT_VERSIONS)
    }

    /// Returns a server that presents this certificate and speaks only these versions of TLS.
    pub fn server_with(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::clone(self.certificate.der())], key);
        Arc::new(config.expect("a server's configuration"))
    }

    /// Makes a self-signed certificate with changed parameters.
    pub fn self_signed_with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = key();
        let certificate = params(change).self_signed(&key).expect("a certificate");
        Self { certificate, key, issuers: String::new() }
    }

    /// Returns a server that also requires a client certificate of `authority`.
    pub fn server_for_clients_of(&self, authority: &Authority) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).expect("an authority");
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let verifier = verifier.build().expect("a verifier");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![CertificateDer::clone(self.certificate.der())], key);
        Arc::new(config.expect("a server's configuration"))
    }

    /// Returns the SHA-256 of the public key, in base64.
    pub fn key_hash(&self) -> String {
        let key = rcgen::PublicKeyData::subject_public_key_info(&self.key);
        let hash = ::ring::digest::digest(&::ring::digest::SHA256, &key);
        data_encoding::BASE64.encode(hash.as_ref())
    }

    /// Writes the certificate, with its issuers, and the key in PEM to this directory.
    pub fn files(&self, dir: &TempDir) -> [PathBuf; 2] {
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        std::fs::write(&cert, self.certificate.pem() + &self.issuers).expect("a file");
        std::fs::write(&key, self.key.serialize_pem()).expect("a file");
        [cert, key]
    }
}

/// A client certificate with its authority, its key and their files.
pub struct CertifiedClient {
    pub authority: Authority,
    pub dir: TempDir,
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl CertifiedClient {
    pub fn new() -> Self {
        let authority = Authority::new();
        let dir = tempfile::tempdir().expect("a directory");
        let [cert, key] = authority.issue().files(&dir);
        Self { authority, dir, cert, key }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns a run against a server that requires a client certificate of this authority.
    pub fn test(&self) -> Test {
        let server = self.authority.issue().server_for_clients_of(&self.authority);
        Test::new().args(["--ca"]).args([self.authority.file()]).tls_peer(server, |peer| {
            peer.open();
            peer.close(1000);
        })
    }
}

/// Returns a path as text, for arguments and messages.
pub fn path_text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn params(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.is_ca = IsCa::ExplicitNoCa;
    change(&mut params);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
