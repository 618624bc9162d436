//! The `use` lines and paths between the files of src/ (arrows), and the rules about them. An arrow
//! leads from the file that names a path to the file of the module in that path; a declaration `mod
//! x;` is not an arrow. Code compiled only for tests and fuzzers is ignored.

use super::source::{Kind, Source};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The rooms, from the bottom up. An arrow may lead only to a room on a lower line.
pub const ROOMS: &[&[&str]] = &[
    &["proto"],
    &["decode", "escape", "random", "sys", "wording"],
    &["stored", "known"],
    &["secret"],
    &["target"],
    &["redact"],
    &["net"],
    &["connect"],
    &["session"],
    &["error"],
    &["schema"],
    &["script"],
    &["render"],
    &["report"],
    &["job"],
    &["sink", "console"],
    &["mode", "cli"],
    &["main"],
];

/// The greatest number of code lines in the table of modes.
const TABLE_LINES: usize = 60;

/// The source files of a crate, by their paths in src/.
pub struct Tree {
    files: BTreeMap<String, Source>,
    arrows: BTreeSet<Arrow>,
}

/// A reference from one file to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    /// The name after the module, if any.
    item: Option<String>,
    line: usize,
    path: String,
}

/// A violation of a rule, with the rooms or files to change as its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub key: String,
    pub words: String,
}

impl Tree {
    /// Reads files, each given as its path in src/ and its text.
    pub fn read<'a>(files: impl IntoIterator<Item = (String, &'a str)>) -> Self {
        let mut files: BTreeMap<_, _> =
            files.into_iter().map(|(path, text)| (path, Source::read(text))).collect();
        let tests: Vec<_> = files
            .iter()
            .flat_map(|(path, source)| {
                let module = module(path);
                source
                    .test_modules
                    .iter()
                    .map(move |name| [&module[..], std::slice::from_ref(name)].concat())
            })
            .collect();
        files.retain(|path, _| !tests.iter().any(|test| module(path).starts_with(test)));
        let mut tree = Self { files, arrows: BTreeSet::new() };
        let mut arrows: Vec<_> =
            tree.files.keys().flat_map(|file| tree.arrows_from(file)).collect();
        arrows.sort();
        // The first place of each arrow is enough.
        arrows.dedup_by(|b, a| (&a.from, &a.to, &a.item) == (&b.from, &b.to, &b.item));
        tree.arrows = arrows.into_iter().collect();
        tree
    }

    fn arrows_from(&self, file: &str) -> Vec<Arrow> {
        let source = &self.files[file];
        let arrow = |named: &super::source::Named| {
            let here = [&module(file)[..], &named.inside].concat();
            let path = absolute(&here, &named.path, source)?;
            let (to, item) = self.resolve(&path, file)?;
            let (from, line) = (file.to_owned(), named.line);
            (to != file).then(|| Arrow { from, to, item, line, path: named.path.join("::") })
        };
        source.paths.iter().filter_map(arrow).collect()
    }

    /// Returns the file of the longest module at the start of this path, and the name after it.
    fn resolve(&self, path: &[String], from: &str) -> Option<(String, Option<String>)> {
        (0..=path.len()).rev().find_map(|length| {
            let file = self.file_of(&path[..length], from)?;
            Some((file, path.get(length).cloned()))
        })
    }

    fn file_of(&self, path: &[String], from: &str) -> Option<String> {
        let joined = path.join("/");
        let names = match path {
            [] if from == "main.rs" => ["lib.rs".to_owned(), "main.rs".to_owned()],
            [] => ["lib.rs".to_owned(), String::new()],
            _ => [format!("{joined}.rs"), format!("{joined}/mod.rs")],
        };
        names.into_iter().find(|name| self.files.contains_key(name))
    }

    /// Returns all faults, in the order of the rules.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.rooms();
        faults.extend(self.climbs());
        faults.extend(self.circles());
        faults.extend(self.table());
        faults.sort();
        faults.dedup();
        faults
    }

    /// Returns arrows between rooms that do not lead down.
    fn rooms(&self) -> Vec<Fault> {
        let nowhere = self.files.keys().filter(|file| *file != "lib.rs" && rank(file).is_none());
        let nowhere = nowhere.map(|file| Fault {
            key: format!("room {}", room(file)),
            words: format!("{file} is in a room that the list of rooms does not have"),
        });
        let up = self.arrows.iter().filter(|arrow| room(&arrow.from) != room(&arrow.to));
        let up = up.filter_map(|arrow| {
            let (from, to) = (rank(&arrow.from)?, rank(&arrow.to)?);
            (to >= from).then(|| Fault {
                key: format!("{} -> {}", room(&arrow.from), room(&arrow.to)),
                words: format!("{arrow} leads {}", if to > from { "up" } else { "sideways" }),
            })
        });
        nowhere.chain(up).collect()
    }

    /// Returns child modules that use a function, constant or import of an ancestor.
    fn climbs(&self) -> Vec<Fault> {
        let climbs = self.arrows.iter().filter(|arrow| {
            let (from, to) = (module(&arrow.from), module(&arrow.to));
            arrow.to != "main.rs" && from.len() > to.len() && from.starts_with(&to)
        });
        climbs
            .filter_map(|arrow| {
                let what = match arrow.item.as_deref() {
                    Some("*") => "everything",
                    Some(item) => match self.files[&arrow.to].items.get(item)? {
                        Kind::Value => "a function or constant",
                        Kind::Import => "an import",
                        Kind::Type => return None,
                    },
                    None => return None,
                };
                Some(Fault {
                    key: format!("{} -> {}", arrow.from, arrow.to),
                    words: format!("{arrow} takes {what} of an ancestor"),
                })
            })
            .collect()
    }

    /// Returns files that use each other, directly or through others.
    fn circles(&self) -> Vec<Fault> {
        let in_circle = |file: &String| {
            let circle = self.circle(file)?;
            let key = format!("circle {file}");
            Some(Fault { key, words: format!("a circle of files: {}", circle.join(" -> ")) })
        };
        self.files.keys().filter_map(in_circle).collect()
    }

    /// Returns the shortest path of arrows from a file back to itself.
    fn circle(&self, start: &str) -> Option<Vec<String>> {
        let mut before: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(file) = queue.pop_front() {
            let first = Arrow::least(file);
            for arrow in self.arrows.range(first..).take_while(|arrow| arrow.from == file) {
                if arrow.to == start {
                    let mut way = vec![start.to_owned()];
                    let mut at = file;
                    while at != start {
                        way.push(at.to_owned());
                        at = before[at];
                    }
                    way.push(start.to_owned());
                    way.reverse();
                    return Some(way);
                }
                if !before.contains_key(arrow.to.as_str()) {
                    before.insert(&arrow.to, file);
                    queue.push_back(&arrow.to);
                }
            }
        }
        None
    }

    /// Returns faults of the table of modes, which may hold only modules, imports and one item.
    fn table(&self) -> Vec<Fault> {
        let Some(source) = self.files.get("mode/mod.rs") else { return Vec::new() };
        let mut faults = Vec::new();
        let fault = |words| Fault { key: "mode/mod.rs".to_owned(), words };
        if source.defines.len() > 1 {
            let items = source.defines.join(", ");
            faults.push(fault(format!("mode/mod.rs has more than the table of modes: {items}")));
        }
        if source.lines > TABLE_LINES {
            faults.push(fault(format!("mode/mod.rs has {} lines of code", source.lines)));
        }
        faults
    }
}

