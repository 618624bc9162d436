//! The thread that edits lines, one after the other.

use super::{
    assistant::Assistant,
    event::{PromptEvent, PromptReply},
    external_editor,
    history::LONGEST,
    line::Line,
    print_queue::PrintQueue,
    terminal_modes::{self, TerminalModes},
};
use rustix::termios::tcgetattr;
use rustyline::{Editor, error::ReadlineError, history::FileHistory};
use std::{
    io,
    path::Path,
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
};
use tokio::sync::mpsc::Sender;

/// The state of the thread.
pub(super) struct EditorThread {
    pub(super) line: Arc<Line>,
    pub(super) output: Arc<PrintQueue>,
    pub(super) modes: TerminalModes,
    pub(super) key_presses: Sender<KeyPress>,
    pub(super) replies: Receiver<PromptReply>,
}

/// A key that ends a line.
pub(super) enum KeyPress {
    /// Any but Ctrl-C, or the end of the external editor.
    Event(PromptEvent),
    /// Ctrl-C; whether the line was empty.
    CtrlC { empty: bool },
}

impl EditorThread {
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
            if self.key_presses.blocking_send(pressed).is_err() {
                return;
            }
            initial.clear();
            match self.replies.recv() {
                Ok(PromptReply::Prompt) => {}
                Ok(PromptReply::Clear) => {
                    let _ = editor.clear_screen();
                }
                Ok(PromptReply::Edit(text)) => {
                    initial = self.edit(text);
                    if self.key_presses.blocking_send(KeyPress::Event(PromptEvent::Edited)).is_err()
                    {
                        return;
                    }
                    match self.replies.recv() {
                        Ok(PromptReply::Leave) => {
                            prompt = "";
                            initial.clear();
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    }
                }
                // The editor goes on without a prompt: it shows what it has been handed.
                Ok(PromptReply::Leave) => prompt = "",
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
    ) -> Option<KeyPress> {
        let line = &self.line;
        let mut initial = initial.to_owned();
        loop {
            line.empty.store(initial.is_empty(), Ordering::SeqCst);
            let read = editor.readline_with_initial(prompt, (&initial, ""));
            if matches!(&read, Err(ReadlineError::Io(fault)) if is_no_text(fault)) {
                // The editor gives up: what it had is edited on, without the rest of what came with
                // it, which may be a paste with lines of its own.
                terminal_modes::forget_typed();
                self.output.print("(what is not UTF-8 was left out, and what came with it)");
                initial = line.typed();
                line.entered.store(false, Ordering::SeqCst);
                continue;
            }
            line.editing.store(false, Ordering::SeqCst);
            return Some(match read {
                Ok(text) if line.interrupted.swap(false, Ordering::SeqCst) => {
                    KeyPress::CtrlC { empty: text.is_empty() }
                }
                Ok(text) => {
                    let kept = (1..=LONGEST).contains(&text.len())
                        && editor.add_history_entry(&text).unwrap_or(false);
                    if let Some(path) = history
                        && kept
                    {
                        let _ = editor.append_history(path);
                    }
                    KeyPress::Event(PromptEvent::Line(text))
                }
                Err(ReadlineError::Interrupted) => KeyPress::CtrlC { empty: Line::is(&line.empty) },
                Err(ReadlineError::Eof) if tcgetattr(io::stdin()).is_ok() => {
                    KeyPress::Event(PromptEvent::Eof)
                }
                Err(_) => {
                    let _ = self.key_presses.blocking_send(KeyPress::Event(PromptEvent::Gone));
                    return None;
                }
            });
        }
    }

    /// Opens the external editor on a text. Whatever is printed meanwhile is shown afterwards.
    fn edit(&self, text: String) -> String {
        self.modes.give_back();
        let written = external_editor::write(&text, &self.line);
        self.modes.quiet();
        self.line.editor_open.store(false, Ordering::SeqCst);
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
