//! docs/troubleshooting.md quotes messages of the program, and leaves out none of its exit codes and
//! none of its rules of diagnosis.

use std::{fs, path::Path};

fn read(path: &Path, all: &mut String) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            read(&entry.unwrap().path(), all);
        }
    } else if path.extension().is_some_and(|name| name == "rs" || name == "jsonl") {
        all.push_str(&fs::read_to_string(path).unwrap());
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap()
}

#[test]
fn quoted_messages_are_those_of_the_program() {
    let mut known = String::new();
    for dir in ["src", "tests/diagnosis", "tests/tls.rs"] {
        read(&root().join(dir), &mut known);
    }
    // A literal may continue on the next line.
    let known: String = known.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let page = page();
    let mut quoted = 0;
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split(" | ").next().unwrap();
        for message in cell.split('`').skip(1).step_by(2).filter(|it| !it.starts_with('-')) {
            for part in message.split("HOST").map(str::trim).filter(|part| part.len() > 5) {
                quoted += 1;
                let part = part.trim_start_matches(": ");
                assert!(known.contains(part), "{part}");
            }
        }
    }
    assert!(quoted > 70, "messages were looked for in the wrong place");
}

#[test]
fn every_exit_code_is_explained() {
    let manual = fs::read_to_string(root().join("src/cli/man/more.roff")).unwrap();
    let section = manual.split(".SH \"EXIT STATUS\"").nth(1).unwrap();
    let section = section.split("\n.SH").next().unwrap();
    let codes = section.lines().filter_map(|line| line.strip_prefix(".B "));
    let codes: Vec<u8> = codes.filter_map(|code| code.parse().ok()).collect();
    assert!(codes.len() > 25, "codes were looked for in the wrong place");
    let page = page();
    let table = page.split("## Exit codes").nth(1).unwrap();
    let cells = table.lines().filter_map(|line| line.split('|').nth(1));
    let listed: Vec<u8> =
        cells.flat_map(|cell| cell.split(',')).filter_map(|it| it.trim().parse().ok()).collect();
    for code in codes {
        assert!(listed.contains(&code), "{code}");
    }
}

#[test]
fn every_rule_of_diagnosis_is_mentioned() {
    let page = page().to_lowercase();
    let mut products = 0;
    let folder = root().join("src/error/diagnosis");
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if !file.to_string_lossy().ends_with("_rules.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for call in ["Rule::certain(", "Rule::likely("] {
            for seen_at in text.split(call).skip(1).filter_map(|rest| rest.split('"').nth(1)) {
                for part in seen_at.split([',', ';']).map(str::trim) {
                    let name = part.split_whitespace().next().unwrap_or_default();
                    let name = name.trim_end_matches(':').to_lowercase();
                    if UNNAMED.contains(&&*name) || !name.contains(char::is_alphanumeric) {
                        continue;
                    }
                    products += 1;
                    assert!(page.contains(&name), "{seen_at}: {name} is not in the page");
                }
            }
        }
    }
    assert!(products > 100, "rules were looked for in the wrong place");
}

/// First words of what is not a product: rules that the page describes by their symptom.
const UNNAMED: [&str; 29] = [
    "-h",
    "11.6.1",
    "15.5.22",
    "15.6.4",
    "4.4",
    "7.2.2",
    "7.4.1",
    "8.1",
    "a",
    "allowrequest",
    "and",
    "any",
    "api",
    "apis",
    "captive",
    "clients",
    "cycles",
    "handlers",
    "limits",
    "login",
    "other",
    "proxies",
    "rfc",
    "servers",
    "slow",
    "the",
    "tls",
    "which",
    "whose",
];
