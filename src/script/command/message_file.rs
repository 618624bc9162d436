//! Files that are sent as messages.

use crate::{proto::Kind, redact::ShownPath, sys::input_file, wording::system_error};
use std::{fs, io, path::Path};

/// Reads a message from a file. Without a type, it is text if it is valid UTF-8.
pub(crate) fn read(kind: Option<Kind>, path: &Path) -> Result<(Kind, Vec<u8>), String> {
    let bytes = read_file(path)
        .map_err(|cause| format!("cannot read {}: {}", ShownPath(path), system_error(&cause)))?;
    match (kind, std::str::from_utf8(&bytes)) {
        (Some(Kind::Binary), _) | (None, Err(_)) => Ok((Kind::Binary, bytes)),
        (_, Ok(_)) => Ok((Kind::Text, bytes)),
        (Some(Kind::Text), Err(fault)) => Err(format!(
            "not sent: {} is not valid UTF-8 at byte {}; /binary @FILE sends it as binary",
            ShownPath(path),
            fault.valid_up_to() + 1
        )),
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        // Reading a pipe could block the event loop.
        return Err(io::Error::other("not a regular file"));
    }
    if found.len() > MAX_FILE_BYTES {
        return Err(io::Error::other("over 1 GiB"));
    }
    input_file::read_regular(path, MAX_FILE_BYTES)
}

/// The largest file that can be sent. Files are read into memory.
const MAX_FILE_BYTES: u64 = 1 << 30;
