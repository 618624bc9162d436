//! Shell completions and man pages, generated from the definition of the command line.

use super::{
    args::Cli,
    completion::{self, CompletedShell},
};
use crate::{
    error::Error,
    render::write_out::VARIABLES,
    script::command::{
        place::Place,
        table::{CommandSpec, TABLE},
    },
    sys::stdio::WaitingStdout,
};
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Prints the completion script for `shell`.
pub fn completions(shell: Shell) -> Result<(), Error> {
    let completed = match shell {
        Shell::Bash => CompletedShell::Bash,
        Shell::Zsh => CompletedShell::Zsh,
        Shell::Fish => CompletedShell::Fish,
        _ => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sockeye", &mut script);
            return print(&script);
        }
    };
    print(completed.script().as_bytes())
}

/// Answers the question of a completion script.
pub fn candidates() -> Result<(), Error> {
    print(completion::answer()?.as_bytes())
}

/// Prints the main man page or, if a directory is given, writes all man pages to it.
pub fn man(dir: Option<PathBuf>) -> Result<(), Error> {
    let pages = pages().map_err(Error::Output)?;
    match dir {
        None => print(&pages.into_iter().next().unwrap_or_default().1),
        Some(dir) => write(&dir, pages).map_err(|cause| Error::File { path: dir, cause }),
    }
}

/// Returns the name and contents of each man page, the main page first.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    let mut main = Vec::new();
    Man::new(command.clone()).date("").render(&mut main)?;
    let more = MORE
        .replace(COMMANDS_MARKER, &slash_commands(|place| place == Place::Client))
        .replace(VARIABLES_MARKER, &write_out_variables());
    main.extend_from_slice(more.as_bytes());
    pages.push(("sockeye.1".to_owned(), main));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("sockeye-{}", sub.get_name());
        let sub = sub.clone().display_name(&name).bin_name(format!("sockeye {}", sub.get_name()));
        let mut page = Vec::new();
        Man::new(sub).title(&name).date("").render(&mut page)?;
        if name == "sockeye-listen" {
            let commands = slash_commands(|place| place != Place::Client);
            page.extend_from_slice(AT_A_TERMINAL.as_bytes());
            page.extend_from_slice(commands.as_bytes());
        }
        pages.push((format!("{name}.1"), page));
    }
    Ok(pages)
}

/// Returns the commands that work at one of these prompts.
fn slash_commands(is_at: impl Fn(Place) -> bool) -> String {
    let escaped = |text: &str| text.replace('\\', "\\e").replace('-', "\\-");
    let entry = |spec: &CommandSpec| {
        let (name, arguments) = (escaped(spec.name), escaped(spec.arguments));
        format!(".TP\n\\fB{name}\\fR {arguments}\n{}\n", escaped(spec.help))
    };
    let commands = TABLE.iter().filter(|spec| spec.places.iter().any(|place| is_at(*place)));
    commands.map(entry).collect()
}

fn write_out_variables() -> String {
    let entry = |(name, description): &(&str, &str)| {
        let mut chars = description.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase()).into_iter();
        format!(".TP\n.B {name}\n{}.\n", first.chain(chars).collect::<String>())
    };
    VARIABLES.iter().map(entry).collect()
}

fn write(dir: &Path, pages: Vec<(String, Vec<u8>)>) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for (name, page) in pages {
        std::fs::write(dir.join(name), page)?;
    }
    Ok(())
}

fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = WaitingStdout::lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(cause)),
        _ => Ok(()),
    }
}

/// Line of `more.roff` that the slash commands replace.
const COMMANDS_MARKER: &str = ".\\\" COMMANDS\n";

/// Line of `more.roff` that the variables of `--write-out` replace.
const VARIABLES_MARKER: &str = ".\\\" VARIABLES\n";

/// Sections of the main man page beyond the options.
const MORE: &str = include_str!("more.roff");

/// Section of the man page of `listen`, before its slash commands.
const AT_A_TERMINAL: &str = r#".SH "AT A TERMINAL"
With stdin and stdout on a terminal, and without JSON Lines and \fB\-\-exec\fR, there is a prompt. It names the clients that a line is sent to: \fBall>\fR, the number of one, or \fBnone>\fR while no client is connected. If that client leaves, lines go to all again. A line that starts with a slash is a command; one that starts with two slashes is sent with one of them. Commands that change how messages are shown work only where messages are shown, and \fB/reload\fR only with \fB\-\-reply\fR.
"#;
