//! Checks that need more than one exchange.

pub(super) mod addresses;
pub(super) mod browser;
pub(super) mod certificate;
pub(super) mod echo;
pub(super) mod exposure;
pub(super) mod http2;
pub(super) mod identity;
pub(super) mod origin;
mod session;
pub(super) mod tls_versions;
