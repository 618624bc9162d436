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

/// Options of a pipe.
#[derive(Debug)]
pub(crate) struct Options {
    /// `-x`, `--expect`, `--count`, `--until`.
    pub(crate) script: Script,
    /// When the pipe ends by itself.
    pub(crate) rules: EndRules,
    /// `--echo`: every message is sent back.
    pub(crate) echo: bool,
    /// The messages to send behind those of the script.
    pub(crate) input: InputSource,
    /// The type of the messages sent.
    pub(crate) kind: Kind,
    /// How messages follow each other in stdin.
    pub(crate) framing: Framing,
    /// `--input jsonl`.
    pub(crate) typed: bool,
    /// `--max-time`: the limit, and when it passes.
    pub(crate) max_time: Option<(Duration, Instant)>,
    /// How long flushing may take after a signal.
    pub(crate) close_timeout: Duration,
    /// The Close sent at the end.
    pub(crate) close: Close,
    /// The settings of sessions that follow a lost one.
    pub(crate) settings: Settings,
}

impl Options {
    /// Returns the options of the pipe that was asked for.
    pub(crate) fn new(client: &ClientJob, started: Instant, settings: Settings) -> Self {
        let (echo, pipe) = (client.common.echo, &client.pipe);
        let wants_stdin = !echo && pipe.flow != Flow::ReceiveOnly;
        let reads_stdin = match stdio::stdin_kind() {
            StdinKind::Nothing => false,
            // After -x a person is not waited for.
            StdinKind::Terminal => wants_stdin && client.script.is_empty(),
            StdinKind::Data => wants_stdin,
        };
        let mut rules = client.rules;
        if pipe.flow == Flow::SendOnly {
            // No answer is wanted.
            rules.wait.get_or_insert(Wait::For(Duration::ZERO));
        }
        let says_nothing = client.script.is_empty() && client.rules.wait.is_none();
        Self {
            script: Script::new(client.script.clone(), client.expect_timeout, client.goals.clone()),
            rules,
            echo,
            input: match (reads_stdin, says_nothing) {
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

/// The messages to send behind those of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputSource {
    /// Those in stdin.
    Stdin,
    /// None. The input ends with the script.
    Nothing,
    /// None, and no option says when the pipe ends. Only the peer ends it.
    Endless,
}
