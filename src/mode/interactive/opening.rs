//! A session that ends: whether another one follows, and how it is opened.

use super::{Interactive, Reopening, Repeats, Role};
use crate::{
    connect::{self, Opened, Progress},
    error::Error,
    escape::Escaped,
    mode::{
        command::Command,
        farewell,
        prompt::{Next, Prompt, Typed},
        reconnect::Said,
        signals::Signals,
    },
    proto::{
        Assembler, close,
        handshake::{HeaderEdit, Version},
    },
    redact::Secrets,
    render::summary::ms,
    report::progress_lines,
    session::Session,
};
use colored::Colorize as _;

/// What became of waiting for a session.
enum Opening {
    Open(Box<Opened>),
    Failed(Error),
    /// The person does not want it any more.
    Left,
    Signal(i32),
}

impl Interactive {
    /// Opens the session again if it was lost, or if the person asks for it; false: this was the
    /// last.
    pub(super) async fn come_back(&mut self) -> bool {
        if self.signal.is_some() || self.leaving {
            return false;
        }
        if self.session.unsent_messages() > 0 {
            self.prompt.print(&format!("not sent: {} messages", self.session.unsent_messages()));
        }
        if let Some(wanted) = self.reopening.take() {
            if self.reopen(wanted).await {
                return true;
            }
        } else if self.comes_back_by_itself().await {
            return true;
        }
        if !self.stays() {
            return false;
        }
        self.tell_end();
        self.linger().await
    }

    /// `--reconnect`.
    async fn comes_back_by_itself(&mut self) -> bool {
        if self.session.is_closed_by_us() {
            return false;
        }
        let Self { comeback, prompt, signals, session, handshake, wishes, .. } = self;
        let (journal, secrets) = (&wishes.journal, wishes.report.secrets);
        let Some(comeback) = comeback else { return false };
        let error = match comeback.reason(session) {
            Ok(error) => error,
            Err(known) => {
                self.failure = known;
                return false;
            }
        };
        journal.gap(session, &error);
        handshake.clear();
        let print = prompt.printer();
        let mut tell = |said: Said<'_>| match said {
            Said::Lost(error, wait) => {
                print(&error.to_string());
                print(&format!("connecting again in {:.1} s", wait.as_secs_f64()));
            }
            Said::Progress(step) => {
                journal.keep(step);
                handshake.extend(handshake_lines(step, secrets));
            }
        };
        let opening = Box::pin(comeback.again(error, &mut tell));
        let opening = until(opening, prompt, signals).await;
        self.took(opening)
    }

    /// `/reconnect`.
    async fn reopen(&mut self, wanted: Reopening) -> bool {
        let mut opening = self.wishes.opening.clone();
        if let Some(name) = wanted.subprotocol {
            let edit = HeaderEdit::Set("Sec-WebSocket-Protocol".to_owned(), name);
            opening.edits.push(edit);
        }
        let Self { prompt, signals, handshake, session, wishes, .. } = self;
        let (journal, secrets) = (&wishes.journal, wishes.report.secrets);
        journal.left(session);
        handshake.clear();
        let mut watch = |step: Progress<'_>| {
            journal.keep(&step);
            handshake.extend(handshake_lines(&step, secrets));
        };
        let opened = Box::pin(connect::open(&opening, &mut watch));
        let opening = until(opened, prompt, signals).await;
        self.took(opening)
    }

    /// Goes on with what has been opened.
    fn took(&mut self, opening: Opening) -> bool {
        match opening {
            Opening::Open(opened) => {
                let url = self.wishes.report.secrets.url(&opened.url);
                self.prompt.print(&format!("connected again to {}", Escaped(&url)));
                self.prompt.print(&status(&opened));
                self.wishes.journal.opened(&opened);
                let session = Session::new(*opened, Role::Client, self.wishes.settings);
                self.session = self.wishes.journal.watch(session);
                self.assembler = Assembler::default();
                self.repeats = Repeats::default();
                self.pings.clear();
                (self.failure, self.told) = (None, None);
                return true;
            }
            Opening::Failed(error) => {
                self.failure = Some(error);
                self.told = None;
            }
            Opening::Left => self.leaving = true,
            Opening::Signal(signal) => self.interrupt(signal),
        }
        false
    }

    /// Whether to wait for what the person says to the end of the session.
    fn stays(&self) -> bool {
        !self.wishes.exit_on_close
            && self.prompt.is_touched()
            && self.signal.is_none()
            && !self.leaving
            && (self.failure.is_some() || !self.session.is_closed_by_us())
    }

    /// Says how the session ended, and what there is to do.
    fn tell_end(&mut self) {
        let verdict = self.verdict();
        match &verdict {
            Err(error) => {
                self.prompt.print(&error.to_string());
                if let Some(hint) = error.hint() {
                    self.prompt.print(&format!("hint: {hint}"));
                }
            }
            Ok(()) => self.say_farewell(),
        }
        self.told = Some(verdict);
        self.prompt.print(&"(/reconnect opens it again, Ctrl-D leaves)".dimmed().to_string());
    }

    /// Says how a session closed that did not fail, and what the peer's code means.
    pub(super) fn say_farewell(&self) {
        self.prompt.print(&farewell(&self.session));
        let close = self.session.remote_close().filter(|_| !self.session.is_closed_by_us());
        let code = close.map_or(0, |close| close.code.into());
        let meaning = close::meaning(code);
        if code != 1000 && !meaning.is_empty() {
            self.prompt.print(&format!("({code}: {meaning})").dimmed().to_string());
        }
    }

    /// Waits for what the person does without a session; true: there is another one.
    async fn linger(&mut self) -> bool {
        loop {
            let Self { prompt, signals, .. } = self;
            tokio::select! {
                Some(typed) = prompt.typed(false) => self.typed(typed),
                signal = signals.recv() => self.signalled(signal),
            }
            if self.leaving || self.signal.is_some() {
                return false;
            }
            if let Some(wanted) = self.reopening.take() {
                if self.reopen(wanted).await {
                    return true;
                }
                if self.leaving || self.signal.is_some() {
                    return false;
                }
                self.tell_end();
            }
        }
    }
}

