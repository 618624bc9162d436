//! docs/threats.md names tests that exist, at least one for each threat.

use regex::Regex;
use std::{collections::BTreeSet, fs, path::Path};

/// Adds the names of all functions in the Rust files of a directory.
fn functions(dir: &Path, names: &mut BTreeSet<String>) {
    let function = Regex::new(r"(?m)^\s*(?:async )?fn (\w+)\(").unwrap();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|name| name == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Test functions, also in a `proptest!`.
            let tests = text.split("#[test]").skip(1);
            let tests = tests.chain(text.split("#[tokio::test").skip(1));
            names.extend(tests.filter_map(|rest| Some(function.captures(rest)?[1].to_owned())));
        }
    }
}

#[test]
fn every_threat_has_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    functions(&root.join("src"), &mut tests);
    functions(&root.join("tests"), &mut tests);
    assert!(tests.len() > 1000, "tests were looked for in the wrong place");
    let page = fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ")).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{line}");
        (cells[0], cells[2])
    });
    let mut threats = 0;
    for (threat, cell) in rows.filter(|row| !matches!(row.0, "threat" | "---")) {
        let named: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{threat}");
        for name in named {
            assert!(tests.contains(name), "{threat}: there is no test {name}");
        }
        threats += 1;
    }
    assert!(threats > 40, "{threats} threats");
}
