//! Faults in a client's request, and the response to each.

use super::{handshake::Version, headers::Headers};
use http::StatusCode;
use std::fmt;

/// A fault in a client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// The bytes are not a well-formed HTTP/1 head.
    Malformed,
    /// The bytes are the start of a TLS handshake.
    Tls,
    /// The bytes are the preface of HTTP/2 (RFC 9113, 3.4).
    Http2,
    /// The request line exceeds [`MAX_HEAD_BYTES`](super::handshake::MAX_HEAD_BYTES).
    TargetTooLong,
    /// The head exceeds [`MAX_HEAD_BYTES`](super::handshake::MAX_HEAD_BYTES).
    HeadTooLong,
    /// The target is neither a path nor a URL (RFC 9112, 3.2).
    Target,
    /// The method is neither GET nor HEAD.
    Method,
    /// An ordinary HTTP request. In HTTP/2, one with a method other than CONNECT.
    NoUpgrade,
    /// A WebSocket request without the headers of the upgrade, which are not forwarded by a proxy
    /// that does not know them.
    UpgradeRemoved,
    /// A WebSocket request in HTTP/1.0, which has no upgrade.
    Http10,
    /// The protocol version is not 13.
    Version,
    /// There is not exactly one key of 16 bytes in base64.
    Key,
    /// There is no Host header.
    NoHost,
    /// There is more than one Host header.
    Hosts,
    /// The list of extensions is malformed (9.1).
    Extensions,
    /// A CONNECT of HTTP/2 without `:protocol`, which asks for a tunnel (RFC 9113, 8.5).
    Tunnel,
    /// An extended CONNECT for another protocol than WebSocket (RFC 8441, 4).
    Protocol,
}

impl RequestFault {
    /// Returns the status of the response over this version of HTTP, and the header fields that the
    /// status requires. HTTP/2 has no Upgrade field (RFC 9113, 8.2.2), without which there is no 426.
    pub fn status(self, carrier: Version) -> (StatusCode, Headers) {
        let mut headers = Headers::default();
        let status = match self {
            Self::NoUpgrade | Self::UpgradeRemoved if carrier == Version::Http2 => {
                headers.push("Allow", "CONNECT");
                StatusCode::METHOD_NOT_ALLOWED
            }
            Self::Version if carrier == Version::Http2 => {
                headers.push("Sec-WebSocket-Version", "13");
                StatusCode::BAD_REQUEST
            }
            Self::Malformed
            | Self::Tls
            | Self::Http2
            | Self::Target
            | Self::NoHost
            | Self::Hosts
            | Self::Extensions
            | Self::Tunnel
            | Self::Key => StatusCode::BAD_REQUEST,
            // RFC 9220, 3 gives the status.
            Self::Protocol => StatusCode::NOT_IMPLEMENTED,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Method => {
                headers.push("Allow", "GET, HEAD");
                StatusCode::METHOD_NOT_ALLOWED
            }
            Self::NoUpgrade | Self::UpgradeRemoved | Self::Http10 => {
                headers.push("Upgrade", "websocket");
                StatusCode::UPGRADE_REQUIRED
            }
            Self::Version => {
                headers.push("Upgrade", "websocket");
                headers.push("Sec-WebSocket-Version", "13");
                StatusCode::UPGRADE_REQUIRED
            }
        };
        (status, headers)
    }

    /// Returns the body of the response.
    pub fn body(self) -> String {
        match self {
            Self::NoUpgrade => format!("{self}.\n\n{PAGE}"),
            Self::UpgradeRemoved | Self::Http10 => format!("{self}.\n\n{PROXY_ADVICE}"),
            fault => format!("{fault}\n"),
        }
    }
}

impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not an HTTP/1.1 request",
            Self::Tls => "a TLS handshake where ws:// is served, not wss://",
            Self::Http2 => "HTTP/2 without TLS is not supported",
            Self::TargetTooLong => "the URL is longer than 64 KiB",
            Self::HeadTooLong => "the request head is longer than 64 KiB",
            Self::Target => "the request target is neither a path nor a URL",
            Self::NoHost => "no Host header",
            Self::Hosts => "more than one Host header",
            Self::Extensions => "malformed Sec-WebSocket-Extensions",
            Self::Key => "no valid Sec-WebSocket-Key",
            Self::Method => "only GET is allowed",
            Self::NoUpgrade => {
                "this is a WebSocket server, and the request does not ask for WebSocket"
            }
            Self::UpgradeRemoved => {
                "a WebSocket request without its Upgrade and Connection headers, which a proxy may \
                 have removed"
            }
            Self::Http10 => "a WebSocket request in HTTP/1.0, which cannot open a session",
            Self::Tunnel => "a CONNECT without :protocol, and this is not a proxy",
            Self::Protocol => "the :protocol of the CONNECT is not websocket",
            Self::Version => "only WebSocket version 13 is supported",
        })
    }
}

/// The rest of the answer to an ordinary request.
const PAGE: &str = "Connect to it with a WebSocket client, for example:\n\n  \
                    sockeye ws://HOST:PORT/\n";

/// The usual cause of a request that lost its upgrade.
const PROXY_ADVICE: &str = "A reverse proxy must use HTTP/1.1 and pass the headers on. In nginx:\n\n  \
                            proxy_http_version 1.1;\n  \
                            proxy_set_header Upgrade $http_upgrade;\n  \
                            proxy_set_header Connection \"upgrade\";\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_over_http_2_has_no_upgrade_field() {
        use RequestFault::{NoUpgrade, Protocol, Tunnel, UpgradeRemoved, Version as OtherVersion};
        for (fault, status, field) in [
            (NoUpgrade, 405, Some(("Allow", "CONNECT"))),
            (UpgradeRemoved, 405, Some(("Allow", "CONNECT"))),
            (OtherVersion, 400, Some(("Sec-WebSocket-Version", "13"))),
            (Tunnel, 400, None),
            (Protocol, 501, None),
        ] {
            let (given, headers) = fault.status(Version::Http2);
            assert_eq!(given.as_u16(), status, "{fault}");
            assert_eq!(headers.iter().next(), field, "{fault}");
            assert_eq!(headers.get("Upgrade"), None, "{fault}");
        }
    }
}
