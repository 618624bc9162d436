//! Tunnels through proxies.

use super::{
    fault::ProxyFault,
    http,
    server::{Proxy, ProxyProtocol},
};
use crate::net::{tls::prefix_capture::PrefixCapture, transport::Transport};
use std::fmt;
use tokio_socks::{
    TargetAddr,
    tcp::{Socks4Stream, Socks5Stream},
};

impl Proxy {
    /// Requests a connection to `to` over `stream` and returns the tunnel.
    pub async fn tunnel(
        &self,
        stream: Box<dyn Transport>,
        to: Destination<'_>,
    ) -> Result<Box<dyn Transport>, ProxyFault> {
        let socks = |e: tokio_socks::Error, first: &[u8]| match e {
            // The library reads only as many bytes as a SOCKS reply has; two suffice to recognize
            // HTTP.
            tokio_socks::Error::InvalidResponseVersion => {
                let start = first.get(..HTTP_PREFIX.len()).unwrap_or(first);
                ProxyFault::NotSocks { http: start.len() > 1 && HTTP_PREFIX.starts_with(start) }
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
                    tokio_socks::Error::UnknownAuthMethod => {
                        "the proxy chose an unknown authentication method".to_owned()
                    }
                    other => other.to_string(),
                },
            },
        };
        let user = self.user.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
        match self.protocol {
            ProxyProtocol::Http | ProxyProtocol::Https => {
                http::connect(stream, &to.to_string(), user).await
            }
            ProxyProtocol::Socks4 | ProxyProtocol::Socks4a => {
                let mut stream = PrefixCapture::new(stream);
                let done = match user {
                    Some((user, _)) => {
                        Socks4Stream::connect_with_userid_and_socket(&mut stream, to, user)
                            .await
                            .map(drop)
                    }
                    None => Socks4Stream::connect_with_socket(&mut stream, to).await.map(drop),
                };
                done.map_err(|e| socks(e, stream.prefix()))?;
                Ok(stream.into_inner())
            }
            ProxyProtocol::Socks5 | ProxyProtocol::Socks5h => {
                let mut stream = PrefixCapture::new(stream);
                let done = match user {
                    // RFC 1929 has no encoding for an empty user or password, and they must not be
                    // omitted silently.
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
                done.map_err(|e| socks(e, stream.prefix()))?;
                Ok(stream.into_inner())
            }
        }
    }
}

/// The destination of a tunnel.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// A name, resolved by the proxy, and a port.
    Name(&'a str, u16),
    /// A resolved address.
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

const HTTP_PREFIX: &[u8] = b"HTTP/";
