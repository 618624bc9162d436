//! What a person runs: each mode decides what is sent and where what comes is shown.

pub mod clock;
mod command;
mod demo;
mod echo;
pub mod input;
mod interactive;
pub mod job;
mod listen;
mod pipe;
mod prompt;
mod signals;

use crate::{
    connect::{self, Opened},
    error::Error,
    proto::{Kind, Role},
    render::{Renderer, lines::Lines, terminal::Terminal},
    report::{self, Report},
    session::Session,
    stdio::{self, Source},
    target::Target,
};
use clock::Wait;
use interactive::{Interactive, Wishes};
use job::{Client, Job};
use pipe::{Pipe, Plan};
use std::{
    io::{self, IsTerminal as _},
    time::Instant,
};

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Well.
    Done,
    /// It was asked to, by this signal, and is to end by it.
    Signal(i32),
}

/// Does a job.
pub fn run(job: Job) -> Result<Ended, Error> {
    let started = Instant::now();
    match job {
        Job::Client(client, target) => block_on(talk(&client, target, started)),
        Job::Demo(client) => block_on(demo::run(*client, started)),
        Job::Listen(listen) => block_on(listen::run(listen)),
    }
}

/// One thread: each wake-up moves a full buffer, and there is nothing to do beside it.
fn block_on(task: impl Future<Output = Result<Ended, Error>>) -> Result<Ended, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::Other { doing: "start", cause })?;
    let ended = runtime.block_on(task);
    // The process ends next, and takes along what a shutdown would wait for or take apart: a name
    // that does not resolve may keep a thread for half a minute.
    std::mem::forget(runtime);
    ended
}

/// Talks to a server, in the mode that stdin and stdout ask for.
async fn talk(client: &Client, target: Target, started: Instant) -> Result<Ended, Error> {
    let report = Report { verbosity: client.common.verbosity };
    let opening = client.opening(target);
    let opened = connect::open(&opening, &mut |step| report.progress(&step)).await?;
    warn_of_subprotocol(client, &opened, report);
    match &opened.agreed.deflate {
        Some(deflate) => report.detail(&report::compression(deflate, Role::Client)),
        None if client.compresses() => report.detail("no compression: offered, not accepted"),
        None => {}
    }
    let session = Session::new(opened, Role::Client, client.common.settings);
    if !client.common.color {
        colored::control::set_override(false);
    }
    if is_interactive(client) {
        let wishes = Wishes {
            script: client.script.clone(),
            shows_pings: client.shows_pings,
            history: client.history,
            url: opening.target.to_string(),
            close_timeout: client.common.settings.close_timeout,
            report,
        };
        return Interactive::new(wishes, session)?.run().await;
    }
    let plan = plan(client, started);
    Pipe::new(plan, session, renderer(b'\n'), report)?.run().await
}

/// A person sits there who can be asked: stdin and stdout are a terminal, and nothing else says
/// what is sent and when it ends.
fn is_interactive(client: &Client) -> bool {
    let stays = client.script.is_empty() || client.rules.wait == Some(Wait::UntilClosed);
    stays
        && !client.common.echo
        && client.count.is_none()
        && stdio::source() == Source::Terminal
        && io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| !POOR.iter().any(|poor| term == *poor))
}

fn warn_of_subprotocol(client: &Client, opened: &Opened, report: Report) {
    if opened.agreed.subprotocol.is_none()
        && let Some(asked) = client.headers.get("Sec-WebSocket-Protocol")
    {
        report.note(&format!("the server chose no subprotocol (asked for: {asked})"));
    }
}

fn plan(client: &Client, started: Instant) -> Plan {
    let echo = client.common.echo;
    let reads_stdin = match stdio::source() {
        Source::Nothing => false,
        // After -x a person is not waited for.
        Source::Terminal => !echo && client.script.is_empty(),
        Source::Data => !echo,
    };
    let says_nothing = client.script.is_empty() && client.rules.wait.is_none();
    Plan {
        script: client.script.clone(),
        rules: client.rules,
        count: client.count,
        echo,
        reads_stdin,
        endless: (echo || !reads_stdin) && says_nothing,
        kind: Kind::Text,
        terminator: b'\n',
        max_time: client.max_time.map(|limit| (limit, started + limit)),
        close_timeout: client.common.settings.close_timeout,
    }
}

/// What a terminal shows must be escaped; a program gets the bytes.
fn renderer(terminator: u8) -> Renderer {
    if io::stdout().is_terminal() {
        Renderer::Terminal(Terminal::default())
    } else {
        Renderer::Lines(Lines::new(terminator))
    }
}

/// How a session closed, and who began.
fn farewell(session: &Session) -> String {
    let authority = session.authority();
    match session.remote_close() {
        Some(close) if session.is_closed_by_us() => format!("closed: {close}"),
        Some(close) => format!("{authority} closed: {close}"),
        None => format!("{authority} sent no Close"),
    }
}

/// With `-v`: how a session closed, and what it came to.
fn summarize(session: &Session, report: Report) {
    report.detail(&farewell(session));
    let (received, sent) = session.tallies();
    report.detail(&report::traffic("received", received));
    report.detail(&report::traffic("sent", sent));
}

/// Terminals without the codes that a prompt needs.
const POOR: [&str; 4] = ["", "dumb", "cons25", "emacs"];
