//! The external editor, `$VISUAL` or `$EDITOR`, which owns the terminal while it runs.

use super::line_state::LineState;
use crate::{escape::Escaped, wording::system_error};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env,
    ffi::OsStr,
    fs,
    io::{self, Write as _},
    process::Command,
    sync::atomic::Ordering,
};

/// Opens the editor on a text. Returns the edited text, or an error message for the user.
pub(super) fn edit(text: &str, line: &LineState) -> Result<String, String> {
    // The command need not be valid UTF-8: the shell accepts any bytes.
    let is_blank = |editor: &OsStr| editor.to_str().is_some_and(|editor| editor.trim().is_empty());
    let set = |name| env::var_os(name).filter(|editor| !is_blank(editor));
    let program = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into());
    let fault = |cause: io::Error| format!("cannot edit the text: {}", system_error(&cause));
    // The temporary file is readable only by its owner and is deleted when it is dropped.
    let mut file =
        tempfile::Builder::new().prefix("sockeye-").suffix(".json").tempfile().map_err(fault)?;
    file.write_all(text.as_bytes()).map_err(fault)?;
    // $EDITOR may contain arguments, as git allows.
    let mut command = program.clone();
    command.push(" \"$1\"");
    let mut editor = Command::new("sh")
        .arg("-c")
        .arg(&command)
        .arg("sh")
        .arg(file.path())
        .spawn()
        .map_err(fault)?;
    line.editor_pid.store(editor.id().cast_signed(), Ordering::SeqCst);
    let status = editor.wait();
    line.editor_pid.store(0, Ordering::SeqCst);
    let status = status.map_err(fault)?;
    if !status.success() {
        let program = program.to_string_lossy();
        return Err(format!("{}: {status}; the text is unchanged", Escaped(&program)));
    }
    // Read by name: the editor may have replaced the file.
    match fs::read_to_string(file.path()) {
        Ok(written) => Ok(written.trim_end_matches(['\r', '\n']).to_owned()),
        Err(cause) => match file.keep() {
            // The text may be the result of much work, so the file is kept.
            Ok((_, path)) => Err(format!(
                "cannot read {} (not deleted): {}",
                path.display(),
                system_error(&cause)
            )),
            Err(_) => Err(fault(cause)),
        },
    }
}

/// Terminates the editor, if one is running.
pub(super) fn terminate(line: &LineState) {
    if let Some(editor) = Pid::from_raw(line.editor_pid.load(Ordering::SeqCst)) {
        let _ = kill_process(editor, Signal::TERM);
    }
}
