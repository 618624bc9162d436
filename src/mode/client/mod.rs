//! The client modes: interactive at two terminals, a pipe otherwise.

mod farewell;
mod interactive;
mod pipe;
mod reconnect;

use crate::{
    connect::{ClientConnection, Dialer, Progress},
    error::Error,
    job::{Client, Ways, ended::Ended, wait::Wait},
    proto::{Role, Settings},
    random::entropy,
    render::renderer::Renderer,
    report::{self, Report},
    script::{action::Action, input::Framing, runner::Script},
    session::Session,
    sink::{jsonl::EventBuffer, sinks::Sinks},
    sys::stdio::{self, Source},
    target::Target,
};
use interactive::{Interactive, Wishes};
use pipe::{Output, Pipe, Plan, Supply};
use reconnect::{Comeback, Said, tell_attempt};
use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

/// Talks to a server, in the mode that stdin and stdout ask for.
pub(super) async fn run(client: &Client, target: Target, started: Instant) -> Result<Ended, Error> {
    let common = client.common;
    let report = Report { verbosity: common.verbosity, secrets: common.secrets, started };
    let shows = client.stream.ways != Ways::Out;
    let events = client.stream.events.then(|| EventBuffer::new(shows));
    let sinks = Sinks::of_client(client, &target, report, events.as_ref())?;
    let ended = Box::pin(converse(client, target, report, (&sinks, events))).await;
    sinks.end(ended, client.common.settings.close_timeout).await
}

async fn converse(
    client: &Client,
    target: Target,
    report: Report,
    (sinks, events): (&Sinks, Option<EventBuffer>),
) -> Result<Ended, Error> {
    for note in &client.notes {
        report.note(note);
    }
    let (dialer, opening) = (Dialer::new(client.dialing.clone()), client.opening(target));
    let mut comeback =
        client.reconnect.clone().map(|rules| Comeback::new(dialer.clone(), opening.clone(), rules));
    let interactive = is_interactive(client);
    let mut handshake = Vec::new();
    let mut watch = |step: &Progress<'_>| {
        report.progress(step);
        sinks.progress(step);
        if interactive {
            handshake.extend(interactive::handshake_lines(step, report.secrets));
        }
    };
    let opened = match &mut comeback {
        Some(comeback) => {
            let mut tell = |said: Said<'_>| match said {
                Said::Progress(step) => watch(step),
                Said::Lost(..) => tell_attempt(report, sinks, &said),
            };
            comeback.open(&mut tell).await
        }
        None => {
            let opened = Box::pin(dialer.open(&opening, &mut |step| watch(&step))).await;
            opened.map_err(Error::from)
        }
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return tell_failure(client, Err(error), sinks, events).await,
    };
    warn_of_subprotocol(client, &opened, report);
    match &opened.established.agreed.deflate {
        Some(deflate) => report.detail(&report::compression(deflate, Role::Client)),
        None if client.compresses() => report.detail("no compression: offered, not accepted"),
        None => {}
    }
    let settings = limited(client, report);
    sinks.opened(&opened);
    client.common.color.apply();
    if interactive {
        let wishes = Wishes {
            script: script(client),
            kind: client.stream.kind,
            shows_pings: client.shows_pings,
            history: client.history,
            dialogue: client.dialogue,
            exit_on_close: client.exit_on_close,
            subprotocols: opening
                .headers
                .list("Sec-WebSocket-Protocol")
                .map(ToOwned::to_owned)
                .collect(),
            close_timeout: settings.close_timeout,
            close: client.stream.close.clone(),
            report,
            dialer,
            opening,
            settings,
            sinks: sinks.clone(),
        };
        return Box::pin(Interactive::new(wishes, opened, handshake, comeback)?.run()).await;
    }
    let output = output(client, events)?;
    let session = sinks.observe(Session::client(opened, settings, entropy()));
    let plan = plan(client, report.started, settings);
    Pipe::new(plan, session, output, (report, sinks.clone()), comeback)?.run().await
}

/// A person sits there who can be asked: stdin and stdout are a terminal, and nothing else says
/// what is sent and when it ends.
fn is_interactive(client: &Client) -> bool {
    let stays = client.script.is_empty() || client.rules.wait == Some(Wait::UntilClosed);
    stays
        && client.script.iter().all(Action::is_message)
        && !client.common.echo
        && !client.goals.is_some()
        && client.stream.is_plain()
        && stdio::source() == Source::Terminal
        && io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| !POOR.iter().any(|poor| term == *poor))
}

