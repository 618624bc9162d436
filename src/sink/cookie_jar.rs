//! `--cookie-jar`: the cookies of a run in a file.

use super::{Outcome, Sink, file::RecordFile};
use crate::{
    connect::cookies::CookieJar,
    error::Error,
    sys::{input_file, replace::replace},
};
use std::io::{Error as IoError, ErrorKind};

/// The sink of `--cookie-jar`.
pub(super) struct CookieJarFile {
    file: RecordFile,
    jar: CookieJar,
}

impl CookieJarFile {
    pub(super) fn create(file: RecordFile, jar: CookieJar) -> Box<dyn Sink> {
        Box::new(Self { file, jar })
    }
}

impl Sink for CookieJarFile {
    /// Writes the changes of this run to the file, which other runs may have changed meanwhile.
    fn end(&mut self, _: Outcome<'_>) -> Result<(), Error> {
        if self.file.has_previous() && !self.jar.has_changed() {
            return Ok(());
        }
        let path = self.file.path();
        let merge = || {
            let text = match input_file::read_text(path, input_file::LARGE_FILE_BYTES) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => String::new(),
                text => text?,
            };
            self.jar.merged_into(&text).map_err(IoError::other)
        };
        replace(path, merge).map_err(|cause| Error::File { path: path.to_owned(), cause })
    }
}
