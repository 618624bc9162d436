//! A conversation with a server, from opening it to its end.

use super::{
    interactive::{self, Interactive, handshake::handshake_lines, options::is_interactive},
    message_limit::limited_settings,
    pipe::{self, Pipe, output::Output},
    reconnect::{Reconnector, RetryEvent, report_retry},
};
use crate::{
    connect::{ClientConnection, DialOptions, Dialer, Progress},
    console::history::history_path,
    error::Error,
    job::{ClientJob, Flow, RecordOptions, run_outcome::RunOutcome},
    proto::Role,
    random::entropy,
    render::renderer::Renderer,
    report::{self, Report},
    session::Session,
    sink::{
        file::{conflict, is_same},
        jsonl::EventBuffer,
        sinks::Sinks,
    },
    sys::stdio::{Stdin, Stdout, give_up_writing_after},
    target::Target,
};
use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

/// Runs a client, interactively or as a pipe depending on stdin and stdout.
pub(crate) async fn run(
    client: &ClientJob,
    target: Target,
    started: Instant,
) -> Result<RunOutcome, Error> {
    let common = client.common;
    let report = Report { verbosity: common.verbosity, secrets: common.secrets, started };
    let shows = client.pipe.flow != Flow::SendOnly;
    let events = client.pipe.jsonl_output.then(|| EventBuffer::new(shows));
    let sinks = Sinks::of_client(client, &target, report, events.as_ref())?;
    check_history(client)?;
    let ended = Box::pin(converse(client, target, report, (&sinks, events))).await;
    sinks.end(ended, time_to_flush(client, started)).await
}

/// Returns the time at which `--max-time` ends the run.
fn run_deadline(client: &ClientJob, started: Instant) -> Option<Instant> {
    client.max_time.and_then(|limit| started.checked_add(limit))
}

/// Returns the time allowed for pending output at the end of the run.
fn time_to_flush(client: &ClientJob, started: Instant) -> Duration {
    let limit = client.common.settings.close_timeout;
    let left = |at: Instant| at.saturating_duration_since(Instant::now());
    run_deadline(client, started).map_or(limit, |at| limit.min(left(at)))
}

/// Checks that a recording is not also the history, which a run that does not use it must keep too.
fn check_history(client: &ClientJob) -> Result<(), Error> {
    let RecordOptions { record, har, .. } = &client.recording;
    let Some(history) = history_path() else { return Ok(()) };
    match [record, har].into_iter().flatten().find(|path| is_same(path, &history)) {
        Some(path) => Err(conflict(path, "the history", "a recording")),
        None => Ok(()),
    }
}

