//! The thread that edits lines, one after the other.

use super::{Next, Typed, assistant::Assistant, history::LONGEST, line::Line, output::Output};
use rustix::termios::tcgetattr;
use rustyline::{Editor, error::ReadlineError, history::FileHistory};
use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
    process::Command,
    sync::{atomic::Ordering, mpsc::Receiver},
};
use tokio::sync::mpsc::Sender;

/// Edits until nobody listens any more.
pub(super) fn edit(
    mut editor: Editor<Assistant, FileHistory>,
    history: Option<&Path>,
    line: &Line,
    output: &Output,
    to: &Sender<Typed>,
    next: &Receiver<Next>,
) {
    if let Some(path) = history {
        // None yet, or not readable: typing is more important.
        let _ = editor.load_history(path);
    }
    let mut prompt = "> ";
    let mut initial = String::new();
    loop {
        line.empty.store(initial.is_empty(), Ordering::SeqCst);
        let read = editor.readline_with_initial(prompt, (&initial, ""));
        initial.clear();
        line.editing.store(false, Ordering::SeqCst);
        let typed = match read {
            Ok(text) if line.interrupted.swap(false, Ordering::SeqCst) => {
                Typed::Interrupted { empty: text.is_empty() }
            }
            Ok(text) => {
                let kept = (1..=LONGEST).contains(&text.len())
                    && editor.add_history_entry(&text).unwrap_or(false);
                if let Some(path) = history
                    && kept
                {
                    let _ = editor.append_history(path);
                }
                Typed::Line(text)
            }
            Err(ReadlineError::Interrupted) => Typed::Interrupted { empty: Line::is(&line.empty) },
            Err(ReadlineError::Eof) if tcgetattr(io::stdin()).is_ok() => Typed::Eof,
            Err(_) => {
                let _ = to.blocking_send(Typed::Gone);
                return;
            }
        };
        if to.blocking_send(typed).is_err() {
            return;
        }
        match next.recv() {
            Ok(Next::Prompt) => {}
            Ok(Next::Clear) => {
                let _ = editor.clear_screen();
            }
            Ok(Next::Edit(text)) => {
                match elsewhere(&text) {
                    Ok(written) => initial = written,
                    Err(fault) => {
                        output.print(&fault);
                        initial = text;
                    }
                }
                line.elsewhere.store(false, Ordering::SeqCst);
                output.hold(false);
            }
            // The editor goes on without a prompt: it shows what it has been handed.
            Ok(Next::Leave) => prompt = "",
            Err(_) => return,
        }
    }
}

/// Has a text written by the person's own editor, which has the terminal meanwhile.
fn elsewhere(text: &str) -> Result<String, String> {
    let set = |name| env::var(name).ok().filter(|editor| !editor.trim().is_empty());
    let program = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let fault = |cause: &io::Error| format!("cannot edit: {}", crate::error::words(cause));
    // Readable by its owner only, and gone in the end.
    let mut file = tempfile::Builder::new()
        .prefix("sockeye-")
        .suffix(".json")
        .tempfile()
        .map_err(|cause| fault(&cause))?;
    file.write_all(text.as_bytes()).map_err(|cause| fault(&cause))?;
    // It may have arguments, as in git.
    let status = Command::new("sh")
        .args(["-c", &format!("{program} \"$1\""), "sh"])
        .arg(file.path())
        .status()
        .map_err(|cause| fault(&cause))?;
    if !status.success() {
        return Err(format!("{program}: {status}; the text is as it was"));
    }
    // By its name: an editor may have put another file there.
    let written = fs::read_to_string(file.path()).map_err(|cause| fault(&cause))?;
    Ok(written.trim_end_matches(['\r', '\n']).to_owned())
}
