//! What becomes of a typed line.

use super::{Interactive, Reopening};
use crate::{
    escape::Escaped,
    mode::{
        command::{self, Body, Command},
        prompt::{self, Next},
    },
    proto::{Kind, UsageError},
};
use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

impl Interactive {
    /// Does what a line says.
    pub(super) fn line(&mut self, line: &str) -> Next {
        #[cfg(debug_assertions)]
        assert!(line != "/panic", "asked for, to see what a panic leaves of the terminal");
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(fault) => return self.answer(&Escaped(&fault).to_string()),
        };
        match command {
            Command::Nothing => {
                if let Some(state) = self.view.state() {
                    self.prompt.print(&state);
                }
            }
            Command::Say(text) => match self.session.send(self.wishes.kind, text.as_bytes()) {
                Ok(()) => self.prompt.known().learn(text.as_bytes()),
                Err(fault) => self.prompt.print(&self.unsent(fault)),
            },
            Command::Send(body) => match contents(body) {
                Ok((kind, bytes)) => self.send(kind, &bytes),
                Err(fault) => self.prompt.print(&Escaped(&fault).to_string()),
            },
            Command::Ping(data) => match self.session.ping(data.as_bytes()) {
                Ok(()) => {
                    self.pings.push_back(data.into_bytes());
                    if self.pings.len() > MAX_PINGS {
                        self.pings.pop_front();
                    }
                }
                Err(fault) => self.prompt.print(&self.unsent(fault)),
            },
            Command::Pong(data) => {
                if let Err(fault) = self.session.pong(data.as_bytes()) {
                    self.prompt.print(&self.unsent(fault));
                }
            }
            Command::Close(close) => {
                if let Err(fault) = self.session.close(&close) {
                    self.prompt.print(&self.unsent(fault));
                }
            }
            Command::Quit => return self.leave(),
            Command::Edit(text) => return Next::Edit(text),
            Command::Repeat { times, interval, message } => {
                self.add_repeat(times, interval, message);
            }
            Command::Stop => {
                let stopped = self.repeats.stop();
                return self.answer(&format!("stopped: {stopped}"));
            }
            Command::Json(wanted) => {
                return {
                    let said = self.view.json(wanted);
                    self.answer(said)
                };
            }
            Command::Time(wanted) => {
                return {
                    let said = self.view.time(wanted);
                    self.answer(said)
                };
            }
            Command::Filter(filter) => {
                let said = self.view.filter(filter.map(|pattern| pattern.0));
                return self.answer(&Escaped(&said).to_string());
            }
            Command::Pause => {
                return {
                    let said = self.view.pause();
                    self.answer(&said)
                };
            }
            Command::Resume => self.view.resume(&self.prompt),
            Command::Last => return self.answer(&self.view.last()),
            Command::Save(path) => return self.answer(&self.view.save(&path)),
            Command::Stats => self.tell_stats(),
            Command::Headers => return self.answer(&self.handshake.join("\n")),
            Command::Reconnect(subprotocol) => {
                self.reopening = Some(Reopening { subprotocol });
                self.close(&self.wishes.close.clone());
            }
            Command::Clear => return Next::Clear,
            Command::Help => {
                let columns = prompt::screen().columns;
                return self.answer(&command::help(columns));
            }
        }
        Next::Prompt
    }

    fn answer(&self, text: &str) -> Next {
        self.prompt.print(text);
        Next::Prompt
    }

    fn add_repeat(&mut self, times: Option<u64>, interval: Duration, message: String) {
        if !self.session.is_open() {
            self.prompt.print(&self.unsent(UsageError::Closed));
        } else if !self.repeats.add(message, interval, times, Instant::now()) {
            self.prompt.print("not sent: too much is repeated already; /stop ends it");
        }
    }

    fn tell_stats(&self) {
        let mut lines = self.summary();
        lines.extend(self.view.state());
        self.prompt.print(&lines.join("\n"));
    }

    /// Why something was not sent.
    pub(super) fn unsent(&self, fault: UsageError) -> String {
        if self.session.is_over() {
            return "not sent: the session is closed; /reconnect opens it again".to_owned();
        }
        format!("not sent: {fault}")
    }
}

/// The type and the bytes of a message.
fn contents(body: Body) -> Result<(Kind, Vec<u8>), String> {
    let (kind, path) = match body {
        Body::Bytes(kind, bytes) => return Ok((kind, bytes)),
        Body::File(kind, path) => (kind, path),
    };
    let bytes = read(&path).map_err(|cause| {
        format!("cannot read {}: {}", path.display(), crate::error::words(&cause))
    })?;
    match (kind, std::str::from_utf8(&bytes)) {
        (Some(Kind::Binary), _) | (None, Err(_)) => Ok((Kind::Binary, bytes)),
        (_, Ok(_)) => Ok((Kind::Text, bytes)),
        (Some(Kind::Text), Err(fault)) => Err(format!(
            "not sent: {} is not UTF-8 at byte {}; /binary @FILE sends it as it is",
            path.display(),
            fault.valid_up_to() + 1
        )),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        // A pipe could make everything wait.
        return Err(io::Error::other("not a regular file"));
    }
    if found.len() > LONGEST {
        return Err(io::Error::other("over 1 GiB"));
    }
    fs::read(path)
}

/// Pings typed and not answered that are remembered.
const MAX_PINGS: usize = 64;
/// The longest file that is sent, in bytes: it is read whole.
const LONGEST: u64 = 1 << 30;
