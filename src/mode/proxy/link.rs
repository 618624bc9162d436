//! Orders for a pair, from outside of its task.

use crate::proto::{Close, Leg};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

/// Control over a pair.
#[derive(Debug, Default)]
pub(super) struct PairLink(Mutex<Orders>);

#[derive(Debug, Default)]
struct Orders {
    waiting: VecDeque<Order>,
    waker: Option<Waker>,
}

/// An order for a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Send a Close to both legs, at the end of a frame.
    Close(Close),
    /// Send a frame to a leg, between two messages. The frame is complete: masked if it is for the
    /// server.
    Insert(Leg, Vec<u8>),
    /// Read nothing, or go on.
    Pause(bool),
}

impl PairLink {
    /// Gives an order.
    pub(super) fn order(&self, order: Order) {
        let mut orders = self.lock();
        orders.waiting.push_back(order);
        let waker = orders.waker.take();
        drop(orders);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the next order. The task is woken when there is another one.
    pub(super) fn next(&self, cx: &Context<'_>) -> Option<Order> {
        let mut orders = self.lock();
        let order = orders.waiting.pop_front();
        if order.is_none() && !orders.waker.as_ref().is_some_and(|it| it.will_wake(cx.waker())) {
            orders.waker = Some(cx.waker().clone());
        }
        order
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
