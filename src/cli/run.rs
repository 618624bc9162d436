//! Resolves and validates the arguments into a job. No other module outside `cli` reads
//! [`args`](super::args).

use super::{
    args::{
        Cli, ClientArgs, Command, CompletionOutput, DecodeChoice, Delimiter, DiagnosticsArgs,
        ListenArgs, ListenCommonArgs, PipeFormat, ServerArgs, SessionArgs, ShowArgs,
    },
    check, color, connect, implied, listen, proxy, request, script,
    values::WriteOut,
};
use crate::{
    connect::{DialOptions, netrc::Netrc},
    decode::Encoding,
    error::Error,
    escape::Escaped,
    job::{
        ClientJob, CommonOptions, Flow, Job, PipeOptions, RecordOptions, ShowJob,
        listen::ListenJob, wait::EndRules,
    },
    proto::{Close, CloseCode, Kind, Settings, extension::Offers},
    redact::Secrets,
    render::{dialogue::Dialogue, write_out::WriteOutFormat},
    report::Verbosity,
    script::{goals::Goals, input::Framing},
    target::Target,
};
use clap_complete::Shell;
use std::{
    io::{self, IsTerminal as _},
    num::NonZeroUsize,
    path::PathBuf,
    time::Duration,
};

/// The task of this process.
#[derive(Clone, Debug)]
pub enum Run {
    /// Run one of the modes.
    Job(Job),
    /// Print a completion script.
    Completions(Shell),
    /// Print the completions of a word.
    Candidates,
    /// Print the main man page, or write all man pages to a directory.
    Man(Option<PathBuf>),
    /// Print the help about a topic, or all of it.
    Help(Option<String>),
    /// Print the version.
    Version,
    /// Print that what was to be checked is valid, and warnings about it.
    Checked(Vec<String>),
}

impl Run {
    /// Resolves the arguments. Reads the files and secrets they name, and prompts for a missing
    /// password or passphrase.
    pub fn new(mut cli: Cli) -> Result<Self, Error> {
        match cli.command.take() {
            Some(Command::Completions { shell: CompletionOutput::Script(shell) }) => {
                return Ok(Self::Completions(shell));
            }
            Some(Command::Completions { shell: CompletionOutput::Candidates }) => {
                return Ok(Self::Candidates);
            }
            Some(Command::Man { dir }) => return Ok(Self::Man(dir)),
            Some(Command::Help { topic }) => return Ok(Self::Help(topic)),
            Some(Command::Version) => return Ok(Self::Version),
            Some(Command::Show { args }) => return Ok(Self::Job(Job::Show(show(args)))),
            Some(Command::Listen { args }) => {
                let checks = args.server.reply_check;
                let job = listen(*args)?;
                if checks {
                    let mut lines = job.reply_warnings();
                    lines.push("the reply script is valid".to_owned());
                    return Ok(Self::Checked(lines));
                }
                return Ok(Self::Job(Job::Listen(Box::new(job))));
            }
            Some(Command::Proxy { args }) => return Ok(Self::Job(proxy::job(*args)?)),
            Some(Command::Check { args }) => return Ok(Self::Job(check::job(*args)?)),
            Some(Command::Demo { args }) => {
                let mut client = client(*args)?;
                // The server is in this process: dial options and netrc entries do not apply.
                client.dialing = DialOptions::default();
                client.credentials.netrc = Netrc::default();
                client.notes.clear();
                return Ok(Self::Job(Job::Demo(Box::new(client))));
            }
            None => {}
        }
        if let Some(address) = cli.listen {
            let ClientArgs { request, session, habits, .. } = cli.client;
            let subprotocol = request.subprotocol;
            let common = ListenCommonArgs { subprotocol, session, file: cli.file };
            let (address, server) = (Some(address), ServerArgs::default());
            let args = ListenArgs { address, common, server };
            let job = ListenJob { habits, ..listen(args)? };
            return Ok(Self::Job(Job::Listen(Box::new(job))));
        }
        let mut args = cli.client;
        let url = cli.url.or(cli.connect).or_else(|| {
            // clap takes the next argument as an optional value even if it is the URL.
            take_swallowed_url(&mut args.identity.passphrase)
                .or_else(|| take_swallowed_url(&mut args.request.max_redirects))
        });
        let Some(url) = url else {
            let hint = websocat_hint(&args).or_else(|| script::swallowed_url(&args));
            let hint = hint.map(ToOwned::to_owned).or_else(last_word_hint).unwrap_or_else(|| {
                "try 'sockeye wss://example.com/path', or see 'sockeye --help'".to_owned()
            });
            return Err(Error::Usage { fault: "no URL given".to_owned(), hint: Some(hint) });
        };
        let dots = request::dot_segments(&args.request);
        let target = Target::parse_with(&url, dots).map_err(|fault| Error::Url { url, fault })?;
        let is_insecure = args.connection.insecure;
        let mut client = client(args)?;
        if target.secure {
            client.notes.extend(connect::key_log_note());
            client.notes.extend(is_insecure.then(|| connect::INSECURE_NOTE.to_owned()));
        } else if std::env::args_os().any(|arg| arg == "-n") && !io::stdin().is_terminal() {
            client.notes.push(INSECURE_WITHOUT_TLS.to_owned());
        }
        Ok(Self::Job(Job::Client(Box::new(client), target)))
    }
}

