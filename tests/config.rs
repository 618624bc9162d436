//! The configuration file: defaults, targets, secrets by reference, and faults with their place.

use crate::support::{Test, peer::Request};
use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A user with this configuration file.
struct User {
    home: TempDir,
}

impl User {
    fn new(text: &str) -> Self {
        let user = Self { home: tempfile::tempdir().unwrap() };
        fs::create_dir_all(user.file().parent().unwrap()).unwrap();
        fs::write(user.file(), text).unwrap();
        user.permit(0o600);
        user
    }

    fn file(&self) -> PathBuf {
        self.home.path().join(".config/sockeye/config.toml")
    }

    fn permit(&self, mode: u32) {
        fs::set_permissions(self.file(), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Adds a file to the same directory.
    fn with(self, name: &str, text: &str) -> Self {
        fs::write(self.file().with_file_name(name), text).unwrap();
        self
    }

    fn runs(&self, args: &[&str]) -> Test {
        Test::new().args(args.iter().copied()).env("HOME", self.home.path())
    }

    /// Checks the request that these arguments produce.
    #[track_caller]
    fn requests(&self, args: &[&str], look: impl FnOnce(&Request) + Send + 'static) {
        asks(self.runs(args), look);
    }

    /// Checks the error of a run that cannot start.
    #[track_caller]
    fn fails(&self, args: &[&str], fault: &str) {
        self.runs(args).stderr(format!("sockeye: {fault}\n")).status(2).run();
    }
}

#[track_caller]
fn asks(test: Test, look: impl FnOnce(&Request) + Send + 'static) {
    test.peer(move |peer| {
        look(&peer.open());
        peer.close(1000);
    })
    .run();
}

/// Redirects dev.test to the peer, whose port the file cannot know.
const CONNECT_TO_PEER: &str = "--connect-to=dev.test:80:127.0.0.1:{port}";
const DEV_TARGET: &str = "[target.dev]\nurl = 'ws://dev.test/ws?a=1'\n";

#[test]
fn defaults_apply_to_every_run_and_the_command_line_wins() {
    let user = User::new(
        "[defaults]\norigin = 'http://o'\nuser-agent = 'me'\nheader = ['X-Team: red', 'X-A: 1']\n\
         no-compress = true\n",
    );
    user.requests(&[], |request| {
        assert_eq!(request.header("Origin"), "http://o");
        assert_eq!(request.header("User-Agent"), "me");
        assert_eq!(request.header("X-Team"), "red");
        assert!(request.all("Sec-WebSocket-Extensions").is_empty());
    });
    user.requests(&["-o", "http://p", "-H", "x-team: blue", "--compress"], |request| {
        assert_eq!(request.header("Origin"), "http://p");
        assert_eq!(request.header("User-Agent"), "me");
        assert_eq!((request.all("X-Team"), request.header("x-team")), (vec![], "blue"));
        assert_eq!(request.header("X-A"), "1");
        assert_eq!(request.all("Sec-WebSocket-Extensions").len(), 1);
    });
    user.requests(&["-H", "User-Agent: you", "-H", "X-Team:"], |request| {
        assert_eq!(request.header("User-Agent"), "you");
        assert!(request.all("X-Team").is_empty());
    });
}

#[test]
fn a_target_is_selected_by_name() {
    let user = User::new(&format!(
        "[defaults]\nheader = 'X-A: default'\nsubprotocol = 'x'\n\
         {DEV_TARGET}headers = {{ Origin = 'file://', X-A = 'target', X-B = ['1', '2'], X-Empty = '' }}\nsubprotocol = ['a', 'b']\n"
    ));
    user.requests(&["-q", "@dev", CONNECT_TO_PEER], |request| {
        assert_eq!(request.line, "GET /ws?a=1 HTTP/1.1");
        assert_eq!(request.header("Host"), "dev.test");
        assert_eq!(request.header("X-A"), "target");
        assert_eq!(request.header("Origin"), "file://");
        assert_eq!(request.all("X-B"), ["1", "2"]);
        assert_eq!(request.header("X-Empty"), "");
        assert_eq!(request.header("Sec-WebSocket-Protocol"), "a, b");
    });
    user.requests(&["-q", "-c", "@dev/more?b=2", "-s", "c", CONNECT_TO_PEER], |request| {
        assert_eq!(request.line, "GET /ws/more?a=1&b=2 HTTP/1.1");
        assert_eq!(request.header("Sec-WebSocket-Protocol"), "c");
    });
}

#[test]
fn the_file_may_contain_an_option_that_another_requires() {
    let user = User::new("[defaults]\nreconnect = true\n");
    user.requests(&["--reconnect-on", "4000"], |_| ());
    let fault = "the following required arguments were not provided:\n  --reconnect[=<MAX>]\n\n\
                 hint: run sockeye --help for a list of options";
    user.fails(&["--no-config", "--reconnect-on", "4000", "ws://h"], fault);
    let shell = "sockeye: the following required arguments were not provided:\n  <SHELL>\n";
    user.runs(&["completions"]).stderr_has([shell]).status(2).run();
}

#[test]
fn a_target_may_begin_with_a_message() {
    let user = User::new(&format!("{DEV_TARGET}execute = ['hello', 'sub']\n"));
    user.runs(&["@dev", "-x", "more", "-w", "0", CONNECT_TO_PEER])
        .peer(|peer| {
            peer.open();
            for message in ["hello", "sub", "more"] {
                peer.expect_text(message);
            }
            peer.answer_close(1000);
        })
        .run();
}

#[test]
fn secrets_of_the_file_are_references() {
    let secrets = "headers = { X-Env = 'env:T', X-File = 'file:token', X-Cmd = 'cmd:echo $T; echo' }\n\
                   auth = 'cmd:echo me:$T'\ncookie = 'env:C'\n";
    let user = User::new(&format!("{DEV_TARGET}{secrets}")).with("token", "of file\nmore\n");
    let test = user.runs(&["@dev", CONNECT_TO_PEER]).env("T", "secret").env("C", "c=d");
    asks(test, |request| {
        assert_eq!(request.header("Authorization"), "Basic bWU6c2VjcmV0");
        assert_eq!(request.header("Cookie"), "c=d");
        assert_eq!(request.header("X-Env"), "secret");
        assert_eq!(request.header("X-File"), "of file");
        assert_eq!(request.header("X-Cmd"), "secret");
    });
    // An option's secret may be a command too, but the value of a header is literal.
    asks(Test::new().args(["--bearer", "cmd:printf t0k", "-H", "X-A: env:T"]), |request| {
        assert_eq!(request.header("Authorization"), "Bearer t0k");
        assert_eq!(request.header("X-A"), "env:T");
    });
    let user = User::new(&format!("{DEV_TARGET}bearer = 'file:~/token'\n"));
    fs::write(user.home.path().join("token"), "t0k").unwrap();
    user.requests(&["@dev", CONNECT_TO_PEER], |request| {
        assert_eq!(request.header("Authorization"), "Bearer t0k");
    });
}

#[test]
fn only_the_secrets_in_effect_are_resolved() {
    let user = User::new(&format!(
        "[defaults]\nauth = 'cmd:touch \"$HOME/ran\"; echo a:b'\n\
         headers = {{ X-A = 'cmd:touch \"$HOME/ran\"; echo a' }}\n\
         {DEV_TARGET}bearer = 'env:T'\nheaders = {{ X-A = 'b' }}\n"
    ));
    asks(user.runs(&["@dev", CONNECT_TO_PEER]).env("T", "t0k"), |request| {
        assert_eq!(request.header("Authorization"), "Bearer t0k");
        assert_eq!(request.header("X-A"), "b");
    });
    user.requests(&["@dev", "--bearer", "typed", CONNECT_TO_PEER], |request| {
        assert_eq!(request.header("Authorization"), "Bearer typed");
    });
    user.requests(&["-H", "authorization: typed", "-H", "x-a: typed"], |request| {
        assert_eq!(request.header("authorization"), "typed");
        assert!(request.all("Authorization").is_empty());
    });
    assert!(!user.home.path().join("ran").exists());
}

#[test]
fn a_secret_command_does_not_read_stdin() {
    let user = User::new(&format!("{DEV_TARGET}bearer = 'cmd:cat; echo t0k'\n"));
    user.runs(&["@dev", "-w", "0", CONNECT_TO_PEER])
        .stdin("hi\n")
        .peer(|peer| {
            assert_eq!(peer.open().header("Authorization"), "Bearer t0k");
            peer.expect_text("hi");
            peer.answer_close(1000);
        })
        .run();
}

#[test]
fn a_missing_secret_is_named_by_its_place_and_not_shown() {
    for (entry, fault) in [
        (
            "bearer = 'env:NO'",
            "10: target.dev.bearer: the variable NO: environment variable not found",
        ),
        (
            "auth = 'file:no'",
            "8: target.dev.auth: cannot read [..]/.config/sockeye/no: no such file or directory \
             (os error 2)",
        ),
        (
            "auth = 'cmd:echo me:S3CRET; exit 7'",
            "8: target.dev.auth: the command (cmd:) failed: exit status: 7",
        ),
        (
            "cookie = ['cmd:true S3CRET']",
            "11: target.dev.cookie: the command (cmd:) printed no secret",
        ),
        (
            "proxy = 'cmd:kill $$'",
            "9: target.dev.proxy: the command (cmd:) failed: signal: 15 (SIGTERM)",
        ),
        (
            "headers = { Authorization = 'cmd:false S3CRET' }",
            "29: target.dev.headers.Authorization: the command (cmd:) failed: exit status: 1",
        ),
        (
            "header = ['Cookie: env:NO']",
            "11: target.dev.header.Cookie: the variable NO: environment variable not found",
        ),
    ] {
        let user = User::new(&format!("{DEV_TARGET}{entry}\n"));
        user.fails(&["@dev"], &format!("~/.config/sockeye/config.toml:3:{fault}"));
    }
}

#[test]
fn no_secret_of_the_file_is_shown_in_an_error() {
    for entry in [
        "auth = 'me:S3CRET",
        "auth = \"me:S3CRET\\u0001\"",
        "bearer = \"S3CRET\\u0001\"",
        "bearer = ['S3CRET']",
        "cookie = \"a=S3CRET\\u0001\"",
        "cookie = {a = 'S3CRET'}",
        "passphrase = ['S3CRET']",
        "proxy = 'http://me:S3CRET@h:99999'",
        "proxy = 'me:S3CRET://h'",
        "header = ['Authorization Bearer S3CRET']",
        "header = ['Authorization Bearer S3CRET:']",
        "headers = { Authorization = \"S3\\nCRET\" }",
        "headers = { Authorization = { a = 'S3CRET' } }",
        "auth = 'me:x'\nbearer = 'S3CRET'",
        "bearer = 'S3CRET'\nkey = 'k'",
        "url = 'ws://me:S3CRET@h:99999'",
    ] {
        let section = if entry.starts_with("url") { "[target.dev]\n" } else { DEV_TARGET };
        let user = User::new(&format!("{section}{entry}\n"));
        let script = "\"$@\" 2>&1 | grep -c -e S3 -e '^sockeye: ~/.config' ; exit ${PIPESTATUS[0]}";
        user.runs(&["@dev"]).shell(script).stdout("1\n").status(2).run();
        let script = "\"$@\" 2>&1 | grep -c S3 ; exit ${PIPESTATUS[0]}";
        user.runs(&["@dev"]).shell(script).stdout("0\n").status(2).run();
    }
}

#[test]
fn faults_of_the_file_are_named_by_line_and_column() {
    let place = "~/.config/sockeye/config.toml";
    let options = "\n\nhint: run sockeye --help for a list of options";
    for (text, fault) in [
        (
            "[defaults]\n\npign-interval = 10\n",
            format!(
                "{place}:3:1: unknown option 'pign-interval'\n\nhint: did you mean 'ping-interval'?"
            ),
        ),
        (
            "[defaults]\nping-interval = 'soon'\n",
            format!(
                "{place}:2:17: invalid value 'soon' for '--ping-interval <SECONDS>': not a number of \
                 seconds{options}"
            ),
        ),
        ("[defaults]\ninsecure = 1\n", format!("{place}:2:12: 'insecure' must be true or false")),
        (
            "[defaults]\noutput = 'xml'\n",
            format!(
                "{place}:2:10: invalid value 'xml' for '--output <FORMAT>'\n  \
                 [possible values: text, jsonl]{options}"
            ),
        ),
        ("[defaults\n", format!("{place}:1:10: unclosed table, expected `]`")),
    ] {
        User::new(text).fails(&["ws://127.0.0.1:1"], &fault);
    }
    // A key is checked even in a target that is not used.
    let user = User::new("[target.other]\nurl = 'h'\nx = 1\n");
    user.runs(&["ws://h"]).stderr_has([place, ":3:1: unknown option 'x'"]).status(2).run();
    // Faults on the command line are reported first.
    user.runs(&["--count", "x", "ws://h"])
        .stderr_has(["sockeye: invalid value 'x' for '--count <N>'"])
        .status(2)
        .run();
}

#[test]
fn an_unknown_target_is_reported_with_the_nearest() {
    let user = User::new(DEV_TARGET);
    user.fails(
        &["@dve/path"],
        "no target 'dve' in ~/.config/sockeye/config.toml\n\nhint: did you mean '@dev'?",
    );
    user.fails(&["-c", "@live"], "no target 'live' in ~/.config/sockeye/config.toml");
    let nowhere = "cannot look up '@dev': no configuration file\n\n\
                   hint: add [target.dev] with a url to ~/.config/sockeye/config.toml";
    user.fails(&["--no-config", "@dev"], nowhere);
    fs::remove_file(user.file()).unwrap();
    user.fails(&["@dev"], nowhere);
}

#[test]
fn the_file_is_found_by_option_and_environment() {
    let user = User::new("[defaults]\nuser-agent = 'home'\n")
        .with("other", "[defaults]\nuser-agent = 'other'\n");
    let other = user.file().with_file_name("other");
    let agent = |test: Test, agent: &'static str| {
        asks(test, move |request| assert_eq!(request.header("User-Agent"), agent));
    };
    let none = concat!("sockeye/", env!("CARGO_PKG_VERSION"));
    agent(user.runs(&[]), "home");
    agent(user.runs(&["--no-config"]), none);
    agent(user.runs(&["--config", other.to_str().unwrap()]), "other");
    agent(user.runs(&["--config", other.to_str().unwrap(), "--no-config"]), none);
    agent(user.runs(&[]).env("SOCKEYE_CONFIG", &other), "other");
    agent(user.runs(&[]).env("SOCKEYE_CONFIG", "off"), none);
    agent(user.runs(&[]).env("SOCKEYE_CONFIG", ""), none);
    agent(user.runs(&[]).env("XDG_CONFIG_HOME", "relative"), "home");
    agent(user.runs(&[]).env("XDG_CONFIG_HOME", user.home.path()), none);
    agent(user.runs(&[]).env("XDG_CONFIG_HOME", user.home.path().join(".config")), "home");
}

#[test]
fn a_file_that_was_named_must_be_there_and_readable() {
    let missing = "sockeye: cannot read /no/such: no such file or directory (os error 2)\n";
    Test::new().args(["--config", "/no/such", "ws://h"]).stderr(missing).status(2).run();
    Test::new().args(["ws://h"]).env("SOCKEYE_CONFIG", "/no/such").stderr(missing).status(2).run();
    let user = User::new("");
    fs::remove_file(user.file()).unwrap();
    fs::create_dir(user.file()).unwrap();
    user.runs(&["ws://h"])
        .stderr(
            "sockeye: cannot read ~/.config/sockeye/config.toml: is a directory (os error 21)\n",
        )
        .status(2)
        .run();
    fs::remove_dir(user.file()).unwrap();
    fs::write(user.file(), b"[defaults]\nuser-agent = '\xff'\n").unwrap();
    user.fails(&["ws://h"], "cannot read ~/.config/sockeye/config.toml: not valid UTF-8");
    fs::write(user.file(), vec![b'#'; (1 << 20) + 1]).unwrap();
    user.fails(&["ws://h"], "cannot read ~/.config/sockeye/config.toml: longer than 1 MiB");
}

#[test]
fn the_demo_and_printing_subcommands_ignore_the_file() {
    let user = User::new("nonsense");
    user.runs(&["demo", "-x", "hi", "--count", "1"]).stdout("hi\n").run();
    let script = |shell| fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(shell)).unwrap();
    user.runs(&["completions", "bash"]).stdout(script("completions/sockeye.bash")).run();
    user.runs(&["man"]).stdout(script("man/sockeye.1")).run();
    let version = concat!("sockeye ", env!("CARGO_PKG_VERSION"), "\n");
    user.runs(&["--version"]).stdout(version).run();
}

