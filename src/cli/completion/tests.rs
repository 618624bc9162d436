//! Candidates for command lines that are being typed.

use super::{line::complete, values};
use crate::{cli::args::Cli, job::listen::ListenAddress, net::proxy::Proxy, target::Target};
use clap::{Command, CommandFactory as _};

/// Returns the candidates and the path of the last word.
fn asked(line: &str) -> (Vec<String>, Option<(String, String)>) {
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    let current = words.pop().unwrap();
    let completions = complete(&words, &current);
    let words = completions.candidates.into_iter().map(|candidate| candidate.word).collect();
    (words, completions.path.map(|path| (path.lead, path.path)))
}

#[track_caller]
fn words<const N: usize>(line: &str, expected: [&str; N]) {
    assert_eq!(asked(line), (expected.map(str::to_owned).to_vec(), None), "{line}");
}

#[track_caller]
fn path(line: &str, lead: &str, path: &str) {
    assert_eq!(asked(line).1, Some((lead.to_owned(), path.to_owned())), "{line}");
}

#[test]
fn a_subcommand_may_follow_options_that_it_accepts() {
    words("li", ["listen"]);
    words("-v --max-time 5 li", ["listen"]);
    words("--reconnect li", []);
    words("-c ws://h li", []);
    words("ws://h li", []);
    words("-- li", []);
    words("-x li", []);
}

#[test]
fn options_are_those_of_the_subcommand() {
    words("--broad", []);
    words("listen --broad", ["--broadcast"]);
    words("listen --http", []);
    words("demo --exec", ["--execute"]);
    words("-l 0 --reco", []);
    words("-l 0 --echo --max-m", ["--max-message"]);
    words("-l 0 --vers", ["--version"]);
}

#[test]
fn aliases_are_offered() {
    words("--no-ch", ["--no-check"]);
    words("--cac", ["--cacert"]);
    words("-n", ["-n"]);
}

#[test]
fn an_option_that_cannot_follow_is_not_offered() {
    words("--ipv4 --ipv", []);
    words("--bearer t --aut", []);
    words("--expect a --expect", ["--expect", "--expect-timeout"]);
    words(
        "--record f --reco",
        ["--reconnect", "--reconnect-delay", "--reconnect-max-delay", "--reconnect-on"],
    );
    words("-q --verb", []);
    words("-q listen --verb", []);
}

#[test]
fn values_follow_their_option() {
    words("--color a", ["auto", "always"]);
    words("--color=a", ["--color=auto", "--color=always"]);
    words("--color=auto --tls-min ", ["1.2", "1.3"]);
    words("listen --slow ", ["drop", "wait", "skip"]);
    words("check --only lim", ["limits"]);
    words("completions z", ["zsh"]);
    words("completions can", []);
    words("--binary=", []);
    words("--unknown=", []);
    words("--max-time ", []);
}

#[test]
fn a_message_may_be_in_a_file() {
    path("-x @", "@", "");
    path("-vx@a/b", "-vx@", "a/b");
    path("--execute=@a", "--execute=@", "a");
    path("--every 5 @a", "@", "a");
    path("-H @a", "@", "a");
    path("--write-out @a", "@", "a");
    words("-x a", []);
    words("--every @a", []);
    words("--until @a", []);
    words("--input @", []);
    words("-x @\n", []);
}

#[test]
fn options_and_subcommands_have_files() {
    path("--record a", "", "a");
    path("--record=a", "--record=", "a");
    path("show a", "", "a");
    path("--netrc=a", "--netrc=", "a");
    path("--cookie a", "", "a");
    assert!(complete(&["man".to_owned()], "").path.unwrap().only_directories);
}

#[test]
fn every_option_that_reads_a_file_after_an_at_sign_is_known() {
    let mut command = Cli::command();
    command.build();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let mut names = Vec::new();
    for arg in commands.flat_map(Command::get_arguments) {
        let help = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
        if help.contains("@FILE") {
            names.extend(arg.get_value_names().unwrap().iter().map(ToString::to_string));
        }
    }
    for name in values::READ_FROM_FILE {
        assert!(names.iter().any(|known| known == name), "no option reads a {name} from a file");
    }
    names.retain(|name| !values::READ_FROM_FILE.contains(&&**name));
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn schemes_end_behind_their_colon() {
    words("ws", ["ws://", "wss://", "ws+unix:", "wss+unix:"]);
    words("-c ws:", ["ws://"]);
    words("--connect=wss:/", ["--connect=wss://"]);
    words("ht", ["http://", "https://"]);
    words("go", []);
    words("--proxy so", ["socks4://", "socks4a://", "socks5://", "socks5h://"]);
    words("listen ws", ["wss://"]);
    path("ws+unix:/r", "ws+unix:", "/r");
    path("listen unix:/r", "unix:", "/r");
}

#[test]
fn every_scheme_works() {
    for scheme in values::CLIENT_SCHEMES {
        assert!(
            Target::parse(&format!("{scheme}/s")).is_ok()
                || Target::parse(&format!("{scheme}h")).is_ok(),
            "{scheme}"
        );
    }
    for scheme in values::PROXY_SCHEMES {
        assert!(Proxy::parse(&format!("{scheme}h")).is_ok(), "{scheme}");
    }
    assert!(ListenAddress::parse("unix:/s").is_some());
    assert_eq!(values::LISTEN_SCHEMES, ["wss://", "unix:"]);
}

#[test]
fn a_secret_may_be_elsewhere() {
    words("--bearer ", ["env:", "file:", "cmd:"]);
    path("-u file:a", "file:", "a");
}

#[test]
fn help_has_topics_and_subcommands() {
    words("help dem", ["demo"]);
    words("--help exi", ["exit-codes"]);
    words("-h sho", ["show"]);
    words("help topi", ["topics"]);
    words("-v --help exi", []);
    words("listen --help exi", []);
}