fn client(mut args: ClientArgs) -> Result<ClientJob, Error> {
    args.session.ping_timeout = implied::ping_timeout(&args);
    let wait = implied::wait(&args);
    let conversation = script::conversation(&args)?;
    let (pipe, inputs) = (pipe(&args, conversation.append), connect::inputs(&args));
    let fragment = if pipe.framing == Framing::Whole { STREAM_FRAGMENT } else { FRAGMENT };
    let mut notes = args.extras.notes.clone();
    let common = common(&args.session, fragment);
    request::check_subprotocols(&args.request.subprotocol)?;
    notes.extend(script::carriage_return_note(&args));
    Ok(ClientJob {
        headers: request::headers(&args.request, offers(&args.session)),
        edits: request::header_edits(args.opening())?,
        credentials: connect::credentials(args.opening())?,
        redirects: request::redirects(&args.request)?,
        dialing: connect::dialing(args.opening(), &mut notes)?,
        tls: connect::tls(args.opening())?,
        limits: connect::limits(&args.connection),
        reconnect: connect::reconnect(&args.reconnect),
        notes,
        host: args.request.host,
        http: connect::http(&args.connection),
        pipe,
        script: conversation.actions,
        answers: conversation.answers,
        ticks: conversation.ticks,
        expect_timeout: args.expect_timeout,
        rules: EndRules {
            wait,
            quiet_for: args.quiet_for,
            until_met: args.count.is_some() || args.until.is_some(),
        },
        goals: Goals { count: args.count, until: args.until },
        max_time: args.max_time,
        shows_pings: args.show_ping_pong,
        history: !args.no_history,
        decode: args.decode.map(encoding),
        recording: RecordOptions {
            inputs,
            record: args.record.record,
            har: args.record.har,
            cookie_jar: args.request.cookie_jar,
            write_out: args.record.write_out.map(write_out).transpose()?,
        },
        dialogue: Dialogue { pretty: args.json, times: args.time, ..Dialogue::default() },
        exit_on_close: args.exit_on_close,
        habits: args.habits,
        common: CommonOptions {
            settings: Settings { lenient: args.lenient, ..common.settings },
            ..common
        },
    })
}

/// Returns the format of `--write-out`.
fn write_out(arg: WriteOut) -> Result<WriteOutFormat, Error> {
    match arg {
        WriteOut::Format(template) => Ok(template),
        WriteOut::File(path) => connect::read_file(&path, WriteOutFormat::parse),
    }
}

fn pipe(args: &ClientArgs, append: Vec<u8>) -> PipeOptions {
    let framing = match args.delimiter {
        _ if args.null => Framing::Lines(0),
        Delimiter::Lf => Framing::Lines(b'\n'),
        Delimiter::Nul => Framing::Lines(0),
        Delimiter::None => Framing::Whole,
        Delimiter::Length => Framing::Lengths,
    };
    PipeOptions {
        kind: if args.binary { Kind::Binary } else { Kind::Text },
        framing,
        append,
        jsonl_input: args.input == PipeFormat::Jsonl,
        jsonl_output: args.output == PipeFormat::Jsonl,
        flow: match (args.send_only, args.receive_only) {
            (true, _) => Flow::SendOnly,
            (_, true) => Flow::ReceiveOnly,
            _ => Flow::Both,
        },
        close: args.close.clone().unwrap_or_else(|| Close::new(CloseCode::NORMAL)),
    }
}

fn encoding(choice: DecodeChoice) -> Encoding {
    match choice {
        DecodeChoice::Gzip => Encoding::Gzip,
        DecodeChoice::Zlib => Encoding::Zlib,
        DecodeChoice::Deflate => Encoding::Deflate,
        DecodeChoice::Msgpack => Encoding::Msgpack,
        DecodeChoice::Auto => Encoding::Auto,
    }
}

