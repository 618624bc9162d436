//! The commands of README.md and docs/ that need other programs, and what they show.

use super::support::page::{Blocks, run};
use std::{fs, path::Path};

#[test]
fn the_commands_with_other_programs_show_what_the_pages_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, least) in [
        ("README.md", 2),
        ("docs/frames.md", 1),
        ("docs/jsonl.md", 1),
        ("docs/cookbook.md", 6),
        ("docs/from-websocat.md", 8),
        ("docs/comparison.md", 26),
    ] {
        let ran = run(&fs::read_to_string(root.join(name)).unwrap(), Blocks::WithPrograms);
        assert!(ran >= least, "{name}: {ran} commands");
    }
}
