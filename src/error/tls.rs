//! Sentences and hints for TLS faults.

use super::{
    service::Service,
    text::{FirstLine, short},
};
use crate::{
    escape::Escaped,
    net::tls::{Certificate, IdentityFault, TlsFault},
    proto::slice::Within,
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
            write!(f, "the certificate of {authority} is refused: ")?;
            certificate(f, cause, chain)
        }
        TlsFault::Pin(hash) => {
            write!(f, "the key of {authority} is not the one pinned: it is sha256//{hash}")
        }
        TlsFault::Identity(alert) => match alert {
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                write!(f, "{authority} wants a client certificate")
            }
            AlertDescription::CertificateExpired => {
                write!(f, "{authority} refuses the client certificate: it has expired")
            }
            AlertDescription::UnknownCA => {
                write!(f, "{authority} refuses the client certificate: its issuer is not trusted")
            }
            AlertDescription::CertificateRevoked => {
                write!(f, "{authority} refuses the client certificate: it has been revoked")
            }
            other => write!(f, "{authority} refuses the client certificate: alert {other:?}"),
        },
        TlsFault::NotTls(start) => {
            write!(f, "TLS with {authority} failed: the port ")?;
            match Service::detect(start) {
                Some(Service::Http1) => f.write_str("speaks plain HTTP"),
                Some(Service::Other { name, is_text: true }) => {
                    write!(f, "speaks {name}: '{}'", FirstLine(start))
                }
                Some(Service::Other { name, is_text: false }) => write!(f, "speaks {name}"),
                _ => write!(f, "does not speak TLS: it said '{}'", FirstLine(start)),
            }
        }
        TlsFault::Alert(alert) => {
            write!(f, "TLS with {authority} failed: the server refused it: alert {alert:?}")
        }
        TlsFault::NoProtocol => {
            write!(f, "{authority} does not offer HTTP/1.1: it refused http/1.1 by ALPN")
        }
        TlsFault::Cut { reset } => {
            let did = if *reset { "reset" } else { "closed" };
            write!(f, "{authority} {did} the connection during the TLS handshake")
        }
        TlsFault::Library(cause) => {
            write!(f, "TLS with {authority} failed: {}", Escaped(&library_error(cause)))
        }
        TlsFault::Other(cause) => write!(f, "TLS with {authority} failed: {}", Escaped(cause)),
    }
}

