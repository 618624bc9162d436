//! The thread that runs the line editor.

use super::{
    assistant::Assistant,
    event::{PromptEvent, PromptReply},
    external_editor,
    history::MAX_LINE_BYTES,
    line_state::LineState,
    paste::Paste,
    print_queue::PrintQueue,
    terminal_modes::{self, TerminalModes},
};
use rustix::{io::Errno, termios::tcgetattr};
use rustyline::{Editor, error::ReadlineError, history::FileHistory};
use std::{
    io,
    path::Path,
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
};
use tokio::sync::mpsc::Sender;

pub(super) struct EditorThread {
    pub(super) line: Arc<LineState>,
    pub(super) output: Arc<PrintQueue>,
    pub(super) modes: TerminalModes,
    pub(super) paste: Paste,
    pub(super) events: Sender<EditorEvent>,
    pub(super) replies: Receiver<PromptReply>,
}

/// An event of the editor. Each needs a [`PromptReply`].
pub(super) enum EditorEvent {
    Prompt(PromptEvent),
    /// Ctrl-C, on an empty line if `empty`.
    CtrlC {
        empty: bool,
    },
}

impl EditorThread {
    /// Runs until the other end of a channel is closed. `history` is the history file, if any.
    pub(super) fn run(&self, mut editor: Editor<Assistant, FileHistory>, history: Option<&Path>) {
        if let Some(path) = history {
            // A history that is missing or unreadable must not prevent typing.
            let _ = editor.load_history(path);
        }
        let mut leaves = false;
        let mut initial = String::new();
        loop {
            let look = self.line.look();
            let prompt = if leaves { String::new() } else { look.text() };
            let Some(event) = self.read_line(&mut editor, &prompt, &initial, history) else {
                return;
            };
            initial.clear();
            if let EditorEvent::Prompt(PromptEvent::Line(text)) = &event {
                initial = self.line.unsent.take(text).unwrap_or_default();
            }
            let failed = matches!(event, EditorEvent::Prompt(PromptEvent::Failed(_)));
            if self.events.blocking_send(event).is_err() {
                return;
            }
            if failed {
                return self.idle();
            }
            match self.replies.recv() {
                Ok(PromptReply::Prompt) => {}
                Ok(PromptReply::Clear) => {
                    let _ = editor.clear_screen();
                }
                Ok(PromptReply::Keep(text)) => {
                    self.line.unsent.show(&text);
                    initial = text;
                }
                Ok(PromptReply::Edit(text)) => {
                    initial = self.edit(text);
                    if self.events.blocking_send(EditorEvent::Prompt(PromptEvent::Edited)).is_err()
                    {
                        return;
                    }
                    match self.replies.recv() {
                        Ok(PromptReply::Leave) => {
                            leaves = true;
                            initial.clear();
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    }
                }
                // The editor continues without a prompt, since it must print the output that it was
                // handed.
                Ok(PromptReply::Leave) => {
                    leaves = true;
                    initial.clear();
                }
                Err(_) => return,
            }
        }
    }

    /// Waits without a line editor until the prompt is closed, which prints the output that is left.
    fn idle(&self) {
        while self.replies.recv().is_ok() {
            self.line.editing.store(false, Ordering::SeqCst);
        }
    }

    /// Edits one line. Returns `None` after reporting that the terminal was closed.
    fn read_line(
        &self,
        editor: &mut Editor<Assistant, FileHistory>,
        prompt: &str,
        initial: &str,
        history: Option<&Path>,
    ) -> Option<EditorEvent> {
        let line = &self.line;
        let mut initial = initial.to_owned();
        let mut prompt = prompt;
        loop {
            line.empty.store(initial.is_empty(), Ordering::SeqCst);
            let read = editor.readline_with_initial(prompt, (&initial, ""));
            if matches!(&read, Err(ReadlineError::Io(fault)) if is_invalid_utf8(fault)) {
                self.paste.abandon();
                // rustyline abandons the line. It is edited again as it was; the unread input is
                // discarded, because it may be the rest of a paste that contains line breaks.
                terminal_modes::discard_input();
                self.output.print("(unread input was discarded: it is not valid UTF-8)");
                initial = line.content();
                line.ready.store(false, Ordering::SeqCst);
                continue;
            }
            if matches!(&read, Err(fault) if is_interrupted(fault)) {
                if LineState::is_set(&line.ready) {
                    initial = line.content();
                }
                line.ready.store(false, Ordering::SeqCst);
                continue;
            }
            if let Ok(text) = &read
                && line.burst.collect(text)
            {
                (prompt, initial) = ("", String::new());
                line.ready.store(false, Ordering::SeqCst);
                line.accepted.store(false, Ordering::SeqCst);
                continue;
            }
            line.editing.store(false, Ordering::SeqCst);
            return Some(match read.map(|text| line.burst.finish(text)) {
                Ok(text) if line.interrupted.swap(false, Ordering::SeqCst) => {
                    EditorEvent::CtrlC { empty: text.is_empty() }
                }
                Ok(_) if line.eof_requested.swap(false, Ordering::SeqCst) => {
                    EditorEvent::Prompt(PromptEvent::Eof)
                }
                Ok(text) if line.edit_requested.swap(false, Ordering::SeqCst) => {
                    EditorEvent::Prompt(PromptEvent::Edit(text))
                }
                Ok(text) => {
                    let added = (1..=MAX_LINE_BYTES).contains(&text.len())
                        && editor.add_history_entry(&text).unwrap_or(false);
                    if let Some(path) = history
                        && added
                    {
                        let _ = editor.append_history(path);
                    }
                    EditorEvent::Prompt(PromptEvent::Line(text))
                }
                Err(ReadlineError::Interrupted) => {
                    EditorEvent::CtrlC { empty: LineState::is_set(&line.empty) }
                }
                Err(ReadlineError::Eof) if tcgetattr(io::stdin()).is_ok() => {
                    EditorEvent::Prompt(PromptEvent::Eof)
                }
                Err(fault) => match system_fault(fault) {
                    Some(cause) => EditorEvent::Prompt(PromptEvent::Failed(cause)),
                    None => {
                        let hangup = EditorEvent::Prompt(PromptEvent::Hangup);
                        let _ = self.events.blocking_send(hangup);
                        return None;
                    }
                },
            });
        }
    }

    /// Opens the external editor on a text. Output is held until the editor exits.
    fn edit(&self, text: String) -> String {
        self.modes.restore();
        let written = external_editor::edit(&text, &self.line);
        self.modes.set_quiet();
        self.line.editor_open.store(false, Ordering::SeqCst);
        self.output.set_held(false);
        written.unwrap_or_else(|fault| {
            self.output.print(&fault);
            text
        })
    }
}

/// Returns the error of the system that stopped the editor; `None` if the terminal was closed, which
/// ends every use of it with EIO.
fn system_fault(fault: ReadlineError) -> Option<io::Error> {
    let cause = match fault {
        ReadlineError::Io(cause) => cause,
        ReadlineError::Errno(errno) => errno.into(),
        _ => return None,
    };
    let closed = cause.raw_os_error() == Some(Errno::IO.raw_os_error());
    (!closed && tcgetattr(io::stdin()).is_ok()).then_some(cause)
}

/// Reports whether a signal interrupted the editor while it waited for the terminal.
fn is_interrupted(fault: &ReadlineError) -> bool {
    match fault {
        ReadlineError::Io(cause) => cause.kind() == io::ErrorKind::Interrupted,
        ReadlineError::Errno(errno) => io::Error::from(*errno).kind() == io::ErrorKind::Interrupted,
        _ => false,
    }
}

/// Reports whether the editor failed because the input is not valid UTF-8.
fn is_invalid_utf8(fault: &io::Error) -> bool {
    fault.kind() == io::ErrorKind::InvalidData
}
