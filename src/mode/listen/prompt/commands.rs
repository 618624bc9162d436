//! The execution of lines typed at the prompt of a server.

use super::{
    super::{
        client_record::ClientRecord,
        hub::{Delivery, Mailbox, Recipients},
        shared::Shared,
    },
    ServerPrompt,
    repeating::RepeatedMessage,
    who,
};
use crate::{
    console::{event::PromptReply, screen::screen, view::View},
    escape::Escaped,
    proto::{Close, Kind, SharedMessage},
    redact::Shown,
    script::{
        action::Outgoing,
        addressee::Addressee,
        command::{Command, message_file, server::ServerCommand, table},
    },
    session::clock,
};
use colored::Colorize as _;
use std::{sync::Arc, time::Duration};

/// The text to print, or the reason why the line stays at the prompt.
type Said = Result<String, String>;

impl ServerPrompt {
    /// Executes a typed line.
    pub(super) fn line(&mut self, line: &str, shared: &Shared) -> PromptReply {
        let was_orphan = std::mem::take(&mut self.is_orphan);
        let (said, reply) = match Command::parse(line, self.place) {
            Err(fault) => (Escaped(&fault).to_string(), PromptReply::Prompt),
            Ok(Command::Quit) => return PromptReply::Leave,
            Ok(Command::Edit(text)) => return PromptReply::Edit(text),
            Ok(Command::Clear) => return PromptReply::Clear,
            Ok(command) if was_orphan && is_addressed(&command) => {
                let said = "not sent: its client has left; Enter sends it to all clients";
                (said.to_owned(), PromptReply::Keep(line.to_owned()))
            }
            Ok(command) => match self.act(command, shared) {
                Ok(said) => (said, PromptReply::Prompt),
                Err(unsent) => (unsent, PromptReply::Keep(line.to_owned())),
            },
        };
        if !said.is_empty() {
            // Messages that were received earlier come first.
            shared.output.print(&self.prompt);
            self.prompt.print(&said);
        }
        reply
    }

    fn act(&mut self, command: Command, shared: &Shared) -> Said {
        let to = self.addressee;
        Ok(match command {
            Command::Empty if self.habits.sends_each_line => {
                return self.act(Command::Message(String::new()), shared);
            }
            Command::Empty => shared.output.view(|view| view.state()).flatten().unwrap_or_default(),
            Command::Message(text) => {
                self.prompt.vocabulary().learn(text.as_bytes());
                return send(shared, to, Kind::Text, text.into_bytes());
            }
            Command::Send(outgoing) => return self.perform(shared, to, outgoing),
            Command::SendFile(kind, path) => match message_file::read(kind, &path) {
                Ok((kind, bytes)) => {
                    return self.perform(shared, to, Outgoing::Message(kind, bytes.into()));
                }
                Err(fault) => Escaped(&fault).to_string(),
            },
            Command::Server(command) => return self.serve(command, shared),
            Command::Json(wanted) => said(shared, |view| view.json(wanted).to_owned()),
            Command::Time(wanted) => said(shared, |view| view.time(wanted).to_owned()),
            Command::Filter(filter) => {
                Escaped(&said(shared, |view| view.filter(filter))).to_string()
            }
            Command::Pause => said(shared, View::pause),
            Command::Resume => said(shared, View::resume),
            Command::Last => said(shared, |view| view.last()),
            Command::Save(path) => Escaped(&said(shared, |view| view.save(&path))).to_string(),
            Command::Repeat { times, interval, message } => {
                return self.add_repeat(shared, (times, interval), message);
            }
            Command::Repeats => self.repeats.to_string(),
            Command::Stop(number) => self.repeats.stop_typed(number),
            Command::Help(about) => table::help(self.place, &about, screen().columns),
            // Handled by `line`, or commands of a client only.
            Command::Quit
            | Command::Edit(_)
            | Command::Clear
            | Command::Stats
            | Command::Headers
            | Command::Reconnect(_) => String::new(),
        })
    }

    /// Sends a message or control frame of a command, and shows a message.
    fn perform(&self, shared: &Shared, to: Addressee, outgoing: Outgoing) -> Said {
        let delivery = match outgoing {
            Outgoing::Message(kind, bytes) => {
                let shown = shared.output.sent(to, kind, &bytes);
                let said = send(shared, to, kind, bytes.into())?;
                if let Some(shown) = shown {
                    self.prompt.print(&shown);
                }
                return Ok(said);
            }
            Outgoing::Close(close) => {
                for mailbox in mailboxes(shared, to)? {
                    order_close(shared, &mailbox, &close);
                }
                return Ok(String::new());
            }
            Outgoing::Ping(payload) => {
                let payload = payload.into();
                for mailbox in mailboxes(shared, to)? {
                    mailbox.record().inspect(|record| record.pinged(&payload));
                }
                Delivery::Ping(payload)
            }
            Outgoing::Pong(payload) => Delivery::Pong(payload.into()),
        };
        deliver(shared, to, &delivery)
    }

    /// Repeats a message for the clients that are addressed now.
    fn add_repeat(
        &mut self,
        shared: &Shared,
        (times, interval): (Option<u64>, Duration),
        message: String,
    ) -> Said {
        let to = self.addressee;
        mailboxes(shared, to)?;
        let settings = shared.job.common.settings;
        let message = Arc::new(SharedMessage::new(Kind::Text, message.into_bytes(), settings));
        match self.repeats.add(RepeatedMessage { to, message }, interval, times, clock::now()) {
            Some(number) if !interval.is_zero() => {
                Ok(format!("(/stop {number} ends it)").dimmed().to_string())
            }
            Some(_) => Ok(String::new()),
            None => Ok("not sent: too many repeated messages; /stop ends them".to_owned()),
        }
    }

