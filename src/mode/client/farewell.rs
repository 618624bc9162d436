//! Texts about the end of a session.

use crate::{
    render::summary::{summary, times},
    report::Report,
    session::Session,
};

/// Returns a sentence that says how a session closed and which side closed it first.
pub(super) fn farewell(session: &Session) -> String {
    let authority = session.authority();
    match session.remote_close() {
        Some(close) if session.is_closed_by_us() => format!("closed: {close}"),
        Some(close) => format!("{authority} closed: {close}"),
        None => format!("{authority} sent no Close frame"),
    }
}

/// Reports, with `-v`, how a session closed and its statistics.
pub(super) fn summarize(session: &Session, report: Report) {
    report.detail(&farewell(session));
    let stats = session.stats();
    let lines = summary(&stats, session.unsent_messages());
    for line in lines.into_iter().chain(times(&stats, report.started.elapsed())) {
        report.detail(&line);
    }
}
