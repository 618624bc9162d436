//! The arguments of `sockeye listen` → its job.

use super::{
    args::{Delimiter, ListenArgs, PipeFormat, ServerArgs, SlowChoice},
    connect::{read_file, resolve_secret_at},
    values::{self, HeaderArg},
};
use crate::{
    connect::DialOptions,
    error::Error,
    escape::Escaped,
    job::{
        CommonOptions,
        listen::{
            AdmissionRules, Glob, LifeRules, ListenAddress, ListenFormat, ListenJob,
            ServerCertificate, ServerRecordOptions, Service, SlowClients,
        },
        prompt_habits::PromptHabits,
    },
    known,
    net::{
        proxy::{NoProxy, ProxyOptions, ProxyVariables},
        tls::{Identity, IdentityFault, TlsOptions, TrustOptions},
    },
    proto::{
        Settings,
        extension::Offers,
        handshake::{Choices, HeaderEdit, Headers, Subprotocols},
    },
    random,
    redact::quoted,
    script::{fault::FaultRule, goals::Goals, input::Framing, reply::file::ReplyFile},
    secret::{SecretString, ask},
};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Resolves the arguments. `compress` are the preferred parameters of permessage-deflate.
pub(super) fn job(
    args: ListenArgs,
    compress: Option<Offers>,
    common: CommonOptions,
    config: Option<PathBuf>,
) -> Result<ListenJob, Error> {
    let usage = |fault: &str| Error::Usage { fault: fault.to_owned(), hint: None };
    if compress.as_ref().is_some_and(|offers| !offers.is_valid_for_server()) {
        return Err(usage(
            "a server takes a single set of --compress parameters, with a window of at least 9 bits",
        ));
    }
    let ListenArgs { address, common: shared, server } = args;
    let subprotocol = shared.subprotocol;
    let (address, secure) = parse_address(address.as_deref().unwrap_or("0"))?;
    let tls = certificate(
        CertificateArgs {
            cert: server.cert.as_deref(),
            key: server.key.as_deref(),
            passphrase: server.passphrase.as_deref(),
            is_self_signed: server.tls_self_signed,
        },
        secure,
    )?;
    let names: Vec<_> = subprotocol.iter().flat_map(|names| names.split(',')).collect();
    let subprotocols = match &names[..] {
        [] => Subprotocols::Any,
        names => Subprotocols::These(names.iter().map(|name| name.trim().to_owned()).collect()),
    };
    let reply_file = server.reply.as_deref().map(ReplyFile::new);
    if server.seed.is_some() && server.reply.is_none() && server.fault.is_empty() {
        return Err(usage("--seed needs --reply or --fault"));
    }
    if server.fault.iter().any(FaultRule::is_of_proxy) {
        return Err(usage("'inject' is a fault of 'sockeye proxy'"));
    }
    let seed = server.seed.unwrap_or_else(random::seed);
    Ok(ListenJob {
        address,
        tls,
        choices: Choices { subprotocols, compress },
        service: match (&reply_file, &server.exec) {
            (Some(file), _) => Service::Reply(Arc::new(file.read()?), seed),
            _ if common.echo => Service::Echo,
            _ if server.broadcast => Service::Broadcast,
            (None, Some(command)) => Service::Exec(command.clone()),
            (None, None) => Service::Talk,
        },
        reply_file,
        faults: server.fault.clone().into(),
        seed,
        dialing: DialOptions {
            proxies: environment_proxies(),
            trust: TrustOptions {
                authorities: server.forward_ca.clone(),
                danger_accept_any: server.forward_insecure,
                ..TrustOptions::default()
            },
            ..DialOptions::default()
        },
        forward_tls: forward_tls(&server)?,
        forward_edits: header_edits(&server.forward_header)?,
        admission: admission(&server)?,
        headers: headers(&server)?,
        life: LifeRules {
            clients: if server.once { Some(1) } else { server.clients },
            max_time: server.max_time,
        },
        format: format(&server)?,
        habits: PromptHabits::default(),
        max_queue: server
            .max_queue
            .map_or(MAX_QUEUE_BYTES, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX).max(1)),
        slow: match server.slow {
            None | Some(SlowChoice::Drop) => SlowClients::Drop,
            Some(SlowChoice::Wait) => SlowClients::Wait,
            Some(SlowChoice::Skip) => SlowClients::Skip,
        },
        recording: ServerRecordOptions {
            record: server.record.record.clone(),
            har: server.record.har.clone(),
            inputs: inputs(&server, config),
        },
        goals: Goals { count: server.count, until: server.until },
        session: Settings {
            fragment: shared.session.fragment.unwrap_or(ECHO_FRAGMENT),
            ..common.settings
        },
        common,
    })
}

