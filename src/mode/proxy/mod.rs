//! `sockeye proxy`: passes on what clients and a server say to each other.
//!
//! Each session is a pair of connections with one task. The server is asked first, and its answer goes to
//! the client ([`opening`]); then two flows move bytes between the legs ([`flow`]), whose frames are
//! followed by `proto::relay` but not assembled. Whatever observes or changes a conversation has these
//! seams: a [`watcher::Watcher`] receives what each leg has received and can hold up both; a
//! [`link::PairLink`] takes orders from outside, to close a session or to insert frames; and
//! [`faults::PairFaults`] stands between what a leg has sent and what is passed on.

mod announce;
mod bodies;
mod connection;
mod copy;
mod fault_lane;
mod faults;
mod flow;
mod link;
mod opening;
mod outlet;
mod page;
mod pair;
mod pair_end;
mod prompt;
mod refusal;
mod resource;
mod shared;
mod view;
mod watch;
mod watcher;
mod who;

use crate::{
    console::{event::PromptEvent, prompt::BRIEF_LIMIT, screen::is_capable},
    error::Error,
    job::{
        listen::ServerCertificate,
        prompt_habits::PromptHabits,
        proxy::{ProxyJob, ShownMessages},
        run_outcome::RunOutcome,
    },
    mode::{endpoint, notes::Notes},
    net::{listener::SocketFile, tls::server::ServerTls},
    report::{self, Report, Verbosity, line},
    script::fault::FaultRule,
    session::clock,
    sink::{Print, server::ServerRecorders},
    sys::{
        resources::raise_descriptor_limit,
        signals::Signals,
        stdio::Stdout,
        unix::{end_by_signal, is_foreground},
    },
};
use outlet::Outlet;
use prompt::ProxyPrompt;
use shared::Shared;
use std::{
    fs, io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinHandle, LocalSet, spawn_local},
    time::{sleep, sleep_until},
};
use view::LiveView;

/// Runs a proxy.
pub(super) async fn run(job: ProxyJob, started: Instant) -> Result<RunOutcome, Error> {
    let report = Report { verbosity: job.verbosity, secrets: job.secrets, started };
    job.color.apply();
    raise_descriptor_limit();
    let tls = endpoint::tls(job.tls.as_ref(), &job.address)?;
    export(&job, tls.as_ref())?;
    let (listeners, file) = endpoint::bind(&job.address).await?;
    let url = endpoint::url(job.tls.is_some(), &job.address, &listeners);
    // What can fail is opened before the prompt changes the modes of the terminal.
    let recorders = ServerRecorders::open(&job.recording, report)?;
    let stdout = Stdout::new().map_err(Error::Output)?;
    // Handled before the proxy says that it listens.
    let signals = Signals::new();
    let signals = signals.map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
    let server = report.secrets.url(&job.opening.target.to_string()).into_owned();
    let first = format!("listening on {url}, passing on to {server}");
    let is_prompt = job.shows == ShownMessages::Text && is_capable() && is_foreground();
    let prompt = if is_prompt {
        let habits = PromptHabits::default();
        let first = report.secrets.shown(&format!("{first} ({})", habits.hint()));
        Some(ProxyPrompt::open(first.as_str(), habits)?)
    } else {
        if report.verbosity > Verbosity::Quiet || endpoint::is_port_chosen(&job.address) {
            line(&report.secrets.shown(&first));
        }
        None
    };
    let prints = prompt.as_ref().map(|prompt| Arc::new(prompt.prompt().printer()) as Print);
    let view = prompt.as_ref().map(|_| Arc::new(LiveView::new(PromptHabits::default())));
    for note in &job.notes {
        report.note(note);
    }
    let notes = Arc::new(Notes::new(report, prints.clone()));
    if job.faults.iter().any(FaultRule::is_random) {
        notes.note(&format!("the faults are random: --seed {} repeats them", job.seed));
    }
    // Lines about frames do not hold up the pairs.
    let offered = Arc::clone(&notes);
    let print = prints.unwrap_or_else(|| Arc::new(move |lines: &str| offered.offer(lines)));
    let outlet = Arc::new(Outlet::new(&job, report, print, view.clone(), recorders));
    let shared = Arc::new(Shared::new(job, tls, notes, outlet));
    if let (Some(prompt), Some(view)) = (&prompt, &view) {
        prompt.offer_clients(&shared, view);
    }
    let is_made = matches!(shared.job.tls, Some(ServerCertificate::SelfSigned));
    let pin = shared.tls.as_ref().filter(|_| is_made).and_then(ServerTls::pin);
    shared.outlet.listening(&url, pin.as_deref());
    if let Some(pin) = pin {
        shared.notes.note(&endpoint::certificate_note(&pin));
    }
    if let Some(warning) = endpoint::exposure(&listeners) {
        shared.notes.note(&warning);
    }
    let serving = async {
        let accept = |listener| spawn_local(connection::accept(listener, Arc::clone(&shared)));
        let tasks = listeners.into_iter().map(accept).collect();
        let (deadline, ended) = (None, None);
        let shared = Arc::clone(&shared);
        Proxy { shared, prompt, file, tasks, deadline, stdout, ended }.run(signals).await
    };
    // The opening of a connection to a server does not leave its thread.
    LocalSet::new().run_until(serving).await
}

/// Writes the certificate that the clients see to the file of `--tls-export`.
fn export(job: &ProxyJob, tls: Option<&ServerTls>) -> Result<(), Error> {
    let (Some(path), Some(tls)) = (&job.tls_export, tls) else { return Ok(()) };
    fs::write(path, tls.certificate_pem())
        .map_err(|cause| Error::File { path: path.clone(), cause })
}