#[test]
fn a_server_uses_the_defaults_that_it_supports() {
    let user = User::new(
        "[defaults]\nquiet = true\norigin = 'http://o'\nexecute = 'hi'\nheader = 'X: y'\n\
         bearer = 'cmd:false'\ncompress-level = 9\n",
    );
    // With -q the server prints nothing but the free port that it took.
    for args in [&["listen", "0"][..], &["-l", "0"], &["listen", "--compress-level", "2", "0"]] {
        let script =
            "\"$@\" 2> >(grep -v '^listening on ws:' >&2) & sleep 0.3; kill $!; wait; true";
        user.runs(args).shell(script).run();
    }
    let user = User::new("[defaults]\nping-interval = 'x'\n");
    user.runs(&["listen", "0"])
        .stderr_has(["sockeye: ~/.config/sockeye/config.toml:2:17: invalid value 'x' for"])
        .status(2)
        .run();
}

#[test]
fn a_secret_that_others_can_read_is_noted() {
    let note = "sockeye: ~/.config/sockeye/config.toml contains a secret and is readable by \
                others: chmod 600 it, or refer to the secret with env:, file: or cmd:\n";
    let user = User::new(&format!("{DEV_TARGET}bearer = 't0k'\n"));
    let run = |args: &[&str], note: &str| {
        let test = user.runs(args).stderr(note);
        asks(test, |_| ());
    };
    run(&[], "");
    user.permit(0o640);
    run(&[], note);
    run(&["@dev", CONNECT_TO_PEER], note);
    run(&["-q"], "");
    fs::write(user.file(), format!("{DEV_TARGET}bearer = 'env:T'\n")).unwrap();
    user.permit(0o644);
    run(&[], "");
}

