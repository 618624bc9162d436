//! Messages and hints for TLS faults.

use super::{
    service::Service,
    text::{FirstLine, short},
};
use crate::{
    escape::Escaped,
    net::tls::{Certificate, IdentityFault, TlsFault},
    proto::slice::Within,
    redact::ShownPath,
    wording::{lower, system_error},
};
use rustls::{AlertDescription, CertificateError, PeerIncompatible, pki_types::UnixTime};
use std::{fmt, path::Path};

pub(super) fn sentence(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    fault: &TlsFault,
) -> fmt::Result {
    match fault {
        TlsFault::Certificate { cause, chain } => {
            write!(f, "cannot verify the certificate of {authority}: ")?;
            certificate(f, cause, chain)
        }
        TlsFault::Pin(hash) => {
            write!(
                f,
                "the public key of {authority} does not match the pin: its hash is sha256//{hash}"
            )
        }
        TlsFault::Identity(alert) => match alert {
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                write!(f, "{authority} requires a client certificate")
            }
            AlertDescription::CertificateExpired => {
                write!(f, "{authority} rejected the client certificate: it has expired")
            }
            AlertDescription::UnknownCA => {
                write!(f, "{authority} rejected the client certificate: unknown authority")
            }
            AlertDescription::CertificateRevoked => {
                write!(f, "{authority} rejected the client certificate: it has been revoked")
            }
            other => write!(f, "{authority} rejected the client certificate: alert {other:?}"),
        },
        TlsFault::NotTls(start) => {
            write!(f, "TLS handshake with {authority} failed: the port ")?;
            match Service::detect(start) {
                Some(Service::Http1) => f.write_str("speaks plain HTTP"),
                Some(Service::Other { name, is_text: true }) => {
                    write!(f, "speaks {name}: '{}'", FirstLine(start))
                }
                Some(Service::Other { name, is_text: false }) => write!(f, "speaks {name}"),
                _ => write!(f, "does not speak TLS: received '{}'", FirstLine(start)),
            }
        }
        TlsFault::Alert(alert) => {
            write!(f, "TLS handshake with {authority} failed: received the alert {alert:?}")
        }
        TlsFault::NoProtocol => {
            write!(f, "{authority} does not support HTTP/1.1: it rejected http/1.1 by ALPN")
        }
        TlsFault::Cut { reset } => {
            let did = if *reset { "reset" } else { "closed" };
            write!(f, "{authority} {did} the connection during the TLS handshake")
        }
        TlsFault::Library(cause) => {
            write!(f, "TLS handshake with {authority} failed: {}", Escaped(&library_error(cause)))
        }
        TlsFault::Other(cause) => {
            write!(f, "TLS handshake with {authority} failed: {}", Escaped(cause))
        }
    }
}

fn certificate(
    f: &mut fmt::Formatter<'_>,
    cause: &CertificateError,
    chain: &[Certificate],
) -> fmt::Result {
    match cause {
        CertificateError::Expired => f.write_str("certificate has expired"),
        CertificateError::ExpiredContext { time, not_after } => {
            write!(
                f,
                "certificate has expired: valid until {} (now {})",
                date(*not_after),
                date(*time)
            )
        }
        CertificateError::NotValidYet => f.write_str("certificate is not yet valid"),
        CertificateError::NotValidYetContext { time, not_before } => {
            write!(
                f,
                "certificate is not yet valid: valid from {} (now {})",
                date(*not_before),
                date(*time)
            )
        }
        CertificateError::NotValidForName => f.write_str("certificate is for another host name"),
        CertificateError::NotValidForNameContext { expected, presented } => {
            write!(f, "certificate is not valid for {}", expected.to_str())?;
            let names: Vec<String> =
                presented.iter().take(SHOWN_NAMES).map(|name| alternative_name(name)).collect();
            if names.is_empty() {
                return f.write_str(" and names no host");
            }
            let more = if presented.len() > SHOWN_NAMES { ", ..." } else { "" };
            write!(f, ", only for {}{more}", names.join(", "))
        }
        CertificateError::UnknownIssuer => match chain {
            [own, ..] if own.is_self_signed() => {
                f.write_str("self-signed certificate that is not trusted")
            }
            [.., last] if !last.issuer.is_empty() => {
                write!(
                    f,
                    "certificate signed by an unknown authority: {}",
                    Escaped(&short(&last.issuer))
                )
            }
            _ => f.write_str("certificate signed by an unknown authority"),
        },
        CertificateError::Revoked => f.write_str("certificate has been revoked"),
        CertificateError::BadSignature => {
            f.write_str("invalid certificate signature, or its key is too small")
        }
        CertificateError::BadEncoding => f.write_str("malformed certificate"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            f.write_str("certificate is not meant for a server")
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            f.write_str("unsupported certificate signature algorithm")
        }
        other => match (webpki_rule(other), other) {
            (Some(rule), _) => f.write_str(rule.words()),
            (None, CertificateError::Other(other)) => {
                write!(f, "{}", Escaped(&variant_words(other)))
            }
            (None, other) => write!(f, "{}", Escaped(&variant_words(other))),
        },
    }
}

