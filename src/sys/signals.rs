//! SIGINT, SIGTERM and SIGHUP, while a session is open.

use super::{stdio::hurry_when, unix::ignored_signals};
use std::{io, sync::Arc};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

/// The signals that ask us to leave.
pub struct Signals {
    received: mpsc::Receiver<i32>,
}

impl Signals {
    /// From now on the signals are delivered here; one ignored at start stays ignored.
    pub fn new() -> io::Result<Self> {
        let (sender, received) = mpsc::channel(2);
        let ignored = ignored_signals();
        let asked = Arc::default();
        hurry_when(Arc::clone(&asked));
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            if ignored >> (kind.as_raw_value() - 1) & 1 == 0 {
                // Seen also while the only thread waits for stderr.
                signal_hook::flag::register(kind.as_raw_value(), Arc::clone(&asked))?;
                tokio::spawn(forward(kind.as_raw_value(), signal(kind)?, sender.clone()));
            }
        }
        Ok(Self { received })
    }

    /// Signals that a test sends.
    #[cfg(test)]
    pub(crate) fn of(received: mpsc::Receiver<i32>) -> Self {
        Self { received }
    }

    /// The next signal.
    pub async fn recv(&mut self) -> i32 {
        match self.received.recv().await {
            Some(signal) => signal,
            // All are ignored.
            None => std::future::pending().await,
        }
    }
}

async fn forward(number: i32, mut signal: Signal, to: mpsc::Sender<i32>) {
    while signal.recv().await.is_some() && to.send(number).await.is_ok() {}
}
