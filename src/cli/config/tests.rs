//! Tests of reading the file and merging it into the command line.

use super::*;
use crate::{
    cli::{
        args::{Cli, ClientArgs},
        implied,
    },
    job::wait::Wait,
};
use clap::{CommandFactory as _, FromArgMatches as _};
use std::{path::Path, time::Duration};

/// Returns the merged command line, or the error with its hint.
fn run(text: &str, line: &str) -> Result<(Cli, ConfigExtras), String> {
    let (file, mut command) = (file::from_text(text), Cli::command());
    let args: Vec<_> = line.split(' ').map(OsString::from).collect();
    let message = |fault: Error| match fault.hint() {
        Some(hint) => format!("{fault} ({hint})"),
        None => fault.to_string(),
    };
    let typed = command.try_get_matches_from_mut(&args).map_err(|e| e.to_string())?;
    let parsed = with_file(&file, &command, &args, &typed).map_err(message)?;
    let mut cli = Cli::from_arg_matches(&parsed.matches).map_err(|e| e.to_string())?;
    cli.url = parsed.url.or(cli.url);
    Ok((cli, parsed.extras))
}

fn client(text: &str, line: &str) -> ClientArgs {
    run(text, line).unwrap_or_else(|fault| panic!("{line}: {fault}")).0.client
}

fn fault(text: &str) -> String {
    run(text, "sockeye @d").unwrap_err()
}

const FILE: &str = r#"
[defaults]
ping-interval = 5
auth = "me:secret"
subprotocol = ["a", "b"]
compress = true
insecure = true
sni = "name"
execute = "hello"
reconnect-on = [4000, 4001]
max-redirects = true

[target.d]
url = "ws://h/ws"
bearer = "env:TOKEN"
ping-interval = 6.5
insecure = false
execute = ["one", "two"]
"#;

#[test]
fn the_command_line_overrides_the_target_and_the_target_the_defaults() {
    let seconds = |line| client(FILE, line).session.ping_interval.as_millis();
    assert_eq!(seconds("sockeye ws://h"), 5000);
    assert_eq!(seconds("sockeye @d"), 6500);
    assert_eq!(seconds("sockeye @d --ping-interval 7"), 7000);
    let subprotocols = |line| client(FILE, line).request.subprotocol;
    assert_eq!(subprotocols("sockeye @d"), ["a", "b"]);
    assert_eq!(subprotocols("sockeye @d -s c"), ["c"]);
    // `false` in the target overrides the default.
    assert!(client(FILE, "sockeye ws://h").connection.insecure);
    assert!(!client(FILE, "sockeye @d").connection.insecure);
    assert!(client(FILE, "sockeye @d -k").connection.insecure);
}

#[test]
fn an_option_yields_to_a_stronger_one_that_excludes_it() {
    let credentials = |line| {
        let client = client(FILE, line);
        (client.request.auth, client.request.bearer)
    };
    let some = |s: &str| Some(s.to_owned());
    assert_eq!(credentials("sockeye ws://h"), (some("me:secret"), None));
    assert_eq!(credentials("sockeye @d"), (None, some("env:TOKEN")));
    assert_eq!(credentials("sockeye @d -u x:y"), (some("x:y"), None));
    assert_eq!(credentials("sockeye @d --netrc"), (None, None));
    assert_eq!(credentials("sockeye ws://x:y@h"), (None, None));
    assert_eq!(credentials("sockeye -H authorization:x @d"), (None, None));
    let compress = |line| client(FILE, line).session;
    assert!(compress("sockeye @d").compress.is_some());
    assert!(compress("sockeye @d --no-compress").no_compress);
    assert!(compress("sockeye @d --no-compress").compress.is_none());
    let sni = |line| client(FILE, line).connection;
    assert_eq!(sni("sockeye @d").sni, some("name"));
    assert_eq!(sni("sockeye @d --no-sni").sni, None);
    let http = "[defaults]\nhttp2 = true\nquiet = true\n";
    let client = client(http, "sockeye h --http1.1 -v");
    assert_eq!((client.connection.http2, client.connection.http1), (false, true));
    assert_eq!((client.session.diagnostics.quiet, client.session.diagnostics.verbose), (false, 1));
}

#[test]
fn messages_of_the_file_precede_those_of_the_command_line() {
    let client = client(FILE, "sockeye -x three @d");
    assert_eq!(client.execute, ["hello", "one", "two", "three"]);
}

