//! `sockeye listen`: a WebSocket server. Messages of its clients are shown, sent back, sent to the
//! other clients or passed to a command; lines typed or piped in are sent to clients.
//!
//! Each client has its own task, which takes what is to be sent from a queue of its own and appends
//! what was received to the output. A client that does not read holds up no other client and not
//! stdin, unless that is wanted; a stdout that is not read stops the clients.

mod acceptor;
mod admit;
mod announce;
mod budget;
mod client;
mod client_record;
mod commands;
mod connection;
mod console;
mod current_replies;
mod event_log;
mod exec;
mod faults;
mod forward;
mod gate;
mod hub;
mod openings;
mod outgoing;
mod output;
mod plain_wait;
mod prompt;
mod reply;
mod shared;
mod waits;

use crate::{
    connect::Dialer,
    console::prompt::{BRIEF_LIMIT, Prompt},
    error::{Error, UnmetExpectation},
    job::{
        CommonOptions,
        listen::{ListenJob, ServerCertificate, Service},
        run_outcome::RunOutcome,
    },
    mode::{endpoint, notes::Notes},
    net::{listener::SocketFile, tls::server::ServerTls},
    report::{self, Report, Verbosity, line},
    script::fault::{FaultRule, RefusalSchedule},
    session::clock,
    sink::{Print, server::ServerRecorders},
    sys::{
        resources::raise_descriptor_limit,
        signals::{HangUp, Signals},
        stdio::Stdout,
        unix::end_by_signal,
    },
};
use console::{Console, ConsoleEvent};
use current_replies::CurrentReplies;
use event_log::{EventLog, PendingWait};
use gate::Gate;
use hub::{Hub, QueueRoom, Recipients, Sender};
use openings::Openings;
use output::Output;
use shared::{EndKind, Ending, Shared};
use std::{
    future::poll_fn,
    io,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::time::{sleep, sleep_until};

/// Serves until something ends the server.
pub(super) async fn run(job: ListenJob, started: Instant) -> Result<RunOutcome, Error> {
    let CommonOptions { verbosity, secrets, color, .. } = job.common;
    let report = Report { verbosity, secrets, started };
    color.apply();
    raise_descriptor_limit();
    let tls = endpoint::tls(job.tls.as_ref(), &job.address)?;
    let (listeners, file) = endpoint::bind(&job.address).await?;
    let url = endpoint::url(job.tls.is_some(), &job.address, &listeners);
    // What can fail is opened before the prompt changes the modes of the terminal.
    let recorders = ServerRecorders::open(&job.recording, report)?;
    let stdout = Stdout::new().map_err(Error::Output)?;
    // Handled before the server says that it listens.
    let reloads = job.reply_file.is_some();
    let signals = if reloads { Signals::with_reload() } else { Signals::new() };
    let signals = signals.map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
    let hang_up = reloads.then(HangUp::watch);
    let first = format!("listening on {url}");
    let mut console = open_console(&job, report, &first)?;
    let print = console.open_prompt().map(|prompt| Arc::new(prompt.printer()) as Print);
    let prompts = print.is_some();
    let (opener, openings) = Openings::new(Dialer::new(job.dialing.clone()));
    let shared = Arc::new(Shared {
        hub: Hub::new(job.max_queue, job.slow),
        output: Output::new(job.format, report, prompts.then_some(job.habits)),
        notes: Notes::new(report, print.clone()),
        gate: Gate::new(job.admission.clone(), started),
        ending: Ending::default(),
        unfinished: <_>::default(),
        received: <_>::default(),
        left: <_>::default(),
        connections: <_>::default(),
        served: <_>::default(),
        commands: <_>::default(),
        replies: CurrentReplies::new(&job),
        refusals: Mutex::new(RefusalSchedule::new(&job.faults, job.seed)),
        opener,
        traffic: <_>::default(),
        recorders,
        log: EventLog::new(job.format.jsonl_input),
        tls,
        job,
    });
    if let Some(prompt) = console.server_prompt() {
        prompt.offer_clients(&shared);
    }
    let is_made = matches!(shared.job.tls, Some(ServerCertificate::SelfSigned));
    let pin = shared.tls.as_ref().filter(|_| is_made).and_then(ServerTls::pin);
    if let Some(pin) = &pin {
        shared.notes.note(&endpoint::certificate_note(pin));
    }
    if let Some(warning) = endpoint::exposure(&listeners) {
        shared.notes.note(&warning);
    }
    if shared.job.dialing.trust.danger_accept_any {
        shared.notes.note(INSECURE_NOTE);
    }
    for warning in shared.job.reply_warnings() {
        shared.notes.note(&warning);
    }
    let are_replies_random = shared.replies.get().is_some_and(|it| it.script.is_random);
    if let Some(what) = random_parts(are_replies_random, &shared.job.faults) {
        let seed = shared.job.seed;
        shared.notes.note(&format!("{what} are random: --seed {seed} repeats them"));
    }
    shared.output.event(None, |json, out| json.listening(&url, pin.as_deref(), out));
    shared.recorders.first_lines(|json, out| json.listening(&url, pin.as_deref(), out));
    // Lines about frames do not hold up the clients.
    let print = print.unwrap_or_else(|| {
        let shared = Arc::clone(&shared);
        Arc::new(move |lines: &str| shared.notes.offer(lines)) as Print
    });
    let mut tasks = Vec::new();
    for listener in listeners {
        let (shared, print) = (Arc::clone(&shared), Arc::clone(&print));
        tasks.push(tokio::spawn(acceptor::accept(listener, shared, Some(print))));
    }
    let outcome = Server {
        shared,
        openings,
        hang_up,
        console,
        stdout,
        file,
        tasks,
        paused_until: None,
        work_deadline: None,
        deadline: None,
        waiting: None,
        ended: None,
    };
    outcome.run(signals).await
}

/// Opens the input. Without a prompt, the line `first` is printed on stderr.
fn open_console(job: &ListenJob, report: Report, first: &str) -> Result<Console, Error> {
    let talks = job.service == Service::Talk;
    // The commands of --exec write to the terminal themselves.
    let runs_commands = matches!(job.service, Service::Exec(_));
    let is_jsonl = job.format.jsonl_output || job.format.jsonl_input;
    if !runs_commands && !is_jsonl && Console::is_prompt() {
        return Console::prompt(
            &format!("{first} ({})", job.habits.hint()),
            &job.service,
            job.habits,
        );
    }
    // Without the line nobody could learn the port that was chosen.
    if report.verbosity > Verbosity::Quiet || endpoint::is_port_chosen(&job.address) {
        line(&first.into());
    }
    if !talks {
        return Ok(Console::Lines(None));
    }
    Console::lines(job.format, job.common.max_line, job.common.settings)
}

/// Names what is chosen at random, if anything is.
fn random_parts(are_replies_random: bool, faults: &[FaultRule]) -> Option<&'static str> {
    match (are_replies_random, faults.iter().any(FaultRule::is_random)) {
        (false, false) => None,
        (true, false) => Some("the replies"),
        (false, true) => Some("the faults"),
        (true, true) => Some("replies and faults"),
    }
}

