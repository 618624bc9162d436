//! Runs all kept inputs through their targets, to measure what they reach. An example, because
//! cargo-fuzz links its programs with libFuzzer.

use sockeye::fuzzing::{TARGETS, corpus};
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    for (name, target) in TARGETS {
        for kind in ["seeds", "corpus"] {
            let file = format!("{kind}/{name}.txt");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            // A target may have no corpus yet.
            let text = if path.exists() { fs::read_to_string(path)? } else { continue };
            for input in text.lines().filter_map(corpus::decode) {
                target(&input);
            }
        }
    }
    Ok(())
}
