//! Zones of link-local addresses in URLs (RFC 6874 and RFC 9844).

use super::fault::UrlFault;
use crate::proto::slice::Within;
use percent_encoding::percent_decode_str;

/// Removes the zone from a URL without its scheme, and returns both. The `%` before the zone may be
/// percent-encoded (RFC 6874) or not.
pub(super) fn split_off(rest: &str) -> Result<(String, Option<String>), UrlFault> {
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    let literal = authority.within(host..).strip_prefix('[').and_then(|it| it.split_once(']'));
    let Some((address, zone)) = literal.and_then(|(literal, _)| literal.split_once('%')) else {
        return Ok((rest.to_owned(), None));
    };
    let from = host + 1 + address.len();
    let end = from + 1 + zone.len();
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
    let zone = percent_decode_str(zone).decode_utf8().map_err(|_| UrlFault::Host)?;
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~:+".contains(&b);
    if zone.is_empty() || !zone.bytes().all(is_name) {
        return Err(UrlFault::Host);
    }
    let without = format!("{}{}", rest.within(..from), rest.within(end..));
    Ok((without, Some(zone.into_owned())))
}
