//! The running commands of `--exec`. Each has a process group of its own, so that the processes that
//! it starts end with it.

use crate::sys::unix::kill_group;
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The process groups of the running commands.
#[derive(Default)]
pub(super) struct Commands(Mutex<BTreeSet<u32>>);

impl Commands {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the process group of a command.
    pub(super) fn add(&self, group: u32) {
        self.lock().insert(group);
    }

    /// Removes the process group of a command that was waited for.
    pub(super) fn remove(&self, group: u32) {
        self.lock().remove(&group);
    }

    /// Reports whether a command is running.
    pub(super) fn are_running(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Kills all commands and what they have started.
    pub(super) fn kill(&self) {
        self.lock().iter().copied().for_each(kill_group);
    }
}