/// The loop of a proxy: its end.
struct Proxy {
    shared: Arc<Shared>,
    /// `None` without a prompt, or once it is closed.
    prompt: Option<ProxyPrompt>,
    /// The file of the Unix socket, which is removed at the end.
    file: Option<SocketFile>,
    /// The tasks that accept connections.
    tasks: Vec<JoinHandle<()>>,
    /// The time at which an ending proxy stops waiting for sessions.
    deadline: Option<Instant>,
    stdout: Stdout,
    /// The outcome, once the last events are written.
    ended: Option<Result<RunOutcome, Error>>,
}

impl Proxy {
    async fn run(mut self, mut signals: Signals) -> Result<RunOutcome, Error> {
        let shared = Arc::clone(&self.shared);
        let max_time = shared.job.life.max_time;
        let run_end = max_time.and_then(|time| shared.notes.report.started.checked_add(time));
        loop {
            self.write();
            if shared.is_ending() {
                self.begin_end();
                if self.is_finished() {
                    self.close_prompt(BRIEF_LIMIT).await;
                    shared.notes.finish();
                    drop(self.file.take());
                    return self.ended.take().unwrap_or(Ok(RunOutcome::Done));
                }
            }
            let (outlet, stdout) = (&shared.outlet, &self.stdout);
            let (uses_stdout, waits) = (outlet.uses_stdout(), outlet.waits());
            let now = clock::now();
            let notes_wait = !shared.notes.flush();
            let deadline = self.deadline.unwrap_or(now);
            let is_running = !shared.is_ending();
            tokio::select! {
                () = shared.changed.notified() => {}
                () = outlet.appended() => {}
                event = prompt_event(&mut self.prompt) => self.handle(event),
                free = stdout.writable(), if waits => {
                    if let Err(cause) = free {
                        self.fail_output(cause);
                    }
                }
                () = stdout.reader_gone(), if uses_stdout && is_running => {
                    self.fail_output(io::ErrorKind::BrokenPipe.into());
                }
                () = sleep_until(deadline.into()), if self.deadline.is_some() => {}
                () = sleep(NOTES_RETRY_DELAY), if notes_wait => {}
                () = shared.notes.held_up() => {}
                () = sleep_until(run_end.unwrap_or(now).into()), if run_end.is_some() && is_running => {
                    shared.end(Err(Error::ServerTimeout { limit: max_time.unwrap_or_default() }));
                }
                // A Ctrl-C in the external editor does not end the proxy.
                signal = signals.recv() => {
                    if !is_running {
                        self.close_prompt(Duration::ZERO).await;
                        drop(self.file.take());
                        if self.ended.is_none() {
                            let begun = shared.take_outcome();
                            // Whatever could not be written, the process ends.
                            let _ = shared.outlet.conclude(&Ok(RunOutcome::Signal(signal)));
                            if let Err(error) = &begun {
                                report::error(error);
                            }
                        }
                        end_by_signal(signal);
                    }
                    shared.end(Ok(RunOutcome::Signal(signal)));
                }
            }
        }
    }

    fn handle(&mut self, event: Option<PromptEvent>) {
        let (Some(event), Some(prompt), Some(view)) =
            (event, &mut self.prompt, &self.shared.outlet.view)
        else {
            return;
        };
        if let Some(outcome) = prompt.handle(event, &self.shared, view) {
            self.shared.end(outcome);
        }
    }

    async fn close_prompt(&mut self, limit: Duration) {
        if let Some(prompt) = self.prompt.take() {
            prompt.close(limit).await;
        }
    }

    /// Reports whether an ending proxy has nothing left to wait for. Once all sessions have ended, writes
    /// the last events.
    fn is_finished(&mut self) -> bool {
        let is_late = self.deadline.is_some_and(|deadline| deadline <= clock::now());
        if !is_late && self.shared.sessions() > 0 {
            return false;
        }
        if self.ended.is_none() {
            let outcome = self.shared.take_outcome();
            let recorded = self.shared.outlet.conclude(&outcome);
            self.ended = Some(self.shared.notes.joined(outcome, recorded));
            self.write();
        }
        is_late || !self.shared.outlet.waits()
    }

    /// Writes output as far as possible without waiting.
    fn write(&mut self) {
        if let (Some(prompt), Some(view)) = (&self.prompt, &self.shared.outlet.view) {
            view.print(prompt.prompt());
            self.shared.outlet.wake();
        }
        if let Err(cause) = self.shared.outlet.write(&self.stdout) {
            self.fail_output(cause);
        }
    }

    /// Ends the proxy, without an error if stdout no longer has a reader.
    fn fail_output(&self, cause: io::Error) {
        self.shared.outlet.abandon();
        self.shared.end(match cause.kind() {
            io::ErrorKind::BrokenPipe => Ok(RunOutcome::Done),
            _ => Err(Error::Output(cause)),
        });
    }

    /// Stops to accept connections, and limits the time for the sessions to end.
    fn begin_end(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        if self.deadline.is_none() {
            let limit = self.shared.job.close_timeout.saturating_add(END_GRACE);
            self.deadline = clock::now().checked_add(limit);
        }
    }
}

/// Waits for an event of the prompt, or until it has room.
async fn prompt_event(prompt: &mut Option<ProxyPrompt>) -> Option<PromptEvent> {
    match prompt {
        Some(prompt) => prompt.event().await,
        None => std::future::pending().await,
    }
}

/// The time after the limit for closing in which sessions report their ends.
const END_GRACE: Duration = Duration::from_millis(100);
/// Delay before lines that a slow reader of stderr has not taken are offered again.
const NOTES_RETRY_DELAY: Duration = Duration::from_millis(50);
