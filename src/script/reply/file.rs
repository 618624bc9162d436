//! The file of a reply script, which may be read again while a server runs.

use super::{
    parse::{self, Surroundings},
    rule::{ReplyScript, ReplyWarning},
};
use crate::{
    error::Error,
    escape::Escaped,
    known,
    redact::ShownPath,
    secret::without_line_end,
    sys::input_file,
    wording::{position, system_error},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The file of a reply script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyFile(PathBuf);

/// Reads at most this many bytes of a file.
type ReadFile = fn(&Path, u64) -> io::Result<Vec<u8>>;

impl ReplyFile {
    /// Names a file, which is not read yet.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Returns the path, to be shown.
    pub fn shown(&self) -> ShownPath<'_> {
        ShownPath(&self.0)
    }

    /// Reads the script, the files that it sends and its environment variables. The error names the
    /// line and column of a mistake.
    pub fn read(&self) -> Result<ReplyScript, Error> {
        self.read_with(input_file::read)
    }

    /// Reads the script while a server runs: it and its files must be regular files, since a pipe
    /// could hold up the clients.
    pub fn read_again(&self) -> Result<ReplyScript, Error> {
        self.read_with(input_file::read_regular)
    }

    /// Returns the warnings about a script of this file, with their places.
    pub fn warnings(&self, script: &ReplyScript) -> Vec<String> {
        let place = |warning: &ReplyWarning| {
            format!("{}:{}: {}", self.shown(), warning.line, Escaped(&warning.words))
        };
        script.warnings.iter().map(place).collect()
    }

    fn read_with(&self, read: ReadFile) -> Result<ReplyScript, Error> {
        let path = &self.0;
        let bytes = read(path, input_file::LARGE_FILE_BYTES);
        let text = bytes.and_then(input_file::text).map_err(|cause| {
            let fault = format!("cannot read {}: {}", self.shown(), system_error(&cause));
            Error::Usage { fault, hint: None }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let variable = |name: &str| {
            let value = std::env::var(name)?;
            known::add(&value);
            // As in messages of -x.
            Ok(without_line_end(&value).to_owned())
        };
        let file = |name: &str| {
            let path = folder.join(name);
            read(&path, MAX_SENT_FILE_BYTES).map_err(|cause| {
                format!("cannot read {}: {}", ShownPath(&path), system_error(&cause))
            })
        };
        let script = parse::parse(&text, &Surroundings { variable: &variable, file: &file });
        script.map_err(|fault| {
            let (line, column) = position(&text, fault.at);
            let place = format!("{}:{line}:{column}", self.shown());
            Error::Usage { fault: format!("{place}: {}", fault.words), hint: fault.hint }
        })
    }
}

/// The largest file that a reply script sends. It is read into memory.
const MAX_SENT_FILE_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_read_again_with_the_files_that_it_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("replies.toml");
        let file = ReplyFile::new(&path);
        assert!(file.read().unwrap_err().to_string().starts_with("cannot read"));
        fs::write(&path, "[[on]]\nopen = true\nfile = 'a'\n").unwrap();
        fs::write(dir.path().join("a"), "one").unwrap();
        assert_eq!(file.read().unwrap().tables.len(), 1);
        assert_eq!(file.read_again().unwrap().tables.len(), 1);
        fs::write(&path, "[[on]]\nopne = true\n").unwrap();
        let fault = file.read_again().unwrap_err().to_string();
        assert!(fault.contains("replies.toml:2:1: "), "{fault}");
        let fault = ReplyFile::new(Path::new("/dev/null")).read_again().unwrap_err().to_string();
        assert!(fault.ends_with("not a regular file"), "{fault}");
    }
}
