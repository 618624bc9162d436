//! SIGINT, SIGTERM and SIGHUP during a run, and SIGXFSZ, which never ends it.
//!
//! Until a mode receives them, the signals end the process by their default action. The kernel has
//! none for the first process of a PID namespace, as in a container, and a handler that was
//! installed once keeps it from being used again. A handler of this program then takes its place.

use super::{
    patient::give_up_flag,
    unix::{EndOfSignal, end_of_signal, ignored_signals},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ},
    flag::{register, register_conditional_default, register_conditional_shutdown},
};
use std::{
    fs::File,
    io,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

/// A receiver of the signals that end a run.
pub struct Signals {
    received: mpsc::Receiver<i32>,
    /// `None` in a test.
    _attention: Option<Attention>,
}

impl Signals {
    /// Starts to receive the signals. A signal that was ignored at the start of the process stays
    /// ignored.
    pub fn new() -> io::Result<Self> {
        Self::receive(&RUN_SIGNALS)
    }

    /// Starts to receive the signals, of which SIGHUP need not end the run: writes to stderr still
    /// wait after it.
    pub fn with_reload() -> io::Result<Self> {
        Self::receive(&[SIGINT, SIGTERM])
    }

    /// `ending` are the signals that end a run in any case.
    fn receive(ending: &[i32]) -> io::Result<Self> {
        let (sender, received) = mpsc::channel(2);
        install_handlers()?;
        for number in RUN_SIGNALS {
            if !is_ignored(number) {
                if ending.contains(&number) {
                    // The flag is seen even while the only thread waits for stderr.
                    register(number, give_up_flag())?;
                }
                let signal = signal(SignalKind::from_raw(number))?;
                tokio::spawn(forward(number, signal, sender.clone()));
            }
        }
        Ok(Self { received, _attention: Some(Attention::begin(&RUN_SIGNALS)) })
    }

    /// Creates a receiver of signals sent by a test.
    #[cfg(test)]
    pub(crate) fn from_receiver(received: mpsc::Receiver<i32>) -> Self {
        Self { received, _attention: None }
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

/// Tells SIGHUP of a terminal that is gone from one that was sent to have a file read again.
pub struct HangUp {
    had_terminal: bool,
}

impl HangUp {
    /// Looks for the terminal of the process.
    pub fn watch() -> Self {
        Self { had_terminal: has_terminal() }
    }

    /// Reports whether a signal is SIGHUP and the process has the terminal that it had, or had none.
    pub fn is_reload(&self, signal: i32) -> bool {
        signal == SIGHUP && self.had_terminal == has_terminal()
    }
}

/// Reports whether the process has a controlling terminal.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

async fn forward(number: i32, mut signal: Signal, to: mpsc::Sender<i32>) {
    while signal.recv().await.is_some() && to.send(number).await.is_ok() {}
}

/// Keeps signals from ending the process immediately while something else receives them. Once it is
/// dropped, they end the process again.
pub struct Attention(&'static [i32]);

impl Attention {
    /// Leaves these signals to the receiver that was registered before, from now on.
    pub fn begin(signals: &'static [i32]) -> Self {
        set_unattended(signals, false);
        Self(signals)
    }
}

impl Drop for Attention {
    fn drop(&mut self) {
        set_unattended(self.0, true);
    }
}

fn set_unattended(signals: &[i32], unattended: bool) {
    for (number, flag) in UNATTENDED.iter() {
        if signals.contains(number) {
            flag.store(unattended, Ordering::SeqCst);
        }
    }
}

/// Makes signals end a process for which the kernel has no default action, and a write beyond the
/// limit of the size of files fail instead of ending the process. Called at the start.
pub fn prepare() -> io::Result<()> {
    if !is_ignored(SIGXFSZ) {
        // A handler, unlike an ignored signal, is not inherited by the commands that this process
        // starts.
        register(SIGXFSZ, Arc::default())?;
    }
    match end_of_signal(std::process::id()) {
        EndOfSignal::Exit => install_handlers(),
        EndOfSignal::Kill => Ok(()),
    }
}

/// Installs handlers that end the process by a signal while nothing receives it. Must be called
/// before other handlers are installed: a signal without any action would be lost once they are
/// removed.
pub fn install_handlers() -> io::Result<()> {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    if INSTALLED.set(()).is_err() {
        return Ok(());
    }
    for (number, unattended) in UNATTENDED.iter() {
        let (number, condition) = (*number, Arc::clone(unattended));
        if is_ignored(number) {
            continue;
        }
        match end_of_signal(std::process::id()) {
            EndOfSignal::Kill => register_conditional_default(number, condition)?,
            EndOfSignal::Exit => register_conditional_shutdown(number, 128 + number, condition)?,
        };
    }
    Ok(())
}

fn is_ignored(number: i32) -> bool {
    *IGNORED >> (number - 1) & 1 == 1
}

/// The signals that end a run in an orderly way.
const RUN_SIGNALS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];
/// The signals that were ignored before the first handler was installed.
static IGNORED: LazyLock<u64> = LazyLock::new(ignored_signals);
/// The signals that end the process, each with a flag that is true while nothing receives it.
static UNATTENDED: LazyLock<[(i32, Arc<AtomicBool>); 4]> = LazyLock::new(|| {
    [SIGHUP, SIGINT, SIGQUIT, SIGTERM].map(|number| (number, Arc::new(AtomicBool::new(true))))
});
