//! A stream through a proxy.

use super::{
    fault::ProxyFault,
    http,
    server::{Protocol, Proxy},
};
use crate::net::{tls::witness::Witness, transport::Transport};
use std::fmt;
use tokio_socks::{
    TargetAddr,
    tcp::{Socks4Stream, Socks5Stream},
};

impl Proxy {
    /// Asks the proxy for a connection to `to` and returns the stream through it.
    pub async fn tunnel(
        &self,
        stream: Box<dyn Transport>,
        to: Destination<'_>,
    ) -> Result<Box<dyn Transport>, ProxyFault> {
        let socks = |e: tokio_socks::Error, first: &[u8]| match e {
            // As many bytes as the answer should have: two are enough to tell.
            tokio_socks::Error::InvalidResponseVersion => {
                let start = first.get(..HTTP.len()).unwrap_or(first);
                ProxyFault::NotSocks { http: start.len() > 1 && HTTP.starts_with(start) }
            }
            tokio_socks::Error::Io(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => {
                ProxyFault::Cut
            }
            tokio_socks::Error::Io(cause) => ProxyFault::Network(cause),
            other => ProxyFault::Socks {
                wants_user: matches!(
                    other,
                    tokio_socks::Error::PasswordAuthFailure(_)
                        | tokio_socks::Error::NoAcceptableAuthMethods
                        | tokio_socks::Error::AuthorizationRequired
                ),
                words: match other {
                    tokio_socks::Error::UnknownAuthMethod => "its answer is unknown".to_owned(),
                    other => other.to_string(),
                },
            },
        };
        let user = self.user.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
        match self.protocol {
            Protocol::Http | Protocol::Https => http::connect(stream, &to.to_string(), user).await,
            Protocol::Socks4 | Protocol::Socks4a => {
                let mut stream = Witness::new(stream);
                let done = match user {
                    Some((user, _)) => {
                        Socks4Stream::connect_with_userid_and_socket(&mut stream, to, user)
                            .await
                            .map(drop)
                    }
                    None => Socks4Stream::connect_with_socket(&mut stream, to).await.map(drop),
                };
                done.map_err(|e| socks(e, stream.first()))?;
                Ok(stream.into_inner())
            }
            Protocol::Socks5 | Protocol::Socks5h => {
                let mut stream = Witness::new(stream);
                let done = match user {
                    // What cannot be written must not be left out.
                    Some((user, password)) if user.is_empty() || password.is_empty() => {
                        let words = "user and password must not be empty".to_owned();
                        return Err(ProxyFault::Socks { words, wants_user: true });
                    }
                    Some((user, password)) => Socks5Stream::connect_with_password_and_socket(
                        &mut stream,
                        to,
                        user,
                        password,
                    )
                    .await
                    .map(drop),
                    None => Socks5Stream::connect_with_socket(&mut stream, to).await.map(drop),
                };
                done.map_err(|e| socks(e, stream.first()))?;
                Ok(stream.into_inner())
            }
        }
    }
}

/// Where a proxy is to connect.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// A name that it resolves, and a port.
    Name(&'a str, u16),
    /// An address.
    Address(std::net::SocketAddr),
}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl<'a> tokio_socks::IntoTargetAddr<'a> for Destination<'a> {
    fn into_target_addr(self) -> tokio_socks::Result<TargetAddr<'a>> {
        match self {
            Self::Name(name, port) => (name, port).into_target_addr(),
            Self::Address(address) => Ok(TargetAddr::Ip(address)),
        }
    }
}

/// How an answer in HTTP begins.
const HTTP: &[u8] = b"HTTP/";