async fn converse(
    client: &ClientJob,
    target: Target,
    report: Report,
    (sinks, events): (&Sinks, Option<EventBuffer>),
) -> Result<RunOutcome, Error> {
    let deadline = run_deadline(client, report.started);
    if let Some(deadline) = deadline {
        give_up_writing_after(deadline);
    }
    for note in &client.notes {
        report.note(note);
    }
    let authority = target.authority();
    let bounds_unsent = client.common.settings.ping_timeout.is_some();
    let dialer = Dialer::new(DialOptions { bounds_unsent, ..client.dialing.clone() });
    let opening = client.opening(target);
    let mut reconnector = client
        .reconnect
        .clone()
        .map(|rules| Reconnector::new(dialer.clone(), opening.clone(), rules));
    let interactive = is_interactive(client);
    let mut handshake = Vec::new();
    let mut watch = |step: &Progress<'_>| {
        report.progress(step);
        sinks.progress(step);
        if interactive {
            handshake.extend(handshake_lines(step, report.secrets));
        }
    };
    let announces = (interactive && report.shows_summary()).then_some(report);
    let opened = match &mut reconnector {
        Some(reconnector) => {
            let mut tell = |event: RetryEvent<'_>| match event {
                RetryEvent::Progress(step) => watch(step),
                RetryEvent::Lost(..) => report_retry(report, sinks, &event),
            };
            let opening = announced(reconnector.open(&mut tell), &authority, announces);
            let opening = Box::pin(opening);
            match deadline {
                // The limits of each attempt bound neither all attempts together nor the pauses
                // between them.
                Some(deadline) => {
                    let opened = tokio::time::timeout_at(deadline.into(), opening).await;
                    let limit = client.max_time.unwrap_or_default();
                    opened.unwrap_or(Err(Error::RunTimeout { authority, limit }))
                }
                None => opening.await,
            }
        }
        None => {
            let mut watch = |step: Progress<'_>| watch(&step);
            let opening = dialer.open(&opening, &mut watch);
            let opened = Box::pin(announced(opening, &authority, announces)).await;
            opened.map_err(Error::from)
        }
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let limit = time_to_flush(client, report.started);
            return report_failure(client, Err(error), sinks, (events, limit)).await;
        }
    };
    note_missing_subprotocol(client, &opened, report);
    match &opened.established.agreement.deflate {
        Some(deflate) => report.detail(&report::compression(deflate, Role::Client)),
        None if client.offers_compression() => {
            report.detail("no compression: offered but not accepted");
        }
        None => {}
    }
    let settings = limited_settings(client, report);
    sinks.opened(&opened);
    client.common.color.apply();
    if interactive {
        let options = interactive::options::Options::new(
            client,
            (dialer, opening),
            settings,
            (report, sinks.clone()),
        );
        return Box::pin(Interactive::new(options, opened, handshake, reconnector)?.run()).await;
    }
    let output = output(client, events)?;
    let session = sinks.observe(Session::client(opened, settings, entropy()));
    let options = pipe::options::Options::new(client, report.started, settings);
    let stdin = options.reads_stdin.then(Stdin::new).transpose().map_err(Error::Input)?;
    let report = (report, sinks.clone());
    Pipe::new(options, session, (stdin, output), report, reconnector).run().await
}

/// Waits for a session, and tells the user at a terminal if that takes long.
async fn announced<T>(
    opening: impl Future<Output = T>,
    authority: &str,
    report: Option<Report>,
) -> T {
    let mut opening = std::pin::pin!(opening);
    if let Some(report) = report {
        if let Ok(opened) = tokio::time::timeout(ANNOUNCE_AFTER, &mut opening).await {
            return opened;
        }
        report.note(&format!("connecting to {authority} (Ctrl-C cancels)"));
    }
    opening.await
}

fn note_missing_subprotocol(client: &ClientJob, opened: &ClientConnection, report: Report) {
    if opened.established.agreement.subprotocol.is_none()
        && let Some(asked) = client.headers.get("Sec-WebSocket-Protocol")
    {
        report.note(&format!("the server selected no subprotocol (requested: {asked})"));
    }
}

fn output(client: &ClientJob, events: Option<EventBuffer>) -> Result<Output, Error> {
    let pipe = &client.pipe;
    let stdout = Stdout::new().map_err(Error::Output)?;
    Ok(match events {
        Some(events) => Output::of_events(stdout, events),
        None => {
            let terminal = io::stdout().is_terminal();
            let renderer = Renderer::new(pipe.framing, client.dialogue, terminal);
            Output::of_messages(stdout, renderer, pipe.flow != Flow::SendOnly)
        }
    })
}

/// Reports a run that opened no session. `--output jsonl` writes the error and the end as events.
async fn report_failure(
    client: &ClientJob,
    ended: Result<RunOutcome, Error>,
    sinks: &Sinks,
    (events, limit): (Option<EventBuffer>, Duration),
) -> Result<RunOutcome, Error> {
    if events.is_some() {
        let mut output = output(client, events)?;
        sinks.conclude(&ended);
        output.flush(limit).await;
    }
    ended
}

/// The time after which a person at a terminal is told what the program waits for.
const ANNOUNCE_AFTER: Duration = Duration::from_secs(1);
