//! What is kept and shown of a run beside its messages: its frames on stderr, a recording, a HAR,
//! and the facts that `--write-out` tells. A run without any of them has an empty journal.

mod facts;
mod frames;
mod har;
mod recording;

pub(crate) use frames::Print;
pub(crate) use har::HarWriter;

use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    escape::{Escaped, escaped_lines},
    job::{Client, ended::Ended},
    render::write_out::Stream,
    report::Report,
    session::{Observer, Seen, Session},
    sys::{
        stdio::{self, write_stderr, write_within},
        unix::{file_id, private},
    },
    target::Target,
};
use facts::Facts;
use frames::FrameLines;
use har::HarFile;
use recording::Recording;
use std::{
    fs::{self, File},
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The journal of a run; clones are of the same one.
#[derive(Clone)]
pub(crate) struct Journal {
    report: Report,
    kept: Option<Arc<Mutex<Kept>>>,
}

/// What is kept.
struct Kept {
    frames: Option<FrameLines>,
    recording: Option<Recording>,
    har: Option<HarFile>,
    facts: Option<Box<Facts>>,
    /// What the last session came to.
    stats: Option<(crate::session::Stats, usize)>,
}

impl Journal {
    /// The journal that was asked for. Its files are opened.
    pub(crate) fn new(client: &Client, target: &Target, started: Instant) -> Result<Self, Error> {
        if let (Some(record), Some(har)) = (&client.keep.record, &client.keep.har)
            && is_same(record, har)
        {
            return Err(same(har));
        }
        let common = client.common;
        let report = Report { verbosity: common.verbosity, secrets: common.secrets, started };
        // None is emptied before all can be had.
        let open = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| open(path).map(|file| (path.clone(), file))).transpose()
        };
        let (record, har) = (open(&client.keep.record)?, open(&client.keep.har)?);
        let kept = Kept {
            frames: FrameLines::wanted(common.frames, report, String::new()),
            recording: record
                .map(|(path, file)| Recording::new(path, file, target, report))
                .transpose()?,
            har: har.map(|(path, file)| HarFile::new(path, file, target, report)).transpose()?,
            facts: client
                .keep
                .write_out
                .clone()
                .map(|template| Box::new(Facts::new(template, target, report))),
            stats: None,
        };
        let kept = kept.is_some().then(|| Arc::new(Mutex::new(kept)));
        Ok(Self { report, kept })
    }

    /// The journal of a client of ours, whose frames are shown behind this name.
    pub(crate) fn of_frames(frames: bool, report: Report, name: String) -> Self {
        let kept = FrameLines::wanted(frames, report, name).map(|frames| {
            let (recording, har, facts, stats) = (None, None, None, None);
            Arc::new(Mutex::new(Kept { frames: Some(frames), recording, har, facts, stats }))
        });
        Self { report, kept }
    }

    /// What is said on stderr.
    pub(crate) fn report(&self) -> Report {
        self.report
    }

    fn kept(&self) -> Option<MutexGuard<'_, Kept>> {
        let kept = self.kept.as_ref()?;
        Some(kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A step on the way to a session.
    pub(crate) fn progress(&self, step: &Progress<'_>) {
        self.report.progress(step);
        self.keep(step);
    }

    /// A step on the way to a session, which is not to be told on stderr.
    pub(crate) fn keep(&self, step: &Progress<'_>) {
        let Some(mut kept) = self.kept() else { return };
        if let Some(recording) = &mut kept.recording {
            recording.progress(step);
        }
        if let Some(har) = &mut kept.har {
            har.progress(step);
        }
        if let Some(facts) = &mut kept.facts {
            facts.progress(step);
        }
    }

    /// A session is open.
    pub(crate) fn opened(&self, opened: &ClientConnection) {
        let Some(mut kept) = self.kept() else { return };
        if let Some(recording) = &mut kept.recording {
            recording.opened(opened);
        }
        if let Some(facts) = &mut kept.facts {
            facts.opened(opened);
        }
    }

    /// The session, watched if there is somebody to watch it.
    pub(crate) fn watch(&self, session: Session) -> Session {
        let Some(kept) = &self.kept else { return session };
        let mut watches = false;
        if let Some(mut kept) = self.kept() {
            watches = kept.watches();
            if let Some(frames) = &mut kept.frames {
                frames.begin();
            }
        }
        if watches { session.watched(Box::new(Eye(Arc::clone(kept)))) } else { session }
    }

    /// From now on frames are shown so; `None`: on stderr.
    pub(crate) fn show_with(&self, print: Option<Print>) {
        if let Some(mut kept) = self.kept()
            && let Some(frames) = &mut kept.frames
        {
            frames.show_with(print);
        }
    }

    /// The session is lost for this reason, and another one is to follow.
    pub(crate) fn gap(&self, session: &mut Session, error: &Error) {
        self.left(session);
        if let Some(mut kept) = self.kept()
            && let Some(recording) = &mut kept.recording
        {
            recording.gap(error);
        }
    }

    /// The session has come to its end.
    pub(crate) fn left(&self, session: &mut Session) {
        session.end();
        if let Some(mut kept) = self.kept() {
            kept.stats = Some((session.stats(), session.unsent_messages()));
            if let Some(facts) = &mut kept.facts {
                facts.left(session);
            }
        }
    }

    /// The run has come to its end, which changes if what was to be kept could not be. What is to be
    /// written out is, for as long as that may take.
    pub(crate) async fn end(
        &self,
        mut ended: Result<Ended, Error>,
        limit: Duration,
    ) -> Result<Ended, Error> {
        let written = match self.kept() {
            Some(mut kept) => kept.end(&mut ended),
            None => Vec::new(),
        };
        for (stream, text) in written {
            let terminal = match stream {
                Stream::Stderr => io::stderr().is_terminal(),
                Stream::Stdout => io::stdout().is_terminal(),
            };
            // Some of it is the peer's.
            let text = if terminal { escaped_lines(&text) } else { text };
            match stream {
                Stream::Stderr => write_stderr(text.as_bytes()),
                // What a reader does not take in time is dropped.
                Stream::Stdout => {
                    write_within(&text, limit).await;
                }
            }
        }
        ended
    }
}

