//! The arguments of `sockeye check` → its job.

use super::{
    args::CheckArgs,
    color,
    connect::{self, OpeningArgs},
    request,
};
use crate::{
    connect::ConnectOptions,
    error::Error,
    job::{
        Job,
        check::{CheckExtent, CheckFormat, CheckJob, CheckSelection},
    },
    redact::Secrets,
    report::Verbosity,
    target::Target,
};
use std::{path::Path, time::Duration};

/// Resolves the arguments. Reads the files and secrets that they name.
pub(super) fn job(mut args: CheckArgs) -> Result<Job, Error> {
    let selection = CheckSelection {
        only: std::mem::take(&mut args.only),
        skip: std::mem::take(&mut args.skip),
    };
    let format = CheckFormat {
        json: args.json,
        shows_all: args.verbose > 0,
        color: color::mode(args.color, args.no_color),
    };
    if args.list {
        return Ok(Job::ListChecks(selection, format));
    }
    if args.json && args.junit.as_deref() == Some(Path::new("-")) {
        return Err(Error::Usage {
            fault: "--json and --junit - both write to stdout".to_owned(),
            hint: Some("pass a file to --junit".to_owned()),
        });
    }
    let url = args.url.clone().unwrap_or_default();
    let opening = OpeningArgs {
        request: &args.request,
        connection: &args.connection,
        identity: &args.identity,
        extras: &args.extras,
    };
    let target = Target::parse_with(&url, request::dot_segments(&args.request))
        .map_err(|fault| Error::Url { url, fault })?;
    request::check_subprotocols(&args.request.subprotocol)?;
    let mut notes = args.extras.notes.clone();
    let dialing = connect::dialing(opening, &mut notes)?;
    if target.secure {
        notes.extend(connect::key_log_note());
        notes.extend(args.connection.insecure.then(|| connect::INSECURE_NOTE.to_owned()));
    }
    Ok(Job::Check(Box::new(CheckJob {
        opening: ConnectOptions {
            target,
            host: args.request.host.clone(),
            headers: request::headers(&args.request, None),
            edits: request::header_edits(opening)?,
            credentials: connect::credentials(opening)?,
            redirects: request::redirects(&args.request)?,
            tls: connect::tls(opening)?,
            http: connect::http(&args.connection),
            limits: connect::limits(&args.connection),
        },
        dialing,
        notes,
        echo_path: args.echo_path,
        selection,
        extent: CheckExtent {
            is_aggressive: args.aggressive,
            idle: args.idle.map(|max| max.unwrap_or(IDLE)),
        },
        strict: args.strict,
        junit: args.junit,
        max_time: args.max_time,
        verbosity: match args.verbose {
            _ if args.quiet => Verbosity::Quiet,
            0 => Verbosity::Normal,
            1 => Verbosity::Verbose,
            _ => Verbosity::Detailed,
        },
        secrets: if args.show_secrets { Secrets::Shown } else { Secrets::Hidden },
        format,
    })))
}

/// The time that idle sessions are watched with `--idle` alone.
const IDLE: Duration = Duration::from_secs(90);
