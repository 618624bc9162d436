//! What must stay true of the house: the protocol knows no socket, no clock and no random source.

use std::path::{Path, PathBuf};

#[test]
fn the_protocol_is_given_its_bytes_times_and_keys() {
    for (file, code) in proto() {
        for forbidden in ["tokio", "std::net", "Instant::now", "SystemTime", "rand::", "rand;"] {
            assert!(!code.contains(forbidden), "{} names {forbidden}", file.display());
        }
    }
}

#[test]
fn only_three_files_of_the_protocol_name_tungstenite() {
    let users = ["frame.rs", "upgrade.rs", "close.rs"];
    let mut found = 0;
    for (file, code) in proto() {
        if code.contains("tungstenite::") {
            found += 1;
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(users.contains(&name), "{} names tungstenite", file.display());
        }
    }
    assert_eq!(found, users.len(), "the protocol was looked for in the wrong place");
}

/// The files of src/proto, without comments and without tests, which may ask for the time.
fn proto() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/proto"), &mut files);
    assert!(files.len() > 10, "{files:?}");
    let code = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
        lines.collect::<Vec<_>>().join("\n")
    };
    files.into_iter().map(|path| (path.clone(), code(&path))).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            files.push(path);
        }
    }
}
