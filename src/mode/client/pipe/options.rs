//! Options of a pipe.

use super::clock::ClockRules;
use crate::{
    job::{ClientJob, Flow, wait::Wait},
    mode::client::decoding::Decoding,
    proto::{Close, Kind, Settings},
    random::nonce,
    script::{draft::Ambient, input::Framing, runner::Script},
    sys::stdio::{self, StdinKind},
};
use std::time::{Duration, Instant, SystemTime};

#[derive(Debug)]
pub(crate) struct Options {
    /// The script of `-x`, `--expect`, `--count` and `--until`.
    pub(crate) script: Script,
    /// The rules for the time-based end.
    pub(super) rules: ClockRules,
    /// The decoder of received binary messages, if they are decoded.
    pub(crate) decoding: Option<Decoding>,
    pub(crate) echo: bool,
    /// True if stdin is read after the script.
    pub(crate) reads_stdin: bool,
    /// The type of the messages of stdin.
    pub(crate) kind: Kind,
    pub(crate) framing: Framing,
    /// Bytes at the end of each message of stdin.
    pub(crate) append: Vec<u8>,
    /// True with `--input jsonl`.
    pub(crate) typed: bool,
    /// The longest line of `--input jsonl`, in bytes.
    pub(super) max_line: usize,
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
        let pipe = &client.pipe;
        Self {
            script: Script::new(client.script.clone(), client.expect_timeout, client.goals.clone())
                .beside(
                    client.answers.clone(),
                    client.ticks.clone(),
                    Ambient { now: SystemTime::now, random: nonce },
                ),
            rules: rules(client),
            decoding: Decoding::of(client),
            echo: client.common.echo,
            reads_stdin: reads_stdin(client, stdio::stdin_kind()),
            kind: pipe.kind,
            append: pipe.append.clone(),
            framing: if pipe.jsonl_input { Framing::Lines(b'\n') } else { pipe.framing },
            typed: pipe.jsonl_input,
            max_line: client.common.max_line,
            max_time: client.max_time.and_then(|limit| Some((limit, started.checked_add(limit)?))),
            close_timeout: client.common.settings.close_timeout,
            close: pipe.close.clone(),
            settings,
        }
    }
}

fn reads_stdin(client: &ClientJob, kind: StdinKind) -> bool {
    let wants_stdin = !client.common.echo && client.pipe.flow != Flow::ReceiveOnly;
    match kind {
        StdinKind::Nothing => false,
        // With -x, input from a terminal is not read.
        StdinKind::Terminal => wants_stdin && client.script.is_empty(),
        StdinKind::Data => wants_stdin,
    }
}

fn rules(client: &ClientJob) -> ClockRules {
    let send_only = client.pipe.flow == Flow::SendOnly;
    let mut end = client.rules;
    if send_only {
        // Received messages are not shown, so the run does not wait for an answer.
        end.wait.get_or_insert(Wait::For(Duration::ZERO));
    }
    let has_script = !client.script.is_empty() || !client.ticks.is_empty();
    ClockRules { end, has_script, send_only }
}
