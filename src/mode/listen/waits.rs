//! The conditions for which the task of a client waits.

use super::{
    budget::WorkBudget, exec::Exec, faults::ClientFaults, reply::ClientReplies, shared::Shared,
};
use crate::{job::listen::Service, session::Session};
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};
use tokio::sync::{Notify, futures::Notified};

/// What is read from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Nothing,
    /// Control frames up to the next message.
    Controls,
    All,
}

/// Drives the session of a client until something happens. If the output becomes full meanwhile,
/// also returns, so that nothing is read that would have to wait in a buffer of its own.
pub(super) async fn progress(
    session: &mut Session,
    (shared, client): (&Shared, u64),
    reading: Reading,
    budget: &mut WorkBudget,
) {
    match reading {
        Reading::Nothing => drive(session.progress(false), budget, || false).await,
        Reading::Controls => drive(session.progress_controls(), budget, || false).await,
        Reading::All => {
            let is_full = || is_shown(shared) && shared.output.is_full(client);
            drive(session.progress(true), budget, is_full).await;
        }
    }
}

/// Waits for the progress of a session, or until the output is full.
async fn drive(
    progress: impl Future<Output = ()>,
    budget: &mut WorkBudget,
    is_full: impl Fn() -> bool,
) {
    let mut progress = pin!(progress);
    poll_fn(|cx| {
        if is_full() {
            return Poll::Ready(());
        }
        let progressed = progress.as_mut().poll(cx);
        if progressed.is_pending() {
            // Others are served while it waits.
            *budget = WorkBudget::new();
        }
        progressed
    })
    .await;
}

/// Waits for a notification. `notified` may wait for the next one afterwards: it joins the list of
/// waiters once for each notification, not for each wait.
pub(super) async fn woken<'a>(mut notified: Pin<&mut Notified<'a>>, notify: &'a Notify) {
    notified.as_mut().await;
    notified.set(notify.notified());
}

/// Reports whether received messages are written to the output.
pub(super) fn is_shown(shared: &Shared) -> bool {
    shared.output.events.is_some() || shared.job.service == Service::Talk
}

pub(super) async fn changed(faults: Option<&ClientFaults>) {
    match faults {
        Some(faults) => faults.changed().await,
        None => std::future::pending().await,
    }
}

pub(super) async fn replies_room(replies: Option<&ClientReplies>) {
    match replies {
        Some(replies) => replies.has_room().await,
        None => std::future::pending().await,
    }
}

pub(super) async fn command_room(exec: Option<&Exec>) {
    match exec {
        Some(exec) => exec.has_room().await,
        None => std::future::pending().await,
    }
}
