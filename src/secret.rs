//! Secrets that are not to be seen in the list of processes: named by where they are, or typed
//! without being shown.

use crate::error::Error;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};
use std::{fs, io, time::Duration};

/// What an option's value stands for: `env:NAME` a variable, `file:PATH` the first line of a file,
/// anything else itself.
pub fn reveal(value: &str) -> Result<String, Error> {
    let fault = |fault: String| Error::Usage { fault, hint: None };
    let clean = |text: String, from: String| {
        let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        // It goes into a header field, and must not end it.
        if text.chars().any(char::is_control) {
            return Err(fault(format!("{from} holds a control character")));
        }
        Ok(text)
    };
    if let Some(name) = value.strip_prefix("env:") {
        let text = std::env::var(name).map_err(|e| fault(format!("the variable {name}: {e}")))?;
        return clean(text, format!("the variable {name}"));
    }
    if let Some(path) = value.strip_prefix("file:") {
        let text = fs::read_to_string(path)
            .map_err(|e| fault(format!("cannot read {path}: {}", crate::error::words(&e))))?;
        return clean(text.lines().next().unwrap_or_default().to_owned(), path.to_owned());
    }
    Ok(value.to_owned())
}

/// Asks at the terminal, without showing what is typed.
pub fn ask(what: &str) -> Result<String, Error> {
    let fault = |e: io::Error| Error::Usage {
        fault: format!("cannot ask for {what}: {}", crate::error::words(&e)),
        hint: Some("give it as env:NAME or file:PATH".to_owned()),
    };
    let terminal = fs::File::options().read(true).write(true).open("/dev/tty").map_err(fault)?;
    let before = rustix::termios::tcgetattr(&terminal).map_err(|e| fault(e.into()))?;
    // A signal must not leave the terminal without an echo.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).map_err(fault)?;
    let handle = signals.handle();
    let watcher = std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _ = rustix::termios::tcsetattr(
                &terminal,
                rustix::termios::OptionalActions::Now,
                &before,
            );
            crate::net::unix::end_by_signal(signal);
        }
    });
    let typed = loop {
        match rpassword::prompt_password(format!("{what}: ")) {
            // The signal that did it is about to end us.
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {
                std::thread::sleep(Duration::from_millis(100));
            }
            typed => break typed,
        }
    };
    handle.close();
    let _ = watcher.join();
    typed.map_err(fault)
}
