//! `--cookie-jar`: the cookies of a run in a file.

use super::{Outcome, Sink, file::RecordFile};
use crate::{connect::cookies::CookieJar, error::Error};

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
    /// Writes the file, unless it already holds these cookies.
    fn end(&mut self, _: Outcome<'_>) -> Result<(), Error> {
        if self.jar.has_changed() || !self.file.has_previous() {
            self.file.append(self.jar.file().as_bytes());
        }
        self.file.end()
    }
}
