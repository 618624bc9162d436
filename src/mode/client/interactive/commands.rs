//! The execution of typed lines.

use super::{Interactive, ReopenRequest};
use crate::{
    console::{event::PromptReply, screen::screen},
    escape::Escaped,
    proto::UsageError,
    redact::Shown,
    script::{
        action::Outgoing,
        command::{Command, message_file, table},
        draft::{Content, Draft},
    },
};
use colored::Colorize as _;
use std::time::{Duration, Instant};

impl Interactive {
    /// Executes a typed line.
    pub(super) fn line(&mut self, line: &str) -> PromptReply {
        #[cfg(debug_assertions)]
        assert!(line != "/panic", "asked for, to see what a panic leaves of the terminal");
        let (said, reply) = match Command::parse(line, self.options.place()) {
            Err(fault) => (Escaped(&fault).to_string(), PromptReply::Prompt),
            Ok(Command::Quit) => return self.leave(),
            Ok(Command::Edit(text)) => return PromptReply::Edit(text),
            Ok(Command::Clear) => return PromptReply::Clear,
            Ok(command) => match self.act(command) {
                Ok(said) => (said, PromptReply::Prompt),
                Err(unsent) => (unsent, PromptReply::Keep(line.to_owned())),
            },
        };
        if !said.is_empty() {
            self.prompt.print(&said);
        }
        reply
    }

    /// Executes a command. Returns the text to print, which may be empty, or the reason why the
    /// session did not take the message.
    fn act(&mut self, command: Command) -> Result<String, String> {
        Ok(match command {
            Command::Empty if self.options.habits.sends_each_line => {
                return self.act(Command::Message(String::new()));
            }
            Command::Empty => self.view.state().unwrap_or_default(),
            Command::Message(text) => {
                let message = self.with_append(text.as_bytes().to_vec());
                let sent = self.session.send(self.options.kind, &message);
                if sent.is_ok() {
                    self.prompt.vocabulary().learn(text.as_bytes());
                }
                return unless_unsent(self.outcome(sent));
            }
            Command::Send(outgoing) => {
                let outgoing = match outgoing {
                    Outgoing::Message(kind, bytes) => {
                        Outgoing::Message(kind, self.with_append(bytes.into()).into())
                    }
                    control => control,
                };
                return unless_unsent(self.perform(outgoing));
            }
            Command::SendFile(kind, path) => {
                return match message_file::read(kind, &path) {
                    Ok((kind, bytes)) => {
                        let bytes = self.with_append(bytes);
                        unless_unsent(self.perform(Outgoing::Message(kind, bytes.into())))
                    }
                    Err(fault) => Ok(Escaped(&fault).to_string()),
                };
            }
            Command::Repeat { times, interval, message } => {
                return self.add_repeat(times, interval, message);
            }
            Command::Repeats => self.repeats.to_string(),
            Command::Stop(number) => self.repeats.stop_typed(number),
            Command::Json(wanted) => self.view.json(wanted).to_owned(),
            Command::Time(wanted) => self.view.time(wanted).to_owned(),
            Command::Filter(filter) => {
                let said = self.view.filter(filter);
                Escaped(&said).to_string()
            }
            Command::Pause => self.view.pause(),
            Command::Resume => self.view.resume(),
            Command::Last => self.view.last(),
            Command::Save(path) => Escaped(&self.view.save(&path)).to_string(),
            Command::Stats => {
                let mut lines = self.summary();
                lines.extend(self.view.state());
                lines.join("\n")
            }
            Command::Headers => {
                self.handshake.iter().map(Shown::as_str).collect::<Vec<_>>().join("\n")
            }
            Command::Reconnect(subprotocol) => {
                self.reopening = Some(ReopenRequest { subprotocol });
                self.close(&self.options.close.clone());
                String::new()
            }
            Command::Help(about) => table::help(self.options.place(), &about, screen().columns),
            // Handled by `line`, or commands of a server only.
            Command::Quit | Command::Edit(_) | Command::Clear | Command::Server(_) => String::new(),
        })
    }

    /// Returns a message with the bytes of `--append`.
    fn with_append(&self, mut message: Vec<u8>) -> Vec<u8> {
        message.extend_from_slice(&self.options.append);
        message
    }

    /// Sends a message or control frame of a command. Returns an error message, or an empty string.
    pub(super) fn perform(&mut self, outgoing: Outgoing) -> String {
        let sent = match outgoing {
            Outgoing::Message(kind, bytes) => {
                let sent = self.session.send(kind, &bytes);
                if sent.is_ok()
                    && let Some(text) = self.view.sent(kind, &bytes)
                {
                    self.prompt.print(&text);
                }
                sent
            }
            Outgoing::Ping(payload) => {
                let sent = self.session.ping(&payload);
                if sent.is_ok() {
                    self.pings.push_back(payload);
                    if self.pings.len() > MAX_PINGS {
                        self.pings.pop_front();
                    }
                }
                sent
            }
            Outgoing::Pong(payload) => self.session.pong(&payload),
            Outgoing::Close(close) => {
                self.release();
                self.session.close(&close)
            }
        };
        self.outcome(sent)
    }

    fn add_repeat(
        &mut self,
        times: Option<u64>,
        interval: Duration,
        message: String,
    ) -> Result<String, String> {
        if !self.session.is_open() {
            return Err(self.unsent(UsageError::Closed));
        }
        let content = Content::Fixed(self.with_append(message.into_bytes()));
        let draft = Draft { kind: self.options.kind, content };
        match self.repeats.add(draft, interval, times, Instant::now()) {
            Some(number) if !interval.is_zero() => {
                Ok(format!("(/stop {number} ends it)").dimmed().to_string())
            }
            Some(_) => Ok(String::new()),
            None => Ok("not sent: too many repeated messages; /stop ends them".to_owned()),
        }
    }

    fn outcome(&self, sent: Result<(), UsageError>) -> String {
        sent.err().map(|fault| self.unsent(fault)).unwrap_or_default()
    }

    /// Returns the message for a send that failed.
    pub(super) fn unsent(&self, fault: UsageError) -> String {
        if self.connecting {
            return "not sent: not connected".to_owned();
        }
        if self.session.is_over() {
            return "not sent: the session is closed; /reconnect opens a new one".to_owned();
        }
        format!("not sent: {fault}")
    }
}

/// Returns the reason why nothing was sent as an error, if it is not empty.
fn unless_unsent(reason: String) -> Result<String, String> {
    if reason.is_empty() { Ok(reason) } else { Err(reason) }
}

/// The number of unanswered typed pings that are remembered.
const MAX_PINGS: usize = 64;
