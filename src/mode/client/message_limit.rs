//! The size limit of messages that must be complete in memory.

use crate::{
    job::ClientJob,
    proto::Settings,
    report::Report,
    script::{action::Action, input::Framing},
};
use std::io::{self, IsTerminal as _};

/// Returns the settings of a client. Adds a message size limit if an option needs complete messages
/// and no limit was given.
pub(super) fn limited_settings(client: &ClientJob, report: Report) -> Settings {
    let mut settings = client.common.settings;
    let pipe = &client.pipe;
    if pipe.framing == Framing::Lengths && settings.max_message != u64::MAX {
        // The length prefix has 32 bits.
        settings.max_message = settings.max_message.min(u32::MAX.into());
    }
    if settings.max_message != u64::MAX {
        return settings;
    }
    let expects = client.script.iter().any(|action| matches!(action, Action::Expect(_)));
    let reason = match pipe.framing {
        _ if pipe.jsonl_output => "--output jsonl",
        _ if client.recording.record.is_some() => "--record",
        _ if client.recording.har.is_some() => "--har",
        Framing::Lengths => "--delimiter length",
        _ if client.goals.until.is_some() => "--until",
        _ if expects => "--expect",
        _ if !client.answers.is_empty() => "--answer",
        _ if client.decode.is_some() => "--decode",
        _ if client.common.echo => "--echo",
        _ if io::stdout().is_terminal() => "a terminal",
        _ => return settings,
    };
    settings.max_message = WHOLE_MESSAGE_LIMIT_BYTES;
    report.note(&format!(
        "{reason} needs each message whole: the limit is {} MiB",
        WHOLE_MESSAGE_LIMIT_BYTES >> 20
    ));
    settings
}

/// The default size limit of messages that must be complete.
const WHOLE_MESSAGE_LIMIT_BYTES: u64 = 100 << 20;