#[test]
fn a_default_applies_only_with_the_options_it_requires() {
    assert!(client(FILE, "sockeye @d").reconnect.reconnect_on.is_empty());
    assert_eq!(client(FILE, "sockeye --reconnect @d").reconnect.reconnect_on, [4000, 4001]);
    assert_eq!(
        fault("[target.d]\nurl = 'h'\ninsecure = true\nkey = 'k'\n"),
        "config.toml:4:7: the following required arguments were not provided:\n  --cert <FILE> \
         (run sockeye --help for a list of options)"
    );
}

#[test]
fn values_of_the_file_are_not_replaced_by_those_that_reconnect_implies() {
    let implied = |text: &str, line: &str| {
        let client = client(text, line);
        (implied::wait(&client), implied::ping_timeout(&client))
    };
    let second = Duration::from_secs(1);
    let text = "[defaults]\nwait = 1\nping-timeout = 0\n";
    let given = (Some(Wait::For(second)), Some(Duration::ZERO));
    assert_eq!(implied(text, "sockeye --reconnect h"), given);
    let text = "[defaults]\nreconnect = true\n";
    let by_file = (Some(Wait::UntilClosed), Some(60 * second));
    assert_eq!(implied(text, "sockeye h"), by_file);
}

#[test]
fn a_switch_is_true_or_false_and_a_value_may_be_left_out() {
    let text = "[defaults]\nreconnect = true\nverbose = 2\nnetrc = false\npassphrase = true\n\
                max-redirects = true\ndigest = false\n";
    let client = client(text, "sockeye ws://h");
    assert_eq!(client.reconnect.reconnect, Some(None));
    assert_eq!(client.session.diagnostics.verbose, 2);
    assert_eq!(client.request.netrc, None);
    assert_eq!(client.identity.passphrase.as_deref(), Some(""));
    assert!(!client.request.digest);
    assert_eq!(
        self::client("[defaults]\nreconnect = 3", "sockeye h").reconnect.reconnect,
        Some(Some(3))
    );
}

#[test]
fn relative_paths_start_at_the_directory_of_the_file() {
    let text = "[target.d]\nurl = 'h'\nca = ['a.pem', '/b.pem']\nunix-socket = '@abstract'\n\
                auth = 'file:auth'\ncookie = ['a=b', 'jar']\n";
    let client = client(text, "sockeye @d");
    assert_eq!(client.connection.ca, [PathBuf::from("/etc/dir/a.pem"), PathBuf::from("/b.pem")]);
    assert_eq!(client.connection.unix_socket.as_deref(), Some(Path::new("@abstract")));
    assert_eq!(client.request.auth.as_deref(), Some("file:/etc/dir/auth"));
    assert_eq!(client.request.cookie, ["a=b", "/etc/dir/jar"]);
}

#[test]
fn a_server_takes_only_its_own_options() {
    let (cli, extras) = run(FILE, "sockeye -l 9000").unwrap();
    assert_eq!(cli.client.session.ping_interval.as_secs(), 5);
    assert_eq!(cli.client.request.subprotocol, ["a", "b"]);
    assert!(cli.client.execute.is_empty() && cli.client.request.auth.is_none());
    assert!(extras.secret_locations.is_empty());
}

