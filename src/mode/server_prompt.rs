//! The events of a prompt that are handled alike by a server and by a proxy.

use crate::{
    console::event::{PromptEvent, PromptReply},
    error::Error,
    job::run_outcome::RunOutcome,
};

/// Returns the reply to an event, and the outcome of the run if the event ends it. `enter` handles a
/// line.
pub(super) fn answer(
    event: PromptEvent,
    enter: impl FnOnce(&str) -> PromptReply,
) -> (PromptReply, Option<Result<RunOutcome, Error>>) {
    let outcome = match event {
        PromptEvent::Edit(text) => return (PromptReply::Edit(text), None),
        PromptEvent::Edited => return (PromptReply::Prompt, None),
        PromptEvent::Line(line) => match enter(&line) {
            PromptReply::Leave => Ok(RunOutcome::Done),
            reply => return (reply, None),
        },
        PromptEvent::Eof => Ok(RunOutcome::Done),
        PromptEvent::Interrupt => Ok(RunOutcome::Signal(SIGINT)),
        PromptEvent::Hangup => Ok(RunOutcome::Signal(SIGHUP)),
        PromptEvent::Failed(cause) => Err(Error::Input(cause)),
    };
    (PromptReply::Leave, Some(outcome))
}

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
