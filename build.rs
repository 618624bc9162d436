//! Linker options that shorten the program's startup, where the system supports them. The script
//! only reads files; it runs no compiler or linker.
//!
//! - A position-independent program has some ten thousand pointers to relocate at startup.
//!   `DT_RELR` packs them into a twentieth of the space. glibc supports it since 2.36; older
//!   versions refuse to load the program. It is therefore used only if the glibc of the build
//!   system supports it. `RUSTFLAGS="-C link-arg=-Wl,-z,nopack-relative-relocs"` disables it, for a
//!   program that must run on older systems.
//! - The system maps a program in blocks of 64 KiB. `build/startup.ld` places the functions of common
//!   runs together, so that such a run maps fewer than half of the blocks.
//! - A shared unwinder library is located, mapped and relocated at every startup, and queries the
//!   processor for its features. Linked statically it costs 20 KiB.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_linux = var("CARGO_CFG_TARGET_OS") == "linux";
    if is_linux && var("PROFILE") == "release" && has_linker_scripts() {
        println!("cargo:rerun-if-changed={STARTUP}");
        println!("cargo:rustc-link-arg-bins=-T");
        println!("cargo:rustc-link-arg-bins={}/{STARTUP}", var("CARGO_MANIFEST_DIR"));
    }
    let native = var("HOST") == var("TARGET");
    if !native || !is_linux || var("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    if libc_reads_relr().unwrap_or(false) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if has_unwinder_archive() {
        println!("cargo:rustc-link-lib=static:-bundle,+whole-archive=gcc_eh");
    }
}

/// Reports whether the linker supports scripts that add to its own: GNU ld and LLD do, others are
/// chosen by a flag or a setting that has their name.
fn has_linker_scripts() -> bool {
    let chosen = var("CARGO_ENCODED_RUSTFLAGS") + &var("RUSTC_LINKER");
    !["gold", "mold", "wild"].iter().any(|name| chosen.contains(name))
}

/// Reports whether this system's glibc, which the script itself is linked to, supports `DT_RELR`: it
/// then defines a symbol version of that name.
fn libc_reads_relr() -> Option<bool> {
    const VERSION: &[u8] = b"GLIBC_ABI_DT_RELR\0";
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find_map(|line| {
        let path = line.get(line.find('/')?..)?;
        Path::new(path).file_name().is_some_and(|name| name == "libc.so.6").then_some(path)
    })?;
    let libc = fs::read(path).ok()?;
    Some(libc.windows(VERSION.len()).any(|bytes| bytes == VERSION))
}

/// Reports whether a GCC on this system provides its unwinder as a static library.
fn has_unwinder_archive() -> bool {
    let entries = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    ["/usr/lib/gcc", "/usr/lib64/gcc"].iter().any(|root| {
        let targets = entries(Path::new(root)).into_iter();
        let versions = targets.flat_map(|target| entries(&target));
        versions.into_iter().any(|version| version.join("libgcc_eh.a").exists())
    })
}

fn var(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// The linker script that places functions.
const STARTUP: &str = "build/startup.ld";
