//! The messages that docs/troubleshooting.md quotes are those of the program.

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

#[test]
fn quoted_messages_are_those_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = String::new();
    for dir in ["src", "tests/diagnosis", "tests/tls.rs"] {
        read(&root.join(dir), &mut known);
    }
    // A literal may continue on the next line.
    let known: String = known.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let page = fs::read_to_string(root.join("docs/troubleshooting.md")).unwrap();
    let mut quoted = 0;
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let message = row.split('`').nth(1).unwrap();
        for part in message.split("HOST").map(str::trim).filter(|part| part.len() > 5) {
            quoted += 1;
            let part = part.trim_start_matches(": ");
            assert!(known.contains(part), "{part}");
        }
    }
    assert!(quoted > 25, "messages were looked for in the wrong place");
}
