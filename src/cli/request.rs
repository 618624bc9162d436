//! The arguments of the opening request → its header fields and redirects.

use super::{
    args::RequestArgs,
    connect::{self, OpeningArgs},
    values::{self, HeaderArg},
};
use crate::{
    error::Error,
    escape::Escaped,
    known,
    proto::{
        extension::Offers,
        handshake::{HeaderEdit, Headers},
    },
    redact::quoted,
    target::DotSegments,
};

/// Returns what is done with `.` and `..` in a URL.
pub(super) fn dot_segments(args: &RequestArgs) -> DotSegments {
    if args.path_as_is { DotSegments::Kept } else { DotSegments::Removed }
}

/// Refuses a subprotocol that is offered twice (RFC 6455, 4.1).
pub(super) fn check_subprotocols(lists: &[String]) -> Result<(), Error> {
    let names: Vec<_> = lists.iter().flat_map(|list| list.split(',')).map(str::trim).collect();
    let twice =
        names.iter().enumerate().find(|(i, name)| names.iter().take(*i).any(|n| n == *name));
    twice.map_or(Ok(()), |(_, name)| {
        Err(Error::Usage {
            fault: format!("the subprotocol '{}' is given twice (-s)", Escaped(name)),
            hint: Some("offer each subprotocol once (RFC 6455, 4.1)".to_owned()),
        })
    })
}

/// Returns the maximum number of redirects, or `None` if redirects are not followed.
pub(super) fn redirects(args: &RequestArgs) -> Result<Option<usize>, Error> {
    let limit = match args.max_redirects.as_deref() {
        // Empty if the option has no value, or its value was really the URL.
        None | Some("") => MAX_REDIRECTS,
        Some(limit) => limit.parse().map_err(|_| Error::Usage {
            fault: format!(
                "'{}' is not a number of redirects (--max-redirects)",
                Escaped(&quoted(limit))
            ),
            hint: None,
        })?,
    };
    Ok(args.location.then_some(limit))
}

/// Merges the headers of the configuration file and `-H`. A header replaces those of the same name
/// with lower precedence.
pub(super) fn header_edits(args: OpeningArgs<'_>) -> Result<Vec<HeaderEdit>, Error> {
    let mut all: Vec<HeaderArg> = Vec::new();
    for layer in args.extras.headers.iter().chain([&args.request.header]) {
        let mut headers = Vec::new();
        for arg in layer {
            match arg {
                HeaderArg::File(path) => {
                    let lines = connect::read_file(path, parse_header_lines)?;
                    for line in &lines {
                        if let HeaderArg::One(HeaderEdit::Set(name, value)) = line {
                            known::add_field_of_file(name, value);
                        }
                    }
                    headers.extend(lines);
                }
                other => headers.push(other.clone()),
            }
        }
        let same_name = |one: &HeaderArg, other: &HeaderArg| {
            one.name().zip(other.name()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        all.retain(|weaker| !headers.iter().any(|header| same_name(header, weaker)));
        all.append(&mut headers);
    }
    let edit = |arg| match arg {
        HeaderArg::One(edit) => Some(Ok(edit)),
        HeaderArg::Reference { name, reference, location } => {
            Some(connect::resolve_secret_at(&reference, Some(&location)).map(|value| {
                let value = value.expose().trim();
                known::add_field(&name, value);
                HeaderEdit::Set(name, value.to_owned())
            }))
        }
        HeaderArg::File(_) => None,
    };
    let edits: Vec<HeaderEdit> = all.into_iter().filter_map(edit).collect::<Result<_, Error>>()?;
    for edit in &edits {
        if let HeaderEdit::Set(name, value) = edit {
            known::add_header(name, value);
        }
    }
    Ok(edits)
}

fn parse_header_lines(text: &str) -> Result<Vec<HeaderArg>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let edit = |(i, line)| values::header(line).map_err(|fault| format!("line {}: {fault}", i + 1));
    lines.map(|line| edit(line).map(HeaderArg::One)).collect()
}

pub(super) fn headers(args: &RequestArgs, offers: Option<Offers>) -> Headers {
    let mut headers = Headers::default();
    let agent = concat!("sockeye/", env!("CARGO_PKG_VERSION"));
    headers.push("User-Agent", args.user_agent.as_deref().unwrap_or(agent));
    if let Some(origin) = &args.origin {
        headers.push("Origin", origin);
    }
    headers.push("Sec-WebSocket-Version", args.protocol.unwrap_or(13).to_string());
    if !args.subprotocol.is_empty() {
        headers.push("Sec-WebSocket-Protocol", args.subprotocol.join(", "));
    }
    if let Some(offers) = offers {
        headers.push("Sec-WebSocket-Extensions", offers.header());
    }
    headers
}

/// Default of `--max-redirects`, as in wscat.
const MAX_REDIRECTS: usize = 10;
