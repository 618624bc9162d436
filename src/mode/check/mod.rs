//! `sockeye check`: finds out what a server does with requests and frames, legal and illegal, and
//! judges it by the rules of the protocol.

mod answer;
mod case;
mod cases;
mod deflated;
mod describe;
mod discovery;
mod draft;
mod echo;
mod examine;
mod frames;
#[cfg(any(test, fuzzing))]
mod fuzzed;
mod grade;
mod haste;
mod http2_answer;
mod http2_raw;
mod http2_support;
mod judgement;
mod measure;
mod observed;
mod pace;
mod progress;
mod reaction;
mod route;
mod runner;
mod selection;
mod server;
mod sessions;
mod wire;

use crate::{
    console::screen::whole_screen,
    error::Error,
    job::{
        check::{CheckFormat, CheckJob, CheckSelection},
        run_outcome::RunOutcome,
    },
    proto::handshake::Version,
    render::check::{CheckPage, json, junit, list::ListedCheck, list::table, page},
    report::Report,
    schema::check::CheckError,
    sink::file::RecordFile,
    sys::{
        signals::Signals,
        stdio::{WaitingStdout, give_up_writing_after},
    },
};
use case::{Case, Probe};
#[cfg(any(test, fuzzing))]
pub(crate) use fuzzed::read as read_for_checks;
use grade::Circumstances;
use progress::ProgressLine;
use runner::Outcome;
use server::Server;
use std::{
    io::{self, Write as _},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    select,
    task::{JoinSet, LocalSet},
    time::sleep_until,
};

/// Prints the table of checks.
pub(super) fn list(selection: &CheckSelection, format: CheckFormat) -> Result<RunOutcome, Error> {
    format.color.apply();
    let chosen = selection::choose(cases::all(), selection)?;
    let rows: Vec<_> = chosen
        .iter()
        .map(|case| ListedCheck {
            id: &case.id,
            group: case.group,
            section: case.section,
            level: case.level,
            title: &case.title,
        })
        .collect();
    print(&table(&rows, format.json))
}

/// Checks a server.
pub(super) async fn run(job: &CheckJob, started: Instant) -> Result<RunOutcome, Error> {
    job.format.color.apply();
    let table = cases::all();
    let total = table.len();
    let chosen = selection::choose(table, &job.selection)?;
    let is_whole = chosen.len() == total;
    let junit = JunitOutput::open(job.junit.as_deref())?;
    let report = Report { verbosity: job.verbosity, secrets: job.secrets, started };
    let limit = job.max_time.and_then(|limit| started.checked_add(limit));
    if let Some(limit) = limit {
        give_up_writing_after(limit);
    }
    for note in &job.notes {
        report.note(note);
    }
    let signals = Signals::new();
    let mut signals =
        signals.map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
    let began = Instant::now();
    let deadline = limit.unwrap_or(began + budget(job));
    let found = select! {
        found = Box::pin(discovery::discover(job, report)) => found.map_err(Err),
        signal = signals.recv() => Err(Ok(RunOutcome::Signal(signal))),
        () = sleep_until(deadline.into()) => Err(Err(out_of_time(job))),
    };
    let mut server = match found {
        Ok(server) => server,
        Err(Ok(outcome)) => {
            junit.discard();
            return Ok(outcome);
        }
        Err(Err(error)) => return Err(without_session(job, error, junit)?),
    };
    server.extent = job.extent;
    let mut run = Run {
        server: Rc::new(server),
        progress: ProgressLine::new(chosen.len(), report),
        cases: Rc::new(chosen),
        outcomes: Vec::new(),
    };
    let made = run.make_all(&mut signals, deadline.into());
    let interruption = Box::pin(LocalSet::new().run_until(made)).await;
    run.progress.clear();
    if run.server.pace.is_slowed() {
        report.note("the server did not take 8 connections side by side; it was given fewer");
    }
    let failed = run.present(job, is_whole, began.elapsed(), junit)?;
    match interruption {
        Some(Interruption::Signal(signal)) => Ok(RunOutcome::Signal(signal)),
        Some(Interruption::Time) => Err(out_of_time(job)),
        _ if failed > 0 => Err(Error::Checks { failed }),
        _ => Ok(RunOutcome::Done),
    }
}

/// The error for `--max-time` and its default.
fn out_of_time(job: &CheckJob) -> Error {
    let authority = job.opening.target.authority();
    Error::RunTimeout { authority, limit: job.max_time.unwrap_or(budget(job)) }
}

/// The time after which the remaining checks are not made, by default.
fn budget(job: &CheckJob) -> Duration {
    BUDGET.saturating_add(job.extent.idle.unwrap_or_default())
}

/// Returns the numbers of checks that are made side by side, batch after batch: first those with
/// exchanges of their own, then those that judge these, then the measurements.
fn batches(cases: &[Case]) -> Vec<Vec<usize>> {
    let batch = |case: &Case| match case.probe {
        Probe::Frames(_) | Probe::Request(_) | Probe::Deflate(_) | Probe::Examined(_) => Some(0),
        Probe::Observed(_) => Some(1),
        Probe::Alone(_) => None,
        Probe::Survival => Some(2),
        Probe::Idle(_) => Some(3),
    };
    let numbers = |wanted| -> Vec<usize> {
        let chosen = cases.iter().enumerate().filter(|(_, case)| batch(case) == wanted);
        chosen.map(|(number, _)| number).collect()
    };
    let mut first = numbers(Some(0));
    // Those of several exchanges take longest, and are not to be waited for at the end.
    first.sort_by_key(|number| {
        !cases.get(*number).is_some_and(|case| matches!(case.probe, Probe::Examined(_)))
    });
    let mut all = vec![first, numbers(Some(1))];
    all.extend(numbers(None).into_iter().map(|number| vec![number]));
    all.extend([numbers(Some(2)), numbers(Some(3))]);
    all
}

