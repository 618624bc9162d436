//! Certificates and their private keys, read from files.

use crate::{proto::slice::Within, secret::SecretString, sys::input_file};
use pkcs8::{Document, EncryptedPrivateKeyInfoRef};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A failure to load a certificate or its key.
#[derive(Debug)]
pub struct IdentityError {
    /// The file with the fault.
    pub path: PathBuf,
    /// The reason of the failure.
    pub fault: IdentityFault,
}

/// A fault of a certificate or its private key.
#[derive(Debug)]
pub enum IdentityFault {
    /// The file cannot be read.
    File(io::Error),
    /// The file has no PEM certificate.
    NoCertificate {
        /// The file looks like DER.
        der: bool,
    },
    /// The file is PKCS#12, which is only read without a separate key.
    KeyInside,
    /// The file has no private key.
    NoKey {
        /// The file was given for the key alone.
        separate: bool,
    },
    /// The key is encrypted and needs a passphrase.
    Encrypted,
    /// The passphrase is wrong.
    Passphrase,
    /// The format is not supported; a command that converts the file.
    Format(&'static str),
    /// Any other fault; the error message of the library.
    Malformed(String),
    /// The key does not match the certificate.
    Mismatch,
}

/// A certificate with its chain and private key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the certificate.
    pub key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads PEM files, or a single PKCS#12 file with chain and key. Without `key`, the private key
    /// is read from the certificate's file. `passphrase` is called only if the key is encrypted.
    pub fn load<E: From<IdentityError>>(
        certificate: &Path,
        key: Option<&Path>,
        passphrase: &mut dyn FnMut() -> Result<SecretString, E>,
    ) -> Result<Self, E> {
        let fault = |path: &Path, fault| E::from(IdentityError { path: path.to_owned(), fault });
        let read = |path: &Path| {
            input_file::read(path, input_file::SMALL_FILE_BYTES)
                .map_err(|e| fault(path, IdentityFault::File(e)))
        };
        let bytes = read(certificate)?;
        if is_pkcs12(&bytes) {
            if key.is_some() {
                return Err(fault(certificate, IdentityFault::KeyInside));
            }
            // Such a file is always encrypted, often with an empty passphrase.
            let identity = match pkcs12(&bytes, "") {
                Err(IdentityFault::Passphrase) => pkcs12(&bytes, passphrase()?.expose()),
                read => read,
            };
            return identity.map_err(|e| fault(certificate, e));
        }
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let chain = chain.unwrap_or_default();
        if chain.is_empty() {
            return Err(fault(certificate, IdentityFault::NoCertificate { der: is_der(&bytes) }));
        }
        let (path, bytes) = match key {
            Some(path) => (path, read(path)?),
            None => (certificate, bytes),
        };
        let private = match private_key(&bytes) {
            Ok(key) => key,
            Err(IdentityFault::Encrypted) => {
                decrypt(&bytes, passphrase()?.expose()).map_err(|e| fault(path, e))?
            }
            Err(IdentityFault::NoKey { .. }) => {
                return Err(fault(path, IdentityFault::NoKey { separate: key.is_some() }));
            }
            Err(other) => return Err(fault(path, other)),
        };
        let identity = Self { chain, key: private };
        identity.check_key().map_err(|e| fault(path, e))?;
        Ok(identity)
    }

    fn check_key(&self) -> Result<(), IdentityFault> {
        let (chain, key) = (self.chain.clone(), self.key.clone_key());
        match CertifiedKey::from_der(chain, key, &ring::default_provider()) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityFault::Mismatch),
            Err(other) => Err(IdentityFault::Malformed(other.to_string())),
        }
    }
}

/// Returns true for a SEQUENCE that begins with the version of PKCS#12, which is 3 (RFC 7292, 4).
fn is_pkcs12(bytes: &[u8]) -> bool {
    let length = match bytes {
        [0x30, short, ..] if *short <= 0x80 => 0,
        [0x30, long, ..] => usize::from(long & 0x7f),
        _ => return false,
    };
    bytes.within(2 + length..).starts_with(&[0x02, 0x01, 0x03])
}