#[test]
fn errors_have_their_location() {
    let target = "[target.d]\nurl = 'ws://h'\n";
    for (text, expected) in [
        (
            "pign-interval = 1",
            "3:1: unknown option 'pign-interval' (did you mean 'ping-interval'?)",
        ),
        (
            "nonsense = 1",
            "3:1: unknown option 'nonsense' (run sockeye --help for a list of options; keys have no \
             leading dashes)",
        ),
        (
            "connect = 'h'",
            "3:1: 'connect' is not allowed in the configuration file (use 'url' in a [target.NAME] table)",
        ),
        ("help = true", "3:1: 'help' is not allowed in the configuration file"),
        ("  insecure = 1", "3:14: 'insecure' must be true or false"),
        ("insecure = 'true'", "3:12: 'insecure' must be true or false"),
        ("bearer = true", "3:10: 'bearer' must be a string or a number"),
        ("origin = ['a']", "3:10: 'origin' must be a string or a number"),
        ("origin = 1979-05-27", "3:10: 'origin' must be a string or a number"),
        ("verbose = 'x'", "3:11: 'verbose' must be true, false or a number"),
        ("verbose = 300", "3:11: 'verbose' must be true, false or a number"),
        ("subprotocol = {}", "3:15: 'subprotocol' must be a string or a list of strings"),
        ("subprotocol = ['a',\n true]", "4:2: 'subprotocol' must be a string or a list of strings"),
        ("headers = 1", "3:11: headers must be a table or a list of NAME:VALUE strings"),
        ("headers = { A = [] , B = {} }", "3:26: a header value must be a string"),
        ("headers = { 'A B' = 'c' }", "3:13: not a header (NAME:VALUE, NAME: or NAME;)"),
        (
            "count = 0",
            "3:9: invalid value '0' for '--count <N>': not a whole number, at least 1 \
             (run sockeye --help for a list of options)",
        ),
        (
            "max-redirects = 'x'",
            "3:17: invalid value 'x' for '--max-redirects [<N>]': not a number of redirects \
             (run sockeye --help for a list of options)",
        ),
        (
            "auth = 'a:b'\nbearer = 'c'",
            "4:10: the argument '--auth <USER[:PASSWORD]>' cannot be used with '--bearer <TOKEN>' \
             (run sockeye --help for a list of options)",
        ),
    ] {
        assert_eq!(
            fault(&format!("{target}{text}\n")),
            format!("config.toml:{expected}"),
            "{text}"
        );
    }
    for (text, expected) in [
        ("[target.d]\n", "1:9: the target 'd' has no url"),
        ("target.d = 1", "1:8: a target must be a table: [target.NAME]"),
        ("target = 1", "1:1: 'target' must be a table"),
        ("[default]", "1:2: unknown table or option 'default' (did you mean 'defaults'?)"),
        (
            "quiet = true",
            "1:1: unknown table or option 'quiet' (put options under [defaults] or \
             [target.NAME])",
        ),
        (
            "[defaults]\nurl = 'h'",
            "2:1: 'url' is not allowed in [defaults] (put 'url' in a [target.NAME] table)",
        ),
        ("[target.d]\nurl = 'ws:///'", "2:7: malformed URL 'ws:///': no host"),
        ("[target.d]\nurl = 3", "2:7: 'url' must be a string"),
        ("[target.d]\nurl 3", "2:5: key with no value, expected `=`"),
    ] {
        assert_eq!(fault(text), format!("config.toml:{expected}"), "{text}");
    }
    assert_eq!(fault("[target.e]\nurl = 'h'"), "no target 'd' in config.toml (did you mean '@e'?)");
}

#[test]
fn detects_secrets_in_the_file() {
    let holds = |text: &str| {
        let file = file::from_text(text);
        let table = file.table().unwrap();
        Sections::read(&file, &Cli::command(), table.get_ref()).unwrap().holds_secret()
    };
    for text in [
        "auth = 'me:secret'",
        "user = 'me:secret'",
        "bearer = 'x'",
        "passphrase = 'x'",
        "cookie = ['jar', 'a=b']",
        "proxy = 'http://me:secret@h'",
        "headers = { authorization = 'x' }",
        "headers = { Cookie = ['x'] }",
        "header = ['A: b', 'Proxy-Authorization: x']",
    ] {
        assert!(holds(&format!("[defaults]\n{text}")), "{text}");
        assert!(holds(&format!("[target.d]\n{text}")), "{text}");
    }
    assert!(holds("[target.d]\nurl = 'ws://me:secret@h'"));
    for text in [
        "auth = 'me'",
        "auth = 'cmd:a:b'",
        "bearer = 'env:T'",
        "passphrase = true",
        "cookie = 'jar'",
        "proxy = 'http://h:1'",
        "proxy = 'file:a@b:c'",
        "headers = { authorization = 'env:T', X-A = 'b' }",
        "header = ['A: b', 'Cookie:', 'Authorization: cmd:x']",
    ] {
        assert!(!holds(&format!("[defaults]\n{text}")), "{text}");
    }
}

#[test]
fn any_client_option_with_any_value_is_accepted_or_rejected_with_its_location() {
    let mut accepted = 0;
    for option in Cli::command().get_arguments().filter_map(clap::Arg::get_long) {
        for value in ["true", "false", "1", "-1", "'x'", "'env:X'", "['1', 'a: b']", "{ A = 'b' }"]
        {
            let text = format!("[defaults]\n'{option}' = {value}\n");
            for line in ["sockeye ws://h", "sockeye listen 9000"] {
                match run(&text, line) {
                    Ok(_) => accepted += 1,
                    Err(fault) => assert!(fault.starts_with("config.toml:2:"), "{text}: {fault}"),
                }
            }
        }
    }
    assert!(accepted > 400, "{accepted}");
}
