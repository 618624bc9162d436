//! SIGINT, SIGTERM and SIGHUP during a run.

use super::{stdio::give_up_stderr_when, unix::ignored_signals};
use std::{io, sync::Arc};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

/// A receiver of the signals that end a run.
pub struct Signals {
    received: mpsc::Receiver<i32>,
}

impl Signals {
    /// Starts to receive the signals. A signal that was ignored at the start of the process stays
    /// ignored.
    pub fn new() -> io::Result<Self> {
        let (sender, received) = mpsc::channel(2);
        let ignored = ignored_signals();
        let received_any = Arc::default();
        give_up_stderr_when(Arc::clone(&received_any));
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            if ignored >> (kind.as_raw_value() - 1) & 1 == 0 {
                // The flag is seen even while the only thread waits for stderr.
                signal_hook::flag::register(kind.as_raw_value(), Arc::clone(&received_any))?;
                tokio::spawn(forward(kind.as_raw_value(), signal(kind)?, sender.clone()));
            }
        }
        Ok(Self { received })
    }

    /// Creates a receiver of signals sent by a test.
    #[cfg(test)]
    pub(crate) fn from_receiver(received: mpsc::Receiver<i32>) -> Self {
        Self { received }
    }

    /// Waits for the next signal and returns its number. Cancel-safe.
    pub async fn recv(&mut self) -> i32 {
        match self.received.recv().await {
            Some(signal) => signal,
            // Every signal is ignored.
            None => std::future::pending().await,
        }
    }
}

async fn forward(number: i32, mut signal: Signal, to: mpsc::Sender<i32>) {
    while signal.recv().await.is_some() && to.send(number).await.is_ok() {}
}