#[test]
fn the_names_of_targets_are_completed() {
    let user = User::new(
        "[target.dev]\nurl = 'h'\n[target.staging]\n[target.'a b']\n[target.'$(kill${IFS}0)']\n",
    );
    let asks = |question: &str, candidates: &str| {
        let question = question.replace('|', "\0");
        let answer = format!("\n\n\n\n{candidates}");
        user.runs(&["completions", "candidates"]).stdin(question).stdout(answer).run();
    };
    asks("bash|sockeye @|@|", "@\\$\\(kill\\$\\{IFS\\}0\\)\n@dev\n@staging\n");
    asks("bash|sockeye -q -c @sta|@sta|", "@staging\n");
    asks("zsh|@|", "@$(kill${IFS}0)\ttarget\n@dev\ttarget\n@staging\ttarget\n");
    asks("fish|--connect=@d|", "--connect=@dev\ttarget\n");
    asks("fish|--no-config|@d|", "");
    let other = user.home.path().join("it's.toml");
    fs::write(&other, "[target.other]\n").unwrap();
    let other = other.display().to_string();
    asks(&format!("zsh|--config|\"{other}\"|@|"), "@other\ttarget\n");
    fs::write(user.file(), "[target.dev\n").unwrap();
    asks("zsh|@|", "");
    asks("zsh|sho|", "show\tShow a recording in the format of interactive mode\n");
}