/// The settings, with a limit on messages where each is needed whole.
fn limited(client: &Client, report: Report) -> Settings {
    let mut settings = client.common.settings;
    let stream = &client.stream;
    if stream.framing == Framing::Lengths && settings.max_message != u64::MAX {
        // A length has four bytes.
        settings.max_message = settings.max_message.min(u32::MAX.into());
    }
    if settings.max_message != u64::MAX {
        return settings;
    }
    let expects = client.script.iter().any(|action| matches!(action, Action::Expect(_)));
    let why = match stream.framing {
        _ if stream.events => "--output jsonl",
        _ if client.keep.record.is_some() => "--record",
        _ if client.keep.har.is_some() => "--har",
        Framing::Lengths => "--delimiter length",
        _ if client.goals.until.is_some() => "--until",
        _ if expects => "--expect",
        _ if client.common.echo => "--echo",
        _ if io::stdout().is_terminal() => "a terminal",
        _ => return settings,
    };
    settings.max_message = WHOLE;
    report.note(&format!("{why} needs each message whole: the limit is {} MiB", WHOLE >> 20));
    settings
}

fn warn_of_subprotocol(client: &Client, opened: &ClientConnection, report: Report) {
    if opened.established.agreed.subprotocol.is_none()
        && let Some(asked) = client.headers.get("Sec-WebSocket-Protocol")
    {
        report.note(&format!("the server chose no subprotocol (asked for: {asked})"));
    }
}

fn plan(client: &Client, started: Instant, settings: Settings) -> Plan {
    let (echo, stream) = (client.common.echo, &client.stream);
    let wants_stdin = !echo && stream.ways != Ways::In;
    let reads_stdin = match stdio::source() {
        Source::Nothing => false,
        // After -x a person is not waited for.
        Source::Terminal => wants_stdin && client.script.is_empty(),
        Source::Data => wants_stdin,
    };
    let mut rules = client.rules;
    if stream.ways == Ways::Out {
        // No answer is wanted.
        rules.wait.get_or_insert(Wait::For(Duration::ZERO));
    }
    let says_nothing = client.script.is_empty() && client.rules.wait.is_none();
    Plan {
        script: script(client),
        rules,
        echo,
        supply: match (reads_stdin, says_nothing) {
            (true, _) => Supply::Stdin,
            (false, true) => Supply::Endless,
            (false, false) => Supply::Nothing,
        },
        kind: stream.kind,
        framing: if stream.typed { Framing::Lines(b'\n') } else { stream.framing },
        typed: stream.typed,
        max_time: client.max_time.map(|limit| {
            stdio::hurry_after(started + limit);
            (limit, started + limit)
        }),
        close_timeout: client.common.settings.close_timeout,
        close: stream.close.clone(),
        settings,
    }
}

fn script(client: &Client) -> Script {
    Script::new(client.script.clone(), client.expect_timeout, client.goals.clone())
}

fn output(client: &Client, events: Option<EventBuffer>) -> Result<Output, Error> {
    let stream = &client.stream;
    let output = match events {
        Some(events) => Output::of_events(events),
        None => {
            let terminal = io::stdout().is_terminal();
            let renderer = Renderer::new(stream.framing, client.dialogue, terminal);
            Output::of_messages(renderer, stream.ways != Ways::Out)
        }
    };
    output.map_err(Error::Output)
}

/// Ends a run that has come to no session, in the output too if that tells of events.
async fn tell_failure(
    client: &Client,
    ended: Result<Ended, Error>,
    sinks: &Sinks,
    events: Option<EventBuffer>,
) -> Result<Ended, Error> {
    if events.is_some() {
        let mut output = output(client, events)?;
        sinks.conclude(&ended);
        output.flush(client.common.settings.close_timeout).await;
    }
    ended
}

/// The limit on a message that is needed whole where none was given, in bytes.
const WHOLE: u64 = 100 << 20;

/// Terminals without the codes that a prompt needs.
const POOR: [&str; 4] = ["", "dumb", "cons25", "emacs"];
