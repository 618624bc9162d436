//! Trusted certification authorities.

use super::fault::TlsSetupFault;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier as PlatformVerifier;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Options that select the trusted authorities.
#[derive(Clone, Debug, Default)]
pub struct TrustOptions {
    /// PEM files and directories of authorities that replace the system's.
    pub authorities: Vec<PathBuf>,
    /// Trusts the system's authorities in addition to `authorities`.
    pub include_system: bool,
    /// Accepts every certificate.
    pub danger_accept_any: bool,
}

/// The trusted authorities, loaded. Clones share them.
#[derive(Clone, Debug)]
pub struct Trust {
    pub(super) provider: Arc<CryptoProvider>,
    /// `None` accepts every certificate.
    pub(super) verifier: Option<Arc<dyn ServerCertVerifier>>,
    /// The certificates of the user's files. A server certificate among them is trusted even if
    /// webpki rejects it as an authority's.
    pub(super) trusted_certificates: Arc<[CertificateDer<'static>]>,
}

impl Trust {
    /// Reads the authorities. Blocks, as those of the system may be hundreds of files.
    pub fn load(options: &TrustOptions) -> Result<Self, TlsSetupFault> {
        let provider = Arc::new(ring::default_provider());
        let (verifier, certificates) = load(options, &provider)?;
        Ok(Self { provider, verifier, trusted_certificates: certificates.into() })
    }
}

type Loaded = (Option<Arc<dyn ServerCertVerifier>>, Vec<CertificateDer<'static>>);

fn load(options: &TrustOptions, provider: &Arc<CryptoProvider>) -> Result<Loaded, TlsSetupFault> {
    let fault = |path: Option<&Path>, cause: &dyn std::fmt::Display| TlsSetupFault::Authorities {
        path: path.map(ToOwned::to_owned),
        cause: cause.to_string(),
    };
    if options.danger_accept_any {
        return Ok((None, Vec::new()));
    }
    let mut given = Vec::new();
    let mut store = RootCertStore::empty();
    for path in &options.authorities {
        for certificate in read(path).map_err(|cause| fault(Some(path), &cause))? {
            match store.add(certificate.clone()) {
                Ok(()) => given.push(certificate),
                // A directory may contain certificates that cannot be authorities.
                Err(_) if path.is_dir() => {}
                Err(e) => return Err(fault(Some(path), &e)),
            }
        }
    }
    let provider = Arc::clone(provider);
    let inner: Arc<dyn ServerCertVerifier> = if given.is_empty() {
        Arc::new(PlatformVerifier::new(provider).map_err(|e| fault(None, &e))?)
    } else if options.include_system {
        let all = PlatformVerifier::new_with_extra_roots(given.iter().cloned(), provider);
        Arc::new(all.map_err(|e| fault(None, &e))?)
    } else {
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
            .build()
            .map_err(|e| fault(None, &e))?
    };
    Ok((Some(inner), given))
}

/// Reads the certificates of a file, or of all files of a directory.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let words = |e: io::Error| e.to_string();
    let mut certificates = Vec::new();
    if path.is_dir() {
        for entry in path.read_dir().map_err(words)?.flatten() {
            // A directory may contain other files.
            certificates.extend(read_file(&entry.path()).unwrap_or_default());
        }
    } else {
        certificates = read_file(path)?;
    }
    if certificates.is_empty() {
        return Err("no PEM certificate found".to_owned());
    }
    Ok(certificates)
}

fn read_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let certificates: Result<_, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    certificates.map_err(|e| format!("not PEM: {e}"))
}