impl Arrow {
    /// Returns the least possible arrow from a file.
    fn least(from: &str) -> Self {
        let (to, path) = (String::new(), String::new());
        Self { from: from.to_owned(), to, item: None, line: 0, path }
    }
}

impl std::fmt::Display for Arrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { from, to, line, path, .. } = self;
        write!(f, "{from}:{line} -> {to} ({path})")
    }
}

/// Returns the module of a file; `[]` for the crate root.
fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(ToOwned::to_owned).collect() }
}

fn room(file: &str) -> String {
    module(file).into_iter().next().unwrap_or_else(|| "lib".to_owned())
}

fn rank(file: &str) -> Option<usize> {
    let room = room(file);
    ROOMS.iter().position(|rooms| rooms.contains(&room.as_str()))
}

/// Returns a path of this crate from its root; `None` for a path of another crate or a name defined
/// in the same file.
fn absolute(here: &[String], path: &[String], source: &Source) -> Option<Vec<String>> {
    let is_main = here.first().is_some_and(|name| name == "main");
    let (base, rest) = match path[0].as_str() {
        "crate" if is_main => (&here[..1], &path[1..]),
        "crate" => (&here[..0], &path[1..]),
        "sockeye" if is_main => (&here[..0], &path[1..]),
        "self" => (here, &path[1..]),
        "super" => {
            let ups = path.iter().take_while(|name| *name == "super").count();
            (&here[..here.len().checked_sub(ups)?], &path[ups..])
        }
        name if source.modules.iter().any(|module| module == name) => (here, path),
        _ => return None,
    };
    Some([base, rest].concat())
}
