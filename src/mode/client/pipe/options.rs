//! Options of a pipe.

use crate::{
    job::{
        ClientJob, Flow,
        wait::{EndRules, Wait},
    },
    proto::{Close, Kind, Settings},
    script::{input::Framing, runner::Script},
    sys::stdio::{self, StdinKind},
};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Options {
    /// The script of `-x`, `--expect`, `--count` and `--until`.
    pub(crate) script: Script,
    /// The rules for the time-based end.
    pub(crate) rules: EndRules,
    pub(crate) echo: bool,
    /// The source of messages after those of the script.
    pub(crate) input: InputSource,
    /// The type of the messages of stdin.
    pub(crate) kind: Kind,
    pub(crate) framing: Framing,
    /// True with `--input jsonl`.
    pub(crate) typed: bool,
    /// The limit of `--max-time`, and its deadline.
    pub(crate) max_time: Option<(Duration, Instant)>,
    /// The time allowed for pending output after a signal.
    pub(crate) close_timeout: Duration,
    /// The Close frame sent at the end.
    pub(crate) close: Close,
    /// The settings of sessions that replace a lost one.
    pub(crate) settings: Settings,
}

impl Options {
    /// Derives the options from those of the client.
    pub(crate) fn new(client: &ClientJob, started: Instant, settings: Settings) -> Self {
        let (echo, pipe) = (client.common.echo, &client.pipe);
        let wants_stdin = !echo && pipe.flow != Flow::ReceiveOnly;
        let reads_stdin = match stdio::stdin_kind() {
            StdinKind::Nothing => false,
            // With -x, input from a terminal is not read.
            StdinKind::Terminal => wants_stdin && client.script.is_empty(),
            StdinKind::Data => wants_stdin,
        };
        let mut rules = client.rules;
        if pipe.flow == Flow::SendOnly {
            // Received messages are not shown, so the run does not wait for an answer.
            rules.wait.get_or_insert(Wait::For(Duration::ZERO));
        }
        let has_no_end = client.script.is_empty() && client.rules.wait.is_none();
        Self {
            script: Script::new(client.script.clone(), client.expect_timeout, client.goals.clone()),
            rules,
            echo,
            input: match (reads_stdin, has_no_end) {
                (true, _) => InputSource::Stdin,
                (false, true) => InputSource::Endless,
                (false, false) => InputSource::Nothing,
            },
            kind: pipe.kind,
            framing: if pipe.jsonl_input { Framing::Lines(b'\n') } else { pipe.framing },
            typed: pipe.jsonl_input,
            max_time: client.max_time.map(|limit| {
                stdio::give_up_stderr_after(started + limit);
                (limit, started + limit)
            }),
            close_timeout: client.common.settings.close_timeout,
            close: pipe.close.clone(),
            settings,
        }
    }
}

/// The source of messages after those of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputSource {
    Stdin,
    /// No source: the input ends with the script.
    Nothing,
    /// No source, and no option ends the pipe: only the peer does.
    Endless,
}
