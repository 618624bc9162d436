//! What speaks at a port, by how it begins.

/// What a server is that says this first, and is none of HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// TLS: an alert.
    Tls,
    /// HTTP/2, without being asked.
    Http2,
    /// HTTP/1, where TLS was expected.
    Http,
    /// Another one that is known, and whether what it says is for people.
    Other(&'static str, bool),
}

impl Service {
    /// What is known by its first bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        let is_text = |name| Some(Self::Other(name, true));
        let is_binary = |name| Some(Self::Other(name, false));
        match start {
            [21, 3, ..] => Some(Self::Tls),
            // A frame's header: length, type (SETTINGS or GOAWAY), flags, the stream 0.
            [0, _, _, 4 | 7, _, 0, 0, 0, 0, ..] => Some(Self::Http2),
            // A packet's header: length, number 0; version 10 of the protocol.
            [_, _, 0, 0, 10, ..] => is_binary("MySQL"),
            // An error's header: its length has four bytes.
            [b'E', 0, 0, 0, ..] => is_binary("PostgreSQL"),
            _ if start.starts_with(b"HTTP/1.") => Some(Self::Http),
            _ if start.starts_with(b"SSH-") => is_text("SSH"),
            _ if start.starts_with(b"220") => is_text(mail_or_files(start)),
            _ if start.starts_with(b"+OK") => is_text("POP3"),
            _ if start.starts_with(b"* OK") => is_text("IMAP"),
            _ if start.starts_with(b"-ERR") || start.starts_with(b"-NOAUTH") => is_text("Redis"),
            _ if start.starts_with(b"-DENIED") => is_text("Redis"),
            _ if start.starts_with(b"RFB ") => is_text("VNC"),
            _ if start.starts_with(b"AMQP") => is_binary("AMQP"),
            _ if start.starts_with(b"INFO {") => is_text("NATS"),
            _ if start.starts_with(b"ERROR\r\n") => is_text("memcached"),
            _ if start.starts_with(b"RTSP/") => is_text("RTSP"),
            _ => None,
        }
    }
}

/// Both begin with 220.
fn mail_or_files(start: &[u8]) -> &'static str {
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
    fn services_are_known_by_how_they_begin() {
        let name = |start: &[u8]| match Service::of(start) {
            Some(Service::Other(name, _)) => name,
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
            (b"hello", ""),
            (b"", ""),
        ] {
            assert_eq!(name(start), expected, "{}", start.escape_ascii());
        }
        let settings = b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80";
        assert_eq!(Service::of(settings), Some(Service::Http2));
        assert_eq!(Service::of(b"\0\0\x08\x07\0\0\0\0\0"), Some(Service::Http2));
        assert_eq!(Service::of(b"\x15\x03\x03\0\x02\x02\x46"), Some(Service::Tls));
    }
}