/// The arguments of a server's certificate.
#[derive(Clone, Copy)]
pub(super) struct CertificateArgs<'a> {
    pub(super) cert: Option<&'a Path>,
    pub(super) key: Option<&'a Path>,
    pub(super) passphrase: Option<&'a str>,
    pub(super) is_self_signed: bool,
}

/// Returns the certificate of a server, which one at wss:// needs.
pub(super) fn certificate(
    args: CertificateArgs<'_>,
    secure: bool,
) -> Result<Option<ServerCertificate>, Error> {
    match (args.cert, args.is_self_signed) {
        (Some(certificate), _) => {
            identity(certificate, args.key, args.passphrase).map(ServerCertificate::Given).map(Some)
        }
        (None, true) => Ok(Some(ServerCertificate::SelfSigned)),
        (None, false) if secure => Err(Error::Usage {
            fault: "wss:// needs a certificate".to_owned(),
            hint: Some("pass --cert and --key, or --tls-self-signed".to_owned()),
        }),
        (None, false) => Ok(None),
    }
}

/// Returns the TLS options for the servers that messages are forwarded to.
fn forward_tls(args: &ServerArgs) -> Result<TlsOptions, Error> {
    let certificate = args.forward_cert.as_deref();
    let identity = certificate.map(|it| identity(it, args.forward_key.as_deref(), None));
    Ok(TlsOptions { identity: identity.transpose()?, ..TlsOptions::default() })
}

/// Reads a certificate and its key.
fn identity(
    certificate: &Path,
    key: Option<&Path>,
    passphrase: Option<&str>,
) -> Result<Arc<Identity>, Error> {
    let mut passphrase = || match passphrase {
        None => ask("passphrase for the key").map_err(|_| Error::Identity {
            path: key.unwrap_or(certificate).to_owned(),
            fault: IdentityFault::Encrypted,
        }),
        Some(passphrase) => {
            let secret = resolve_secret_at(passphrase, None)?;
            known::add(secret.expose());
            Ok(secret)
        }
    };
    Identity::load(certificate, key, &mut passphrase).map(Arc::new)
}

/// Returns the proxies that the environment names, for servers that messages are forwarded to.
fn environment_proxies() -> ProxyOptions {
    let lists = ["no_proxy", "NO_PROXY"].into_iter().filter_map(|name| std::env::var(name).ok());
    let list = lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
    ProxyOptions {
        variables: ProxyVariables::read(|name| std::env::var_os(name)),
        no_proxy: NoProxy::parse(&list).0,
        ..ProxyOptions::default()
    }
}

/// Returns the files that the run reads, with the configuration file `config`.
fn inputs(args: &ServerArgs, config: Option<PathBuf>) -> Vec<PathBuf> {
    let named = [&args.cert, &args.key, &args.reply, &args.forward_cert, &args.forward_key];
    let named = named.into_iter().flatten().chain(&args.forward_ca).cloned();
    let headers =
        args.header.iter().chain(&args.forward_header).filter_map(|header| match header {
            HeaderArg::File(path) => Some(path.clone()),
            HeaderArg::Reference { .. } | HeaderArg::One(_) => None,
        });
    let secrets = [&args.auth, &args.passphrase].into_iter().flatten();
    let files = secrets.filter_map(|secret| secret.strip_prefix("file:")).map(PathBuf::from);
    named.chain(headers).chain(files).chain(config).collect()
}

