//! The authorities that certificates are checked against.

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

/// The choice of trusted authorities.
#[derive(Clone, Debug, Default)]
pub struct TrustOptions {
    /// Files and directories of authorities in PEM, used instead of the system's.
    pub authorities: Vec<PathBuf>,
    /// Whether the system's are trusted beside them.
    pub native: bool,
    /// Whether certificates are not checked at all.
    pub danger_anyone: bool,
}

/// Trusted authorities, read from files; clones share them.
#[derive(Clone, Debug)]
pub struct Trust {
    pub(super) provider: Arc<CryptoProvider>,
    /// `None`: certificates are not checked.
    pub(super) verifier: Option<Arc<dyn ServerCertVerifier>>,
    /// Certificates that are trusted as they are.
    pub(super) known: Arc<[CertificateDer<'static>]>,
}

impl Trust {
    /// Reads the authorities. Blocks: the system's may be hundreds of files.
    pub fn load(options: &TrustOptions) -> Result<Self, TlsSetupFault> {
        let provider = Arc::new(ring::default_provider());
        let (verifier, known) = load(options, &provider)?;
        Ok(Self { provider, verifier, known: known.into() })
    }
}

type Loaded = (Option<Arc<dyn ServerCertVerifier>>, Vec<CertificateDer<'static>>);

fn load(options: &TrustOptions, provider: &Arc<CryptoProvider>) -> Result<Loaded, TlsSetupFault> {
    let fault = |path: Option<&Path>, cause: &dyn std::fmt::Display| TlsSetupFault::Authorities {
        path: path.map(ToOwned::to_owned),
        cause: cause.to_string(),
    };
    if options.danger_anyone {
        return Ok((None, Vec::new()));
    }
    let mut given = Vec::new();
    let mut store = RootCertStore::empty();
    for path in &options.authorities {
        for certificate in read(path).map_err(|cause| fault(Some(path), &cause))? {
            match store.add(certificate.clone()) {
                Ok(()) => given.push(certificate),
                // What else lies in a directory is no concern of ours.
                Err(_) if path.is_dir() => {}
                Err(e) => return Err(fault(Some(path), &e)),
            }
        }
    }
    let provider = Arc::clone(provider);
    let inner: Arc<dyn ServerCertVerifier> = if given.is_empty() {
        Arc::new(PlatformVerifier::new(provider).map_err(|e| fault(None, &e))?)
    } else if options.native {
        let all = PlatformVerifier::new_with_extra_roots(given.iter().cloned(), provider);
        Arc::new(all.map_err(|e| fault(None, &e))?)
    } else {
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
            .build()
            .map_err(|e| fault(None, &e))?
    };
    Ok((Some(inner), given))
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
