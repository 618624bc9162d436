//! A line typed at the terminal without echo.

use super::run_limit;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr},
};
use std::{
    fs::File,
    io::{self, Write as _},
};

/// The terminal of the process, with its modes as they were found.
pub struct Terminal {
    file: File,
    modes: Termios,
}

impl Terminal {
    /// Opens the terminal that controls the process.
    pub fn open() -> io::Result<Self> {
        let file = File::options().read(true).write(true).open("/dev/tty")?;
        let modes = tcgetattr(&file)?;
        Ok(Self { file, modes })
    }

    /// Returns another handle of the same terminal.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, modes: self.modes.clone() })
    }

    /// Restores the modes.
    pub fn restore(&self) {
        // The terminal may have gone.
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.modes);
    }

    /// Hides what is typed, shows a prompt and reads a line, until the time of the run is up.
    pub fn read_hidden(&self, prompt: &str) -> io::Result<String> {
        let mut hidden = self.modes.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // Before the prompt: whoever sees it may type at once.
        tcsetattr(&self.file, OptionalActions::Now, &hidden)?;
        let read = self.show(prompt).and_then(|()| self.read_line());
        self.restore();
        // Nobody has ended the line.
        if let Err(cause) = &read
            && matches!(cause.kind(), io::ErrorKind::TimedOut | io::ErrorKind::UnexpectedEof)
        {
            self.end_line();
        }
        read
    }

    fn show(&self, text: &str) -> io::Result<()> {
        // The terminal may be stopped.
        self.wait(PollFlags::OUT)?;
        (&self.file).write_all(text.as_bytes())
    }

    fn end_line(&self) {
        let mut fds = [PollFd::new(&self.file, PollFlags::OUT)];
        if matches!(poll(&mut fds, Some(&Timespec::default())), Ok(1)) {
            let _ = (&self.file).write_all(b"\n");
        }
    }

    fn read_line(&self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut chunk = [0; 1024];
        while line.last() != Some(&b'\n') {
            self.wait(PollFlags::IN)?;
            match rustix::io::read(&self.file, &mut chunk) {
                Ok(0) if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(0) => break,
                Ok(n) => line.extend_from_slice(chunk.get(..n).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(cause) => return Err(cause.into()),
            }
            if line.len() > MAX_LINE_BYTES {
                return Err(io::Error::other("the line is too long"));
            }
        }
        let line = String::from_utf8(line)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not valid UTF-8"))?;
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Waits until the terminal can be read or written. Fails when the time of the run is up.
    fn wait(&self, flags: PollFlags) -> io::Result<()> {
        loop {
            let left = run_limit::left();
            if left.is_some_and(|left| left.is_zero()) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut fds = [PollFd::new(&self.file, flags)];
            match poll(&mut fds, left.as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(cause) => return Err(cause.into()),
            }
        }
    }
}

/// The longest line.
const MAX_LINE_BYTES: usize = 64 << 10;
