//! Reads the configuration file and reports errors with their location in it.

use crate::{
    error::Error,
    escape::Escaped,
    sys::input_file,
    wording::{position, system_error},
};
use std::{
    env, fmt, fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use toml::{Spanned, de::DeTable};

#[derive(Debug)]
pub(super) struct File {
    /// Display form of the path.
    name: String,
    pub(super) path: PathBuf,
    text: String,
    /// Base of relative paths.
    dir: PathBuf,
    /// True if group or others may read the file.
    pub(super) is_shared: bool,
}

/// Returns the path of the configuration file, which may be named on the command line, and whether it
/// may be missing.
pub(in crate::cli) fn config_path(named: Option<&Path>) -> Option<(PathBuf, bool)> {
    match (named, env::var_os("SOCKEYE_CONFIG")) {
        (Some(path), _) => Some((path.to_path_buf(), false)),
        (None, Some(off)) if off == "off" || off.is_empty() => None,
        (None, Some(path)) => Some((path.into(), false)),
        (None, None) => default_path().map(|path| (path, true)),
    }
}

impl File {
    /// Reads the file named on the command line or by `SOCKEYE_CONFIG`, or else the default file,
    /// which may be missing.
    pub(super) fn find(named: Option<&Path>) -> Result<Option<Self>, Error> {
        let Some((path, may_be_missing)) = config_path(named) else { return Ok(None) };
        match Self::read(&path) {
            Err(e) if may_be_missing && is_absent(&e) => Ok(None),
            read => read.map(Some).map_err(|e| cannot_read(&path, &e)),
        }
    }

    fn read(path: &Path) -> io::Result<Self> {
        let bytes = input_file::read(path, input_file::SMALL_FILE_BYTES)?;
        let is_shared = fs::metadata(path)?.permissions().mode() & 0o044 != 0;
        let text = String::from_utf8(bytes).map_err(|_| io::Error::other("not valid UTF-8"))?;
        let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { name: display_path(path), path: path.to_owned(), text, dir, is_shared })
    }

    /// Parses the file as TOML.
    pub(super) fn table(&self) -> Result<Spanned<DeTable<'_>>, Error> {
        DeTable::parse(&self.text).map_err(|e| {
            // The message alone: the full error quotes the line, which may contain a secret.
            self.fault(e.span().unwrap_or_default().start, e.message())
        })
    }

    /// Formats a byte offset as `FILE:LINE:COLUMN`.
    pub(super) fn location(&self, at: usize) -> String {
        let (line, column) = position(&self.text, at);
        format!("{}:{line}:{column}", self.name)
    }

    /// Returns a usage error located at a byte offset.
    pub(super) fn fault(&self, at: usize, fault: impl fmt::Display) -> Error {
        Error::Usage { fault: format!("{}: {fault}", self.location(at)), hint: None }
    }

    /// Returns a usage error located at a byte offset, with a hint.
    pub(super) fn hinted(
        &self,
        at: usize,
        fault: impl fmt::Display,
        hint: Option<String>,
    ) -> Error {
        Error::Usage { fault: format!("{}: {fault}", self.location(at)), hint }
    }

    /// Resolves a path from the file: `~/` is the home directory, and relative paths start at the
    /// directory of the file.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), env::var_os("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => self.dir.join(path),
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Returns the path of the default file, or `None` without a home directory.
pub(super) fn default_path() -> Option<PathBuf> {
    let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.filter(|path| path.is_absolute()).or_else(|| {
        let home = env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home).join(".config"))
    })?;
    Some(config.join("sockeye").join("config.toml"))
}

/// Formats a path for messages, with `~` for the home directory.
pub(super) fn display_path(path: &Path) -> String {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    let text = match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    };
    Escaped(&text).to_string()
}

fn cannot_read(path: &Path, cause: &io::Error) -> Error {
    Error::Usage {
        fault: format!("cannot read {}: {}", display_path(path), system_error(cause)),
        hint: None,
    }
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(any(test, fuzzing))]
pub(super) fn from_text(text: &str) -> File {
    let (name, dir) = ("config.toml".to_owned(), "/etc/dir".into());
    let path = PathBuf::from("config.toml");
    File { name, path, text: text.to_owned(), dir, is_shared: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_line_and_column() {
        let file = from_text("a = 1\n# \u{e9}\n\u{e9}\u{e9}b = 2");
        assert_eq!(file.location(0), "config.toml:1:1");
        assert_eq!(file.location(4), "config.toml:1:5");
        assert_eq!(file.location("a = 1\n# \u{e9}\n\u{e9}\u{e9}".len()), "config.toml:3:3");
        assert_eq!(file.location(usize::MAX), "config.toml:3:8");
    }

    #[test]
    fn toml_errors_do_not_quote_the_file() {
        let file = from_text("[defaults]\nauth = \"me:S3CRET\nx = 1");
        let fault = file.table().unwrap_err().to_string();
        assert!(fault.starts_with("config.toml:2:"), "{fault}");
        assert!(!fault.contains("S3CRET"), "{fault}");
    }

    #[test]
    fn relative_paths_start_at_the_directory_of_the_file() {
        let file = from_text("");
        assert_eq!(file.path("a/b"), Path::new("/etc/dir/a/b"));
        assert_eq!(file.path("/a"), Path::new("/a"));
    }
}