fn certificate(
    f: &mut fmt::Formatter<'_>,
    cause: &CertificateError,
    chain: &[Certificate],
) -> fmt::Result {
    match cause {
        CertificateError::Expired => f.write_str("it has expired"),
        CertificateError::ExpiredContext { time, not_after } => {
            write!(f, "it expired on {} (now {})", date(*not_after), date(*time))
        }
        CertificateError::NotValidYet => f.write_str("it is not valid yet"),
        CertificateError::NotValidYetContext { time, not_before } => {
            write!(f, "it is not valid before {} (now {})", date(*not_before), date(*time))
        }
        CertificateError::NotValidForName => f.write_str("it is for another name"),
        CertificateError::NotValidForNameContext { expected, presented } => {
            write!(f, "it is not for {}", expected.to_str())?;
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
                f.write_str("it is self-signed, and not among those trusted")
            }
            [.., last] if !last.issuer.is_empty() => {
                write!(f, "its issuer is not trusted: {}", Escaped(&short(&last.issuer)))
            }
            _ => f.write_str("its issuer is not trusted"),
        },
        CertificateError::Revoked => f.write_str("it has been revoked"),
        CertificateError::BadSignature => {
            f.write_str("its signature is wrong, or made with too small a key")
        }
        CertificateError::BadEncoding => f.write_str("it is not a well-formed certificate"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            f.write_str("it is not meant for a server")
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            f.write_str("its signature is of a kind that is not supported")
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
            Self::CaAsServer => "it is an authority's own certificate, used as a server's",
            Self::Version1 => {
                "it is a version 1 certificate, which is not supported, not even with -k"
            }
            Self::CriticalExtension => "it has a critical extension that is not supported",
            Self::NameConstraint => "an authority in its chain may not sign for this name",
            Self::PathLength => "its chain is longer than an authority in it allows",
            Self::IssuerNotCa => "it is signed with a certificate that is no authority's",
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
        // A server certificate with CA:TRUE, as a plain `openssl req -x509` makes it.
        ("CaUsedAsEndEntity", WebpkiRule::CaAsServer),
        // `openssl x509 -req` without extensions makes version 1.
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
            "the server speaks neither TLS 1.2 nor TLS 1.3".to_owned()
        }
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "the server chose a version of TLS that was ruled out".to_owned(),
        rustls::Error::PeerIncompatible(why) => {
            format!("the server does not go with us: {}", variant_words(why))
        }
        rustls::Error::PeerMisbehaved(why) => {
            format!("the server broke the rules of TLS: {}", variant_words(why))
        }
        rustls::Error::InvalidMessage(why) => {
            format!("a message of the server is malformed: {}", variant_words(why))
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
            Some(Service::Other { .. }) => "another service listens there: check host and port",
            _ => "check the port, or use ws:// if it has no TLS",
        },
        TlsFault::Cut { .. } => {
            "if the port has no TLS, use ws://; if it wants another name, --sni NAME"
        }
        TlsFault::Alert(AlertDescription::ProtocolVersion) => {
            "sockeye speaks TLS 1.2 and 1.3: see --tls-min and --tls-max"
        }
        TlsFault::Alert(AlertDescription::HandshakeFailure) => {
            "it may have no cipher suite in common, or want a client certificate: --cert FILE"
        }
        TlsFault::Alert(AlertDescription::UnrecognisedName) => {
            "it does not know the name: ask for another with --sni NAME"
        }
        TlsFault::Pin(_) => "if the server's key was changed, pin the new one",
        TlsFault::Identity(
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate,
        ) => "give one with --cert FILE and --key FILE",
        TlsFault::Library(cause) if is_version_excluded(cause) => "see --tls-min and --tls-max",
        TlsFault::NoProtocol => "see whether it has WebSocket over HTTP/2: --http2",
        TlsFault::Certificate { cause, chain } => match &**cause {
            CertificateError::UnknownIssuer => match &chain[..] {
                [own, ..] if own.is_self_signed() => {
                    "trust it with --ca FILE, or skip the check with -k"
                }
                [_] => {
                    "trust its authority with --ca FILE, or skip the check with -k (the server \
                     showed no certificate but its own)"
                }
                _ => "trust its authority with --ca FILE, or skip the check with -k",
            },
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "connect by a name that it has, or ask for one with --sni NAME; -k skips the check"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server needs a new certificate; -k skips the check"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "check this machine's clock; -k skips the check"
            }
            // -k cannot help: an unreadable certificate cannot be used unchecked, either.
            CertificateError::BadSignature | CertificateError::BadEncoding => return None,
            other => match webpki_rule(other) {
                Some(WebpkiRule::CaAsServer) => {
                    "make the certificate with CA:FALSE, or skip the check with -k"
                }
                Some(WebpkiRule::Version1) => {
                    "the server needs a certificate of version 3, which names its host"
                }
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
    write!(f, "cannot use the client certificate or key in {}: ", path.display())?;
    match fault {
        IdentityFault::File(cause) => write!(f, "{}", system_error(cause)),
        IdentityFault::NoCertificate { .. } => f.write_str("no certificate in PEM"),
        IdentityFault::NoKey => f.write_str("no private key in PEM"),
        IdentityFault::Encrypted => f.write_str("the key has a passphrase"),
        IdentityFault::Passphrase => f.write_str("the passphrase is wrong"),
        IdentityFault::Format(_) => f.write_str("the key is in a form that is not read"),
        IdentityFault::Malformed(cause) => f.write_str(&lower(cause)),
        IdentityFault::Mismatch => f.write_str("the key is not the certificate's"),
    }
}

pub(super) fn identity_hint(fault: &IdentityFault) -> Option<String> {
    match fault {
        IdentityFault::NoCertificate { der: true } => {
            Some("convert it: openssl x509 -inform DER -in OLD -out NEW".to_owned())
        }
        IdentityFault::NoKey => Some("give the file of the key with --key FILE".to_owned()),
        IdentityFault::Encrypted => Some("give it with --passphrase".to_owned()),
        IdentityFault::Format(command) => Some(format!("convert it: {command}")),
        _ => None,
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("{seconds} s after 1970"), |time| time.to_string())
}

/// Names of a certificate listed in a message.
const SHOWN_NAMES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{InvalidMessage, PeerMisbehaved};

    #[test]
    fn variants_of_rustls_errors_become_words() {
        assert_eq!(
            library_error(&PeerIncompatible::NoCipherSuitesInCommon.into()),
            "the server does not go with us: no cipher suites in common"
        );
        assert_eq!(
            library_error(&PeerMisbehaved::TooManyEmptyFragments.into()),
            "the server broke the rules of TLS: too many empty fragments"
        );
        assert_eq!(
            library_error(&InvalidMessage::MissingData("x").into()),
            "a message of the server is malformed: missing data"
        );
    }
}
