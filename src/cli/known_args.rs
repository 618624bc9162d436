//! The secrets on the command line, found before it is parsed, so that no error repeats them.

use crate::{known, proto::slice::Within, secret::is_reference};
use std::ffi::OsString;

/// Registers the secrets in these arguments, which are never shown from then on.
pub(super) fn learn(args: &[OsString]) {
    let mut args = args.iter().skip(1).map(|arg| arg.to_string_lossy()).peekable();
    while let Some(arg) = args.next() {
        let mut next = || args.peek().map(ToString::to_string);
        if let Some(long) = arg.strip_prefix("--") {
            match long.split_once('=') {
                Some((name, value)) => learn_option(name, value),
                None => learn_option(long, &next().unwrap_or_default()),
            }
        } else if let Some(letters) = arg.strip_prefix('-')
            && let Some(at) = letters.find(WITH_VALUE)
        {
            let (name, value) = letters.within(at..).split_at(1);
            let value = if value.is_empty() { next() } else { Some(value.to_owned()) };
            learn_option(name, &value.unwrap_or_default());
        }
        learn_url(&arg);
    }
}

/// Adds the secret in the value of an option, given by its long name or its letter.
fn learn_option(name: &str, value: &str) {
    if is_reference(value) {
        return;
    }
    match name {
        "auth" | "user" | "u" => {
            if let Some((user, password)) = value.split_once(':') {
                known::add_user(user, password);
            }
        }
        "bearer" | "passphrase" => known::add(value),
        "cookie" if value.contains('=') => known::add_header("Cookie", value),
        "header" | "H" => {
            // The user may have forgotten the colon.
            if let Some((name, value)) = value.split_once([':', '=', ' ']) {
                known::add_header(name.trim(), value);
            }
        }
        "subprotocol" | "s" => known::add_header("Sec-WebSocket-Protocol", value),
        "proxy" => learn_url(value),
        _ => {}
    }
}

/// Adds user, password and secret parameters of a URL, which may be malformed.
fn learn_url(text: &str) {
    let Some((_, rest)) = text.split_once("://") else { return };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@') {
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        known::add_user(user, password);
    }
    known::add_url(text);
}

/// Letters of options with a value.
const WITH_VALUE: [char; 11] = ['A', 'H', 'c', 'l', 'm', 'o', 'p', 's', 'u', 'w', 'x'];

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(line: &[&str], text: &str) -> String {
        learn(&line.iter().map(OsString::from).collect::<Vec<_>>());
        known::redact(text).into_owned()
    }

    #[test]
    fn secrets_are_found_however_an_option_is_written() {
        for line in [
            &["sockeye", "--bearer", "opensesame"][..],
            &["sockeye", "--bearer=opensesame"],
            &["sockeye", "-u", "me:opensesame"],
            &["sockeye", "-ume:opensesame"],
            &["sockeye", "-vu", "me:opensesame"],
            &["sockeye", "-H", "X-Api-Key=opensesame"],
            &["sockeye", "-HX-Auth_Token opensesame"],
            &["sockeye", "--cookie", "a=opensesame"],
            &["sockeye", "-s", "bearer,opensesame"],
            &["sockeye", "--proxy=http://u:opensesame@"],
            &["sockeye", "--nosuch", "foo://u:opensesame@h:99999/"],
            &["sockeye", "ws://h/?token=opensesame#x"],
        ] {
            std::thread::scope(|scope| {
                scope.spawn(|| assert_eq!(redacted(line, "opensesame"), "[redacted]", "{line:?}"));
            });
        }
    }

    #[test]
    fn messages_and_names_are_no_secrets() {
        let line = ["sockeye", "-xuser:opensesame", "-u", "opensesame", "-H", "Host: opensesame"];
        assert_eq!(redacted(&line, "opensesame"), "opensesame");
    }
}
