//! The topics of `sockeye help`: each is a part of the options and sections of the man page.

use crate::cli::{
    args::{ClientArgs, ConfigArgs, heading},
    man::text::of_section,
};
use clap::{Args as _, Command};

/// A part of the help.
pub(in crate::cli) struct Topic {
    /// Its name, and other words for it.
    names: &'static [&'static str],
    about: &'static str,
    /// Headings of options that belong to it.
    headings: &'static [&'static str],
    /// Ids of further options.
    options: &'static [&'static str],
    /// Sections of the man page.
    sections: &'static [&'static str],
}

impl Topic {
    pub(in crate::cli) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    pub(in crate::cli) fn about(&self) -> &'static str {
        self.about
    }

    pub(super) fn is_named(&self, word: &str) -> bool {
        self.names.contains(&word)
    }

    /// Returns its options, then its sections of the man page.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.about);
        if !self.headings.is_empty() || !self.options.is_empty() {
            text.push('\n');
            text.push_str(self.option_help().trim_end());
            text.push('\n');
        }
        for title in self.sections {
            let section = of_section(title).unwrap_or_default();
            for part in ["\n", title, "\n", &section] {
                text.push_str(part);
            }
        }
        text
    }

    fn option_help(&self) -> String {
        let command = Command::new("sockeye").disable_help_flag(true).max_term_width(100);
        let command = ConfigArgs::augment_args(ClientArgs::augment_args(command));
        let mut command = command.help_template("{all-args}").mut_args(|arg| {
            let is_listed = self.options.contains(&arg.get_id().as_str());
            let has_heading = |heading| self.headings.contains(&heading);
            let is_shown = is_listed || arg.get_help_heading().is_some_and(has_heading);
            arg.hide(!is_shown)
        });
        command.render_long_help().to_string()
    }
}

/// Returns the list of topics, for the end of a help text.
pub(super) fn list() -> String {
    let mut text = "sockeye help TOPIC:".to_owned();
    let mut width = text.len();
    for name in TOPICS.iter().map(Topic::name).chain(["SUBCOMMAND", "all"]) {
        if width + 1 + name.len() > 79 {
            text.push_str("\n ");
            width = 1;
        }
        text.push(' ');
        text.push_str(name);
        width += 1 + name.len();
    }
    text.push('\n');
    text
}

/// Returns the list of topics, each with what it is about.
pub(super) fn descriptions() -> String {
    let others = [("SUBCOMMAND", "All of its options"), ("all", "All options of a client")];
    let topics = TOPICS.iter().map(|topic| (topic.name(), topic.about));
    let lines = topics.chain(others).map(|(name, about)| format!("  {name:16} {about}\n"));
    ["sockeye help TOPIC:\n".to_owned()].into_iter().chain(lines).collect()
}

const NONE: Topic = Topic { names: &[], about: "", headings: &[], options: &[], sections: &[] };

pub(in crate::cli) const TOPICS: &[Topic] = &[
    Topic {
        names: &["connecting", "connection", "connect", "http2", "unix"],
        about: "Reach a server: HTTP version, addresses, time limits, reconnecting",
        headings: &[heading::CONNECTION],
        sections: &["HTTP/2"],
        ..NONE
    },
    Topic {
        names: &["request", "headers", "authentication", "auth", "cookies"],
        about: "The opening request: headers, subprotocols, credentials, cookies, redirects",
        headings: &[heading::REQUEST],
        ..NONE
    },
    Topic {
        names: &["tls", "certificates", "ssl"],
        about: "TLS: trust, client certificates, server name",
        headings: &[heading::TLS],
        ..NONE
    },
    Topic {
        names: &["proxies", "redirects"],
        about: "Proxies and redirects",
        options: &["proxy", "noproxy", "location", "max_redirects"],
        sections: &["PROXIES AND REDIRECTS"],
        ..NONE
    },
    Topic {
        names: &["reconnecting", "reconnect"],
        about: "Open a lost session again",
        options: &[
            "reconnect",
            "reconnect_delay",
            "reconnect_max_delay",
            "reconnect_on",
            "ping_interval",
            "ping_timeout",
        ],
        sections: &["RECONNECTING"],
        ..NONE
    },
    Topic {
        names: &["session", "compression", "keepalive"],
        about: "The session: sizes, keepalive, time limits, compression",
        headings: &[heading::SESSION],
        sections: &["COMPRESSION"],
        ..NONE
    },
    Topic {
        names: &["messages", "framing", "binary"],
        about: "Messages on stdin and stdout: framing, format, type, size",
        options: &[
            "execute",
            "binary",
            "delimiter",
            "null",
            "append",
            "input",
            "output",
            "decode",
            "json",
            "fragment",
            "max_message",
        ],
        ..NONE
    },
    Topic {
        names: &["scripting", "scripts", "pipes", "pipe"],
        about: "Scripts and pipes: what is sent, when the run ends",
        headings: &[heading::PIPE],
        sections: &["PIPE MODE"],
        ..NONE
    },
    Topic {
        names: &["interactive", "commands", "terminal"],
        about: "Interactive mode and its commands",
        options: &["show_ping_pong", "json", "time", "exit_on_close", "no_history"],
        sections: &["INTERACTIVE MODE"],
        ..NONE
    },
    Topic {
        names: &["output", "diagnostics", "recording", "json", "jsonl"],
        about: "Diagnostics, frames, recordings, colours",
        headings: &[heading::OUTPUT],
        sections: &["FRAMES AND TRACES", "RECORDINGS", "WRITE-OUT"],
        ..NONE
    },
    Topic {
        names: &["config", "configuration", "targets"],
        about: "The configuration file: defaults and targets",
        options: &["config", "no_config"],
        sections: &["CONFIGURATION"],
        ..NONE
    },
    Topic {
        names: &["environment", "env", "files"],
        about: "Environment variables and files",
        sections: &["ENVIRONMENT", "FILES"],
        ..NONE
    },
    Topic {
        names: &["exit-codes", "exit-status", "exit-code", "exit", "status"],
        about: "Exit status",
        sections: &["EXIT STATUS"],
        ..NONE
    },
    Topic { names: &["examples", "example"], about: "Examples", sections: &["EXAMPLES"], ..NONE },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_topic_has_what_it_names() {
        let command = Command::new("sockeye");
        let command = ConfigArgs::augment_args(ClientArgs::augment_args(command));
        let has_option =
            |id: &&str| command.get_arguments().any(|arg| arg.get_id().as_str() == *id);
        for topic in TOPICS {
            for title in topic.sections {
                assert!(of_section(title).is_some(), "no section {title}");
            }
            let unknown: Vec<_> = topic.options.iter().filter(|id| !has_option(id)).collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", topic.name());
            let text = topic.text();
            assert!(text.lines().count() > 5, "{text}");
            for roff in ["\\f", "\\-", "\n."] {
                assert!(!text.contains(roff), "{roff}: {text}");
            }
        }
    }

    #[test]
    fn no_word_names_two_topics() {
        let words: Vec<_> = TOPICS.iter().flat_map(|topic| topic.names).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
    }

    #[test]
    fn every_option_of_a_client_belongs_to_a_topic() {
        let command = ConfigArgs::augment_args(ClientArgs::augment_args(Command::new("sockeye")));
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            let heading = arg.get_help_heading();
            let has = |topic: &Topic| {
                topic.options.contains(&id)
                    || heading.is_some_and(|heading| topic.headings.contains(&heading))
            };
            assert!(TOPICS.iter().any(has), "{id}");
        }
    }
}
