//! The parameters of a TLS session, in words.

use rustls::CommonState;

/// Returns version, cipher suite and key exchange group of a TLS session.
pub fn parameters(session: &CommonState) -> Option<String> {
    let version = session.protocol_version()?;
    let suite = session.negotiated_cipher_suite()?.suite();
    let group = session.negotiated_key_exchange_group();
    let group = group.map(|group| format!(", {:?}", group.name())).unwrap_or_default();
    Some(format!("{version:?}, {suite:?}{group}"))
}