/// Returns true for binary data that starts with the tag of a SEQUENCE, as every key and
/// certificate does.
fn is_der(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30) && std::str::from_utf8(bytes).is_err()
}

fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, IdentityFault> {
    let has = |label: &str| memchr::memmem::find(bytes, label.as_bytes()).is_some();
    if let Ok(key) = PrivateKeyDer::from_pem_slice(bytes)
        && !has("Proc-Type: 4,ENCRYPTED")
    {
        return Ok(key);
    }
    Err(if has(ENCRYPTED_BEGIN) {
        IdentityFault::Encrypted
    } else if has("Proc-Type: 4,ENCRYPTED") {
        IdentityFault::Format("openssl pkcs8 -topk8 -in OLD -out NEW")
    } else if has("-----BEGIN OPENSSH PRIVATE KEY-----") {
        IdentityFault::Format("ssh-keygen -p -m PKCS8 -f KEY")
    } else if has("PRIVATE KEY-----") {
        IdentityFault::Format("openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW")
    } else if is_der(bytes) {
        IdentityFault::Format("openssl pkey -inform DER -in OLD -out NEW")
    } else {
        NO_KEY
    })
}

/// Decrypts a key in PKCS#8 (RFC 5958, 3).
fn decrypt(bytes: &[u8], passphrase: &str) -> Result<PrivateKeyDer<'static>, IdentityFault> {
    let text = String::from_utf8_lossy(bytes);
    let begin = text.find(ENCRYPTED_BEGIN).ok_or(NO_KEY)?;
    let rest = text.within(begin..);
    let end = rest.find(ENCRYPTED_END).ok_or(NO_KEY)? + ENCRYPTED_END.len();
    let pem = rest.within(..end);
    let malformed = |e: &dyn std::fmt::Display| IdentityFault::Malformed(e.to_string());
    let (_, document) = Document::from_pem(pem).map_err(|e| malformed(&e))?;
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
    let info = info.map_err(|_| IdentityFault::Format(RE_ENCRYPT))?;
    match info.decrypt(passphrase) {
        Ok(key) => Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into()),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs5)) if is_unsupported(pkcs5) => {
            Err(IdentityFault::Format(RE_ENCRYPT))
        }
        Err(_) => Err(IdentityFault::Passphrase),
    }
}

fn is_unsupported(error: pkcs8::pkcs5::Error) -> bool {
    use pkcs8::pkcs5::Error;
    matches!(
        error,
        Error::NoPbes1CryptSupport
            | Error::UnsupportedAlgorithm { .. }
            | Error::AlgorithmParametersInvalid { .. }
    )
}

#[cfg(feature = "pkcs12")]
fn pkcs12(bytes: &[u8], passphrase: &str) -> Result<Identity, IdentityFault> {
    use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
    let store =
        KeyStore::from_pkcs12(bytes, passphrase, Pkcs12ImportPolicy::Relaxed).map_err(|cause| {
            let words = cause.to_string();
            if words.to_ascii_lowercase().contains("mac") {
                IdentityFault::Passphrase
            } else {
                IdentityFault::Malformed(words)
            }
        })?;
    let (_, chain) = store.private_key_chain().ok_or(NO_KEY)?;
    let key = PrivatePkcs8KeyDer::from(chain.key().as_der().to_vec()).into();
    let certificates = chain.certs().iter();
    let chain: Vec<_> =
        certificates.map(|one| CertificateDer::from(one.as_der().to_vec())).collect();
    if chain.is_empty() {
        return Err(IdentityFault::NoCertificate { der: false });
    }
    let identity = Identity { chain, key };
    identity.check_key()?;
    Ok(identity)
}

#[cfg(not(feature = "pkcs12"))]
fn pkcs12(_: &[u8], _: &str) -> Result<Identity, IdentityFault> {
    Err(IdentityFault::Format("openssl pkcs12 -in OLD -out NEW"))
}

const NO_KEY: IdentityFault = IdentityFault::NoKey { separate: false };
const ENCRYPTED_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
/// The command for keys in obsolete ciphers.
const RE_ENCRYPT: &str = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW";
