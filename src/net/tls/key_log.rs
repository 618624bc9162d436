//! The file of TLS session keys.

use crate::sys::unix::open_appending;
use std::{
    env,
    fmt::Write as _,
    fs::File,
    io::{self, Write as _},
    path::PathBuf,
};

/// The file that `SSLKEYLOGFILE` names, in the format of NSS. Neither opening nor writing it waits.
#[derive(Debug)]
pub struct KeyLog(File);

impl KeyLog {
    /// Returns the path in `SSLKEYLOGFILE`, if it is set and not empty.
    pub fn path() -> Option<PathBuf> {
        env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Opens or creates the file, if one is named. Fails if it is not a regular file; a symbolic
    /// link is not followed.
    pub fn named() -> Option<io::Result<Self>> {
        Self::path().map(|path| open_appending(&path).map(Self))
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = &data_encoding::HEXLOWER;
        let mut line = String::new();
        let _ = writeln!(line, "{label} {} {}", hex.encode(client_random), hex.encode(secret));
        // A full disk does not fail the session.
        let _ = (&self.0).write_all(line.as_bytes());
    }
}
