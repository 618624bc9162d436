//! Temporary files without a name, which the system removes with the process.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
};

/// A temporary file that no other process can open by a name.
#[derive(Debug)]
pub struct TemporaryFile(File);

impl TemporaryFile {
    /// Creates an empty file in the directory for temporary files (`TMPDIR`, otherwise `/tmp`).
    pub fn new() -> io::Result<Self> {
        tempfile::tempfile().map(Self)
    }

    /// Appends all of `bytes`. After a failure the end of the file is undefined.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Writes all of `bytes` at this offset. Does not move the place of [`Self::append`].
    pub fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    /// Fills `bytes` from this offset. Fails if the file ends before.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(bytes, offset)
    }
}
