//! Resolves the connection and credential arguments.

use super::{
    args::{
        ClientArgs, ConfigExtras, ConnectArgs, HttpChoice, IdentityArgs, ReconnectArgs,
        RequestArgs, TlsVersion,
    },
    script,
    values::{HeaderArg, WriteOut},
};
use crate::{
    connect::{
        DialOptions, Http, Limits,
        cookies::{Cookie, Cookies},
        credentials::Credentials,
        netrc::Netrc,
    },
    error::Error,
    escape::Escaped,
    job::reconnect::ReconnectRules,
    known,
    net::{
        proxy::{NoProxy, Proxy, ProxyOptions, ProxyVariables},
        tcp::Family,
        tls::{Identity, IdentityFault, KeyLog, TlsOptions, TrustOptions, Version},
    },
    redact::ShownPath,
    secret::{SecretString, ask, is_reference, reveal},
    sys::input_file,
    wording::system_error,
};
use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The arguments for opening a session, of the client, `check` or `proxy`.
#[derive(Clone, Copy)]
pub(super) struct OpeningArgs<'a> {
    pub(super) request: &'a RequestArgs,
    pub(super) connection: &'a ConnectArgs,
    pub(super) identity: &'a IdentityArgs,
    pub(super) extras: &'a ConfigExtras,
}

impl ClientArgs {
    /// Returns the arguments for opening a session.
    pub(super) fn opening(&self) -> OpeningArgs<'_> {
        let Self { request, connection, identity, extras, .. } = self;
        OpeningArgs { request, connection, identity, extras }
    }
}

pub(super) fn credentials(args: OpeningArgs<'_>) -> Result<Credentials, Error> {
    let request = args.request;
    let user = match &request.auth {
        None => None,
        Some(given) => {
            let auth = resolve_secret(args, given)?;
            let auth = auth.expose();
            Some(if let Some((user, password)) = auth.split_once(':') {
                known::add_user(user, password);
                (user.to_owned(), password.into())
            } else {
                // What a reference yields may be a password without a user.
                let user = if is_reference(given) {
                    "the user that --auth refers to".to_owned()
                } else {
                    Escaped(auth).to_string()
                };
                (auth.to_owned(), ask(&format!("password for {user}"))?)
            })
        }
    };
    let mut cookies = Cookies::default();
    for cookie in &request.cookie {
        let Some(cookie) = cookie.to_str() else {
            cookies.jar.add(read_file(Path::new(cookie), Cookie::parse_file)?);
            continue;
        };
        if cookie.starts_with("env:") || cookie.starts_with("cmd:") {
            let pair = resolve_secret(args, cookie)?;
            known::add_header("Cookie", pair.expose());
            cookies.pairs.push(pair);
        } else if cookie.contains('=') && !cookie.starts_with("file:") {
            cookies.pairs.push(cookie.into());
        } else {
            let path = cookie.strip_prefix("file:").unwrap_or(cookie);
            cookies.jar.add(read_file(Path::new(path), Cookie::parse_file)?);
        }
    }
    if let Some(path) = request.cookie_jar.as_ref().filter(|path| path.exists()) {
        cookies.jar.add_stored(read_file(path, Cookie::parse_file)?);
    }
    Ok(Credentials {
        user,
        bearer: request.bearer.as_deref().map(|token| known_secret(args, token)).transpose()?,
        digest_only: request.digest,
        netrc: match &request.netrc {
            None => Netrc::default(),
            Some(path) => {
                read_file(&path.clone().unwrap_or_else(default_netrc_path), Netrc::parse)?
            }
        },
        cookies,
    })
}

