//! The lines typed before, kept for the next run.

use crate::sys::unix;
use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Where history is kept: `SOCKEYE_HISTORY`, or the XDG state directory.
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
    private(&path).ok()?;
    Some(path)
}

/// Makes the file, readable by its owner only.
fn private(path: &Path) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    unix::set_private_mode(&mut options);
    let file = options.open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// Lines kept.
pub(super) const LINES: usize = 1000;
/// The longest line kept, in bytes.
pub(super) const LONGEST: usize = 64 << 10;
