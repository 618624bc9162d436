//! The timer of a session. It is rarely reset and rarely polled: either costs as much as decoding some
//! short messages, and more if many sessions take turns.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};
use tokio::{
    task::unconstrained,
    time::{Sleep, sleep},
};

/// A timer that wakes a task at the deadline of its session.
pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// The time to which the timer is set, and the task that it wakes then. It may be earlier than the
    /// deadline, so that received bytes, which only postpone the deadline, do not reset the timer.
    set: Option<(Instant, Waker)>,
}

impl Alarm {
    /// Creates an alarm that is not set.
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(sleep(Duration::ZERO)), set: None }
    }

    /// Reports whether the task is woken at `deadline` at the latest.
    pub(super) fn is_set_for(&self, deadline: Instant) -> bool {
        self.set.as_ref().is_some_and(|(at, _)| *at <= deadline)
    }

    /// Has the task woken at `deadline` at the latest. Ready if the time to which the timer was set has
    /// passed; the deadline may be later.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
        now: Instant,
    ) -> Poll<()> {
        match &mut self.set {
            // It will wake the task, so it need not be asked.
            Some((at, waker)) if now < *at && *at <= deadline && waker.will_wake(cx.waker()) => {
                return Poll::Pending;
            }
            Some((at, waker)) if *at <= deadline => waker.clone_from(cx.waker()),
            set => {
                self.sleep.as_mut().reset(deadline.into());
                *set = Some((deadline, cx.waker().clone()));
            }
        }
        // A task that has used its budget would be told to ask again, and the timer would not be set.
        let sleep = &mut self.sleep;
        ready!(pin!(unconstrained(poll_fn(|cx| sleep.as_mut().poll(cx)))).poll(cx));
        self.set = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::clock;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };
    use tokio::task::{consume_budget, coop::has_budget_remaining};

    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn rings(alarm: &mut Alarm, cx: &mut Context<'_>, deadline: Instant) -> bool {
        alarm.poll(cx, deadline, clock::now()).is_ready()
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_deadline_leaves_the_alarm_and_an_earlier_one_sets_it_anew() {
        let mut alarm = Alarm::new();
        let start = clock::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!alarm.is_set_for(at(9)));
        poll_fn(|cx| {
            assert!(!rings(&mut alarm, cx, at(5)));
            assert!(alarm.is_set_for(at(5)) && !alarm.is_set_for(at(4)));
            assert!(!rings(&mut alarm, cx, at(9)));
            assert!(!rings(&mut alarm, cx, at(2)));
            Poll::Ready(())
        })
        .await;
        poll_fn(|cx| alarm.poll(cx, at(9), clock::now())).await;
        assert_eq!(clock::now(), at(2));
        poll_fn(|cx| alarm.poll(cx, at(9), clock::now())).await;
        assert_eq!(clock::now(), at(9));
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_that_asked_last_is_woken() {
        let mut alarm = Alarm::new();
        let deadline = clock::now() + Duration::from_secs(5);
        let counters = [(); 2].map(|()| Arc::new(Counter(0.into())));
        for counter in &counters {
            let waker = Arc::clone(counter).into();
            assert!(!rings(&mut alarm, &mut Context::from_waker(&waker), deadline));
        }
        sleep(Duration::from_secs(6)).await;
        let woken = counters.map(|counter| counter.0.load(Ordering::Relaxed));
        assert_eq!(woken, [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_without_budget_is_woken_too() {
        let mut alarm = Alarm::new();
        let deadline = clock::now() + Duration::from_secs(5);
        poll_fn(|cx| {
            while has_budget_remaining() {
                let _ = pin!(consume_budget()).poll(cx);
            }
            assert!(!rings(&mut alarm, cx, deadline));
            Poll::Ready(())
        })
        .await;
        poll_fn(|cx| alarm.poll(cx, deadline, clock::now())).await;
        assert_eq!(clock::now(), deadline);
    }
}
