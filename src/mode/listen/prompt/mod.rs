//! The prompt of a server: its lines go to all clients or to one of them.

mod commands;
mod repeating;
mod who;

use super::{
    hub::{QueueRoom, Sender},
    shared::Shared,
};
use crate::{
    console::{
        event::PromptEvent,
        prompt::{BRIEF_LIMIT, Prompt},
        prompt_look::PromptLook,
        screen::{fold, whole_screen},
        view::View,
    },
    error::Error,
    job::{listen::Service, prompt_habits::PromptHabits, run_outcome::RunOutcome},
    mode::server_prompt,
    proto::Kind,
    script::{addressee::Addressee, command::place::Place, repeats::Repeats},
    session::clock,
};
use colored::Colorize as _;
use repeating::RepeatedMessage;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The prompt of a server.
pub(super) struct ServerPrompt {
    prompt: Prompt,
    place: Place,
    habits: PromptHabits,
    /// The clients that a line is sent to.
    addressee: Addressee,
    /// True if the line that is being edited was begun for a client that has left since.
    is_orphan: bool,
    look: PromptLook,
    repeats: Repeats<RepeatedMessage>,
}

impl ServerPrompt {
    /// Opens the prompt below the line `first`.
    pub(super) fn open(
        first: &str,
        service: &Service,
        habits: PromptHabits,
    ) -> Result<Self, Error> {
        let place = match service {
            _ if !habits.has_commands => Place::Plain,
            Service::Talk => Place::Talk,
            Service::Reply(..) => Place::Replies,
            Service::Echo | Service::Broadcast | Service::Exec(_) => Place::Service,
        };
        let look = look(Addressee::All, true, PromptLook::default());
        let prompt = Prompt::open(first, None, look, (place, habits))
            .map_err(|cause| Error::Other { operation: "use the terminal", cause })?;
        let (addressee, repeats) = (Addressee::All, Repeats::default());
        Ok(Self { prompt, place, habits, addressee, is_orphan: false, look, repeats })
    }

    /// Offers the clients of a server at Tab.
    pub(super) fn offer_clients(&self, shared: &Arc<Shared>) {
        let shared = Arc::clone(shared);
        self.prompt.vocabulary().clients = Some(Box::new(move || {
            let clients = shared.hub.mailboxes().into_iter();
            clients.map(|it| (it.id, it.record().map(|it| it.target.to_string()))).collect()
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

    /// Handles an event. Returns the outcome if it ends the server.
    pub(super) fn handle(
        &mut self,
        event: PromptEvent,
        shared: &Shared,
    ) -> Option<Result<RunOutcome, Error>> {
        let (reply, outcome) = server_prompt::answer(event, |line| self.line(line, shared));
        self.adapt(shared, Prompt::set_look);
        self.prompt.reply(reply);
        outcome
    }

    /// Adapts to clients that have joined or left.
    pub(super) fn update(&mut self, shared: &Shared) {
        if let Addressee::Client(id) = self.addressee
            && !shared.hub.has(id)
        {
            self.addressee = Addressee::All;
            self.is_orphan = self.prompt.has_text();
            let note = format!("client {id} has left: lines go to all clients again");
            let note = fold(&note, whole_screen().columns);
            self.prompt.print(&note.dimmed().to_string());
        }
        self.adapt(shared, Prompt::change_look);
    }

    fn adapt(&mut self, shared: &Shared, set: impl FnOnce(&Prompt, PromptLook)) {
        let view = shared.output.view(|view| view.look()).unwrap_or_default();
        let look = look(self.addressee, shared.hub.count() == 0, view);
        if look != self.look {
            self.look = look;
            set(&self.prompt, look);
        }
    }

    /// Sends repeated messages that are due while the clients and the prompt have room. Returns the
    /// time of the next one; `None` while there is no room, or if none is repeated.
    pub(super) fn repeat(&mut self, shared: &Shared) -> Option<Instant> {
        self.repeats.retain(|repeated| match repeated.to {
            Addressee::Client(id) => shared.hub.has(id),
            Addressee::All => true,
        });
        for _ in 0..REPEATS_PER_TURN {
            self.repeats.next()?;
            if self.prompt.is_full() || shared.hub.ask(Sender::Stdin) != QueueRoom::Free {
                return None;
            }
            let Some(repeated) = self.repeats.due(clock::now()) else { break };
            let (recipients, delivery) = repeated.delivery();
            shared.hub.send(&recipients, &delivery);
            let payload = repeated.message.payload();
            if let Some(shown) = shared.output.sent(repeated.to, Kind::Text, payload) {
                self.prompt.print(&shown);
            }
        }
        self.repeats.next()
    }

    /// Ends a pause and prints the messages that were held.
    pub(super) fn release(&self, shared: &Shared) {
        if shared.output.view(|view| view.is_paused()) == Some(true)
            && let Some(held) = shared.output.view(View::resume)
        {
            self.prompt.print(&held);
        }
    }

    /// Closes the prompt and restores the terminal, for at most `limit`.
    pub(super) async fn close(self, limit: Duration) {
        self.prompt.close(limit.min(BRIEF_LIMIT), std::future::pending()).await;
    }
}

/// Returns the look of the prompt, whose display of messages has the look `view`.
fn look(addressee: Addressee, is_alone: bool, view: PromptLook) -> PromptLook {
    PromptLook { addressee: Some(addressee).filter(|_| !is_alone), is_server: true, ..view }
}

/// The number of repeated messages that are sent before clients have their turn.
const REPEATS_PER_TURN: usize = 64;
