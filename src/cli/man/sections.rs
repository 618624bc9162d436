//! The sections of the man pages beyond the options.

use crate::{
    render::write_out::VARIABLES,
    script::command::{
        place::Place,
        table::{CommandSpec, TABLE},
    },
};

/// Returns the sections of the main page.
pub(super) fn main_page() -> String {
    MORE.replace(COMMANDS_MARKER, &slash_commands(|place| place == Place::Client))
        .replace(VARIABLES_MARKER, &write_out_variables())
}

/// Returns the sections of the page of a subcommand.
pub(super) fn subcommand_page(name: &str) -> String {
    let start = format!("{PAGE_MARKER}{name}\n");
    let Some((_, page)) = SUBCOMMANDS.split_once(&start) else { return String::new() };
    let page = page.split(PAGE_MARKER).next().unwrap_or_default();
    let is_proxy = name == "proxy";
    let commands =
        slash_commands(|place| place != Place::Client && (place == Place::Proxy) == is_proxy);
    page.replace(COMMANDS_MARKER, &commands)
}

/// Returns the contents of a section of a page.
pub(super) fn find(page: &str, title: &str) -> Option<String> {
    all(page).into_iter().find(|(name, _)| name == title).map(|(_, section)| section)
}

/// Returns titles and contents of the sections of a page.
pub(super) fn all(page: &str) -> Vec<(String, String)> {
    let sections = page.split(".SH ").filter_map(|section| section.split_once('\n'));
    sections.map(|(title, text)| (title.trim_matches('"').to_owned(), text.to_owned())).collect()
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

/// Line that the slash commands replace.
const COMMANDS_MARKER: &str = ".\\\" COMMANDS\n";

/// Line that the variables of `--write-out` replace.
const VARIABLES_MARKER: &str = ".\\\" VARIABLES\n";

/// Start of the line before the sections of a subcommand, which ends with its name.
const PAGE_MARKER: &str = ".\\\" PAGE ";

const MORE: &str = include_str!("more.roff");

const SUBCOMMANDS: &str = include_str!("subcommands.roff");
