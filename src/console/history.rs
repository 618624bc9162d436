//! The history file.

use crate::{
    escape::Escaped,
    sys::unix::{is_null_device, make_private, open_regular},
    wording::system_error,
};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Returns the path of the history file: `$SOCKEYE_HISTORY`, or a file in the XDG state directory.
/// Returns `None` if history is off.
pub(crate) fn history_path() -> Option<PathBuf> {
    match env::var_os("SOCKEYE_HISTORY") {
        Some(off) if off == "off" || off.is_empty() => None,
        // The conventional value to disable a history file.
        Some(path) => Some(PathBuf::from(path)).filter(|path| !is_null_device(path)),
        None => {
            let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
            let state = state.filter(|path| path.is_absolute()).or_else(|| {
                env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"))
            })?;
            Some(state.join("sockeye").join("history"))
        }
    }
}

/// Creates the history file if it does not exist, and makes it readable only by its owner. Returns a
/// note if it cannot be used. The editor rewrites the file and changes its mode, so it must be a
/// regular file and not a link to one.
pub(crate) fn prepare_history(path: &Path) -> Result<(), String> {
    let note = |cause: io::Error| {
        let path = path.display().to_string();
        format!("(no history: {}: {})", Escaped(&path), system_error(&cause))
    };
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(note)?;
    }
    open_regular(path).and_then(|file| make_private(&file)).map_err(note)
}

/// The number of lines that the history keeps.
pub(super) const MAX_LINES: usize = 1000;
/// The longest line that is added to the history.
pub(super) const MAX_LINE_BYTES: usize = 64 << 10;