/// Rules of the verifier webpki for which rustls has no readable error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WebpkiRule {
    CaAsServer,
    Version1,
    CriticalExtension,
    NameConstraint,
    PathLength,
    IssuerNotCa,
}

impl WebpkiRule {
    fn words(self) -> &'static str {
        match self {
            Self::CaAsServer => "CA certificate used as a server certificate",
            Self::Version1 => "version 1 certificates are not supported, not even with -k",
            Self::CriticalExtension => "unsupported critical extension",
            Self::NameConstraint => {
                "name constraint violated: a CA in the chain may not sign for this name"
            }
            Self::PathLength => "path length exceeded: the chain is longer than a CA in it allows",
            Self::IssuerNotCa => "signed by a certificate that is not a CA",
        }
    }
}

/// Returns the violated rule. The verifier's error is opaque, so the name of its variant is matched.
fn webpki_rule(cause: &CertificateError) -> Option<WebpkiRule> {
    if matches!(cause, CertificateError::UnhandledCriticalExtension) {
        return Some(WebpkiRule::CriticalExtension);
    }
    let CertificateError::Other(other) = cause else { return None };
    let name = other.to_string();
    let rules = [
        // A server certificate with CA:TRUE, as created by a plain `openssl req -x509`.
        ("CaUsedAsEndEntity", WebpkiRule::CaAsServer),
        // `openssl x509 -req` without extensions creates version 1 certificates.
        ("UnsupportedCertVersion", WebpkiRule::Version1),
        ("UnsupportedCriticalExtension", WebpkiRule::CriticalExtension),
        ("NameConstraintViolation", WebpkiRule::NameConstraint),
        ("PathLenConstraintViolated", WebpkiRule::PathLength),
        ("EndEntityUsedAsCa", WebpkiRule::IssuerNotCa),
    ];
    rules.into_iter().find(|(known, _)| name.contains(known)).map(|(_, rule)| rule)
}

/// Formats an error of rustls; a variant without a message is spelled out as words.
fn library_error(cause: &rustls::Error) -> String {
    match cause {
        rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            "the server supports neither TLS 1.2 nor TLS 1.3".to_owned()
        }
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "the server selected a TLS version excluded by --tls-min or --tls-max".to_owned(),
        rustls::Error::PeerIncompatible(why) => {
            format!("incompatible with the server: {}", variant_words(why))
        }
        rustls::Error::PeerMisbehaved(why) => {
            format!("TLS protocol violation: {}", variant_words(why))
        }
        rustls::Error::InvalidMessage(why) => {
            format!("malformed TLS message from the server: {}", variant_words(why))
        }
        other => other.to_string(),
    }
}

/// Reports whether `--tls-min` or `--tls-max` excludes the version that the server chose.
fn is_version_excluded(cause: &rustls::Error) -> bool {
    let why = PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig;
    *cause == rustls::Error::PeerIncompatible(why)
}

/// Splits the name of an enum variant into lower-case words and drops its fields.
fn variant_words(name: impl fmt::Debug) -> String {
    let name = format!("{name:?}");
    let name = name.strip_prefix("OtherError(").unwrap_or(&name);
    let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
    let mut words = String::new();
    for c in name.within(..end).chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// Extracts a subject alternative name, which the verifier formats as `DnsName("x")`.
fn alternative_name(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest);
    Escaped(inner.trim_matches(['"', '(', ')'])).to_string()
}

