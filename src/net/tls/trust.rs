//! Trusted certification authorities.

use super::fault::TlsSetupFault;
use crate::sys::input_file;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier as PlatformVerifier;
use std::{
    env, io,
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
    /// The certificates of the user's files and of `SSL_CERT_FILE` and `SSL_CERT_DIR`. A server certificate among them is trusted even if
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
        for certificate in read(path, parse).map_err(|cause| fault(Some(path), &cause))? {
            match store.add(certificate.clone()) {
                Ok(()) => given.push(certificate),
                // A directory may contain certificates that cannot be authorities.
                Err(_) if path.is_dir() => {}
                Err(e) => return Err(fault(Some(path), &e)),
            }
        }
    }
    let provider = Arc::clone(provider);
    let needs_system = given.is_empty() || options.include_system;
    let named = if needs_system { named_by_environment() } else { None };
    let inner: Arc<dyn ServerCertVerifier> = match named {
        None if given.is_empty() => {
            Arc::new(PlatformVerifier::new(provider).map_err(|e| fault(None, &e))?)
        }
        None if needs_system => {
            let all = PlatformVerifier::new_with_extra_roots(given.iter().cloned(), provider);
            Arc::new(all.map_err(|e| fault(None, &e))?)
        }
        named => {
            if let Some(named) = named {
                let certificates = named.map_err(|(path, cause)| fault(Some(&path), &cause));
                // The system's authorities are optional if the user names some.
                let certificates = match certificates {
                    Err(_) if !given.is_empty() => Vec::new(),
                    certificates => certificates?,
                };
                store.add_parsable_certificates(certificates.iter().cloned());
                given.extend(certificates);
            }
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
                .build()
                .map_err(|e| fault(None, &e))?
        }
    };
    Ok((Some(inner), given))
}

type NamedAuthorities = Result<Vec<CertificateDer<'static>>, (PathBuf, String)>;

/// Reads the authorities that OpenSSL's variables name instead of the system's, if they are set.
/// Fails with the first fault only if there is no certificate at all. `PlatformVerifier` would read
/// these files without a limit.
fn named_by_environment() -> Option<NamedAuthorities> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let file = variable("SSL_CERT_FILE").map(PathBuf::from);
    let dirs = variable("SSL_CERT_DIR").unwrap_or_default();
    let dirs = env::split_paths(&dirs).filter(|path| !path.as_os_str().is_empty());
    let paths: Vec<_> = file.into_iter().chain(dirs).collect();
    let first = paths.first()?.clone();
    let mut certificates = Vec::new();
    let mut fault = None;
    for path in paths {
        match read(&path, parse_any) {
            Ok(more) => certificates.extend(more),
            Err(cause) => fault = fault.or(Some((path, cause))),
        }
    }
    if certificates.is_empty() {
        return Some(Err(fault.unwrap_or((first, NO_CERTIFICATE.to_owned()))));
    }
    Some(Ok(certificates))
}

/// Reads the certificates of a file, or of all files of a directory.
fn read(path: &Path, parse: Parser) -> Result<Vec<CertificateDer<'static>>, String> {
    let words = |e: io::Error| e.to_string();
    let mut certificates = Vec::new();
    if path.is_dir() {
        let mut size = 0;
        for entry in path.read_dir().map_err(words)?.flatten().take(MAX_DIR_ENTRIES) {
            // A directory may contain other files.
            let bytes = input_file::read_regular(&entry.path(), input_file::SMALL_FILE_BYTES);
            let Ok(found) = bytes.map_err(words).and_then(|bytes| parse(&bytes)) else { continue };
            size += found.iter().map(|certificate| certificate.len()).sum::<usize>();
            if size > MAX_DIR_BYTES {
                return Err("too many certificates".to_owned());
            }
            certificates.extend(found);
        }
        // A directory made by `openssl rehash` has each certificate under two names.
        certificates.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
        certificates.dedup();
    } else {
        let bytes = input_file::read(path, input_file::LARGE_FILE_BYTES).map_err(words)?;
        certificates = parse(&bytes)?;
    }
    if certificates.is_empty() {
        return Err(NO_CERTIFICATE.to_owned());
    }
    Ok(certificates)
}

type Parser = fn(&[u8]) -> Result<Vec<CertificateDer<'static>>, String>;

/// Returns the certificates of a PEM file. Those that are malformed are skipped, as the system's
/// are.
#[expect(clippy::unnecessary_wraps, reason = "it is a `Parser`")]
fn parse_any(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    Ok(CertificateDer::pem_slice_iter(bytes).flatten().collect())
}

/// Returns the certificates of a PEM file.
fn parse(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<_, _> = CertificateDer::pem_slice_iter(bytes).collect();
    certificates.map_err(|e| format!("not PEM: {e}"))
}

const NO_CERTIFICATE: &str = "no PEM certificate found";
/// The maximum number of files read from a directory, and the maximum size of their certificates in
/// bytes.
const MAX_DIR_ENTRIES: usize = 20_000;
const MAX_DIR_BYTES: usize = 8 << 20;
