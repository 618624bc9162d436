//! Certificate fields for display, and checks that rustls does not offer.

use rustls::{
    CertificateError,
    pki_types::{CertificateDer, UnixTime},
};
use std::time::Duration;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// One certificate of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The distinguished name of the owner.
    pub subject: String,
    /// The DNS names and IP addresses of the subject alternative name (RFC 5280, 4.2.1.6).
    pub names: Vec<String>,
    /// The distinguished name of the issuer.
    pub issuer: String,
    /// Days until expiry, rounded down; negative after it.
    pub days_left: i64,
}

impl Certificate {
    /// Returns true if subject and issuer are the same.
    pub fn is_self_signed(&self) -> bool {
        !self.issuer.is_empty() && self.issuer == self.subject
    }
}

/// Describes each certificate; one that cannot be parsed yields empty fields.
pub(super) fn describe(chain: &[CertificateDer<'_>]) -> Vec<Certificate> {
    chain.iter().map(|one| describe_one(one).unwrap_or_default()).collect()
}

fn describe_one(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.iter().filter_map(name).collect());
    let left =
        parsed.validity().not_after.timestamp() - i64::try_from(UnixTime::now().as_secs()).ok()?;
    Some(Certificate {
        subject: parsed.subject().to_string(),
        names: names.unwrap_or_default(),
        issuer: parsed.issuer().to_string(),
        days_left: left.div_euclid(SECONDS_PER_DAY),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// Checks the validity period at the time `now`.
pub(super) fn check_validity(
    certificate: &CertificateDer<'_>,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let time = |seconds: i64| {
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    };
    let validity = parsed.validity();
    let (not_before, not_after) =
        (time(validity.not_before.timestamp()), time(validity.not_after.timestamp()));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after });
    }
    Ok(())
}

/// Returns the SHA-256 of the `SubjectPublicKeyInfo`, the form of pins (RFC 7469, 2.4).
pub(super) fn key_hash(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let hash = ring::digest::digest(&ring::digest::SHA256, parsed.public_key().raw);
    hash.as_ref().try_into().ok()
}

const SECONDS_PER_DAY: i64 = 86_400;