fn listen(mut args: ListenArgs) -> Result<ListenJob, Error> {
    // A client that is gone would stay connected.
    args.common.session.ping_timeout.get_or_insert(SERVER_PING_TIMEOUT);
    let (compress, common) = (offers(&args.common.session), common(&args.common.session, FRAGMENT));
    let file = &args.common.file;
    let config = super::config::config_path(file.config.as_deref()).filter(|_| !file.no_config);
    listen::job(args, compress, common, config.map(|(path, _)| path))
}

/// Returns the permessage-deflate parameters, or `None` if compression is disabled.
fn offers(args: &SessionArgs) -> Option<Offers> {
    (!args.no_compress).then(|| args.compress.clone().flatten().unwrap_or_default())
}

/// Returns the options that client and server share. `fragment` is the default of `--fragment`.
fn common(args: &SessionArgs, fragment: NonZeroUsize) -> CommonOptions {
    let nonzero = |time: Duration| (!time.is_zero()).then_some(time);
    CommonOptions {
        settings: Settings {
            max_message: match args.max_message {
                None => MAX_MESSAGE_BYTES,
                Some(0) => u64::MAX,
                Some(limit) => limit,
            },
            ping_interval: nonzero(args.ping_interval),
            ping_timeout: args.ping_timeout.and_then(nonzero),
            idle_timeout: args.idle_timeout.and_then(nonzero),
            close_timeout: args.close_timeout,
            fragment: args.fragment.unwrap_or(fragment),
            compress_level: args.compress_level,
            compress_min: args.compress_min,
            lenient: false,
        },
        max_line: max_line(args.max_message),
        echo: args.echo,
        verbosity: match (&args.diagnostics, args.diagnostics.verbose) {
            (DiagnosticsArgs { quiet: true, .. }, _) => Verbosity::Quiet,
            (DiagnosticsArgs { trace: true, .. }, _) => Verbosity::Complete,
            (_, 0) => Verbosity::Normal,
            (_, 1) => Verbosity::Verbose,
            _ => Verbosity::Detailed,
        },
        frames: args.diagnostics.frames,
        secrets: if args.diagnostics.show_secrets { Secrets::Shown } else { Secrets::Hidden },
        color: color::mode(args.color, args.no_color),
    }
}

/// Returns the longest line of stdin that is held in memory: a message of `--max-message` bytes, in
/// base64 or with some escapes.
fn max_line(max_message: Option<u64>) -> usize {
    let message = match max_message {
        None => return MAX_LINE_BYTES,
        Some(0) => MAX_MESSAGE_BYTES,
        Some(limit) => limit,
    };
    usize::try_from(message.saturating_mul(2)).unwrap_or(usize::MAX).max(MAX_LINE_BYTES)
}

fn show(args: ShowArgs) -> ShowJob {
    ShowJob {
        path: args.file,
        filter: args.filter,
        conn: args.conn,
        frames: args.frames,
        pretty: args.json,
        times: args.time,
        har: args.har,
        color: color::mode(args.color, args.no_color),
    }
}

/// Returns the hint for options of websocat that mean something else here.
fn websocat_hint(args: &ClientArgs) -> Option<&'static str> {
    if args.request.auth.as_deref().is_some_and(|user| user.contains("://")) {
        Some(
            "-u is --auth USER[:PASSWORD]; to only send or only receive, pass --send-only or \
              --receive-only",
        )
    } else if args.request.subprotocol.iter().any(|name| name.parse::<u16>().is_ok()) {
        Some("-s is --subprotocol; 'sockeye listen PORT' runs a server")
    } else {
        None
    }
}

/// Returns a hint if the last word of the command line looks like a URL, but is the value of an
/// option.
fn last_word_hint() -> Option<String> {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, .., option, last] = args.as_slice() else { return None };
    let (option, last) = (option.to_str()?, last.to_str()?);
    let is_address = last.rsplit_once(':').is_some_and(|(host, port)| {
        (host == "localhost" || host.contains('.')) && port.parse::<u16>().is_ok()
    });
    (option.starts_with('-') && (is_address || last.contains("://"))).then(|| {
        let option = Escaped(option);
        format!("the last word is the value of {option}; a URL must follow that value")
    })
}

/// Takes a URL that the command line parser took for the value of an option. The option remains
/// set, without a value.
fn take_swallowed_url(value: &mut Option<String>) -> Option<String> {
    let is_url = |s: &String| s.starts_with("ws://") || s.starts_with("wss://");
    value.as_mut().filter(|value| is_url(value)).map(std::mem::take)
}

