//! Completions and man pages, from the one definition of the command line.

use super::args::Cli;
use crate::{
    error::Error,
    render::write_out::VARIABLES,
    script::command::table::{CommandSpec, TABLE},
};
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Prints the completion script of a shell.
pub fn completions(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sockeye", &mut script);
    match String::from_utf8(script) {
        Ok(script) => print(with_targets(shell, &script).as_bytes()),
        Err(script) => print(script.as_bytes()),
    }
}

/// A script that also knows the names of targets, which it asks us for.
fn with_targets(shell: Shell, script: &str) -> String {
    match shell {
        Shell::Bash => {
            let (function, call) = script.split_at(script.rfind("\nif [[").unwrap_or_default());
            let call = call.replace("-F _sockeye ", "-F _sockeye_or_target ");
            format!("{function}{BASH}{call}")
        }
        Shell::Zsh => {
            let script = script.replace(":_urls'", ":_sockeye_servers'");
            let (functions, call) = script.split_at(script.rfind("\nif [ ").unwrap_or_default());
            format!("{functions}{ZSH}{call}")
        }
        Shell::Fish => format!("{script}{FISH}"),
        _ => script.to_owned(),
    }
}

/// Prints the names of targets, a line each.
pub fn targets(names: &[String]) -> Result<(), Error> {
    let lines: String = names.iter().flat_map(|name| [name, "\n"]).collect();
    print(lines.as_bytes())
}

/// Prints the main man page, or writes all of them into a directory.
pub fn man(dir: Option<PathBuf>) -> Result<(), Error> {
    let pages = pages().map_err(Error::Output)?;
    match dir {
        None => print(&pages.into_iter().next().unwrap_or_default().1),
        Some(dir) => write(&dir, pages).map_err(|cause| Error::File { path: dir, cause }),
    }
}

/// The pages: file name and contents, the main page first.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    let mut main = Vec::new();
    Man::new(command.clone()).date("").render(&mut main)?;
    let more = MORE.replace(COMMANDS, &commands()).replace(FACTS, &variables());
    main.extend_from_slice(more.as_bytes());
    pages.push(("sockeye.1".to_owned(), main));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("sockeye-{}", sub.get_name());
        let sub = sub.clone().display_name(&name).bin_name(format!("sockeye {}", sub.get_name()));
        let mut page = Vec::new();
        Man::new(sub).title(&name).date("").render(&mut page)?;
        pages.push((format!("{name}.1"), page));
    }
    Ok(pages)
}

/// The commands of interactive mode, from their own definition.
fn commands() -> String {
    let escaped = |text: &str| text.replace('\\', "\\e").replace('-', "\\-");
    let entry = |spec: &CommandSpec| {
        let (name, arguments) = (escaped(spec.name), escaped(spec.arguments));
        format!(".TP\n\\fB{name}\\fR {arguments}\n{}\n", escaped(spec.help))
    };
    TABLE.iter().map(entry).collect()
}

/// The variables of `--write-out`, from their own definition.
fn variables() -> String {
    let entry = |(name, holds): &(&str, &str)| {
        let mut chars = holds.chars();
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
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(cause)),
        _ => Ok(()),
    }
}

/// Where the commands of interactive mode belong in it.
const COMMANDS: &str = ".\\\" COMMANDS\n";

/// Where the variables of `--write-out` do.
const FACTS: &str = ".\\\" VARIABLES\n";

/// What the definition of the options does not know.
const MORE: &str = include_str!("more.roff");

// The names are read, and not expanded.
const BASH: &str = r#"
_sockeye_or_target() {
    if [[ "$2" != @* ]]; then
        _sockeye "$@"
        return
    fi
    local target
    COMPREPLY=()
    while IFS= read -r target; do
        if [[ "$target" == "$2"* ]]; then
            COMPREPLY+=("$target")
        fi
    done < <("$1" completions targets 2>/dev/null)
}
"#;
const ZSH: &str = r#"
(( $+functions[_sockeye_servers] )) ||
_sockeye_servers() {
    local -a targets
    targets=(${(f)"$(_call_program targets ${(q)words[1]} completions targets 2>/dev/null)"})
    _alternative 'targets:target:compadd -a targets' 'urls:URL:_urls'
}
"#;
const FISH: &str = r#"complete -c sockeye -n "__fish_sockeye_needs_command; and string match -q '@*' -- (commandline -ct)" -f -a "(sockeye completions targets 2>/dev/null)"
"#;
