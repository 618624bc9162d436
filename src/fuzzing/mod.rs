//! The targets of the fuzzers, and the test that runs the kept inputs through them.
//!
//! A target is given any bytes, and panics if what it tests does not hold. The programs for libFuzzer
//! in `fuzz/` contain no more than a call of one of them. Compiled only for them and for tests.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a panic is how a target reports what it found"
)]

mod addresses;
mod checks;
mod connection;
pub mod corpus;
mod decoder;
mod deflate;
mod differential;
mod display;
mod handshake;
mod input;
mod lines;
mod passing;
mod scripted;
mod scripts;
mod streams;

use crate::known;

/// Makes a public function of each target, and their table.
macro_rules! targets {
    ($($name:ident: $target:path,)*) => {
        $(
            /// Runs this target.
            pub fn $name(data: &[u8]) {
                // Each run begins without the secrets of the one before.
                known::forget();
                $target(data);
            }
        )*

        /// All targets by their names.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name),)*];
    };
}

// A program calls one of these functions: through a table, it would contain all of them, and its runs
// would take ten times as long.
targets! {
    decoder: decoder::plain,
    compressed: decoder::compressed,
    frames: decoder::frames,
    tungstenite: differential::tungstenite,
    pair: connection::pair,
    peer: connection::peer,
    inflater: deflate::inflater,
    deflater: deflate::deflater,
    content: deflate::content,
    request: handshake::request,
    response: handshake::response,
    extensions: handshake::extensions,
    http2: handshake::http2,
    http2_client: streams::client,
    http2_server: streams::server,
    check: checks::check,
    relay: passing::relay,
    passing: passing::passing,
    endings: passing::endings,
    utf8: passing::utf8,
    jsonl: lines::jsonl,
    recording: lines::recording,
    recording_lines: lines::recording_lines,
    har: lines::har,
    commands: lines::commands,
    stdin: lines::stdin,
    config: scripts::config,
    replies: scripts::replies,
    faults: scripts::faults,
    matcher: scripts::matcher,
    template: scripts::template,
    url: addresses::url,
    no_proxy: addresses::no_proxy,
    digest: addresses::digest,
    cookies: addresses::cookies,
    netrc: addresses::netrc,
    escape: display::escape,
    json: display::json,
    hex: display::hex,
    redact: display::redact,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The inputs that reach all that the fuzzers have reached, and those that once failed.
    #[test]
    fn every_kept_input_passes_its_target() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        for (name, target) in TARGETS {
            let mut count = 0;
            for kind in ["seeds", "corpus"] {
                let path = folder.join(kind).join(format!("{name}.txt"));
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                for (number, line) in text.lines().enumerate() {
                    let input = corpus::decode(line);
                    let Some(input) = input else { continue };
                    let result = std::panic::catch_unwind(|| target(&input));
                    assert!(result.is_ok(), "{}:{}", path.display(), number + 1);
                    count += 1;
                }
            }
            assert!(count > 0, "{name} has no inputs");
        }
    }

    #[test]
    fn every_target_has_a_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        let manifest = read(&folder.join("Cargo.toml"));
        for (name, _) in TARGETS {
            assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}");
            let program = read(&folder.join(format!("fuzz_targets/{name}.rs")));
            assert!(
                program.contains(&format!("sockeye::fuzzing::{name}(data)")),
                "{name}: {program}"
            );
        }
        let programs = std::fs::read_dir(folder.join("fuzz_targets")).unwrap().count();
        assert_eq!(programs, TARGETS.len());
    }
}
