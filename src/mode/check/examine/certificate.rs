//! The certificate of the server, and the protocol that it selects by ALPN.

use crate::{
    connect::{Http, OpenError},
    error::Error,
    mode::check::{judgement::Judgement, route::Opening, server::Server},
    net::tls::{Certificate, TlsFault},
};
use std::net::IpAddr;

/// Judges whether the certificates lead to a trusted authority.
pub(crate) async fn chain(server: &Server) -> Judgement {
    let opening = match opened(server).await {
        Ok(opening) => opening,
        Err(reason) => return Judgement::Unknown(reason),
    };
    let number = opening.chain.len();
    let by = opening.chain.last().map(|last| last.issuer.clone()).unwrap_or_default();
    let sent = if number == 1 {
        format!("one certificate, issued by {by}")
    } else {
        format!("{number} certificates, the last issued by {by}")
    };
    match &opening.outcome {
        Err(OpenError::Tls { fault: TlsFault::Certificate { cause, .. }, .. }) => {
            use rustls::CertificateError as E;
            // Validity and name have checks of their own.
            match &**cause {
                E::Expired
                | E::ExpiredContext { .. }
                | E::NotValidYet
                | E::NotValidYetContext { .. }
                | E::NotValidForName
                | E::NotValidForNameContext { .. } => Judgement::Holds(sent),
                _ => Judgement::Broken(format!("{sent}; {}", distrust(opening.outcome.err()))),
            }
        }
        _ => Judgement::Holds(sent),
    }
}

/// Judges for how long the certificates are valid.
pub(crate) async fn expiry(server: &Server) -> Judgement {
    let chain = match opened(server).await {
        Ok(opening) => opening.chain,
        Err(reason) => return Judgement::Unknown(reason),
    };
    let Some(soonest) = chain.iter().min_by_key(|one| one.days_left) else {
        return Judgement::Unknown("the server showed no certificate".to_owned());
    };
    let (days, subject) = (soonest.days_left, &soonest.subject);
    let of = if chain.first() == Some(soonest) {
        "the certificate".to_owned()
    } else {
        format!("the certificate of {subject} in the chain")
    };
    let plural = if days.abs() == 1 { "" } else { "s" };
    match days {
        ..0 => Judgement::Broken(format!("{of} expired {} day{plural} ago", days.unsigned_abs())),
        0..SOON_DAYS => Judgement::Broken(format!("{of} expires in {days} day{plural}")),
        _ => Judgement::Holds(format!("{of} expires in {days} days")),
    }
}

/// Judges whether the certificate is one of the host.
pub(crate) async fn name(server: &Server) -> Judgement {
    let chain = match opened(server).await {
        Ok(opening) => opening.chain,
        Err(reason) => return Judgement::Unknown(reason),
    };
    let Some(own) = chain.first() else {
        return Judgement::Unknown("the server showed no certificate".to_owned());
    };
    let host = server.route().certified_name();
    let names: Vec<_> = own.names.iter().take(SHOWN_NAMES).map(String::as_str).collect();
    let list = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
    if is_named(own, &host) {
        Judgement::Holds(format!("{host} is among the names of the certificate: {list}"))
    } else {
        Judgement::Broken(format!("{host} is not among the names of the certificate: {list}"))
    }
}

/// Judges what the server selects by ALPN.
pub(crate) async fn alpn(server: &Server) -> Judgement {
    let route = server.route().within(server.patience());
    if !route.target().secure {
        return Judgement::Unknown(CLEAR_TEXT.to_owned());
    }
    let selected = |alpn: Option<String>| alpn.unwrap_or_else(|| "nothing".to_owned());
    let of_both = match route.clone().with_http(Http::Auto).stream().await {
        Ok(stream) => selected(stream.alpn),
        Err(fault) => format!("no connection ({})", Error::Open(fault)),
    };
    match route.with_http(Http::One).stream().await {
        Ok(stream) => Judgement::Holds(format!(
            "{} of http/1.1, {of_both} of h2 and http/1.1",
            selected(stream.alpn)
        )),
        Err(OpenError::Tls { fault: TlsFault::NoProtocol, .. }) => Judgement::Broken(format!(
            "an offer of http/1.1 is refused; of h2 and http/1.1, {of_both} is selected"
        )),
        Err(fault) => Judgement::Unknown(Error::Open(fault).to_string()),
    }
}

/// Opens a session, with certificates verified even with `-k`.
async fn opened(server: &Server) -> Result<Opening, String> {
    let mut route = server.route().within(server.patience());
    if !route.target().secure {
        return Err(CLEAR_TEXT.to_owned());
    }
    route.dialing.trust.danger_accept_any = false;
    route.options.tls.pins = Vec::new();
    let mut opening = route.open().await;
    match (opening.chain.is_empty(), &opening.outcome) {
        (true, Err(OpenError::Tls { fault: TlsFault::Certificate { chain, .. }, .. })) => {
            opening.chain.clone_from(chain);
            Ok(opening)
        }
        (true, Err(_)) => {
            let words = opening.outcome.err().map(|fault| Error::Open(fault).to_string());
            Err(words.unwrap_or_default())
        }
        _ => Ok(opening),
    }
}

/// Says why certificates are not trusted.
fn distrust(fault: Option<OpenError>) -> String {
    let words = fault.map(|fault| Error::Open(fault).to_string()).unwrap_or_default();
    words.split_once(": ").map_or(words.clone(), |(_, cause)| cause.to_owned())
}

/// Reports whether a certificate has this name (RFC 9525, 6.3).
fn is_named(certificate: &Certificate, host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    certificate.names.iter().any(|name| {
        let name = name.to_ascii_lowercase();
        if host.parse::<IpAddr>().is_ok() {
            return name == host;
        }
        match name.strip_prefix("*.") {
            Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest == domain),
            None => name == host,
        }
    })
}

/// A certificate should be renewed before it expires so soon.
const SOON_DAYS: i64 = 14;
const SHOWN_NAMES: usize = 5;
/// The reason to skip checks of TLS.
pub(super) const CLEAR_TEXT: &str = "the URL is ws://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let names = ["h.example", "*.w.example", "192.0.2.1"].map(ToOwned::to_owned).to_vec();
        let certificate = Certificate { names, ..Certificate::default() };
        for host in ["h.example", "H.Example.", "a.w.example", "192.0.2.1"] {
            assert!(is_named(&certificate, host), "{host}");
        }
        for host in ["w.example", "a.b.w.example", "a.h.example", "192.0.2.2"] {
            assert!(!is_named(&certificate, host), "{host}");
        }
    }
}
