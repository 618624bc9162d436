//! Completions and man pages, from the one definition of the command line.

use super::args::Cli;
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use std::{io, path::Path};

/// The completion script of a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sockeye", &mut script);
    script
}

/// The pages: file name and contents, the main page first.
pub fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    let mut main = Vec::new();
    Man::new(command.clone()).date("").render(&mut main)?;
    main.extend_from_slice(MORE.as_bytes());
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

/// Writes all pages into a directory.
pub fn write_pages(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for (name, page) in pages()? {
        std::fs::write(dir.join(name), page)?;
    }
    Ok(())
}

/// What the definition of the options does not know.
const MORE: &str = include_str!("more.roff");