/// The note for a run that may have been meant like `websocat -n` or `ssh -n`.
const INSECURE_WITHOUT_TLS: &str = "-n is --insecure, which has no effect on ws://; --receive-only \
    leaves stdin unread as ssh -n does, and -w -1 goes on after its end as websocat -n does";

/// Default of `--max-message`, and the limit of messages that must be held in memory.
const MAX_MESSAGE_BYTES: u64 = 100 << 20;

/// The longest line of stdin that is held in memory, if `--max-message` does not raise it.
const MAX_LINE_BYTES: usize = 16 << 20;

/// Default of `--ping-timeout` for a server.
const SERVER_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Default of `--fragment`.
const FRAGMENT: NonZeroUsize = NonZeroUsize::MIN.saturating_add((64 << 10) - 1);

/// Default of `--fragment` if all of stdin is one message, which is in fragments anyway. It is the
/// lowest limit of a known server, API Gateway of AWS.
const STREAM_FRAGMENT: NonZeroUsize = NonZeroUsize::MIN.saturating_add((32 << 10) - 1);

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn run(line: &str) -> Result<Run, Error> {
        Run::new(Cli::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}")))
    }

    fn code(line: &str) -> u8 {
        run(line).map_or_else(|e| e.code(), |_| 0)
    }

    /// Covers every option of wscat 6.1, in short and long form.
    #[test]
    fn accepts_wscat_command_lines() {
        for line in [
            "sockeye -c ws://h",
            "sockeye --connect ws://h",
            "sockeye -l 9000",
            "sockeye --listen 9000",
            "sockeye -c ws://h -x hi -w 1",
            "sockeye -c ws://h --execute hi --wait -1",
            "sockeye -c ws://h -x -1 -w -1",
            "sockeye -c ws://h -H a:b -H a:c --header d:e",
            "sockeye -c ws://h -s a -s b --subprotocol c",
            "sockeye -c ws://h -o http://o",
            "sockeye -c ws://h --origin http://o --host other",
            "sockeye -c wss://h -n",
            "sockeye -c wss://h --no-check --ca ca.pem",
            "sockeye -c ws://h -P --slash --no-color",
            "sockeye -c ws://h --show-ping-pong -p 8",
            "sockeye -c ws://h --protocol 13 --auth a:b",
            "sockeye -c ws://h -L",
            "sockeye -c ws://h --location --max-redirects 3",
            "sockeye --max-redirects ws://h -L",
            "sockeye -c ws://h --proxy http://p:1",
            "sockeye -c ws+unix:/s:/",
        ] {
            assert_eq!(code(line), 0, "{line}");
        }
        let line = "sockeye -c wss://h --cert /dev/null/c --key /dev/null/k --passphrase x";
        assert_eq!(code(line), 58);
        assert_eq!(code("sockeye --passphrase"), 2);
    }

    #[test]
    fn an_optional_value_does_not_swallow_the_url() {
        assert_eq!(code("sockeye --max-redirects ws://h"), 0);
        assert_eq!(code("sockeye --passphrase wss://h"), 0);
    }

    #[test]
    fn the_request_has_the_headers_of_the_options() {
        let Ok(Run::Job(Job::Client(client, target))) =
            run("sockeye ws://u:p@h -s a -s b -o http://o -A me -H X-A:1")
        else {
            panic!()
        };
        let options = client.opening(target);
        let headers = options.headers;
        assert_eq!(headers.get("User-Agent"), Some("me"));
        assert_eq!(headers.get("Origin"), Some("http://o"));
        assert_eq!(headers.get("Sec-WebSocket-Protocol"), Some("a, b"));
        assert_eq!(options.target.user, Some(("u".to_owned(), "p".into())));
    }

    #[test]
    fn no_secret_appears_in_a_debug_representation() {
        let Ok(Run::Job(job)) = run(
            "sockeye ws://u:S3cret1@h/?token=S3cret2 -H Cookie:S3cret3 -s S3cret4 --bearer S3cret5",
        ) else {
            panic!()
        };
        let shown = format!("{job:?}");
        assert!(shown.contains("Cookie") && !shown.contains("S3cret"), "{shown}");
    }

    #[test]
    fn zero_disables_a_limit() {
        let Ok(Run::Job(Job::Client(client, _))) =
            run("sockeye h --max-message 0 --ping-interval 0 --ping-timeout 0")
        else {
            panic!()
        };
        let settings = client.common.settings;
        assert_eq!(settings.max_message, u64::MAX);
        assert_eq!(client.common.max_line as u64, 2 * MAX_MESSAGE_BYTES);
        assert_eq!((settings.ping_interval, settings.ping_timeout), (None, None));
    }
}