/// The loop of a server: its input, its output and its end.
struct Server {
    shared: Arc<Shared>,
    openings: Openings,
    /// Set if SIGHUP has the reply script read again.
    hang_up: Option<HangUp>,
    console: Console,
    stdout: Stdout,
    /// The file of the Unix socket, which is removed at the end.
    file: Option<SocketFile>,
    /// The tasks that accept connections.
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// The time until which a line of stdin delays those after it.
    paused_until: Option<Instant>,
    /// The time at which an ending server stops waiting for what is under way for clients.
    work_deadline: Option<Instant>,
    /// The time at which an ending server stops waiting for clients and stdout.
    deadline: Option<Instant>,
    /// The line of stdin that delays those after it until an event of a client.
    waiting: Option<PendingWait>,
    /// The outcome, once the last events are written.
    ended: Option<Result<RunOutcome, Error>>,
}

impl Server {
    async fn run(mut self, mut signals: Signals) -> Result<RunOutcome, Error> {
        let max_time = self.shared.job.life.max_time;
        let run_end = max_time.and_then(|time| self.shared.notes.report.started.checked_add(time));
        loop {
            self.write();
            self.check_work();
            if self.shared.is_ending() && self.is_finished() {
                return self.finish().await;
            }
            let shared = Arc::clone(&self.shared);
            let room = shared.hub.room().notified();
            if let Some(prompt) = self.console.server_prompt() {
                prompt.update(&shared);
            }
            let repeats = match self.console.server_prompt() {
                Some(prompt) if !shared.is_ending() => prompt.repeat(&shared),
                _ => None,
            };
            let now = clock::now();
            self.paused_until = self.paused_until.filter(|until| *until > now);
            let is_waiting = self.is_waiting(now);
            let asked = if self.shared.is_ending() || self.paused_until.is_some() || is_waiting {
                let deadline = self.waiting.as_ref().and_then(|waiting| waiting.deadline);
                QueueRoom::Wait(self.paused_until.into_iter().chain(deadline).min())
            } else {
                self.shared.hub.ask(Sender::Stdin)
            };
            let again = match asked {
                QueueRoom::Free => None,
                QueueRoom::Wait(at) => at,
            };
            let ends = self.deadline.into_iter().chain(self.work_deadline);
            let wake = again.into_iter().chain(ends).chain(repeats).min();
            let prompts = self.console.open_prompt().is_some();
            // Only messages and events need a reader of stdout.
            let writes = !prompts && waits::is_shown(&shared);
            let (waits, stdout) = (self.shared.output.waits() && !prompts, &self.stdout);
            let notes_wait = !self.shared.notes.flush();
            tokio::select! {
                event = self.console.next(asked == QueueRoom::Free) => self.handle(event),
                () = room, if asked != QueueRoom::Free || prompts => {}
                () = shared.output.appended() => {}
                () = shared.output.extends() => {}
                () = poll_fn(|cx| self.openings.poll(cx)) => {}
                () = shared.log.appended(), if is_waiting => {}
                free = stdout.writable(), if waits => {
                    if let Err(cause) = free {
                        self.fail_output(cause);
                    }
                }
                () = stdout.reader_gone(), if writes && !self.shared.is_ending() => {
                    self.fail_output(io::ErrorKind::BrokenPipe.into());
                }
                () = shared.ending.decided.notified() => self.begin_end(),
                () = sleep_until(wake.unwrap_or(now).into()), if wake.is_some() => {}
                () = sleep(NOTES_RETRY_DELAY), if notes_wait => {}
                () = shared.notes.held_up() => {}
                () = sleep_until(run_end.unwrap_or(now).into()), if run_end.is_some() && !self.shared.is_ending() => {
                    let limit = max_time.unwrap_or_default();
                    self.shared.end(Err(Error::ServerTimeout { limit }));
                }
                // A Ctrl-C in the external editor does not end the server.
                signal = signals.recv() => {
                    if signal == SIGINT && self.console.open_prompt().is_some_and(Prompt::is_editor_open) {
                        continue;
                    }
                    if self.hang_up.as_ref().is_some_and(|it| it.is_reload(signal)) {
                        self.shared.reload();
                        continue;
                    }
                    if self.shared.is_ending() {
                        self.console.close(Duration::ZERO).await;
                        drop(self.file.take());
                        if self.ended.is_none() {
                            let begun = self.shared.take_outcome();
                            // Whatever could not be written, the process ends.
                            let _ = self.shared.conclude(&Ok(RunOutcome::Signal(signal)));
                            if let Err(error) = &begun {
                                report::error(error);
                            }
                        }
                        self.shared.commands.kill();
                        end_by_signal(signal);
                    }
                    self.shared.end(Ok(RunOutcome::Signal(signal)));
                }
            }
        }
    }