    fn serve(&mut self, command: ServerCommand, shared: &Shared) -> Said {
        Ok(match command {
            ServerCommand::Address(to) => {
                if let Addressee::Client(id) = to
                    && !shared.hub.has(id)
                {
                    return Ok(unknown(shared, id));
                }
                self.addressee = to;
                String::new()
            }
            ServerCommand::Tell(to, text) => {
                self.prompt.vocabulary().learn(text.as_bytes());
                return send(shared, to, Kind::Text, text.into_bytes());
            }
            ServerCommand::Who => {
                let clients = shared.hub.mailboxes();
                if clients.is_empty() { NOBODY.to_owned() } else { who::table(&clients) }
            }
            ServerCommand::Kick(id, close) => with_client(shared, id, |mailbox, _| {
                order_close(shared, mailbox, &close);
                String::new()
            }),
            ServerCommand::Drop(id) => with_client(shared, id, |mailbox, record| {
                record.order_drop();
                mailbox.wake.notify_one();
                String::new()
            }),
            ServerCommand::Refuse(status) => {
                shared.gate.refuse(status);
                match status {
                    Some(status) => {
                        format!("new clients are refused with {status}; /refuse off accepts them")
                    }
                    None => "new clients are accepted".to_owned(),
                }
            }
            ServerCommand::Handshake(id) => with_client(shared, id, |_, record| {
                record.handshake.iter().map(Shown::as_str).collect::<Vec<_>>().join("\n")
            }),
            // A command of a proxy only.
            ServerCommand::Inject(..) => String::new(),
            ServerCommand::Reload => {
                shared.reload();
                String::new()
            }
        })
    }
}

/// Reports whether a command sends something to the addressee of the prompt.
fn is_addressed(command: &Command) -> bool {
    matches!(
        command,
        Command::Message(_) | Command::Send(_) | Command::SendFile(..) | Command::Repeat { .. }
    )
}

/// Changes the display of messages. Returns the text to print.
fn said(shared: &Shared, change: impl FnOnce(&mut View) -> String) -> String {
    shared.output.view(change).unwrap_or_default()
}

/// Sends a message. Returns a note about clients that missed it.
fn send(shared: &Shared, to: Addressee, kind: Kind, bytes: Vec<u8>) -> Said {
    let message = SharedMessage::new(kind, bytes, shared.job.common.settings);
    deliver(shared, to, &Delivery::Message(Arc::new(message)))
}

fn deliver(shared: &Shared, to: Addressee, delivery: &Delivery) -> Said {
    let recipients = match to {
        Addressee::All => Recipients::All,
        Addressee::Client(id) => Recipients::Only(vec![id]),
    };
    let all = mailboxes(shared, to)?.len();
    let missed = shared.hub.post(&recipients, delivery);
    match missed.as_slice() {
        [] => Ok(String::new()),
        missed if missed.len() >= all => {
            Err("not sent: too much waits to be sent already; /who shows how much".to_owned())
        }
        missed => Ok(format!(
            "not sent to {}, for which too much waits already",
            listed(missed.iter().copied())
        )),
    }
}

/// Returns the mailboxes of the addressed clients, or why there are none.
fn mailboxes(shared: &Shared, to: Addressee) -> Result<Vec<Arc<Mailbox>>, String> {
    match to {
        Addressee::All => {
            let all = shared.hub.mailboxes();
            if all.is_empty() { Err(format!("not sent: {NOBODY}")) } else { Ok(all) }
        }
        Addressee::Client(id) => match shared.hub.mailbox(id) {
            Some(mailbox) => Ok(vec![mailbox]),
            None => Err(format!("not sent: {}", unknown(shared, id))),
        },
    }
}

fn with_client(
    shared: &Shared,
    id: u64,
    act: impl FnOnce(&Mailbox, &ClientRecord) -> String,
) -> String {
    let mailbox = shared.hub.mailbox(id);
    let found = mailbox.as_ref().and_then(|mailbox| Some((mailbox, mailbox.record()?)));
    found.map_or_else(|| unknown(shared, id), |(mailbox, record)| act(mailbox, record))
}

/// Closes the session of a client once everything before was sent.
fn order_close(shared: &Shared, mailbox: &Mailbox, close: &Close) {
    let patience = shared.job.common.settings.close_timeout;
    mailbox.record().inspect(|record| record.order_close(close.clone(), patience));
    mailbox.push(Delivery::Close(close.clone()));
}

/// Returns the words for a client that is not connected, with those that are.
fn unknown(shared: &Shared, id: u64) -> String {
    let ids: Vec<_> = shared.hub.mailboxes().iter().map(|it| it.id).collect();
    match ids.as_slice() {
        [] => format!("there is no client {id}; {NOBODY}"),
        ids => format!("there is no client {id}; connected: {}", listed(ids.iter().copied())),
    }
}

/// Lists numbers of clients.
fn listed(ids: impl ExactSizeIterator<Item = u64>) -> String {
    let more = ids.len().saturating_sub(MAX_LISTED);
    let some: Vec<_> = ids.take(MAX_LISTED).map(|id| id.to_string()).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", some.join(", "))
}

const NOBODY: &str = "no client is connected";
/// The greatest number of clients that a sentence lists.
const MAX_LISTED: usize = 20;
