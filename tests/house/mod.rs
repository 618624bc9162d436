//! Rules of the code: arrows point down, and the protocol has no sockets, clock or random source.

mod arrows;
mod dependencies;
mod planted;
mod source;
mod threats;
mod tokens;
mod troubleshooting;

use arrows::Tree;
use std::path::{Path, PathBuf};

/// Arrows lead down, files form no circle, and no child uses its ancestors.
#[test]
fn arrows_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&src, &mut paths);
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    let files: Vec<_> = paths.iter().map(read).collect();
    assert!(files.len() > 100, "the source was looked for in the wrong place");
    let tree = Tree::read(files.iter().map(|(name, text)| (name.clone(), text.as_str())));
    let words: Vec<_> = tree.faults().into_iter().map(|fault| fault.words).collect();
    assert!(words.is_empty(), "\n{}", words.join("\n"));
}

#[test]
fn the_protocol_has_no_sockets_clock_or_random_source() {
    for (file, code) in proto() {
        for forbidden in ["tokio", "std::net", "Instant::now", "SystemTime", "rand::", "rand;"] {
            assert!(!code.contains(forbidden), "{} names {forbidden}", file.display());
        }
    }
}

#[test]
fn only_the_frame_codec_names_tungstenite() {
    let named = proto().into_iter().filter(|(_, code)| code.contains("tungstenite::"));
    let files: Vec<_> = named.filter_map(|(file, _)| Some(file.file_name()?.to_owned())).collect();
    assert_eq!(files, ["frame.rs"]);
}

/// Returns the files of src/proto without comments and without tests, which may use the clock.
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
