//! Detection of a stdin that a shell reads, too.

use super::unix::file_id;
use std::{fs, process};

/// Reports whether the shell that started this process has the same stdin, as in the body of a
/// `while read` loop. Returns false where it cannot be known.
pub fn is_read_by_shell() -> bool {
    let mut id = process::id();
    let Some(ours) = stdin_of(id) else { return false };
    for _ in 0..MAX_ANCESTORS {
        let Some(parent) = parent_of(id) else { return false };
        // Programs such as timeout(1) run between the shell and this process.
        if is_shell(parent) {
            return stdin_of(parent) == Some(ours);
        }
        id = parent;
    }
    false
}

fn stdin_of(id: u32) -> Option<(u64, u64)> {
    fs::metadata(format!("/proc/{id}/fd/0")).ok().map(|found| file_id(&found))
}

fn parent_of(id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    parent.trim().parse().ok().filter(|parent| *parent > 0)
}

fn is_shell(id: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
    SHELLS.contains(&name.trim_end())
}

const SHELLS: [&str; 9] = ["ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "sh", "zsh"];
/// The greatest number of processes between the shell and this one.
const MAX_ANCESTORS: usize = 4;
