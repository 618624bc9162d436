//! Recognition of the service at a port by its first bytes.

/// A service other than the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// TLS, recognized by an alert.
    Tls,
    /// HTTP/2 without negotiation.
    Http2,
    /// HTTP/1 where TLS was expected.
    Http1,
    /// Another known protocol.
    Other { name: &'static str, is_text: bool },
}

impl Service {
    /// Returns the service whose first bytes these are, if it is known.
    pub(super) fn detect(start: &[u8]) -> Option<Self> {
        let text = |name| Some(Self::Other { name, is_text: true });
        let binary = |name| Some(Self::Other { name, is_text: false });
        match start {
            [21, 3, ..] => Some(Self::Tls),
            // A frame header: length, type (SETTINGS or GOAWAY), flags, stream 0.
            [0, _, _, 4 | 7, _, 0, 0, 0, 0, ..] => Some(Self::Http2),
            // A packet header: length and number 0; then the protocol version, 10.
            [_, _, 0, 0, 10, ..] => binary("MySQL"),
            // The header of an error: the type and a length of four bytes.
            [b'E', 0, 0, 0, ..] => binary("PostgreSQL"),
            // No acceptable method (RFC 1928, 3).
            [5, 0xff] => binary(SOCKS),
            _ if start.starts_with(b"HTTP/1.") => Some(Self::Http1),
            _ if start.starts_with(b"SSH-") => text("SSH"),
            _ if start.starts_with(b"220") => text(smtp_or_ftp(start)),
            _ if start.starts_with(b"+OK") => text("POP3"),
            _ if start.starts_with(b"* OK") => text("IMAP"),
            _ if start.starts_with(b"-ERR") || start.starts_with(b"-NOAUTH") => text("Redis"),
            _ if start.starts_with(b"-DENIED") => text("Redis"),
            _ if start.starts_with(b"RFB ") => text("VNC"),
            _ if start.starts_with(b"AMQP") => binary("AMQP"),
            _ if start.starts_with(b"INFO {") => text("NATS"),
            _ if start.starts_with(b"ERROR\r\n") => text("memcached"),
            _ if start.starts_with(b"RTSP/") => text("RTSP"),
            _ => None,
        }
    }
}

/// The name of SOCKS 5.
pub(super) const SOCKS: &str = "SOCKS5";

/// Distinguishes SMTP from FTP: both greet with 220.
fn smtp_or_ftp(start: &[u8]) -> &'static str {
    let start = start.to_ascii_lowercase();
    let has = |word: &[u8]| start.windows(word.len()).any(|part| part == word);
    match (has(b"smtp") || has(b"mail"), has(b"ftp")) {
        (true, _) => "SMTP",
        (false, true) => "FTP",
        (false, false) => "SMTP or FTP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_services_by_their_first_bytes() {
        let name = |start: &[u8]| match Service::detect(start) {
            Some(Service::Other { name, .. }) => name,
            _ => "",
        };
        for (start, expected) in [
            (&b"SSH-2.0-OpenSSH_9.7\r\n"[..], "SSH"),
            (b"220 mail.example ESMTP Postfix", "SMTP"),
            (b"220 (vsFTPd 3.0.5)", "FTP"),
            (b"220 welcome", "SMTP or FTP"),
            (b"-ERR wrong number of arguments for 'get' command", "Redis"),
            (b"J\0\0\0\n8.0.36\0", "MySQL"),
            (b"E\0\0\0\x8eSFATAL", "PostgreSQL"),
            (b"\x05\xff", "SOCKS5"),
            (b"hello", ""),
            (b"", ""),
        ] {
            assert_eq!(name(start), expected, "{}", start.escape_ascii());
        }
        let settings = b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80";
        assert_eq!(Service::detect(settings), Some(Service::Http2));
        assert_eq!(Service::detect(b"\0\0\x08\x07\0\0\0\0\0"), Some(Service::Http2));
        assert_eq!(Service::detect(b"\x15\x03\x03\0\x02\x02\x46"), Some(Service::Tls));
    }
}
