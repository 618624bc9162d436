//! What certificates say, for people.

use rustls::{
    CertificateError,
    pki_types::{CertificateDer, UnixTime},
};
use std::time::Duration;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// One certificate of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// The names and addresses it is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Days until it expires; negative: since it has.
    pub days_left: i64,
}

impl Certificate {
    /// Whether it vouches for itself.
    pub fn is_self_signed(&self) -> bool {
        !self.issuer.is_empty() && self.issuer == self.subject
    }
}

/// What these certificates say; one that cannot be read says nothing.
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
        days_left: left.div_euclid(DAY),
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

/// Whether it is valid now.
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

/// SHA-256 of a certificate's public key, as pins have it.
pub(super) fn key_hash(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let hash = ring::digest::digest(&ring::digest::SHA256, parsed.public_key().raw);
    hash.as_ref().try_into().ok()
}

/// Seconds of a day.
const DAY: i64 = 86_400;
