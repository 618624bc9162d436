//! The history file.

use crate::sys::unix;
use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Returns the history file, which it creates: `$SOCKEYE_HISTORY`, or a file in the XDG state
/// directory. Returns `None` if history is off or the file cannot be created.
pub(crate) fn history_file() -> Option<PathBuf> {
    let path = match std::env::var_os("SOCKEYE_HISTORY") {
        Some(off) if off == "off" || off.is_empty() => return None,
        Some(path) => PathBuf::from(path),
        None => {
            let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
            let state = state.filter(|path| path.is_absolute()).or_else(|| {
                std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"))
            })?;
            state.join("sockeye").join("history")
        }
    };
    create_private(&path).ok()?;
    Some(path)
}

/// Creates the file if it does not exist, and makes it readable only by its owner.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    unix::set_private_mode(&mut options);
    let file = options.open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// The number of lines that the history keeps.
pub(super) const MAX_LINES: usize = 1000;
/// The longest line that is added to the history.
pub(super) const MAX_LINE_BYTES: usize = 64 << 10;
