//! The commands of README.md and docs/ and what they show; the diagrams are those of their source.

use crate::support::page::{Blocks, run};
use regex::Regex;
use std::{collections::BTreeSet, fs, path::Path, thread};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages that are run here, with the least number of their commands.
const PAGES: [(&str, usize); 12] = [
    ("README.md", 11),
    ("docs/protocol.md", 20),
    ("docs/connecting.md", 3),
    ("docs/recording.md", 2),
    ("docs/configuration.md", 2),
    ("docs/jsonl.md", 2),
    // Commands that need other programs are run in the test target `peers`.
    ("docs/frames.md", 0),
    ("docs/from-websocat.md", 0),
    ("docs/comparison.md", 0),
    ("docs/cookbook.md", 20),
    ("docs/check.md", 2),
    ("docs/proxy.md", 5),
];

/// The pages that tests with a notation of their own run.
const OTHER_PAGES: [&str; 4] =
    ["docs/conversations.md", "docs/decoding.md", "docs/listen.md", "docs/replies.md"];

#[test]
fn the_commands_of_each_page_show_what_it_says() {
    thread::scope(|scope| {
        for (name, least) in PAGES {
            let run_page = move || {
                let ran = run(&fs::read_to_string(root().join(name)).unwrap(), Blocks::Plain);
                assert!(ran >= least, "{name}: {ran} commands");
            };
            thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run_page).unwrap();
        }
    });
}

#[test]
fn a_command_that_shows_something_else_is_noticed() {
    let page = |output: &str| {
        format!(
            "<!-- server: sockeye listen 9000 --echo -->\n```console\n$ sockeye -x hi --count 1 wss://example.com\n{output}\n```\n"
        )
    };
    assert_eq!(run(&page("hi"), Blocks::Plain), 1);
    for wrong in ["ho", "hi\nhi", "..."] {
        let failed = std::panic::catch_unwind(|| run(&page(wrong), Blocks::Plain)).is_err();
        assert!(failed, "{wrong}");
    }
}

#[test]
fn the_diagrams_are_rendered_from_their_source() {
    let docs = root().join("docs");
    let source = fs::read_to_string(docs.join("websocket_protocol.mmd")).unwrap();
    let diagrams: Vec<_> = source.split("%% diagram: ").skip(1).collect();
    assert_eq!(diagrams.len(), 4);
    for diagram in diagrams {
        let (name, text) = diagram.split_once('\n').unwrap();
        let svg = fs::read_to_string(docs.join(format!("picture/protocol-{name}.svg"))).unwrap();
        let sum = sha1_smol::Sha1::from(text).digest().to_string();
        let end = format!("<!-- source: {sum} -->\n");
        assert!(svg.ends_with(&end), "{name}: run `make diagrams`");
    }
}

#[test]
fn the_packages_of_the_readme_are_those_of_ci_and_of_make_deps() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    let set = |words: Vec<String>| words.into_iter().collect::<BTreeSet<_>>();
    let readme = read("README.md");
    let lines: Vec<_> =
        readme.lines().filter_map(|it| it.strip_prefix("apt-get install ")).collect();
    let [first, all] = lines.as_slice() else { panic!("{lines:?}") };
    let all = set(words(all));
    assert!(set(words(first)).is_subset(&all));
    let ci = Regex::new(r"\|\| missing\+=\((.*)\)").unwrap();
    let ci = ci.captures_iter(&read(".ci/run")).flat_map(|it| words(&it[1])).collect();
    assert_eq!(set(ci), all, ".ci/run and README.md");
    let deps = Regex::new(r"(?m)^    need (?:'[^']*'|\S+) (?:'([^']*)'|(\S+))").unwrap();
    let install = read("tests/peers/install");
    let deps = deps
        .captures_iter(&install)
        .flat_map(|it| words(it.get(1).or(it.get(2)).unwrap().as_str()));
    // `make deps` runs if there is make.
    let deps = deps.chain(["make".to_owned()]).collect();
    assert_eq!(set(deps), all, "tests/peers/install and README.md");
}

#[test]
fn every_page_with_commands_is_run() {
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    for page in pages.filter(|path| path.extension().is_some_and(|name| name == "md")) {
        let name = page.strip_prefix(root()).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&page).unwrap();
        let has_commands = text.contains("```console\n") || text.contains("```sh\n");
        let is_run = PAGES.iter().any(|(it, _)| *it == name) || OTHER_PAGES.contains(&name);
        assert!(is_run || !has_commands, "{name}");
    }
}

/// Returns the anchors of a page: its headings as GitHub writes them in links.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let kept = |letter: &char| letter.is_alphanumeric() || "-_ ".contains(*letter);
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|line| line.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_between_the_pages_leads_to_a_page_and_a_heading() {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|name| name == "md"));
    let others = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"]
        .map(|it| root().join(it));
    let link = Regex::new(r"\]\(([^)\s:#]*)(?:#([^)\s]+))?\)").unwrap();
    let mut links = 0;
    for page in pages.chain(others) {
        let text = fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text) {
            let place = format!("{}: {}", page.display(), &found[0]);
            let target = match &found[1] {
                "" => page.clone(),
                name => page.parent().unwrap().join(name),
            };
            assert!(target.exists(), "{place}");
            if let Some(anchor) = found.get(2) {
                let headings = anchors(&fs::read_to_string(target).unwrap());
                assert!(headings.contains(anchor.as_str()), "{place}");
            }
            links += 1;
        }
    }
    assert!(links > 60, "{links} links");
}
