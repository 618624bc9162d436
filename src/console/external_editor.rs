//! The external editor, `$VISUAL` or `$EDITOR`, which has the terminal while it runs.

use super::line::Line;
use crate::wording::system_error;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs,
    io::{self, Write as _},
    process::Command,
    sync::atomic::Ordering,
};

/// Opens the editor on a text. Returns the text that was written.
pub(super) fn write(text: &str, line: &Line) -> Result<String, String> {
    let set = |name| env::var(name).ok().filter(|editor| !editor.trim().is_empty());
    let program = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let fault = |cause: io::Error| format!("cannot edit: {}", system_error(&cause));
    // Readable by its owner only, and gone in the end.
    let mut file =
        tempfile::Builder::new().prefix("sockeye-").suffix(".json").tempfile().map_err(fault)?;
    file.write_all(text.as_bytes()).map_err(fault)?;
    // It may have arguments, as in git.
    let mut editor = Command::new("sh")
        .args(["-c", &format!("{program} \"$1\""), "sh"])
        .arg(file.path())
        .spawn()
        .map_err(fault)?;
    line.editor_pid.store(editor.id().cast_signed(), Ordering::SeqCst);
    let status = editor.wait();
    line.editor_pid.store(0, Ordering::SeqCst);
    let status = status.map_err(fault)?;
    if !status.success() {
        return Err(format!("{program}: {status}; the text is as it was"));
    }
    // By its name: an editor may have put another file there.
    match fs::read_to_string(file.path()) {
        Ok(written) => Ok(written.trim_end_matches(['\r', '\n']).to_owned()),
        Err(cause) => match file.keep() {
            // It may have taken an hour.
            Ok((_, path)) => Err(format!(
                "cannot read {}, which stays: {}",
                path.display(),
                system_error(&cause)
            )),
            Err(_) => Err(fault(cause)),
        },
    }
}

/// Ends it: we are leaving.
pub(super) fn end(line: &Line) {
    if let Some(editor) = Pid::from_raw(line.editor_pid.load(Ordering::SeqCst)) {
        let _ = kill_process(editor, Signal::TERM);
    }
}
