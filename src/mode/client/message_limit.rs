//! The limit on messages that are needed whole.

use crate::{
    job::ClientJob,
    proto::Settings,
    report::Report,
    script::{action::Action, input::Framing},
};
use std::io::{self, IsTerminal as _};

/// Returns the settings of a client, with a limit on messages where each is needed whole.
pub(super) fn limited_settings(client: &ClientJob, report: Report) -> Settings {
    let mut settings = client.common.settings;
    let pipe = &client.pipe;
    if pipe.framing == Framing::Lengths && settings.max_message != u64::MAX {
        // A length has four bytes.
        settings.max_message = settings.max_message.min(u32::MAX.into());
    }
    if settings.max_message != u64::MAX {
        return settings;
    }
    let expects = client.script.iter().any(|action| matches!(action, Action::Expect(_)));
    let why = match pipe.framing {
        _ if pipe.jsonl_output => "--output jsonl",
        _ if client.recording.record.is_some() => "--record",
        _ if client.recording.har.is_some() => "--har",
        Framing::Lengths => "--delimiter length",
        _ if client.goals.until.is_some() => "--until",
        _ if expects => "--expect",
        _ if client.common.echo => "--echo",
        _ if io::stdout().is_terminal() => "a terminal",
        _ => return settings,
    };
    settings.max_message = WHOLE_MESSAGE_LIMIT_BYTES;
    report.note(&format!(
        "{why} needs each message whole: the limit is {} MiB",
        WHOLE_MESSAGE_LIMIT_BYTES >> 20
    ));
    settings
}

/// The limit on a message that is needed whole where none was given, in bytes.
const WHOLE_MESSAGE_LIMIT_BYTES: u64 = 100 << 20;