impl Kept {
    fn is_some(&self) -> bool {
        self.watches() || self.facts.is_some()
    }

    /// Whether it wants to know what happens in a session.
    fn watches(&self) -> bool {
        self.frames.is_some() || self.recording.is_some() || self.har.is_some()
    }

    /// Ends what is kept: what is to be written out.
    fn end(&mut self, ended: &mut Result<Ended, Error>) -> Vec<(Stream, String)> {
        let stats = self.stats.take();
        let recorded = self.recording.as_mut().map(|it| it.end(ended, stats.as_ref()));
        let har = self.har.as_mut().map(HarFile::end);
        for told in [recorded, har].into_iter().flatten() {
            if ended.is_ok()
                && let Err(fault) = told
            {
                *ended = Err(fault);
            }
        }
        let facts = self.facts.take();
        facts.map(|facts| facts.written(ended)).unwrap_or_default()
    }
}

/// What a session is watched with.
struct Eye(Arc<Mutex<Kept>>);

impl Observer for Eye {
    fn see(&mut self, at: Instant, seen: &Seen<'_>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frames) = &mut kept.frames {
            frames.see(at, seen);
        }
        if let Some(recording) = &mut kept.recording {
            recording.see(at, seen);
        }
        if let Some(har) = &mut kept.har {
            har.see(at, seen);
        }
    }

    fn rest(&mut self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frames) = &mut kept.frames {
            frames.write();
        }
        if let Some(recording) = &mut kept.recording {
            recording.write();
        }
        if let Some(har) = &mut kept.har {
            har.write();
        }
    }
}

/// Whether two paths are of one file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path| fs::metadata(path).ok().map(|found| file_id(&found));
    one == other || (file(one).is_some() && file(one) == file(other))
}

/// A file would be two things.
pub(crate) fn same(path: &Path) -> Error {
    let path = path.display().to_string();
    Error::Usage {
        fault: format!("{} cannot be a recording and a HAR", Escaped(&path)),
        hint: None,
    }
}

/// Opens a file that is to be written over, or creates one that only its owner can read. What is no
/// regular file is left alone: a device or a pipe is no place to come back to. So is what we read
/// from or write to already.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    let fail = |cause| Error::File { path: path.to_owned(), cause };
    if let Ok(found) = fs::metadata(path) {
        if !found.is_file() {
            return Err(fail(io::Error::other("not a regular file")));
        }
        if let Some(name) = stdio::name_of(file_id(&found)) {
            return Err(fail(io::Error::other(format!("it is {name} of this run"))));
        }
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    options.open(path).map_err(fail)
}
