//! The user's file as it lies there: where it is looked for, and places in it.

use crate::{error::Error, escape::Escaped, proto::slice::Within, wording::system_error};
use std::{
    env, fmt, fs,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use toml::{Spanned, de::DeTable};

/// The file, read.
#[derive(Debug)]
pub(super) struct File {
    /// Its path as it is shown.
    name: String,
    text: String,
    /// Where it lies.
    dir: PathBuf,
    /// Others than its owner can read it.
    pub(super) is_shared: bool,
}

impl File {
    /// The file that was named on the command line or in the environment, or the one that is there
    /// by default, if it is.
    pub(super) fn find(named: Option<&Path>) -> Result<Option<Self>, Error> {
        let path = match (named, env::var_os("SOCKEYE_CONFIG")) {
            (Some(path), _) => path.to_path_buf(),
            (None, Some(off)) if off == "off" || off.is_empty() => return Ok(None),
            (None, Some(path)) => path.into(),
            (None, None) => {
                let Some(path) = by_default() else { return Ok(None) };
                return match Self::read(&path) {
                    Err(e) if is_absent(&e) => Ok(None),
                    read => read.map(Some).map_err(|e| unread(&path, &e)),
                };
            }
        };
        Self::read(&path).map(Some).map_err(|e| unread(&path, &e))
    }

    fn read(path: &Path) -> io::Result<Self> {
        let file = fs::File::open(path)?;
        let is_shared = file.metadata()?.permissions().mode() & 0o044 != 0;
        let mut bytes = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(io::Error::other("it is longer than 1 MiB"));
        }
        let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
        let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { name: shown(path), text, dir, is_shared })
    }

    /// What it says.
    pub(super) fn table(&self) -> Result<Spanned<DeTable<'_>>, Error> {
        DeTable::parse(&self.text).map_err(|e| {
            // The message alone: behind it the line would be shown, with what may be secret.
            self.fault(e.span().unwrap_or_default().start, e.message())
        })
    }

    /// A place, as compilers and editors know it.
    pub(super) fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.within(start..).chars().count() + 1;
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    /// What is wrong at a place.
    pub(super) fn fault(&self, at: usize, fault: impl fmt::Display) -> Error {
        Error::Usage { fault: format!("{}: {fault}", self.place(at)), hint: None }
    }

    /// What is wrong at a place, and what to write instead.
    pub(super) fn hinted(
        &self,
        at: usize,
        fault: impl fmt::Display,
        hint: Option<String>,
    ) -> Error {
        Error::Usage { fault: format!("{}: {fault}", self.place(at)), hint }
    }

    /// A path in the file: `~/` is the user's home, and a relative one begins where the file lies.
    pub(super) fn path(&self, path: &str) -> String {
        let path = match (path.strip_prefix("~/"), env::var_os("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => self.dir.join(path),
        };
        path.to_string_lossy().into_owned()
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Where the file is, unless something else is said.
pub(super) fn by_default() -> Option<PathBuf> {
    let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.filter(|path| path.is_absolute()).or_else(|| {
        let home = env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home).join(".config"))
    })?;
    Some(config.join("sockeye").join("config.toml"))
}

/// A path as a person would write it.
pub(super) fn shown(path: &Path) -> String {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    let text = match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    };
    Escaped(&text).to_string()
}

fn unread(path: &Path, cause: &io::Error) -> Error {
    Error::Usage {
        fault: format!("cannot read {}: {}", shown(path), system_error(cause)),
        hint: None,
    }
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whoever has more has something else in mind.
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
pub(super) fn of(text: &str) -> File {
    let (name, dir) = ("config.toml".to_owned(), "/etc/dir".into());
    File { name, text: text.to_owned(), dir, is_shared: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_line_and_a_column() {
        let file = of("a = 1\n# \u{e9}\n\u{e9}\u{e9}b = 2");
        assert_eq!(file.place(0), "config.toml:1:1");
        assert_eq!(file.place(4), "config.toml:1:5");
        assert_eq!(file.place("a = 1\n# \u{e9}\n\u{e9}\u{e9}".len()), "config.toml:3:3");
        assert_eq!(file.place(usize::MAX), "config.toml:3:8");
    }

    #[test]
    fn what_is_no_toml_is_named_by_its_place_alone() {
        let file = of("[defaults]\nauth = \"me:S3CRET\nx = 1");
        let fault = file.table().unwrap_err().to_string();
        assert!(fault.starts_with("config.toml:2:"), "{fault}");
        assert!(!fault.contains("S3CRET"), "{fault}");
    }

    #[test]
    fn a_path_begins_where_the_file_lies() {
        let file = of("");
        assert_eq!(file.path("a/b"), "/etc/dir/a/b");
        assert_eq!(file.path("/a"), "/a");
    }
}