/// Writes the error of a run without a session in the formats of results, and returns it.
fn without_session(job: &CheckJob, error: Error, junit: JunitOutput) -> Result<Error, Error> {
    let error = Error::NoCheck(Box::new(error));
    let url = job.opening.target.to_string();
    let shown = CheckError {
        url: job.secrets.url(&url),
        message: error.shown().to_string().into(),
        hint: error.shown_hint().map(|hint| hint.to_string().into()),
        status: error.code(),
    };
    junit.write(|| junit::error_suite(&shown))?;
    if job.format.json {
        print(&json::error_line(&shown))?;
    }
    Ok(error)
}

/// The place of the XML of `--junit`.
enum JunitOutput {
    None,
    Stdout,
    File(RecordFile),
}

impl JunitOutput {
    fn open(path: Option<&Path>) -> Result<Self, Error> {
        Ok(match path {
            None => Self::None,
            Some(path) if path == Path::new("-") => Self::Stdout,
            Some(path) => Self::File(RecordFile::open(path)?),
        })
    }

    /// Writes the XML. Returns true if it is on stdout.
    fn write(self, xml: impl FnOnce() -> String) -> Result<bool, Error> {
        match self {
            Self::None => return Ok(false),
            Self::Stdout => {
                print(&xml())?;
                return Ok(true);
            }
            Self::File(mut file) => {
                file.append(xml().as_bytes());
                file.end()?;
            }
        }
        Ok(false)
    }

    /// Leaves everything as it was before the run.
    fn discard(self) {
        if let Self::File(file) = self {
            file.discard();
        }
    }
}

/// The checks of a run, and their outcomes so far.
struct Run {
    server: Rc<Server>,
    cases: Rc<Vec<Case>>,
    outcomes: Vec<Outcome>,
    progress: ProgressLine,
}

/// The reason why not all checks were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interruption {
    Signal(i32),
    Time,
}

impl Run {
    /// Prints the results and writes the file of `--junit`. Returns the number of failures.
    fn present(
        mut self,
        job: &CheckJob,
        is_whole: bool,
        took: Duration,
        junit: JunitOutput,
    ) -> Result<usize, Error> {
        self.outcomes.sort_by_key(|outcome| outcome.number);
        let is_complete = self.outcomes.len() == self.cases.len();
        let result = |outcome: &Outcome| {
            let case = self.cases.get(outcome.number)?;
            Some(grade::result(case, outcome, job.strict, job.secrets))
        };
        let results: Vec<_> = self.outcomes.iter().filter_map(result).collect();
        let url = job.opening.target.to_string();
        let url = job.secrets.url(&url);
        let is_http2 = self.server.carrier == Version::Http2;
        let no_upgrade = self.server.no_upgrade().filter(|_| is_http2);
        let no_request = no_upgrade.as_deref();
        let of = Circumstances { url: &url, is_whole, is_complete, no_request, took };
        let grade = grade::grade(&results, of);
        let page = CheckPage { results: &results, grade: &grade };
        let is_printed = junit.write(|| junit::suites(&page))?;
        let columns = whole_screen().columns.clamp(MIN_COLUMNS, MAX_COLUMNS);
        if job.format.json {
            print(&json::json_lines(&page))?;
        } else if !is_printed {
            print(&page::text(&page, job.format.shows_all, columns))?;
        }
        Ok(grade.fail)
    }

    /// Makes all checks.
    async fn make_all(
        &mut self,
        signals: &mut Signals,
        deadline: tokio::time::Instant,
    ) -> Option<Interruption> {
        for batch in batches(&self.cases) {
            self.server.end_idle();
            let mut tasks = JoinSet::new();
            for number in batch {
                let (server, cases) = (Rc::clone(&self.server), Rc::clone(&self.cases));
                tasks.spawn_local(runner::make(server, cases, number));
            }
            loop {
                select! {
                    made = tasks.join_next() => match made {
                        None => break,
                        Some(Ok(outcome)) => {
                            self.outcomes.push(outcome);
                            self.progress.show(self.outcomes.len());
                        }
                        Some(Err(_)) => {}
                    },
                    signal = signals.recv() => return Some(Interruption::Signal(signal)),
                    () = sleep_until(deadline) => return Some(Interruption::Time),
                }
            }
        }
        None
    }
}

/// Prints text on stdout. A reader that has exited is not an error.
fn print(text: &str) -> Result<RunOutcome, Error> {
    let mut stdout = WaitingStdout::lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(cause)),
        _ => Ok(RunOutcome::Done),
    }
}

/// The default of `--max-time`, without the time of `--idle`.
const BUDGET: Duration = Duration::from_secs(90);
/// The least and the greatest width of the page. Words may be longer.
const MIN_COLUMNS: usize = 40;
const MAX_COLUMNS: usize = 100;