    /// Reports whether a line of stdin waits for an event. If it waited for too long, the server ends.
    fn is_waiting(&mut self, now: Instant) -> bool {
        let Some(waiting) = &self.waiting else { return false };
        if self.shared.log.meets(waiting) {
            self.waiting = None;
            return false;
        }
        if waiting.deadline.is_some_and(|deadline| deadline <= now) {
            let (line, limit) = (waiting.line, waiting.awaited.limit);
            let unmet = UnmetExpectation::Await { line, limit };
            self.waiting = None;
            self.shared.end(Err(Error::Unmet(unmet)));
        }
        self.waiting.is_some()
    }

    fn begin_end(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        if let Some(prompt) = self.console.server_prompt() {
            prompt.release(&self.shared);
        }
        let (now, limit) = (clock::now(), self.shared.job.common.settings.close_timeout);
        self.work_deadline = now.checked_add(limit);
        self.deadline = now.checked_add(limit + END_GRACE);
    }

    /// Ends what is under way for clients if its time is over. The Closes that follow it have a time
    /// of their own, and so has what a slow stdout holds up, unless the end is urgent.
    fn check_work(&mut self) {
        let Some(kind) = self.shared.end_kind() else { return };
        let is_over = self.work_deadline.take_if(|deadline| *deadline <= clock::now()).is_some();
        let was_busy = is_over && self.shared.end_work();
        let is_behind = kind != EndKind::Immediate
            && self.console.open_prompt().is_none()
            && self.shared.output.waits();
        if was_busy || is_behind {
            let limit = self.shared.job.common.settings.close_timeout;
            self.deadline = clock::now().checked_add(limit + END_GRACE);
        }
    }

