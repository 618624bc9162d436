//! Replacement of a file as a whole, which neither a full disk nor the end of the process leaves half
//! written.

use super::unix::open_regular;
use std::{
    fs::{File, Metadata, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, fchown},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Replaces the content of a regular file by the text that `text` returns, or creates the file, with
/// mode 0600. Other processes that replace a file of the same directory wait meanwhile, so `text`
/// may read the file. A symbolic link is not followed.
pub fn replace(path: &Path, text: impl FnOnce() -> io::Result<String>) -> io::Result<()> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    let _lock = lock(directory);
    let text = text()?;
    // Opening it for writing reports a file that this process must not change.
    let mut old = open_regular(path)?;
    let metadata = old.metadata()?;
    match rename_over(path, directory, &text, &metadata) {
        // The directory is read-only or the file is a mount point.
        Err(cause) if is_of_directory(&cause) => {
            old.set_len(0)?;
            old.write_all(text.as_bytes())
        }
        result => result,
    }
}

/// Writes a new file of the same owner and renames it over the old one.
fn rename_over(path: &Path, directory: &Path, text: &str, old: &Metadata) -> io::Result<()> {
    let mut new = tempfile::Builder::new().prefix(".sockeye-").tempfile_in(directory)?;
    // Not through the library, which would add the path to the error.
    new.as_file_mut().write_all(text.as_bytes())?;
    let metadata = new.as_file().metadata()?;
    if (metadata.uid(), metadata.gid()) != (old.uid(), old.gid()) {
        fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    new.persist(path)?;
    Ok(())
}

/// Reports whether a file cannot be replaced because of its directory or owner.
fn is_of_directory(cause: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(cause.kind(), PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

/// Locks a directory against other calls, unless the file system has no locks or another process
/// keeps it for too long.
fn lock(directory: &Path) -> Option<File> {
    let file = File::open(directory).ok()?;
    let end = Instant::now() + LOCK_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(LOCK_PAUSE),
            Err(_) => return None,
        }
    }
}

const LOCK_LIMIT: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, || Ok("one".to_owned())).unwrap();
        let before = File::open(&path).unwrap();
        let merge = || Ok(fs::read_to_string(&path)? + " two");
        replace(&path, merge).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // A reader of the old file still reads all of it.
        assert_eq!(io::read_to_string(before).unwrap(), "one");
        assert!(replace(&path, || Err(io::Error::other("no"))).is_err());
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(replace(&link, || Ok("three".to_owned())).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "one two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn simultaneous_replacements_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "").unwrap();
        let append = || replace(&path, || Ok(fs::read_to_string(&path)? + "x")).unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(append);
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "xxxxxxxx");
    }
}