/// Returns the files of other purposes that the options, the configuration file and the environment
/// of a client name.
pub(super) fn inputs(args: &ClientArgs) -> Vec<PathBuf> {
    let ConnectArgs { ca, proxy, .. } = &args.connection;
    let IdentityArgs { cert, key, passphrase } = &args.identity;
    let mut inputs: Vec<PathBuf> = ca.iter().chain(cert).chain(key).cloned().collect();
    inputs.extend(
        args.request.netrc.as_ref().map(|path| path.clone().unwrap_or_else(default_netrc_path)),
    );
    let headers = args.extras.headers.iter().flatten().chain(&args.request.header);
    inputs.extend(headers.filter_map(|header| match header {
        HeaderArg::File(path) => Some(path.clone()),
        HeaderArg::Reference { reference, .. } => {
            reference.strip_prefix("file:").map(PathBuf::from)
        }
        HeaderArg::One(_) => None,
    }));
    let secrets =
        [&args.request.auth, &args.request.bearer, passphrase, proxy].into_iter().flatten();
    let files = secrets.filter_map(|secret| secret.strip_prefix("file:"));
    inputs.extend(files.map(PathBuf::from));
    let cookies = args.request.cookie.iter().map(|cookie| {
        let file = cookie.to_str().and_then(|cookie| cookie.strip_prefix("file:"));
        file.map_or_else(|| PathBuf::from(cookie), PathBuf::from)
    });
    inputs.extend(cookies);
    if let Some(WriteOut::File(path)) = &args.record.write_out {
        inputs.push(path.clone());
    }
    inputs.extend(args.extras.file.iter().cloned());
    inputs.extend(script::files(args));
    let named = ["SSLKEYLOGFILE", "SSL_CERT_FILE"].into_iter().filter_map(env::var_os);
    inputs.extend(named.map(PathBuf::from));
    inputs
}

/// Creates the file of `SSLKEYLOGFILE` if it does not exist. Returns a note if it cannot be used.
pub(super) fn key_log_note() -> Option<String> {
    let (path, cause) = KeyLog::path().zip(KeyLog::named()?.err())?;
    let path = ShownPath(&path);
    Some(format!("no TLS keys are logged to {path} (SSLKEYLOGFILE): {}", system_error(&cause)))
}

fn default_netrc_path() -> PathBuf {
    env::var_os("NETRC").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".netrc"),
        PathBuf::from,
    )
}

/// Reads and parses a file named on the command line.
pub(super) fn read_file<T>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Error> {
    let fault = |fault: String| Error::Usage { fault, hint: None };
    let text = input_file::read_text(path, input_file::LARGE_FILE_BYTES)
        .map_err(|e| fault(format!("cannot read {}: {}", ShownPath(path), system_error(&e))))?;
    parse(&text).map_err(|e| fault(format!("{}: {e}", ShownPath(path))))
}

/// Returns the secret that `value` refers to, or `value` itself if it is not a reference.
fn resolve_secret(args: OpeningArgs<'_>, value: &str) -> Result<SecretString, Error> {
    resolve_secret_at(value, location(args, value))
}

/// Resolves a secret, which is never shown from then on.
fn known_secret(args: OpeningArgs<'_>, value: &str) -> Result<SecretString, Error> {
    let secret = resolve_secret(args, value)?;
    known::add(secret.expose());
    Ok(secret)
}

/// Returns the location of `value` in the configuration file, if it is from that file.
fn location<'a>(args: OpeningArgs<'a>, value: &str) -> Option<&'a str> {
    let (_, location) = args.extras.secret_locations.iter().find(|(secret, _)| secret == value)?;
    Some(location)
}

/// Resolves a secret reference, and never shows from then on what it refers to. Errors start with
/// `location`.
pub(super) fn resolve_secret_at(
    value: &str,
    location: Option<&str>,
) -> Result<SecretString, Error> {
    let secret = reveal(value).map_err(|fault| match location {
        Some(location) => Error::Usage { fault: format!("{location}: {fault}"), hint: fault.hint },
        None => fault.into(),
    })?;
    if is_reference(value) {
        known::add(secret.expose());
    }
    Ok(secret)
}

fn proxy(args: OpeningArgs<'_>, url: &str) -> Result<Proxy, Error> {
    Proxy::parse(resolve_secret(args, url)?.expose()).map_err(|fault| Error::Usage {
        fault: format!("{}: not a proxy URL: {fault}", location(args, url).unwrap_or("--proxy")),
        hint: Some("use http://USER:PASSWORD@HOST:PORT, https://, socks5h://, ...".to_owned()),
    })
}