    /// Reports whether an ending server has nothing left to wait for. Once no client is connected
    /// and no command is running, writes the last events.
    fn is_finished(&mut self) -> bool {
        let is_late = self.deadline.is_some_and(|deadline| deadline <= clock::now());
        let is_busy = self.shared.hub.count() > 0
            || self.shared.connections.load(Ordering::Relaxed) > 0
            || self.shared.served.load(Ordering::Relaxed) > 0
            || self.shared.commands.are_running();
        if !is_late && is_busy {
            return false;
        }
        if self.ended.is_none() {
            let outcome = self.shared.take_outcome();
            let recorded = self.shared.conclude(&outcome);
            self.ended = Some(self.shared.notes.joined(outcome, recorded));
            self.write();
        }
        is_late || !self.shared.output.waits()
    }

    async fn finish(mut self) -> Result<RunOutcome, Error> {
        let outcome = self.ended.take().unwrap_or(Ok(RunOutcome::Done));
        self.shared.commands.kill();
        self.console.close(BRIEF_LIMIT).await;
        self.shared.notes.finish();
        drop(self.file.take());
        outcome
    }

    /// Writes output as far as possible without waiting.
    fn write(&mut self) {
        if let Some(prompt) = self.console.open_prompt() {
            self.shared.output.print(prompt);
        } else if self.shared.output.waits()
            && let Err(cause) = self.shared.output.write(&self.stdout)
        {
            self.fail_output(cause);
        }
    }

    /// Shuts down the server, without an error if stdout no longer has a reader.
    fn fail_output(&mut self, cause: io::Error) {
        self.shared.output.abandon();
        self.shared.end(match cause.kind() {
            io::ErrorKind::BrokenPipe => Ok(RunOutcome::Done),
            _ => Err(Error::Output(cause)),
        });
    }

    /// Tells with `-v` which addressees of a line are not connected.
    fn tell_absent(&self, to: &Recipients, line: u64) {
        let Shared { notes, hub, .. } = &*self.shared;
        if let Recipients::Only(ids) = to
            && notes.is_verbose()
        {
            for id in ids.iter().filter(|id| !hub.has(**id)) {
                notes.detail(&format!("line {line}: no client {id}"));
            }
        }
    }

    fn handle(&mut self, event: ConsoleEvent) {
        match event {
            ConsoleEvent::Send(to, delivery, line) => {
                self.tell_absent(&to, line);
                self.shared.hub.send(&to, &delivery);
            }
            ConsoleEvent::Skipped(words) => self.shared.notes.detail(&words),
            ConsoleEvent::Prompt(event) => {
                let prompt = self.console.server_prompt();
                if let Some(outcome) = prompt.and_then(|prompt| prompt.handle(event, &self.shared))
                {
                    self.shared.end(outcome);
                }
            }
            ConsoleEvent::Await(waiting) => {
                let deadline = clock::now().checked_add(waiting.awaited.limit);
                self.waiting = Some(PendingWait { deadline, ..waiting });
            }
            ConsoleEvent::Pause(time) => self.paused_until = clock::now().checked_add(time),
            ConsoleEvent::Failed(error) => self.shared.end(Err(error)),
            ConsoleEvent::Nothing => {}
        }
    }
}

/// The time after the limit for closing in which sessions report their ends.
const END_GRACE: Duration = Duration::from_millis(100);
/// Delay before lines that a slow reader of stderr has not taken are offered again.
const NOTES_RETRY_DELAY: Duration = Duration::from_millis(50);

const INSECURE_NOTE: &str = "the certificate of the server that messages are forwarded to is not \
                             checked (--forward-insecure)";
const SIGINT: i32 = 2;

#[cfg(test)]
mod tests;
