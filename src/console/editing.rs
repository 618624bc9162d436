//! The thread that edits lines, one after the other.

use super::{
    Next, Typed, assistant::Assistant, elsewhere, history::LONGEST, line::Line, modes,
    modes::Modes, output::Output,
};
use rustix::termios::tcgetattr;
use rustyline::{Editor, error::ReadlineError, history::FileHistory};
use std::{
    io,
    path::Path,
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
};
use tokio::sync::mpsc::Sender;

/// What it needs.
pub(super) struct Editing {
    pub(super) line: Arc<Line>,
    pub(super) output: Arc<Output>,
    pub(super) modes: Modes,
    /// What was typed.
    pub(super) to: Sender<Pressed>,
    /// What is to be done then.
    pub(super) next: Receiver<Next>,
}

/// What was typed.
pub(super) enum Pressed {
    /// Something that others must know.
    Typed(Typed),
    /// Ctrl-C; whether the line was empty.
    CtrlC {
        /// It was.
        empty: bool,
    },
}

impl Editing {
    /// Edits until nobody listens any more; the history is kept in this file.
    pub(super) fn run(&self, mut editor: Editor<Assistant, FileHistory>, history: Option<&Path>) {
        if let Some(path) = history {
            // None yet, or not readable: typing is more important.
            let _ = editor.load_history(path);
        }
        let mut prompt = "> ";
        let mut initial = String::new();
        loop {
            let Some(pressed) = self.line(&mut editor, prompt, &initial, history) else { return };
            if self.to.blocking_send(pressed).is_err() {
                return;
            }
            initial.clear();
            match self.next.recv() {
                Ok(Next::Prompt) => {}
                Ok(Next::Clear) => {
                    let _ = editor.clear_screen();
                }
                Ok(Next::Edit(text)) => {
                    initial = self.elsewhere(text);
                    if self.to.blocking_send(Pressed::Typed(Typed::Edited)).is_err() {
                        return;
                    }
                    match self.next.recv() {
                        Ok(Next::Leave) => {
                            prompt = "";
                            initial.clear();
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    }
                }
                // The editor goes on without a prompt: it shows what it has been handed.
                Ok(Next::Leave) => prompt = "",
                Err(_) => return,
            }
        }
    }

    /// Edits a line; none: the terminal has gone, which has been said.
    fn line(
        &self,
        editor: &mut Editor<Assistant, FileHistory>,
        prompt: &str,
        initial: &str,
        history: Option<&Path>,
    ) -> Option<Pressed> {
        let line = &self.line;
        let mut initial = initial.to_owned();
        loop {
            line.empty.store(initial.is_empty(), Ordering::SeqCst);
            let read = editor.readline_with_initial(prompt, (&initial, ""));
            if matches!(&read, Err(ReadlineError::Io(fault)) if is_no_text(fault)) {
                // The editor gives up: what it had is edited on, without the rest of what came with
                // it, which may be a paste with lines of its own.
                modes::forget_typed();
                self.output.print("(what is not UTF-8 was left out, and what came with it)");
                initial = line.typed();
                line.entered.store(false, Ordering::SeqCst);
                continue;
            }
            line.editing.store(false, Ordering::SeqCst);
            return Some(match read {
                Ok(text) if line.interrupted.swap(false, Ordering::SeqCst) => {
                    Pressed::CtrlC { empty: text.is_empty() }
                }
                Ok(text) => {
                    let kept = (1..=LONGEST).contains(&text.len())
                        && editor.add_history_entry(&text).unwrap_or(false);
                    if let Some(path) = history
                        && kept
                    {
                        let _ = editor.append_history(path);
                    }
                    Pressed::Typed(Typed::Line(text))
                }
                Err(ReadlineError::Interrupted) => Pressed::CtrlC { empty: Line::is(&line.empty) },
                Err(ReadlineError::Eof) if tcgetattr(io::stdin()).is_ok() => {
                    Pressed::Typed(Typed::Eof)
                }
                Err(_) => {
                    let _ = self.to.blocking_send(Pressed::Typed(Typed::Gone));
                    return None;
                }
            });
        }
    }

    /// Has a text edited by another program; what comes meanwhile is shown afterwards.
    fn elsewhere(&self, text: String) -> String {
        self.modes.give_back();
        let written = elsewhere::write(&text, &self.line);
        self.modes.quiet();
        self.line.elsewhere.store(false, Ordering::SeqCst);
        self.output.hold(false);
        written.unwrap_or_else(|fault| {
            self.output.print(&fault);
            text
        })
    }
}

/// What was typed is not UTF-8.
fn is_no_text(fault: &io::Error) -> bool {
    fault.kind() == io::ErrorKind::InvalidData
}
