//! The reply script that new clients get. It is replaced when its file is read again.

use crate::{
    error::Error,
    job::listen::{ListenJob, Service},
    script::reply::{file::ReplyFile, replies::Replies},
};
use std::sync::{Arc, Mutex, PoisonError};

/// The use of the reply script by new clients, if there is a script. A client keeps the one that it
/// began with.
pub(super) struct CurrentReplies {
    replies: Mutex<Option<Arc<Replies>>>,
    file: Option<ReplyFile>,
    seed: u64,
}

impl CurrentReplies {
    /// Begins with the script of the job.
    pub(super) fn new(job: &ListenJob) -> Self {
        let (replies, seed) = match &job.service {
            Service::Reply(script, seed) => {
                (Some(Arc::new(Replies::new(Arc::clone(script), *seed))), *seed)
            }
            _ => (None, 0),
        };
        Self { replies: Mutex::new(replies), file: job.reply_file.clone(), seed }
    }

    /// Returns the current script.
    pub(super) fn get(&self) -> Option<Arc<Replies>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file again and returns it, with warnings; `None` if there is none. If the file is
    /// faulty, the script stays as it is.
    pub(super) fn reload(&self) -> Result<Option<(&ReplyFile, Vec<String>)>, Error> {
        let Some(file) = &self.file else { return Ok(None) };
        let script = Arc::new(file.read_again()?);
        let warnings = file.warnings(&script);
        let replies = Arc::new(Replies::new(script, self.seed));
        *self.replies.lock().unwrap_or_else(PoisonError::into_inner) = Some(replies);
        Ok(Some((file, warnings)))
    }
}
