//! Users and passwords by host, from a netrc(5) file as used by ftp, curl and git.

use crate::{proto::slice::Within, secret::SecretString};

/// The entries of a netrc file, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netrc(Vec<Entry>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// `None` for the entry `default`, which matches any host.
    machine: Option<String>,
    login: String,
    password: SecretString,
}

impl Netrc {
    /// Parses a file. The error names the line, but not its text, which may be a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines = text.lines().enumerate();
        // The meaning of the next word, which may be on the next line.
        let mut expected: Option<Expected> = None;
        while let Some((number, line)) = lines.next() {
            for word in words(line) {
                let word = word.map_err(|()| format!("line {}: unterminated quote", number + 1))?;
                match (expected.take(), entries.last_mut()) {
                    (Some(Expected::Machine), _) => {
                        entries.push(Entry { machine: Some(word), ..Entry::default() });
                        continue;
                    }
                    (Some(Expected::Login), Some(entry)) => {
                        entry.login = word;
                        continue;
                    }
                    (Some(Expected::Password), Some(entry)) => {
                        entry.password = word.into();
                        continue;
                    }
                    (Some(_), _) => continue,
                    (None, _) => {}
                }
                match word.as_str() {
                    "machine" => expected = Some(Expected::Machine),
                    "default" => entries.push(Entry::default()),
                    "login" if !entries.is_empty() => expected = Some(Expected::Login),
                    "password" if !entries.is_empty() => expected = Some(Expected::Password),
                    "account" => expected = Some(Expected::Ignored),
                    "macdef" => {
                        // A macro definition for ftp extends to the next empty line.
                        lines.by_ref().find(|(_, line)| line.trim().is_empty());
                        break;
                    }
                    word if word.starts_with('#') => break,
                    _ => return Err(format!("line {}: not valid in netrc(5)", number + 1)),
                }
            }
        }
        Ok(Self(entries))
    }

    /// Removes the default entry before a request to an origin that a server chose.
    pub(super) fn leave_origin(&mut self) {
        self.0.retain(|entry| entry.machine.is_some());
    }

    /// Returns user and password for a host, compared without regard to case.
    pub fn find(&self, host: &str) -> Option<(String, SecretString)> {
        let matches = |entry: &&Entry| {
            entry.machine.as_ref().is_none_or(|machine| machine.eq_ignore_ascii_case(host))
        };
        let entry = self.0.iter().find(matches)?;
        Some((entry.login.clone(), entry.password.clone()))
    }
}

/// The kind of value that the next word is.
enum Expected {
    Machine,
    Login,
    Password,
    Ignored,
}

/// Splits a line into words. Within quotes, a word may contain spaces, and a backslash escapes any
/// character. An unterminated quote is an error.
fn words(line: &str) -> impl Iterator<Item = Result<String, ()>> {
    let mut rest = line.trim_start();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after.trim_start();
            return Some(Ok(word.to_owned()));
        };
        let mut word = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    rest = quoted.within(at + 1..).trim_start();
                    return Some(Ok(word));
                }
                '\\' => word.extend(chars.next().map(|(_, c)| c)),
                c => word.push(c),
            }
        }
        rest = "";
        Some(Err(()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_entries_in_every_form() {
        let netrc = Netrc::parse(
            "# comment\nmachine a login u password p\nmachine b\n\tlogin \"u 2\"\n\tpassword \"p\\\"2\"\n\
             macdef init\nmachine not this\n\nmachine c account x login u3 password p3 machine d\n\
             login # password #x\ndefault login anonymous password me\n",
        )
        .unwrap();
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.into()));
        assert_eq!(netrc.find("A"), pair("u", "p"));
        assert_eq!(netrc.find("b"), pair("u 2", "p\"2"));
        assert_eq!(netrc.find("c"), pair("u3", "p3"));
        assert_eq!(netrc.find("d"), pair("#", "#x"));
        assert_eq!(netrc.find("not"), pair("anonymous", "me"));
        assert_eq!(Netrc::default().find("a"), None);
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(Netrc::parse("\nmachin a"), Err("line 2: not valid in netrc(5)".to_owned()));
        assert_eq!(Netrc::parse("machine \"a"), Err("line 1: unterminated quote".to_owned()));
        assert_eq!(Netrc::parse("login x"), Err("line 1: not valid in netrc(5)".to_owned()));
    }
}
