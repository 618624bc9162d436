//! Links for a short start: at a fixed address, so that ten thousand pointers need not be relocated,
//! and the unwinder in, where the system's compiler has it as an archive. As a shared library it
//! is found, mapped, relocated and asks the processor for its features at every start: a tenth of
//! the time a short run takes.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let var = |name| env::var(name).unwrap_or_default();
    let native = var("HOST") == var("TARGET");
    if !native || var("CARGO_CFG_TARGET_OS") != "linux" || var("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-no-pie");
    let asked = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    let path = asked.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    // A compiler that does not have it prints the bare name.
    if let Ok(path) = path
        && let Some(dir) = Path::new(&path).parent().filter(|dir| dir.is_absolute())
        && Path::new(&path).exists()
    {
        println!("cargo:rustc-link-search=native={}", dir.display());
        println!("cargo:rustc-link-lib=static:+whole-archive=gcc_eh");
    }
}
