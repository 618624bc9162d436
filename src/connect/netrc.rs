//! Users and passwords of hosts, as ftp, curl and git keep them: netrc(5).

use crate::proto::slice::Within;

use crate::secret::SecretString;

/// The entries of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netrc(Vec<Entry>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// `None`: any (`default`).
    machine: Option<String>,
    login: String,
    password: SecretString,
}

impl Netrc {
    /// Reads a file; the error names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines = text.lines().enumerate();
        // What the last word wants, in the next word, also on the next line.
        let mut wants: Option<Wants> = None;
        while let Some((number, line)) = lines.next() {
            for word in words(line) {
                let word = word.map_err(|()| format!("line {}: a quote has no end", number + 1))?;
                match (wants.take(), entries.last_mut()) {
                    (Some(Wants::Machine), _) => {
                        entries.push(Entry { machine: Some(word), ..Entry::default() });
                        continue;
                    }
                    (Some(Wants::Login), Some(entry)) => {
                        entry.login = word;
                        continue;
                    }
                    (Some(Wants::Password), Some(entry)) => {
                        entry.password = word.into();
                        continue;
                    }
                    (Some(_), _) => continue,
                    (None, _) => {}
                }
                match word.as_str() {
                    "machine" => wants = Some(Wants::Machine),
                    "default" => entries.push(Entry::default()),
                    "login" if !entries.is_empty() => wants = Some(Wants::Login),
                    "password" if !entries.is_empty() => wants = Some(Wants::Password),
                    "account" => wants = Some(Wants::Nothing),
                    "macdef" => {
                        // A macro of ftp goes on to the next empty line.
                        lines.by_ref().find(|(_, line)| line.trim().is_empty());
                        break;
                    }
                    word if word.starts_with('#') => break,
                    // It may be part of a password.
                    _ => return Err(format!("line {}: not what netrc(5) expects", number + 1)),
                }
            }
        }
        Ok(Self(entries))
    }

    /// What is meant for any host is not meant for one that a server names.
    pub(super) fn leave(&mut self) {
        self.0.retain(|entry| entry.machine.is_some());
    }

    /// User and password for a host.
    pub fn find(&self, host: &str) -> Option<(String, SecretString)> {
        let is = |entry: &&Entry| {
            entry.machine.as_ref().is_none_or(|machine| machine.eq_ignore_ascii_case(host))
        };
        let entry = self.0.iter().find(is)?;
        Some((entry.login.clone(), entry.password.clone()))
    }
}

enum Wants {
    Machine,
    Login,
    Password,
    Nothing,
}

/// The words of a line; one in quotes may have spaces, and a backslash before any character.
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
    fn entries_in_every_form() {
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
    fn faults_are_named_by_line() {
        assert_eq!(Netrc::parse("\nmachin a"), Err("line 2: not what netrc(5) expects".to_owned()));
        assert_eq!(Netrc::parse("machine \"a"), Err("line 1: a quote has no end".to_owned()));
        assert_eq!(Netrc::parse("login x"), Err("line 1: not what netrc(5) expects".to_owned()));
    }
}
