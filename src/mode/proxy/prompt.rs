//! The prompt of a proxy: what passes is shown above it, and its commands act on sessions.

use super::{link::Order, shared::Shared, view::LiveView, who};
use crate::{
    console::{
        event::{PromptEvent, PromptReply},
        prompt::{BRIEF_LIMIT, Prompt},
        prompt_look::PromptLook,
        screen::screen,
        view::View,
    },
    error::Error,
    escape::Escaped,
    job::{prompt_habits::PromptHabits, run_outcome::RunOutcome},
    mode::server_prompt,
    proto::{Kind, Leg, Opcode, raw::RawFrame},
    random::nonce,
    script::command::{Command, place::Place, server::ServerCommand, table},
};
use std::{sync::Arc, time::Duration};

/// The prompt of a proxy.
pub(super) struct ProxyPrompt {
    prompt: Prompt,
    look: PromptLook,
}

/// The text to print, or the reason why the line stays at the prompt.
type CommandResult = Result<String, String>;

impl ProxyPrompt {
    /// Opens the prompt below the line `first`.
    pub(super) fn open(first: &str, habits: PromptHabits) -> Result<Self, Error> {
        let look = PromptLook::default();
        let prompt = Prompt::open(first, None, look, (Place::Proxy, habits))
            .map_err(|cause| Error::Other { operation: "use the terminal", cause })?;
        Ok(Self { prompt, look })
    }

    /// Offers the clients at Tab.
    pub(super) fn offer_clients(&self, shared: &Arc<Shared>, view: &Arc<LiveView>) {
        let (shared, view) = (Arc::clone(shared), Arc::clone(view));
        self.prompt.vocabulary().clients = Some(Box::new(move || {
            let numbers = shared.numbers().into_iter();
            numbers.map(|number| (number, view.target(number))).collect()
        }));
    }

    /// Returns the prompt, above which output is printed.
    pub(super) fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// Waits for an event, which [`Self::handle`] needs. Cancel-safe.
    pub(super) async fn event(&mut self) -> Option<PromptEvent> {
        let is_full = self.prompt.is_full();
        self.prompt.event(is_full).await
    }

    /// Handles an event. Returns the outcome if it ends the proxy.
    pub(super) fn handle(
        &mut self,
        event: PromptEvent,
        shared: &Shared,
        view: &LiveView,
    ) -> Option<Result<RunOutcome, Error>> {
        let (reply, outcome) = server_prompt::answer(event, |line| self.line(line, shared, view));
        let look = PromptLook { paused: shared.is_paused(), ..view.view(|view| view.look()) };
        if look != self.look {
            self.look = look;
            self.prompt.set_look(look);
        }
        self.prompt.reply(reply);
        outcome
    }

    fn line(&self, line: &str, shared: &Shared, view: &LiveView) -> PromptReply {
        let (said, reply) = match Command::parse(line, Place::Proxy) {
            Err(fault) => (Escaped(&fault).to_string(), PromptReply::Prompt),
            Ok(Command::Quit) => return PromptReply::Leave,
            Ok(Command::Edit(text)) => return PromptReply::Edit(text),
            Ok(Command::Clear) => return PromptReply::Clear,
            Ok(command) => match act(command, shared, view) {
                Ok(said) => (said, PromptReply::Prompt),
                Err(unsent) => (unsent, PromptReply::Keep(line.to_owned())),
            },
        };
        if !said.is_empty() {
            // Messages that passed earlier come first.
            view.print(&self.prompt);
            self.prompt.print(&said);
        }
        reply
    }

    /// Closes the prompt and restores the terminal, for at most `limit`.
    pub(super) async fn close(self, limit: Duration) {
        self.prompt.close(limit.min(BRIEF_LIMIT), std::future::pending()).await;
    }
}

fn act(command: Command, shared: &Shared, view: &LiveView) -> CommandResult {
    Ok(match command {
        Command::Message(_) => return Err(NOT_SENT.to_owned()),
        Command::Server(ServerCommand::Inject(id, leg, text)) => {
            return inject(shared, id, leg, &text);
        }
        Command::Server(ServerCommand::Kick(id, close)) => {
            if shared.order(id, Order::Close(close)) { String::new() } else { unknown(shared, id) }
        }
        Command::Server(ServerCommand::Who) => match view.sessions() {
            sessions if sessions.is_empty() => NOBODY.to_owned(),
            sessions => who::table(&sessions),
        },
        Command::Pause if shared.is_paused() => "paused already".to_owned(),
        Command::Pause => {
            shared.pause(true);
            "paused: nothing is read from clients and server until /resume".to_owned()
        }
        Command::Resume if shared.is_paused() => {
            shared.pause(false);
            "resumed".to_owned()
        }
        Command::Resume => "not paused".to_owned(),
        Command::Json(wanted) => view.view(|view| view.json(wanted).to_owned()),
        Command::Time(wanted) => view.view(|view| view.time(wanted).to_owned()),
        Command::Filter(filter) => Escaped(&view.view(|view| view.filter(filter))).to_string(),
        Command::Last => view.view(|view| view.last()),
        Command::Save(path) => Escaped(&view.view(|view: &mut View| view.save(&path))).to_string(),
        Command::Help(about) => table::help(Place::Proxy, &about, screen().columns),
        // An empty line, and commands that this prompt does not have.
        _ => String::new(),
    })
}

/// Sends a text of ours between two messages of a direction, uncompressed.
fn inject(shared: &Shared, id: Option<u64>, leg: Leg, text: &str) -> CommandResult {
    let number = match (id, shared.numbers().as_slice()) {
        (Some(id), _) => id,
        (None, [only]) => *only,
        (None, []) => return Err(format!("not sent: {NOBODY}")),
        (None, [first, ..]) => {
            return Err(format!(
                "not sent: there are several clients; /inject {first}:{leg} TEXT names one"
            ));
        }
    };
    let frame = RawFrame::from(Opcode::Message(Kind::Text)).payload(text);
    let frame = match leg {
        Leg::Client => frame.encode(),
        Leg::Server => {
            let [a, b, c, d, ..] = nonce();
            frame.mask([a, b, c, d]).encode()
        }
    };
    if shared.order(number, Order::Insert(leg, frame)) {
        Ok(String::new())
    } else {
        Err(format!("not sent: {}", unknown(shared, number)))
    }
}

/// Returns the words for a client that is not connected, with those that are.
fn unknown(shared: &Shared, id: u64) -> String {
    let numbers = shared.numbers();
    let listed: Vec<_> = numbers.iter().take(MAX_LISTED).map(u64::to_string).collect();
    match numbers.len() {
        0 => format!("there is no client {id}; {NOBODY}"),
        all if all > MAX_LISTED => {
            format!("there is no client {id}; connected: {} and more", listed.join(", "))
        }
        _ => format!("there is no client {id}; connected: {}", listed.join(", ")),
    }
}

const NOT_SENT: &str = "not sent: a proxy passes on what others say; /inject server TEXT sends a \
                        message of ours";
const NOBODY: &str = "no client is connected";
/// The greatest number of clients that a sentence lists.
const MAX_LISTED: usize = 20;