#[test]
fn completion_leaves_a_configuration_in_a_pipe_to_the_run() {
    let user = User::new("");
    let fifo = user.home.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    let question = format!("zsh\0--config\0{}\0@\0", fifo.display());
    user.runs(&["completions", "candidates"]).stdin(question).stdout("\n\n\n\n").run();
}

#[test]
fn max_time_limits_what_is_read_before_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    // A writer that is silent.
    let _writer = fs::File::options().read(true).write(true).open(&fifo).unwrap();
    let path = fifo.to_str().unwrap();
    for args in [
        ["--bearer", "cmd:exec sleep 9"],
        ["--bearer", "cmd:echo token; exec sleep 9"],
        ["-H", &format!("@{path}")],
        ["--config", path],
    ] {
        Test::new()
            .args(["-m", "0.3", "ws://127.0.0.1:1"])
            .args(args)
            .stderr(
                "sockeye: the run (--max-time) timed out after 0.3 seconds, before it connected\n",
            )
            .status(28)
            .takes_less_than(5000)
            .run();
    }
}

#[test]
fn paths_need_not_be_utf_8() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join(OsStr::from_bytes(b"home-\xff"));
    fs::create_dir(&home).unwrap();
    let of = |name: &[u8]| home.join(OsStr::from_bytes(name));
    fs::write(of(b"headers-\xff"), "X-A: one\n").unwrap();
    fs::write(of(b"cookies-\xff"), "127.0.0.1\tFALSE\t/\tFALSE\t0\tid\t1\n").unwrap();
    fs::write(of(b"format-\xff"), "done\n").unwrap();
    fs::write(of(b"headers"), "X-B: two\n").unwrap();
    fs::write(of(b"config"), "[defaults]\nheader = \"@~/headers\"\n").unwrap();
    let joined = |start: &str, path: PathBuf| {
        let mut arg = OsString::from(start);
        arg.push(path);
        arg
    };
    Test::new()
        .env("HOME", &home)
        .args([joined("-H@", of(b"headers-\xff")), joined("--cookie=", of(b"cookies-\xff"))])
        .args([joined("--write-out=@", of(b"format-\xff")), joined("--config=", of(b"config"))])
        .peer(|peer| {
            let request = peer.open();
            assert_eq!(request.header("X-A"), "one");
            assert_eq!(request.header("X-B"), "two");
            assert_eq!(request.header("Cookie"), "id=1");
            peer.close(1000);
        })
        .stdout("done\n")
        .run();
    Test::new()
        .args([joined("--unix-socket=", of(b"socket-\xff")), "ws://h".into()])
        .stderr_has(["sockeye: cannot connect to ", "/socket-\u{fffd}: no such file"])
        .status(7)
        .run();
}
