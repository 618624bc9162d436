//! The display of the opening handshake.

use crate::{
    connect::{ClientConnection, Progress},
    escape::Escaped,
    proto::handshake::Version,
    redact::{Secrets, Shown},
    render::summary::ms,
    report::progress_lines,
};
use colored::Colorize as _;

/// Returns the status line of a session: address, protocols and connection time.
pub(super) fn status_line(opened: &ClientConnection, secrets: Secrets) -> String {
    let ClientConnection { established, report } = opened;
    let mut parts = Vec::new();
    parts.extend(report.address.map(|address| address.to_string()));
    parts.extend(report.tls.as_ref().map(|tls| {
        let version = tls.split(',').next().unwrap_or_default();
        version.replace("TLSv", "TLS ").replace('_', ".")
    }));
    if established.carrier == Version::Http2 {
        parts.push("HTTP/2".to_owned());
    }
    let subprotocol = established.agreement.subprotocol.as_ref();
    parts.extend(
        subprotocol.map(|name| format!("subprotocol {}", Escaped(&secrets.subprotocols(name)))),
    );
    if established.agreement.deflate.is_some() {
        parts.push("permessage-deflate".to_owned());
    }
    parts.push(ms(report.timing.total()));
    parts.join(", ").dimmed().to_string()
}

/// Returns the lines of the request or response in this step, if it has one.
pub(crate) fn handshake_lines(step: &Progress<'_>, secrets: Secrets) -> Vec<Shown> {
    match step {
        Progress::Request(..) | Progress::Response(..) | Progress::Broken(_) => {
            progress_lines(step, secrets)
        }
        _ => Vec::new(),
    }
}