/// Waits for a session while the person goes on typing.
async fn until(
    mut opening: std::pin::Pin<Box<impl Future<Output = Result<Opened, Error>>>>,
    prompt: &mut Prompt,
    signals: &mut Signals,
) -> Opening {
    loop {
        tokio::select! {
            opened = &mut opening => return match opened {
                Ok(opened) => Opening::Open(Box::new(opened)),
                Err(error) => Opening::Failed(error),
            },
            Some(typed) = prompt.typed(false) => {
                let (leaves, next) = match typed {
                    Typed::Line(line) => match Command::parse(&line) {
                        Ok(Command::Quit) => (true, Next::Leave),
                        Ok(Command::Nothing) => (false, Next::Prompt),
                        _ => {
                            prompt.print("not sent: not connected");
                            (false, Next::Prompt)
                        }
                    },
                    Typed::Interrupted { empty: false } => (false, Next::Prompt),
                    Typed::Interrupted { .. } | Typed::Gone | Typed::Eof => (true, Next::Leave),
                };
                prompt.next(next);
                if leaves {
                    return Opening::Left;
                }
            }
            signal = signals.recv() => return Opening::Signal(signal),
        }
    }
}

/// Where a session leads, for the line below its URL.
pub(super) fn status(opened: &Opened) -> String {
    let mut parts = Vec::new();
    parts.extend(opened.address.map(|address| address.to_string()));
    parts.extend(opened.tls.as_ref().map(|tls| {
        let version = tls.split(',').next().unwrap_or_default();
        version.replace("TLSv", "TLS ").replace('_', ".")
    }));
    if opened.carrier == Version::Http2 {
        parts.push("HTTP/2".to_owned());
    }
    let subprotocol = opened.agreed.subprotocol.as_ref();
    parts.extend(subprotocol.map(|name| format!("subprotocol {}", Escaped(name))));
    if opened.agreed.deflate.is_some() {
        parts.push("permessage-deflate".to_owned());
    }
    parts.push(ms(opened.timing.total()));
    parts.join(", ").dimmed().to_string()
}

/// The lines of a step that are the handshake's.
pub(in crate::mode) fn handshake_lines(step: &Progress<'_>, secrets: Secrets) -> Vec<String> {
    match step {
        Progress::Request(..) | Progress::Response(..) => progress_lines(step, secrets),
        _ => Vec::new(),
    }
}