pub(super) fn hint(fault: &TlsFault) -> Option<String> {
    let hint = match fault {
        TlsFault::NotTls(start) => match Service::detect(start) {
            Some(Service::Http1) => "use ws:// for a port without TLS",
            Some(Service::Other { .. }) => "check the host and port: another service listens there",
            _ => "check the port, or use ws:// if it has no TLS",
        },
        TlsFault::Cut { .. } => {
            "use ws:// if the port has no TLS, or --sni NAME if the server expects another name"
        }
        TlsFault::Alert(AlertDescription::ProtocolVersion) => {
            "check --tls-min and --tls-max: sockeye supports TLS 1.2 and 1.3"
        }
        TlsFault::Alert(AlertDescription::HandshakeFailure) => {
            "pass a client certificate with --cert FILE, or check the server's cipher suites"
        }
        TlsFault::Alert(AlertDescription::UnrecognisedName) => {
            "the server does not know the host name: send another with --sni NAME"
        }
        TlsFault::Pin(_) => "if the server's key has changed, pin the new one",
        TlsFault::Identity(
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate,
        ) => "pass one with --cert FILE and --key FILE",
        TlsFault::Library(cause) if is_version_excluded(cause) => "check --tls-min and --tls-max",
        TlsFault::NoProtocol => "try WebSocket over HTTP/2: --http2",
        TlsFault::Certificate { cause, chain } => match &**cause {
            CertificateError::UnknownIssuer => match &chain[..] {
                [own, ..] if own.is_self_signed() => {
                    "trust it with --ca FILE, or skip the check with -k"
                }
                [_] => {
                    "trust its CA with --ca FILE, or skip the check with -k (the server sent no \
                     intermediate certificate)"
                }
                _ => "trust its CA with --ca FILE, or skip the check with -k",
            },
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "connect to a name in the certificate, or request one with --sni NAME; -k skips \
                 the check"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "renew the server's certificate; -k skips the check"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "check this machine's clock; -k skips the check"
            }
            // -k cannot help: an unreadable certificate cannot be used unchecked, either.
            CertificateError::BadSignature | CertificateError::BadEncoding => return None,
            other => match webpki_rule(other) {
                Some(WebpkiRule::CaAsServer) => {
                    "trust it with --ca FILE, create it with CA:FALSE, or skip the check with -k"
                }
                Some(WebpkiRule::Version1) => "create a version 3 certificate that names the host",
                Some(WebpkiRule::CriticalExtension) => return None,
                _ => "-k skips the check",
            },
        },
        _ => return None,
    };
    Some(hint.to_owned())
}

pub(super) fn identity(
    f: &mut fmt::Formatter<'_>,
    path: &Path,
    fault: &IdentityFault,
) -> fmt::Result {
    write!(f, "cannot use the certificate or key in {}: ", ShownPath(path))?;
    match fault {
        IdentityFault::File(cause) => write!(f, "{}", system_error(cause)),
        IdentityFault::NoCertificate { .. } => f.write_str("no PEM certificate found"),
        IdentityFault::KeyInside => f.write_str("a PKCS#12 file has its own key"),
        IdentityFault::NoKey { .. } => f.write_str("no PEM private key found"),
        IdentityFault::Encrypted => f.write_str("the key is encrypted with a passphrase"),
        IdentityFault::Passphrase => f.write_str("wrong passphrase"),
        IdentityFault::Format(_) => f.write_str("unsupported key format"),
        IdentityFault::Malformed(cause) => f.write_str(&lower(cause)),
        IdentityFault::Mismatch => f.write_str("the key does not match the certificate"),
    }
}

pub(super) fn identity_hint(fault: &IdentityFault) -> Option<String> {
    match fault {
        IdentityFault::NoCertificate { der: true } => {
            Some("convert it: openssl x509 -inform DER -in OLD -out NEW".to_owned())
        }
        IdentityFault::KeyInside => Some("leave out --key".to_owned()),
        IdentityFault::NoKey { separate: false } => {
            Some("pass the key file with --key FILE".to_owned())
        }
        IdentityFault::Encrypted => Some("pass it with --passphrase".to_owned()),
        IdentityFault::Format(command) => Some(format!("convert it: {command}")),
        _ => None,
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("{seconds} s after 1970"), |time| time.to_string())
}

/// The maximum number of a certificate's names listed in a message.
const SHOWN_NAMES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{InvalidMessage, PeerMisbehaved};

    #[test]
    fn variants_of_rustls_errors_become_words() {
        assert_eq!(
            library_error(&PeerIncompatible::NoCipherSuitesInCommon.into()),
            "incompatible with the server: no cipher suites in common"
        );
        assert_eq!(
            library_error(&PeerMisbehaved::TooManyEmptyFragments.into()),
            "TLS protocol violation: too many empty fragments"
        );
        assert_eq!(
            library_error(&InvalidMessage::MissingData("x").into()),
            "malformed TLS message from the server: missing data"
        );
    }
}