pub(super) fn dialing(
    client: OpeningArgs<'_>,
    notes: &mut Vec<String>,
) -> Result<DialOptions, Error> {
    let args = client.connection;
    let option = args.noproxy.clone().map(|list| ("--noproxy", list.into()));
    let set = |name| env::var_os(name).filter(|list| !list.is_empty()).map(|list| (name, list));
    let named = option.or_else(|| set("no_proxy")).or_else(|| set("NO_PROXY"));
    let (mut no_proxy, mut invalid_no_proxy) = (NoProxy::default(), None);
    match named.as_ref().map(|(name, list)| (*name, list.to_str())) {
        None => {}
        Some((name, None)) => invalid_no_proxy = Some(name),
        Some((name, Some(list))) => {
            let invalid;
            (no_proxy, invalid) = NoProxy::parse(list);
            for entry in invalid {
                let entry = Escaped(&entry);
                notes.push(format!(
                    "{name}: ignoring '{entry}': not a host, domain, address or network"
                ));
            }
        }
    }
    Ok(DialOptions {
        family: match (args.ipv4, args.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        },
        local: args.interface.clone().unwrap_or_default(),
        bounds_unsent: false,
        resolve: args.resolve.clone(),
        connect_to: args.connect_to.clone(),
        socket: args.unix_socket.clone(),
        proxies: ProxyOptions {
            explicit: args.proxy.as_deref().map(|url| proxy(client, url)).transpose()?,
            variables: ProxyVariables::read(|name| env::var_os(name)),
            no_proxy,
            invalid_no_proxy,
        },
        trust: TrustOptions {
            authorities: args.ca.clone(),
            include_system: args.ca_native,
            danger_accept_any: args.insecure,
        },
    })
}

pub(super) fn tls(client: OpeningArgs<'_>) -> Result<TlsOptions, Error> {
    let args = client.connection;
    let version = |version: Option<TlsVersion>| {
        version.map(|version| match version {
            TlsVersion::Tls12 => Version::Tls12,
            TlsVersion::Tls13 => Version::Tls13,
        })
    };
    let min = version(args.tls_min).unwrap_or(Version::Tls12);
    let max = version(args.tls_max).unwrap_or(Version::Tls13);
    if min > max {
        let fault = "--tls-min is higher than --tls-max".to_owned();
        return Err(Error::Usage { fault, hint: None });
    }
    let given = client.identity;
    let mut passphrase = || match given.passphrase.as_deref() {
        None => ask("passphrase for the key").map_err(|_| Error::Identity {
            path: given.key.clone().or_else(|| given.cert.clone()).unwrap_or_default(),
            fault: IdentityFault::Encrypted,
        }),
        Some("") => Ok(ask("passphrase for the key")?),
        Some(passphrase) => known_secret(client, passphrase),
    };
    let identity = match &given.cert {
        None => None,
        Some(cert) => Some(Arc::new(Identity::load(cert, given.key.as_deref(), &mut passphrase)?)),
    };
    Ok(TlsOptions {
        identity,
        name: args.sni.clone(),
        sends_name: !args.no_sni,
        min,
        max,
        pins: args.pin.as_ref().map(|pins| pins.0.clone()).unwrap_or_default(),
    })
}

pub(super) fn limits(args: &ConnectArgs) -> Limits {
    Limits {
        total: args.connect_timeout,
        is_run_limit: false,
        resolve: args.resolve_timeout,
        tls: args.tls_timeout,
        handshake: args.handshake_timeout,
    }
}

pub(super) fn http(args: &ConnectArgs) -> Http {
    match (args.http, args.http2) {
        (_, true) | (Some(HttpChoice::Two), _) => Http::Two,
        (Some(HttpChoice::Auto), _) => Http::Auto,
        _ => Http::One,
    }
}

pub(super) fn reconnect(args: &ReconnectArgs) -> Option<ReconnectRules> {
    args.reconnect.map(|attempts| ReconnectRules {
        attempts,
        first: args.reconnect_delay,
        longest: args.reconnect_max_delay,
        codes: args.reconnect_on.clone(),
    })
}

/// The note for `--insecure`, whatever it is called.
pub(super) const INSECURE_NOTE: &str = "the server's certificate is not checked (-k, --insecure)";
