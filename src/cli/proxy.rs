//! The arguments of `sockeye proxy` → its job.

use super::{
    args::{IdentityArgs, ProxyArgs, ProxyOutput, RequestArgs},
    color,
    connect::{self, OpeningArgs},
    listen::{self, CertificateArgs},
    request,
    values::{self, HeaderArg},
};
use crate::{
    connect::{ConnectOptions, credentials::Credentials},
    error::Error,
    escape::Escaped,
    job::{
        Job,
        listen::{LifeRules, ServerRecordOptions},
        proxy::{PassingRules, ProxyJob, ShownMessages},
    },
    proto::handshake::{HeaderEdit, Headers},
    random,
    redact::{Secrets, ShownPath},
    report::Verbosity,
    script::fault::{FaultRule, RuleFault},
    sys::input_file,
    target::{DotSegments, Target},
    wording::{position, system_error},
};
use std::path::{Path, PathBuf};

/// Resolves the arguments. Reads the files and secrets that they name.
pub(super) fn job(args: ProxyArgs) -> Result<Job, Error> {
    let request = RequestArgs { header: args.header.clone(), ..RequestArgs::default() };
    let identity = IdentityArgs {
        cert: args.client_cert.clone(),
        key: args.client_key.clone(),
        passphrase: None,
    };
    // Headers of the configuration file are those of a client, and would change what clients send.
    let mut extras = args.extras.clone();
    extras.headers.clear();
    let opening = OpeningArgs {
        request: &request,
        connection: &args.connection,
        identity: &identity,
        extras: &extras,
    };
    let url = args.url.clone();
    let target = Target::parse_with(&url, DotSegments::Removed)
        .map_err(|fault| Error::Url { url, fault })?;
    let (address, secure) = listen::parse_address(&args.address)?;
    let tls = listen::certificate(
        CertificateArgs {
            cert: args.cert.as_deref(),
            key: args.key.as_deref(),
            passphrase: args.passphrase.as_deref(),
            is_self_signed: args.tls_self_signed,
        },
        secure,
    )?;
    let recording = ServerRecordOptions {
        record: args.record.record.clone(),
        har: args.record.har.clone(),
        inputs: inputs(&args),
    };
    let mut notes = extras.notes.clone();
    let dialing = connect::dialing(opening, &mut notes)?;
    if target.secure {
        notes.extend(connect::key_log_note());
        notes.extend(args.connection.insecure.then(|| connect::INSECURE_NOTE.to_owned()));
    }
    let mut faults = [&*args.rewrite, &*args.inject, &*args.fault].concat();
    for file in &args.faults {
        faults.extend(fault_rules(file)?);
    }
    if args.seed.is_some() && faults.is_empty() {
        let fault = "--seed needs --fault, --faults, --rewrite or --inject".to_owned();
        return Err(Error::Usage { fault, hint: None });
    }
    Ok(Job::Proxy(Box::new(ProxyJob {
        address,
        tls,
        tls_export: args.tls_export,
        opening: ConnectOptions {
            target,
            host: None,
            headers: Headers::default(),
            edits: edits(request::header_edits(opening)?)?,
            credentials: Credentials::default(),
            redirects: None,
            tls: connect::tls(opening)?,
            http: connect::http(&args.connection),
            limits: connect::limits(&args.connection),
        },
        dialing,
        passing: PassingRules {
            fixed_path: args.fixed_path,
            keep_host: args.keep_host,
            sessions_only: args.ws_only,
            response_edits: edits(listen::header_edits(&args.response_header)?)?,
        },
        faults: faults.into(),
        seed: args.seed.unwrap_or_else(random::seed),
        max_clients: args.max_clients.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        life: LifeRules {
            clients: if args.once { Some(1) } else { args.clients },
            max_time: args.max_time,
        },
        close_timeout: args.close_timeout,
        shows: match args.output {
            ProxyOutput::Text => ShownMessages::Text,
            ProxyOutput::Jsonl => ShownMessages::Events,
            ProxyOutput::None => ShownMessages::Nothing,
        },
        frames: args.frames,
        recording,
        notes,
        verbosity: match args.verbose {
            _ if args.quiet => Verbosity::Quiet,
            0 => Verbosity::Normal,
            1 => Verbosity::Verbose,
            _ => Verbosity::Detailed,
        },
        secrets: if args.show_secrets { Secrets::Shown } else { Secrets::Hidden },
        color: color::mode(args.color, args.no_color),
    })))
}

/// Returns the files that the run reads or writes, and that no recording may overwrite.
fn inputs(args: &ProxyArgs) -> Vec<PathBuf> {
    let files = [&args.cert, &args.key, &args.client_cert, &args.client_key, &args.tls_export];
    let headers = args.header.iter().chain(&args.response_header);
    let headers = headers.filter_map(|header| match header {
        HeaderArg::File(path) => Some(path.clone()),
        HeaderArg::Reference { .. } | HeaderArg::One(_) => None,
    });
    files.into_iter().flatten().cloned().chain(headers).collect()
}

/// Reads the rules of `--faults`: one a line, with empty lines and comments between them.
fn fault_rules(path: &Path) -> Result<Vec<FaultRule>, Error> {
    let usage = |fault| Error::Usage { fault, hint: None };
    let text = input_file::read_text(path, input_file::SMALL_FILE_BYTES).map_err(|cause| {
        usage(format!("cannot read {}: {}", ShownPath(path), system_error(&cause)))
    })?;
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, line)| !line.trim_start().starts_with('#'));
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            FaultRule::parse_with(line, &values::variable).map_err(|RuleFault { at, words }| {
                let (_, column) = position(line, at);
                usage(format!("{}:{number}:{column}: {words}", ShownPath(path)))
            })
        })
        .collect()
}

/// Refuses changes of the fields that each connection has of its own.
fn edits(edits: Vec<HeaderEdit>) -> Result<Vec<HeaderEdit>, Error> {
    let generated = edits.iter().find_map(|edit| {
        let (HeaderEdit::Set(name, _) | HeaderEdit::Remove(name)) = edit;
        GENERATED.iter().any(|own| own.eq_ignore_ascii_case(name)).then_some(name)
    });
    match generated {
        None => Ok(edits),
        Some(name) => {
            let fault = format!("the header '{}' is that of each connection", Escaped(name));
            Err(Error::Usage { fault, hint: None })
        }
    }
}

/// The fields that a proxy makes for each connection.
const GENERATED: [&str; 6] = [
    "Connection",
    "Content-Length",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Key",
    "Transfer-Encoding",
    "Upgrade",
];
