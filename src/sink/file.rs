//! Files that sinks write.

use crate::{
    error::Error,
    escape::Escaped,
    render::long_content::LongContent,
    sys::{
        stdio,
        unix::{file_id, make_private, open_regular},
    },
};
use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// A file that is overwritten. Its previous content is removed by the first write, so that a run
/// that has nothing to write keeps it. The first write error is kept, and nothing is written after
/// it.
pub(crate) struct RecordFile {
    path: PathBuf,
    file: File,
    /// Device and inode.
    id: (u64, u64),
    /// The file did not exist before.
    is_new: bool,
    /// True while the file has content of an earlier run.
    has_previous: bool,
    fault: Option<io::Error>,
    /// [`Self::news`] has returned the fault.
    is_told: bool,
}

impl RecordFile {
    /// Opens the file without changing it, or creates one that only its owner can read. Fails if it
    /// is one of the three standard streams of this process or is not a regular file, since devices
    /// and pipes are not seekable. A symbolic link is not followed.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let fail = |cause| Error::File { path: path.to_owned(), cause };
        if let Ok(found) = fs::metadata(path) {
            if !found.is_file() {
                return Err(fail(io::Error::other("not a regular file")));
            }
            if let Some(name) = stdio::standard_stream_name(file_id(&found)) {
                return Err(fail(io::Error::other(format!("it is also {name} of this run"))));
            }
        }
        let is_new = fs::symlink_metadata(path).is_err();
        let file = open_regular(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        let (id, has_previous) = (file_id(&metadata), metadata.len() > 0);
        Ok(Self {
            path: path.to_owned(),
            file,
            id,
            is_new,
            has_previous,
            fault: None,
            is_told: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file if [`Self::open`] created it.
    pub(crate) fn discard(self) {
        if self.is_new && self.is_at(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Reports whether a path leads to this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|found| file_id(&found) == self.id)
    }

    /// Makes a file that others could read accessible to its owner only. Returns a note if that is
    /// not allowed.
    pub(crate) fn make_private(&self) -> Option<String> {
        let path = self.path.display().to_string();
        let cause = make_private(&self.file).err()?;
        Some(format!("{} can be read by others: {cause}", Escaped(&path)))
    }

    /// Reports whether the file has content of an earlier run, which the first write removes.
    pub(super) fn has_previous(&self) -> bool {
        self.has_previous
    }

    /// Removes the content of an earlier run.
    pub(super) fn begin(&mut self) {
        if std::mem::take(&mut self.has_previous) && self.fault.is_none() {
            self.fault = self.file.set_len(0).err();
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.fault.is_some()
    }

    /// Returns the write error once, as soon as there is one.
    pub(super) fn news(&mut self) -> Option<Error> {
        let cause = self.fault.as_ref().filter(|_| !self.is_told)?;
        self.is_told = true;
        Some(Error::File { path: self.path.clone(), cause: copy_of(cause) })
    }

    /// Appends after the last write.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.begin();
        if self.fault.is_none() {
            self.fault = self.file.write_all(bytes).err();
        }
    }

    /// Appends all of a long message. Returns its length in the file; it is meaningless after a
    /// failure.
    pub(super) fn append_all(&mut self, long: &mut LongContent) -> u64 {
        let mut total = 0;
        loop {
            let (length, is_last) = self.append_part(long);
            total += length;
            if is_last {
                return total;
            }
        }
    }

    /// Appends the next part of a long message. Returns its length, and true if it was the last or
    /// the file has failed.
    pub(super) fn append_part(&mut self, long: &mut LongContent) -> (u64, bool) {
        let mut part = Vec::new();
        match long.write_part(&mut part) {
            Ok(is_last) => {
                self.append(&part);
                (part.len() as u64, is_last || self.has_failed())
            }
            Err(cause) => {
                self.fault.get_or_insert(cause);
                (0, true)
            }
        }
    }

    /// Overwrites the file from this offset. Returns true if all bytes were written.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> bool {
        self.begin();
        if self.fault.is_none() {
            let sought = self.file.seek(SeekFrom::Start(offset));
            self.fault = sought.and_then(|_| self.file.write_all(bytes)).err();
        }
        self.fault.is_none()
    }

    /// After a write error, truncates the file at this offset and appends `tail` if possible.
    pub(super) fn cut(&mut self, offset: u64, tail: &[u8]) {
        let _ = self.file.set_len(offset);
        let _ = self.file.seek(SeekFrom::Start(offset));
        let _ = self.file.write_all(tail);
    }

    /// Returns the write error, if there was one.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match self.fault.take() {
            Some(cause) => Err(Error::File { path: self.path.clone(), cause }),
            None => Ok(()),
        }
    }
}

/// Returns an error with the same words.
pub(super) fn copy_of(cause: &io::Error) -> io::Error {
    match cause.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(cause.kind(), cause.to_string()),
    }
}

/// Opens a file with one purpose, unless it is one of `others`, which are open, or an input.
pub(super) fn open_for<T>(
    path: &Path,
    noun: &str,
    others: &[(RecordFile, &str, T)],
    inputs: &[PathBuf],
) -> Result<RecordFile, Error> {
    // The other files now exist, including new ones, so another name of the same file is recognized.
    if let Some((_, other, _)) = others.iter().find(|(file, ..)| file.is_at(path)) {
        return Err(conflict(path, other, noun));
    }
    let file = RecordFile::open(path)?;
    if inputs.iter().any(|input| file.is_at(input)) {
        file.discard();
        return Err(conflict(path, "an input of this run", noun));
    }
    Ok(file)
}

/// Reports whether two paths refer to the same file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path| fs::metadata(path).ok().map(|found| file_id(&found));
    one == other || (file(one).is_some() && file(one) == file(other))
}

/// Returns the error for one file that was given for two purposes.
pub(crate) fn conflict(path: &Path, one: &str, other: &str) -> Error {
    let path = path.display().to_string();
    Error::Usage { fault: format!("{} cannot be {one} and {other}", Escaped(&path)), hint: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_error_stops_writing_and_is_reported_at_the_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "before").unwrap();
        let (path, handle) = (file.path().to_owned(), File::open(file.path()).unwrap());
        let mut record = RecordFile {
            path,
            file: handle,
            id: (0, 0),
            is_new: false,
            has_previous: true,
            fault: None,
            is_told: false,
        };
        assert!(!record.has_failed());
        record.append(b"one");
        assert!(record.has_failed() && !record.write_at(0, b"two"));
        assert!(matches!(record.end(), Err(Error::File { path, .. }) if path == file.path()));
        assert!(record.end().is_ok());
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "before");
    }
}
