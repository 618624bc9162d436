//! The sinks that a job requests.

use super::{
    Sink,
    cookie_jar::CookieJarFile,
    facts::Facts,
    file::{RecordFile, open_for},
    frames::FrameLines,
    har::HarFile,
    jsonl::{EventBuffer, JsonlOutput},
    leg_text::{LegMessages, LegOutput},
    recording::Recording,
    server::ServerRecorders,
    sinks::Sinks,
};
use crate::{error::Error, job::ClientJob, proto::Leg, report::Report, target::Target};
use std::{path::PathBuf, sync::Arc};

/// Creates a sink that writes a file.
type NewRecorder<'a> = &'a dyn Fn(RecordFile, &Target, Report) -> Box<dyn Sink>;

impl Sinks {
    /// Creates the sinks of a client, in the order of notification. `events` is the buffer of
    /// `--output jsonl`, if requested. Fails if a file cannot be opened or has another purpose in
    /// this run; no file was created or changed then.
    pub(crate) fn of_client(
        client: &ClientJob,
        target: &Target,
        report: Report,
        events: Option<&EventBuffer>,
    ) -> Result<Self, Error> {
        let recording = &client.recording;
        let jar = client.credentials.cookies.jar.clone();
        let create_jar = |file, _: &Target, _| CookieJarFile::create(file, jar.clone());
        let create_recording = |file, target: &Target, report| {
            Recording::create(file, target, report, client.decoder())
        };
        let recorders: [(&Option<PathBuf>, &str, NewRecorder<'_>); 3] = [
            (&recording.record, "a recording", &create_recording),
            (&recording.har, "a HAR", &HarFile::create),
            (&recording.cookie_jar, "a cookie jar", &create_jar),
        ];
        let mut files: Vec<(RecordFile, &str, NewRecorder<'_>)> = Vec::new();
        for (path, noun, create) in recorders {
            let Some(path) = path else { continue };
            // A jar was read as a cookie file, and may also be one of `--cookie`.
            let is_jar = recording.cookie_jar.as_ref() == Some(path);
            let inputs = if is_jar { &[][..] } else { &recording.inputs };
            match open_for(path, noun, &files, inputs) {
                Ok(file) => files.push((file, noun, create)),
                Err(error) => {
                    for (file, ..) in files {
                        file.discard();
                    }
                    return Err(error);
                }
            }
        }
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        sinks.extend(FrameLines::wanted(client.common.frames, report, String::new(), None));
        sinks.extend(
            events.map(|events| JsonlOutput::create(events.clone(), report, client.decoder())),
        );
        for (file, _, create) in files {
            if let Some(note) = file.make_private() {
                report.note(&note);
            }
            sinks.push(create(file, target, report));
        }
        let template = recording.write_out.clone();
        sinks.extend(template.map(|template| Facts::create(template, target, report)));
        Ok(Self::new(sinks))
    }

    /// Creates the sinks of a server's client with this number. Its frames are shown with the number
    /// before each line. `events` is the buffer of `--output jsonl`, if requested.
    pub(crate) fn of_peer(
        frames: bool,
        report: Report,
        conn: u64,
        events: Option<&EventBuffer>,
        recorders: &ServerRecorders,
    ) -> Self {
        let frames = FrameLines::wanted(frames, report, format!("client {conn} "), None);
        let events = events.map(|it| JsonlOutput::of_client(it.clone(), report, conn, None));
        Self::new(frames.into_iter().chain(events).chain(recorders.sinks(conn, None)).collect())
    }

    /// Creates the sinks of a connection of a proxy.
    pub(crate) fn of_leg(
        frames: bool,
        report: Report,
        (conn, leg): (u64, Leg),
        output: Option<&LegOutput>,
        recorders: &ServerRecorders,
    ) -> Self {
        let frames = FrameLines::wanted(frames, report, format!("client {conn} "), Some(leg));
        let output = output.map(|output| match output {
            LegOutput::Events(events) => {
                JsonlOutput::of_client(events.clone(), report, conn, Some(leg))
            }
            LegOutput::Text(events, terminator) => {
                LegMessages::on_stdout(events.clone(), *terminator, (conn, leg))
            }
            LegOutput::Calls(show) => LegMessages::to_calls(Arc::clone(show), (conn, leg)),
        });
        Self::new(
            frames.into_iter().chain(output).chain(recorders.sinks(conn, Some(leg))).collect(),
        )
    }
}
