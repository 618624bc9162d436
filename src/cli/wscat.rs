//! The habits of wscat, for a program that is called by that name, as through a symbolic link.

use super::{args::Cli, values::ScriptArg};
use crate::{
    job::{prompt_habits::PromptHabits, wait::Wait},
    proto::{Close, CloseCode},
};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
    time::Duration,
};

/// Reports whether the program was called as wscat.
pub(super) fn is_called(args: &[OsString]) -> bool {
    args.first().is_some_and(|name| Path::new(name).file_name() == Some(OsStr::new("wscat")))
}

/// Sets what wscat does without an option, unless an option says otherwise. `types` is true if stdin
/// is a terminal.
pub(super) fn adopt_habits(cli: &mut Cli, types: bool) {
    // A port is that of all addresses, of IPv6 and IPv4.
    if let Some(port) = &mut cli.listen
        && port.parse::<u16>().is_ok()
    {
        *port = format!("[::]:{port}");
    }
    let args = &mut cli.client;
    args.habits =
        PromptHabits { has_commands: args.slash, sends_each_line: true, leaves_at_ctrl_c: true };
    args.exit_on_close = true;
    args.close.get_or_insert_with(|| Close::new(CloseCode::NO_STATUS));
    if args.script.is_empty() {
        return;
    }
    // wscat shows a prompt after `-w -1`, but sends nothing that is typed there.
    let prompts = types && args.wait == Some(Wait::UntilClosed);
    args.receive_only = !args.send_only && !prompts;
    if args.wait.is_none() && args.quiet_for.is_none() {
        args.wait = Some(Wait::For(WAIT));
    }
    for arg in &mut args.script {
        // The name of a file has no meaning there.
        if let ScriptArg::Message(message) = arg
            && message.starts_with('@')
        {
            message.insert(0, '@');
        }
    }
}

/// The time from the last `-x` to the Close.
const WAIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::ClientArgs;
    use clap::Parser as _;

    fn adopted(line: &str) -> Cli {
        adopted_at(line, false)
    }

    fn adopted_at(line: &str, types: bool) -> Cli {
        let mut cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let messages = std::mem::take(&mut cli.client.execute);
        cli.client.script = messages.into_iter().map(ScriptArg::Message).collect();
        adopt_habits(&mut cli, types);
        cli
    }

    #[test]
    fn the_name_is_that_of_the_file_called() {
        for (name, expected) in [
            ("wscat", true),
            ("/usr/local/bin/wscat", true),
            ("sockeye", false),
            ("wscat/sockeye", false),
        ] {
            assert_eq!(is_called(&[OsString::from(name)]), expected, "{name}");
        }
    }

    #[test]
    fn options_come_before_habits() {
        let ClientArgs { wait, receive_only, close, script, .. } =
            adopted("wscat -c ws://h -x @a").client;
        assert_eq!(wait, Some(Wait::For(WAIT)));
        assert!(receive_only);
        assert_eq!(close, Some(Close::new(CloseCode::NO_STATUS)));
        assert_eq!(script, [ScriptArg::Message("@@a".to_owned())]);
        let ClientArgs { wait, receive_only, close, .. } =
            adopted("wscat -c ws://h -x a -w -1 --send-only --close 4000").client;
        assert_eq!(wait, Some(Wait::UntilClosed));
        assert!(!receive_only);
        assert_eq!(close, Some(Close::new(CloseCode::from(4000))));
        assert_eq!(adopted("wscat -c ws://h").client.wait, None);
    }

    #[test]
    fn only_a_prompt_that_stays_sends_what_is_typed() {
        for (line, types, expected) in [
            ("wscat -c ws://h -x a -w -1", true, false),
            ("wscat -c ws://h -x a -w -1", false, true),
            ("wscat -c ws://h -x a -w 1", true, true),
            ("wscat -c ws://h -x a", true, true),
            ("wscat -c ws://h", true, false),
        ] {
            assert_eq!(adopted_at(line, types).client.receive_only, expected, "{line}");
        }
    }

    #[test]
    fn slash_enables_commands() {
        for (line, expected) in [("wscat -c ws://h", false), ("wscat -c ws://h --slash", true)] {
            assert_eq!(adopted(line).client.habits.has_commands, expected, "{line}");
        }
    }

    #[test]
    fn a_port_is_that_of_all_addresses() {
        assert_eq!(adopted("wscat -l 9000").listen.as_deref(), Some("[::]:9000"));
        assert_eq!(adopted("wscat -l 127.0.0.1:9000").listen.as_deref(), Some("127.0.0.1:9000"));
    }
}
