//! What is read of a file, and what of it counts beside what was typed.

use super::*;
use crate::cli::args::{Cli, ClientArgs};
use clap::{CommandFactory as _, FromArgMatches as _};

/// The command line that results, or the fault.
fn run(text: &str, line: &str) -> Result<(Cli, ConfigExtras), String> {
    let (file, mut command) = (file::of(text), Cli::command());
    let args: Vec<_> = line.split(' ').map(OsString::from).collect();
    let words = |fault: Error| match fault.hint() {
        Some(hint) => format!("{fault} ({hint})"),
        None => fault.to_string(),
    };
    let typed = command.try_get_matches_from_mut(&args).map_err(|e| e.to_string())?;
    let complete = beside(&file, &command, &args, &typed).map_err(words)?;
    let mut cli = Cli::from_arg_matches(&complete.matches).map_err(|e| e.to_string())?;
    cli.url = complete.url.or(cli.url);
    Ok((cli, complete.extras))
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
fn what_was_typed_wins_over_the_target_and_that_over_the_defaults() {
    let seconds = |line| client(FILE, line).session.ping_interval.as_millis();
    assert_eq!(seconds("sockeye ws://h"), 5000);
    assert_eq!(seconds("sockeye @d"), 6500);
    assert_eq!(seconds("sockeye @d --ping-interval 7"), 7000);
    let subprotocols = |line| client(FILE, line).subprotocol;
    assert_eq!(subprotocols("sockeye @d"), ["a", "b"]);
    assert_eq!(subprotocols("sockeye @d -s c"), ["c"]);
    // What is not given in the target is not given by default.
    assert!(client(FILE, "sockeye ws://h").connection.insecure);
    assert!(!client(FILE, "sockeye @d").connection.insecure);
    assert!(client(FILE, "sockeye @d -k").connection.insecure);
}

#[test]
fn what_excludes_each_other_yields_to_the_stronger() {
    let credentials = |line| {
        let client = client(FILE, line);
        (client.auth, client.bearer)
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
fn messages_of_the_file_are_sent_before_those_that_were_typed() {
    let client = client(FILE, "sockeye -x three @d");
    assert_eq!(client.execute, ["hello", "one", "two", "three"]);
}

#[test]
fn a_default_waits_for_what_it_needs() {
    assert!(client(FILE, "sockeye @d").connection.reconnect_on.is_empty());
    assert_eq!(client(FILE, "sockeye --reconnect @d").connection.reconnect_on, [4000, 4001]);
    assert_eq!(
        fault("[target.d]\nurl = 'h'\ninsecure = true\nkey = 'k'\n"),
        "config.toml:4:7: the following required arguments were not provided:\n  --cert <FILE> \
         (sockeye --help lists the options)"
    );
}

#[test]
fn a_switch_is_true_or_false_and_a_value_may_be_left_out() {
    let text = "[defaults]\nreconnect = true\nverbose = 2\nnetrc = false\npassphrase = true\n\
                max-redirects = true\ndigest = false\n";
    let client = client(text, "sockeye ws://h");
    assert_eq!(client.connection.reconnect, Some(None));
    assert_eq!(client.session.diagnostics.verbose, 2);
    assert_eq!(client.netrc, None);
    assert_eq!(client.connection.passphrase.as_deref(), Some(""));
    assert!(!client.digest);
    assert_eq!(
        self::client("[defaults]\nreconnect = 3", "sockeye h").connection.reconnect,
        Some(Some(3))
    );
}

#[test]
fn paths_begin_where_the_file_lies() {
    let text = "[target.d]\nurl = 'h'\nca = ['a.pem', '/b.pem']\nunix-socket = '@abstract'\n\
                auth = 'file:auth'\ncookie = ['a=b', 'jar']\n";
    let client = client(text, "sockeye @d");
    assert_eq!(client.connection.ca, [PathBuf::from("/etc/dir/a.pem"), PathBuf::from("/b.pem")]);
    assert_eq!(client.connection.unix_socket.as_deref(), Some("@abstract"));
    assert_eq!(client.auth.as_deref(), Some("file:/etc/dir/auth"));
    assert_eq!(client.cookie, ["a=b", "/etc/dir/jar"]);
}

#[test]
fn a_server_takes_what_it_has() {
    let (cli, kept) = run(FILE, "sockeye -l 9000").unwrap();
    assert_eq!(cli.client.session.ping_interval.as_secs(), 5);
    assert_eq!(cli.client.subprotocol, ["a", "b"]);
    assert!(cli.client.execute.is_empty() && cli.client.auth.is_none());
    assert!(kept.places.is_empty());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let target = "[target.d]\nurl = 'ws://h'\n";
    for (text, expected) in [
        (
            "pign-interval = 1",
            "3:1: unknown option 'pign-interval' (did you mean 'ping-interval'?)",
        ),
        (
            "nonsense = 1",
            "3:1: unknown option 'nonsense' (sockeye --help lists the options; here they have no \
             dashes)",
        ),
        ("connect = 'h'", "3:1: 'connect' has no place in the file (a target has a url)"),
        ("help = true", "3:1: 'help' has no place in the file"),
        ("  insecure = 1", "3:14: 'insecure' is true or false"),
        ("insecure = 'true'", "3:12: 'insecure' is true or false"),
        ("bearer = true", "3:10: 'bearer' takes a string or a number"),
        ("origin = ['a']", "3:10: 'origin' takes a string or a number"),
        ("origin = 1979-05-27", "3:10: 'origin' takes a string or a number"),
        ("verbose = 'x'", "3:11: 'verbose' is true, false or a number"),
        ("verbose = 300", "3:11: 'verbose' is true, false or a number"),
        ("subprotocol = {}", "3:15: 'subprotocol' takes a string, or a list of them"),
        ("subprotocol = ['a',\n true]", "4:2: 'subprotocol' takes a string, or a list of them"),
        ("headers = 1", "3:11: headers are a table, or a list of NAME:VALUE"),
        ("headers = { A = [] , B = {} }", "3:26: a header is a string"),
        ("headers = { 'A B' = 'c' }", "3:13: not a header (NAME:VALUE, NAME: or NAME;)"),
        (
            "count = 0",
            "3:9: invalid value '0' for '--count <N>': 0 is not in 1..18446744073709551615 \
             (sockeye --help lists the options)",
        ),
        (
            "max-redirects = 'x'",
            "3:17: invalid value 'x' for '--max-redirects [<N>]': not a number of redirects \
             (sockeye --help lists the options)",
        ),
        (
            "auth = 'a:b'\nbearer = 'c'",
            "4:10: the argument '--auth <USER[:PASSWORD]>' cannot be used with '--bearer <TOKEN>' \
             (sockeye --help lists the options)",
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
        ("target.d = 1", "1:8: a target is a table: [target.NAME]"),
        ("target = 1", "1:1: 'target' is a table"),
        ("[default]", "1:2: unknown table or option 'default' (did you mean 'defaults'?)"),
        (
            "quiet = true",
            "1:1: unknown table or option 'quiet' (options stand under [defaults] or \
             [target.NAME])",
        ),
        (
            "[defaults]\nurl = 'h'",
            "2:1: 'url' has no place in [defaults] (a target has a url: [target.NAME])",
        ),
        ("[target.d]\nurl = 'ws:///'", "2:7: malformed URL 'ws:///': no host"),
        ("[target.d]\nurl = 3", "2:7: a url is a string"),
        ("[target.d]\nurl 3", "2:5: key with no value, expected `=`"),
    ] {
        assert_eq!(fault(text), format!("config.toml:{expected}"), "{text}");
    }
    assert_eq!(
        fault("[target.e]\nurl = 'h'"),
        "there is no target 'd' in config.toml (did you mean '@e'?)"
    );
}

#[test]
fn a_secret_is_seen_where_it_stands() {
    let holds = |text: &str| {
        let file = file::of(text);
        let table = file.table().unwrap();
        Book::read(&file, &Cli::command(), table.get_ref()).unwrap().holds_secret()
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

/// Whatever option it is, and whatever it is given.
#[test]
fn any_option_of_a_client_may_stand_in_the_file() {
    let mut taken = 0;
    for option in Cli::command().get_arguments().filter_map(clap::Arg::get_long) {
        for value in ["true", "false", "1", "-1", "'x'", "'env:X'", "['1', 'a: b']", "{ A = 'b' }"]
        {
            let text = format!("[defaults]\n'{option}' = {value}\n");
            for line in ["sockeye ws://h", "sockeye listen 9000"] {
                match run(&text, line) {
                    Ok(_) => taken += 1,
                    Err(fault) => assert!(fault.starts_with("config.toml:2:"), "{text}: {fault}"),
                }
            }
        }
    }
    assert!(taken > 400, "{taken}");
}
