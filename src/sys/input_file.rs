//! Files that the user or the environment names, read in bounded memory and time.

use super::run_limit;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, Mode, OFlags, fstat, open},
    io::Errno,
    termios::isatty,
};
use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    time::Duration,
};

/// Reads a file of at most `limit` bytes. A pipe is read to its end, but a process must have it
/// open for writing and must not be silent for a minute.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, kind) = open_file(path)?;
    match kind {
        FileType::RegularFile => read_file(file, limit),
        FileType::Directory => Err(Errno::ISDIR.into()),
        kind => read_stream(&file, kind, limit, &LIMITS),
    }
}

/// Reads a text file as [`read`] does.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    text(read(path, limit)?)
}

/// Returns the text of a file. The error names the line that is not UTF-8.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|fault| {
        let valid = fault.as_bytes().iter().take(fault.utf8_error().valid_up_to());
        let line = 1 + valid.filter(|byte| **byte == b'\n').count();
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not valid UTF-8"))
    })
}

/// Reads a regular file of at most `limit` bytes. Fails for any other kind of file.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    match open_file(path)? {
        (file, FileType::RegularFile) => read_file(file, limit),
        (_, FileType::Directory) => Err(Errno::ISDIR.into()),
        _ => Err(io::Error::other("not a regular file")),
    }
}

/// Opens a file and returns its kind. Opening does not wait, whatever the file is.
fn open_file(path: &Path) -> io::Result<(OwnedFd, FileType)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty())?;
    let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
    Ok((file, kind))
}

/// Reads a regular file. Its announced size is not trusted: files of /proc have none.
fn read_file(file: OwnedFd, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::from(file).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_long(limit)) } else { Ok(bytes) }
}

/// Limits of time of a stream.
struct StreamLimits {
    /// The time until a process opens a pipe for writing.
    writer: Duration,
    /// The time without a byte.
    silence: Duration,
}

fn read_stream(
    file: &OwnedFd,
    kind: FileType,
    limit: u64,
    limits: &StreamLimits,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match rustix::io::read(file, &mut chunk) {
            // A pipe that nobody has opened for writing reads as if it were at its end.
            Ok(0) if kind == FileType::Fifo && bytes.is_empty() => {
                let found = wait(file, Some(limits.writer))?;
                if found.is_empty() {
                    return Err(late("no process writes to it"));
                }
                if !found.contains(PollFlags::IN) {
                    return Ok(bytes);
                }
            }
            Ok(0) => return Ok(bytes),
            Ok(n) => {
                bytes.extend_from_slice(chunk.get(..n).unwrap_or_default());
                if bytes.len() as u64 > limit {
                    return Err(too_long(limit));
                }
                if run_limit::expired().is_some() {
                    return Err(late(NO_END));
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                // There is no time limit for a person who types at a terminal.
                let silence = Some(limits.silence).filter(|_| !isatty(file));
                if wait(file, silence)?.is_empty() {
                    return Err(late(NO_END));
                }
            }
            Err(cause) => return Err(cause.into()),
        }
    }
}

/// Waits until there is something to read or the end. Returns no flag if the time has expired.
fn wait(file: &OwnedFd, limit: Option<Duration>) -> io::Result<PollFlags> {
    let limit = limit.into_iter().chain(run_limit::left()).min();
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    let mut fds = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)];
    match poll(&mut fds, limit.as_ref()) {
        Ok(_) => Ok(fds.first().map_or(PollFlags::empty(), PollFd::revents)),
        // The caller tries again.
        Err(Errno::INTR) => Ok(PollFlags::IN),
        Err(cause) => Err(cause.into()),
    }
}

/// What is wrong with a stream that goes on for too long.
const NO_END: &str = "its end was not reached in time";

fn late(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, words)
}

fn too_long(limit: u64) -> io::Error {
    io::Error::other(format!("longer than {} MiB", limit >> 20))
}

/// The largest file of settings or secrets, in bytes.
pub const SMALL_FILE_BYTES: u64 = 1 << 20;
/// The largest file with many entries, in bytes.
pub const LARGE_FILE_BYTES: u64 = 8 << 20;
const LIMITS: StreamLimits =
    StreamLimits { writer: Duration::from_secs(2), silence: Duration::from_mins(1) };

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const BRIEF: StreamLimits =
        StreamLimits { writer: Duration::from_millis(1), silence: Duration::from_millis(1) };

    fn words<T: std::fmt::Debug>(read: io::Result<T>) -> String {
        read.unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[b'x'; 100]).unwrap();
        assert_eq!(read(file.path(), 100).unwrap().len(), 100);
        assert_eq!(read_regular(file.path(), 100).unwrap().len(), 100);
        assert_eq!(words(read(file.path(), 99)), "longer than 0 MiB");
    }

    #[test]
    fn endless_files_and_directories_are_refused() {
        for path in ["/dev/zero", "/dev/urandom"] {
            assert_eq!(words(read(Path::new(path), 1 << 20)), "longer than 1 MiB");
            assert_eq!(words(read_regular(Path::new(path), 1 << 20)), "not a regular file");
        }
        assert!(words(read(Path::new("/proc"), 1 << 20)).starts_with("Is a directory"));
        assert_eq!(read(Path::new("/dev/null"), 1).unwrap(), b"");
    }

    #[test]
    fn a_pipe_is_read_to_its_end_but_the_wait_is_limited() {
        let path = |end: &dyn std::os::fd::AsRawFd| format!("/proc/self/fd/{}", end.as_raw_fd());
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"secret\n").unwrap();
        drop(writer);
        assert_eq!(read_text(Path::new(&path(&reader)), 100).unwrap(), "secret\n");
        let (silent, _writer) = io::pipe().unwrap();
        let (file, kind) = open_file(Path::new(&path(&silent))).unwrap();
        let read = read_stream(&file, kind, 100, &BRIEF);
        assert_eq!(words(read), "its end was not reached in time");
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        let (file, kind) = open_file(&fifo).unwrap();
        assert_eq!(words(read_stream(&file, kind, 100, &BRIEF)), "no process writes to it");
    }
}
