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

/// Drives the session until something happens. If the output becomes full meanwhile, also returns,
/// so that nothing is read that would have to wait in a buffer of its own.
pub(super) async fn progress(
    session: &mut Session,
    shared: &Shared,
    reading: bool,
    budget: &mut WorkBudget,
) {
    let mut progress = pin!(session.progress(reading));
    poll_fn(|cx| {
        if reading && is_shown(shared) && shared.output.is_full() {
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
