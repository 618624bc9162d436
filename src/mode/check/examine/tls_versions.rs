//! The versions of TLS that the server speaks. rustls has none of the old ones, so their `ClientHello`
//! is written here.

use super::certificate::CLEAR_TEXT;
use crate::{
    connect::OpenError,
    error::Error,
    mode::check::{judgement::Judgement, route::Route, server::Server},
    net::{Transport, tls::Version},
    random::entropy,
};
use std::io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Duration, timeout},
};

/// Judges whether the server speaks TLS 1.3.
pub(crate) async fn current(server: &Server) -> Judgement {
    let route = server.route().within(server.patience());
    if !route.target().secure {
        return Judgement::Unknown(CLEAR_TEXT.to_owned());
    }
    let mut spoken = Vec::new();
    let mut words = String::new();
    for (version, name) in [(Version::Tls13, "TLS 1.3"), (Version::Tls12, "TLS 1.2")] {
        match route.clone().with_tls(version).stream().await {
            Ok(_) => spoken.push(name),
            Err(OpenError::Tls { authority, fault }) => {
                let fault = Error::Open(OpenError::Tls { authority, fault });
                words = format!("; {name}: {fault}");
            }
            Err(fault) => return Judgement::Unknown(Error::Open(fault).to_string()),
        }
    }
    match spoken[..] {
        [] => Judgement::Unknown(format!("no version could be told{words}")),
        ["TLS 1.2"] => Judgement::Broken(format!("the server speaks TLS 1.2{words}")),
        _ => Judgement::Holds(format!("the server speaks {}", spoken.join(" and "))),
    }
}

/// Judges whether the server refuses TLS 1.0 and 1.1.
pub(crate) async fn old(server: &Server) -> Judgement {
    let mut route = server.route().within(server.patience());
    if !route.target().secure {
        return Judgement::Unknown(CLEAR_TEXT.to_owned());
    }
    if let Some(reason) = route.proxied() {
        return Judgement::Unknown(reason);
    }
    route.options.target.secure = false;
    let mut refused = String::new();
    for (minor, name) in [(1, "TLS 1.0"), (2, "TLS 1.1")] {
        match answer(&route, minor, server.patience()).await {
            Err(reason) => return Judgement::Unknown(reason),
            Ok(Answer::Spoken) => return Judgement::Weak(format!("the server speaks {name}")),
            Ok(Answer::Refused(words)) => refused = format!("{name} is refused with {words}"),
        }
    }
    Judgement::Holds(refused)
}

/// The answer to a `ClientHello`.
enum Answer {
    Spoken,
    Refused(String),
}

async fn answer(route: &Route, minor: u8, patience: Duration) -> Result<Answer, String> {
    let stream = route.stream().await.map_err(|fault| Error::Open(fault).to_string())?;
    let hello = client_hello(minor, &route.certified_name());
    match timeout(patience, exchange(stream.transport, &hello)).await {
        Err(_) => Ok(Answer::Refused("silence".to_owned())),
        Ok(Err(cause)) => Ok(Answer::Refused(format!("the end of the connection ({cause})"))),
        Ok(Ok(record)) => Ok(match record[..] {
            // A ServerHello with the version that was offered.
            [22, _, _, _, _, 2, _, _, _, 3, version, ..] if version == minor => Answer::Spoken,
            [21, ..] => Answer::Refused("an alert".to_owned()),
            [] => Answer::Refused("the end of the connection".to_owned()),
            _ => Answer::Refused("another answer".to_owned()),
        }),
    }
}

/// Sends a `ClientHello` and returns the start of the answer.
async fn exchange(mut stream: Box<dyn Transport>, hello: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(hello).await?;
    stream.flush().await?;
    let mut record = Vec::new();
    while record.len() < SERVER_HELLO_BYTES {
        if stream.read_buf(&mut record).await? == 0 || record.first() == Some(&21) {
            break;
        }
    }
    Ok(record)
}

/// Returns a `ClientHello` of TLS 1.0 (`minor` 1) or 1.1 (2) with the cipher suites of that time.
fn client_hello(minor: u8, host: &str) -> Vec<u8> {
    let mut random = [0; 32];
    entropy()(&mut random);
    let mut extensions = Vec::new();
    if host.parse::<std::net::IpAddr>().is_err() {
        let entry = [&[0][..], &prefixed(2, host.as_bytes())].concat();
        extensions.extend(extension(0, &prefixed(2, &entry)));
    }
    // supported_groups: x25519, P-256 and P-384; ec_point_formats: uncompressed.
    extensions.extend(extension(10, &prefixed(2, &[0, 29, 0, 23, 0, 24])));
    extensions.extend(extension(11, &prefixed(1, &[0])));
    let suites = [0xc014_u16, 0xc013, 0xc00a, 0xc009, 0x0039, 0x0033, 0x0035, 0x002f, 0x000a, 0xff];
    let suites: Vec<u8> = suites.into_iter().flat_map(u16::to_be_bytes).collect();
    let body = [
        &[3, minor][..],
        &random,
        &[0],
        &prefixed(2, &suites),
        &prefixed(1, &[0]),
        &prefixed(2, &extensions),
    ]
    .concat();
    let message = [&[1][..], &prefixed(3, &body)].concat();
    [&[22, 3, 1][..], &prefixed(2, &message)].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &prefixed(2, data)].concat()
}

/// Puts the length before data, in this number of bytes.
fn prefixed(size: usize, data: &[u8]) -> Vec<u8> {
    let length = data.len().to_be_bytes();
    let length = length.get(length.len() - size..).unwrap_or_default();
    [length, data].concat()
}

/// The bytes of a `ServerHello` up to its version.
const SERVER_HELLO_BYTES: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_hello_has_consistent_lengths() {
        let hello = client_hello(1, "h.example");
        let [22, 3, 1, a, b, message @ ..] = &hello[..] else { panic!("{hello:?}") };
        assert_eq!(usize::from(u16::from_be_bytes([*a, *b])), message.len());
        let [1, 0, a, b, body @ ..] = message else { panic!("{message:?}") };
        assert_eq!(usize::from(u16::from_be_bytes([*a, *b])), body.len());
        assert_eq!(body[..2], [3, 1]);
        assert!(body.windows(9).any(|part| part == b"h.example"));
    }
}
