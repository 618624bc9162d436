//! The wait of nearly all clients: for their session and their mailbox.
//!
//! The state of a client is rarely in the cache when the client sends a message, and what is touched of
//! it takes more time than what is done. Short messages are therefore sent back in here, without a turn
//! of the client's loop, and none of the futures are made that other waits need.

use super::{budget::WorkBudget, shared::Shared, waits::is_shown};
use crate::session::{Session, limits::QUEUE_LIMIT_BYTES};
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::{Notify, futures::Notified};

/// A client without other reasons to wake.
pub(super) struct PlainWait<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: u64,
    pub(super) session: &'a mut Session,
    pub(super) budget: &'a mut WorkBudget,
    /// True if short messages are sent back as they are.
    pub(super) sends_back: bool,
}

impl PlainWait<'_> {
    /// Drives the session until there is something to do for the client's loop, or the mailbox is
    /// notified.
    pub(super) async fn wait<'a>(
        mut self,
        mut mailbox: Pin<&mut Notified<'a>>,
        notify: &'a Notify,
    ) {
        poll_fn(|cx| {
            if self.poll(cx).is_ready() {
                return Poll::Ready(());
            }
            ready!(mailbox.as_mut().poll(cx));
            mailbox.set(notify.notified());
            Poll::Ready(())
        })
        .await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // Nothing is read that would have to wait in a buffer of its own.
            if is_shown(self.shared) && self.shared.output.is_full(self.client) {
                return Poll::Ready(());
            }
            if self.session.poll_progress(cx, true).is_pending() {
                // Others are served while it waits.
                *self.budget = WorkBudget::new();
                return Poll::Pending;
            }
            if !self.send_back(cx) {
                return Poll::Ready(());
            }
            if self.session.is_settled() {
                *self.budget = WorkBudget::new();
                return Poll::Pending;
            }
        }
    }

    /// Sends the received messages back. Returns true if that is all there is to do.
    fn send_back(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.sends_back || self.shared.is_ending() {
            return false;
        }
        let mut messages = 0;
        while !self.budget.is_spent()
            && self.session.queued() < QUEUE_LIMIT_BYTES
            && let Some(payload) = self.session.send_back()
        {
            messages += 1;
            self.budget.spend(payload.len(), 0);
            if self.shared.count_message(payload) {
                self.shared.end_at_goal();
                return false;
            }
        }
        self.budget.spend(self.session.queued(), 0);
        if messages == 0 || self.session.has_undecoded() || self.budget.is_spent() {
            return false;
        }
        self.session.poll_write(cx);
        self.session.queued() == 0
    }
}