/// Parses the address, and whether it is that of wss://.
pub(super) fn parse_address(text: &str) -> Result<(ListenAddress, bool), Error> {
    let secure = text.starts_with("wss://");
    let bare = ["ws://", "wss://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let bare = bare.map_or(text, |bare| bare.trim_end_matches('/'));
    match ListenAddress::parse(bare) {
        Some(address) => Ok((address, secure)),
        None => Err(Error::Usage {
            fault: format!("'{}' is not a listen address", Escaped(&quoted(text))),
            hint: Some(if lacks_port(bare) {
                format!("add a port, as in {}:9000", Escaped(&quoted(text)))
            } else {
                "use PORT, HOST:PORT, [IPv6]:PORT, unix:PATH or fd:NUMBER, perhaps after wss:// for \
                 TLS; port 0 is any free port"
                    .to_owned()
            }),
        }),
    }
}

/// Reports whether this is an address or localhost, without a port.
fn lacks_port(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    text == "localhost"
        || text.parse::<Ipv4Addr>().is_ok()
        || bracketed.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn admission(args: &ServerArgs) -> Result<AdmissionRules, Error> {
    let globs = |patterns: &[String]| patterns.iter().map(|it| Glob::new(it)).collect();
    Ok(AdmissionRules {
        paths: globs(&args.path),
        user: args.auth.as_deref().map(user).transpose()?,
        origins: globs(&args.origin),
        headers: args.require_header.clone(),
        refusal: args.status,
        max_clients: args.max_clients.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
    })
}

fn user(given: &str) -> Result<(String, SecretString), Error> {
    let auth = resolve_secret_at(given, None)?;
    let Some((user, password)) = auth.expose().split_once(':') else {
        let hint = Some("write --auth USER:PASSWORD".to_owned());
        return Err(Error::Usage { fault: "--auth has no password".to_owned(), hint });
    };
    known::add_user(user, password);
    Ok((user.to_owned(), password.into()))
}

/// Reads changes of a header.
pub(super) fn header_edits(args: &[HeaderArg]) -> Result<Vec<HeaderEdit>, Error> {
    let mut edits = Vec::new();
    for arg in args {
        match arg {
            HeaderArg::One(edit) => edits.push(edit.clone()),
            HeaderArg::File(path) => edits.extend(read_file(path, |text| {
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                lines.map(values::header).collect::<Result<Vec<_>, _>>()
            })?),
            HeaderArg::Reference { .. } => {}
        }
    }
    Ok(edits)
}

/// Returns the header fields to add to the response.
fn headers(args: &ServerArgs) -> Result<Headers, Error> {
    let mut headers = Headers::default();
    for edit in header_edits(&args.header)? {
        match edit {
            HeaderEdit::Set(name, _) if is_generated(&name) => {
                let fault =
                    format!("the header '{}' is generated and cannot be set", Escaped(&name));
                return Err(Error::Usage { fault, hint: None });
            }
            HeaderEdit::Set(name, value) => headers.push(name, value),
            HeaderEdit::Remove(_) => {}
        }
    }
    Ok(headers)
}

/// Reports whether a header of the 101 response is made by the opening handshake.
fn is_generated(name: &str) -> bool {
    ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Content-Length", "Transfer-Encoding"]
        .iter()
        .any(|generated| generated.eq_ignore_ascii_case(name))
}

fn format(args: &ServerArgs) -> Result<ListenFormat, Error> {
    let framing = match args.delimiter {
        _ if args.null => Framing::Lines(0),
        None | Some(Delimiter::Lf) => Framing::Lines(b'\n'),
        Some(Delimiter::Nul) => Framing::Lines(0),
        Some(Delimiter::None | Delimiter::Length) => {
            let fault = "a server frames stdin and stdout with --delimiter lf or nul".to_owned();
            return Err(Error::Usage { fault, hint: None });
        }
    };
    Ok(ListenFormat {
        framing,
        jsonl_input: args.input == Some(PipeFormat::Jsonl),
        jsonl_output: args.output == Some(PipeFormat::Jsonl),
        labels: match (args.label, args.no_label) {
            (_, true) => Some(false),
            (true, _) => Some(true),
            _ => None,
        },
    })
}

/// Default of `--fragment` for messages that are sent back.
const ECHO_FRAGMENT: NonZeroUsize = NonZeroUsize::MIN.saturating_add((16 << 20) - 1);

/// Default of `--max-queue`.
const MAX_QUEUE_BYTES: usize = 1 << 20;
