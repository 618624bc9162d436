//! The file of TLS session keys.

use crate::sys::unix::open_appending;
use std::{
    env,
    fmt::Write as _,
    fs::File,
    io::{self, Write as _},
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The file that `SSLKEYLOGFILE` names, in the format of NSS. Neither opening nor writing it waits.
#[derive(Debug)]
pub struct KeyLog {
    /// `None` if the file cannot be opened.
    file: Option<File>,
    /// The first error of opening or writing the file.
    fault: Mutex<Option<io::Error>>,
}

impl KeyLog {
    /// Returns the path in `SSLKEYLOGFILE`, if it is set and not empty.
    pub fn path() -> Option<PathBuf> {
        env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Opens or creates the file, if one is named. Fails if it is not a regular file; a symbolic
    /// link is not followed. After a failure the file is not opened again, so that it is told once.
    pub fn named() -> Option<io::Result<Self>> {
        let path = Self::path().filter(|_| !HAS_FAILED.load(Ordering::Relaxed))?;
        let opened = open_appending(&path);
        HAS_FAILED.store(opened.is_err(), Ordering::Relaxed);
        Some(opened.map(|file| Self { file: Some(file), fault: Mutex::default() }))
    }

    /// Creates a log that keeps nothing but the reason for that.
    pub(super) fn failed(cause: io::Error) -> Self {
        Self { file: None, fault: Mutex::new(Some(cause)) }
    }

    /// Takes the first error of opening or writing the file, if any.
    pub fn take_fault(&self) -> Option<io::Error> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = &data_encoding::HEXLOWER;
        let mut line = String::new();
        let _ = writeln!(line, "{label} {} {}", hex.encode(client_random), hex.encode(secret));
        // A full disk does not fail the session.
        if let Some(mut file) = self.file.as_ref()
            && let Err(cause) = file.write_all(line.as_bytes())
        {
            self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(cause);
        }
    }
}

static HAS_FAILED: AtomicBool = AtomicBool::new(false);
