//! Man pages, generated from the definition of the command line and from the sections that it
//! cannot have.

mod layout;
mod sections;
pub mod text;

use super::{args::Cli, generate::print};
use crate::error::Error;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Prints the main man page or, if a directory is given, writes all man pages to it.
pub fn man(dir: Option<PathBuf>) -> Result<(), Error> {
    let pages = pages().map_err(Error::Output)?;
    match dir {
        None => print(pages.into_iter().next().unwrap_or_default().1.as_bytes()),
        Some(dir) => write(&dir, pages).map_err(|cause| Error::File { path: dir, cause }),
    }
}

/// Returns the name and contents of each man page, the main page first.
fn pages() -> io::Result<Vec<(String, String)>> {
    let mut command = Cli::command();
    command.build();
    let mut pages =
        vec![("sockeye.1".to_owned(), page(&command, "sockeye", &sections::main_page())?)];
    for sub in command.get_subcommands() {
        let name = format!("sockeye-{}", sub.get_name());
        let mut sub =
            sub.clone().display_name(&name).bin_name(format!("sockeye {}", sub.get_name()));
        let usage = sub.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").trim().to_owned();
        let more = sections::subcommand_page(sub.get_name());
        pages.push((format!("{name}.1"), page(&sub.override_usage(usage), &name, &more)?));
    }
    Ok(pages)
}

/// Returns a page: what `clap_mangen` makes of the definition, and more sections.
fn page(command: &Command, name: &str, more: &str) -> io::Result<String> {
    let mut page = Vec::new();
    // The version is in the footer.
    let man = Man::new(command.clone().version(None::<&str>));
    let man = man.date(RELEASE_DATE).manual("User Commands");
    let version = concat!("sockeye ", env!("CARGO_PKG_VERSION"));
    man.title(name.to_uppercase()).source(version).render(&mut page)?;
    let page = String::from_utf8(page).map_err(io::Error::other)?;
    let page = layout::separate_arguments(&layout::ragged(&page));
    Ok(layout::tidy(&page) + &layout::tidy(more))
}

fn write(dir: &Path, pages: Vec<(String, String)>) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for (name, page) in pages {
        std::fs::write(dir.join(name), page)?;
    }
    Ok(())
}

/// The date of this version in CHANGELOG.md as an argument of `.TH`; an empty one until it is released.
const RELEASE_DATE: &str = r#""""#;
