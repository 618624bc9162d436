//! Certificates made for one test, and the server that shows them.

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

/// An authority of our own, and the directory where its certificate lies.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: Arc<TempDir>,
}

/// A server's certificate and key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let dir = tempfile::tempdir().expect("a directory");
        // The name tells authorities apart: of two with one name, a signature is tried.
        let name = dir.path().display().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("an authority");
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).expect("a file");
        Self { issuer, dir: Arc::new(dir) }
    }

    /// The directory with the file to trust, to outlive this.
    pub fn keep(&self) -> Arc<TempDir> {
        Arc::clone(&self.dir)
    }

    /// The file to trust.
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A certificate for `localhost`, good today.
    pub fn issue(&self) -> Identity {
        self.issue_with(|_| {})
    }

    /// A certificate for `localhost` with a change.
    pub fn issue_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = key();
        let certificate = params(change).signed_by(&key, &self.issuer).expect("a certificate");
        Identity { certificate, key }
    }
}

impl Identity {
    /// A certificate for `localhost` that vouches for itself (CA:FALSE).
    pub fn self_signed() -> Self {
        Self::self_signed_with(|_| {})
    }

    /// A server that shows it.
    pub fn server(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::clone(self.certificate.der())], key);
        Arc::new(config.expect("a server's configuration"))
    }

    /// One for itself, with a change.
    pub fn self_signed_with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = key();
        let certificate = params(change).self_signed(&key).expect("a certificate");
        Self { certificate, key }
    }

    /// A server that shows it, and wants one of this authority from clients.
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

    /// SHA-256 of its public key, in base64.
    pub fn key_hash(&self) -> String {
        let key = rcgen::PublicKeyData::subject_public_key_info(&self.key);
        let hash = ::ring::digest::digest(&::ring::digest::SHA256, &key);
        data_encoding::BASE64.encode(hash.as_ref())
    }

    /// The certificate and the key in PEM, in this directory.
    pub fn files(&self, dir: &TempDir) -> [PathBuf; 2] {
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        std::fs::write(&cert, self.certificate.pem()).expect("a file");
        std::fs::write(&key, self.key.serialize_pem()).expect("a file");
        [cert, key]
    }
}

/// A client of an authority, and files with its certificate and its key.
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

    /// A run against a server that wants a certificate of this authority.
    pub fn test(&self) -> Test {
        let server = self.authority.issue().server_for_clients_of(&self.authority);
        Test::new().args(["--ca"]).args([self.authority.file()]).tls_peer(server, |peer| {
            peer.open();
            peer.close(1000);
        })
    }
}

/// A path as text, to be put into arguments and messages.
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
