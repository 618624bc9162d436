//! The authorities that TLS trusts.

use super::error::OpenError;
use crate::net::tls;
use std::io;

/// Reads the trusted authorities on a thread of their own.
pub(super) async fn read_authorities(
    tls: tls::Tls,
    alpn: &'static [&'static [u8]],
) -> Result<tls::Config, OpenError> {
    let read = tokio::task::spawn_blocking(move || tls::config(&tls, alpn)).await;
    let read = read.map_err(|e| OpenError::Other {
        doing: "read the certification authorities",
        cause: io::Error::other(e),
    })?;
    Ok(read?)
}
