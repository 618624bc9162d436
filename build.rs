//! Options of the linker that shorten the start of the program, where the system has what they
//! need. Only files are read: no compiler and no linker is run.
//!
//! - A position-independent program has some ten thousand pointers to relocate when it starts.
//!   `DT_RELR` packs them into a twentieth of the space. glibc reads it since 2.36, and older ones
//!   refuse the program; so it is used where the glibc of this system, for which the program is
//!   built, reads it. `RUSTFLAGS="-C link-arg=-Wl,-z,nopack-relative-relocs"` turns it off, for a
//!   program that is to run on older systems.
//! - As a shared library the unwinder is found, mapped and relocated, and asks the processor for
//!   its features, at every start. As an archive it costs 20 KiB.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let var = |name| env::var(name).unwrap_or_default();
    let native = var("HOST") == var("TARGET");
    if !native || var("CARGO_CFG_TARGET_OS") != "linux" || var("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    if libc_reads_relr().unwrap_or(false) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if has_unwinder_archive() {
        println!("cargo:rustc-link-lib=static:-bundle,+whole-archive=gcc_eh");
    }
}

/// Whether the C library of this system, which this script runs with, reads `DT_RELR`: such a one
/// defines a symbol version of that name.
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

/// Whether a GCC of this system has its unwinder as an archive, for the linker to find.
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
