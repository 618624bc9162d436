//! Checked-in completions and man pages equal the binary's output.

use crate::support::{Expected, Test};
use std::path::Path;

/// Reads a checked-in file, or says how to generate it.
#[track_caller]
fn checked_in(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_completions_checked_in_are_fresh() {
    for (shell, file) in [
        ("bash", "sockeye.bash"),
        ("zsh", "_sockeye"),
        ("fish", "sockeye.fish"),
        ("powershell", "_sockeye.ps1"),
        ("elvish", "sockeye.elv"),
    ] {
        // If they differ: sockeye completions SHELL > completions/FILE
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        Test::new().args(["completions", shell]).stdout(checked_in(&path)).run();
    }
}

#[test]
fn the_man_pages_checked_in_are_fresh() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("new");
    Test::new().args(["man".into(), made.clone()]).run();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let names = |dir: &Path| {
        let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    // If they differ: sockeye man man
    assert_eq!(names(&kept), names(&made));
    for name in names(&made) {
        let [kept, made] = [kept.join(&name), made.join(&name)].map(|path| checked_in(&path));
        assert!(kept == made, "{} is not fresh: sockeye man man", name.display());
    }
}

#[test]
fn the_man_pages_have_the_date_of_the_release() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changes = String::from_utf8(checked_in(&root.join("CHANGELOG.md"))).unwrap();
    let heading = concat!("## [", env!("CARGO_PKG_VERSION"), "] - ");
    // Without a heading, the version is not released.
    let date = changes.lines().find_map(|line| line.strip_prefix(heading)).unwrap_or_default();
    let version = concat!("\"sockeye ", env!("CARGO_PKG_VERSION"), "\"");
    for entry in std::fs::read_dir(root.join("man")).unwrap() {
        let page = String::from_utf8(checked_in(&entry.unwrap().path())).unwrap();
        let title = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
        let date = if date.is_empty() { "\"\"" } else { date };
        assert!(title.contains(&format!(" 1 {date} {version}")), "{title}");
    }
}

#[test]
fn the_main_man_page_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    Test::new().args(["man".into(), dir.path().to_path_buf()]).run();
    Test::new().args(["man"]).stdout(checked_in(&dir.path().join("sockeye.1"))).run();
}

#[test]
fn the_man_page_has_every_exit_status() {
    let codes = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 22, 23, 26, 28, 35, 45, 47, 52, 55, 56, 58, 60, 77, 90, 92,
        97, 100, 110, 111, 112, 113,
    ];
    let parts = codes.map(|code| format!("\n.B {code}\n"));
    Test::new().args(["man"]).stdout(Expected::Parts(parts.to_vec())).run();
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    Test::new()
        .args(["man", "/dev/null/man"])
        .stderr("sockeye: cannot [..] /dev/null/man: [..]\n")
        .status(23)
        .run();
}
