//! Planted faults: the reader of arrows finds each kind, and finds none in a correct tree.

use super::{
    arrows::Tree,
    source::{Kind, Source},
};

/// Returns the faults of a tree of these files, each given as path and text.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), *text));
    let faults = Tree::read(files).faults();
    faults.into_iter().map(|fault| format!("{}: {}", fault.key, fault.words)).collect()
}

#[track_caller]
fn has(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(faults(files), expected);
}

#[test]
fn a_correct_tree_has_no_faults() {
    has(
        &[
            ("lib.rs", "pub mod net;\npub mod proto;\npub use proto::frame::Frame;"),
            ("main.rs", "use sockeye::{cli, mode::{self, Ended}};\nfn main() { cli::parse() }"),
            ("proto/mod.rs", "mod codes;\npub mod frame;\npub use frame::Frame;"),
            ("proto/codes.rs", "pub const NORMAL: u16 = 1000;"),
            (
                "proto/frame.rs",
                "use super::codes::NORMAL;\nuse std::{fmt::{self}, io};\npub struct Frame;",
            ),
            ("net/mod.rs", "pub mod tcp;\npub struct Address;"),
            ("net/tcp.rs", "use crate::proto::{Frame, frame};\nuse super::Address;"),
            ("error/mod.rs", "use crate::{net::{Address, tcp::{self as t}}, proto::Frame};"),
            ("mode/mod.rs", "mod client;\nuse crate::error;\npub fn run() { client::run() }"),
            ("mode/client.rs", "use crate::{error, net};\npub fn run() {}"),
            ("cli/mod.rs", "pub fn parse() -> crate::net::Address { todo!() }"),
        ],
        &[],
    );
}

#[test]
fn an_arrow_up_is_found() {
    has(
        &[("net/mod.rs", "\nuse crate::error::Error;"), ("error/mod.rs", "pub struct Error;")],
        &["net -> error: net/mod.rs:2 -> error/mod.rs (crate::error::Error) leads up"],
    );
    has(
        &[
            ("proto/mod.rs", "mod deep;"),
            ("proto/deep.rs", "use {std::io, crate::{escape::{Escaped}}};"),
            ("escape.rs", "pub struct Escaped;"),
        ],
        &["proto -> escape: proto/deep.rs:1 -> escape.rs (crate::escape::Escaped) leads up"],
    );
}

#[test]
fn an_arrow_sideways_is_found() {
    has(
        &[("cli/mod.rs", "use crate::mode;"), ("mode/mod.rs", "pub fn run() {}")],
        &["cli -> mode: cli/mod.rs:1 -> mode/mod.rs (crate::mode) leads sideways"],
    );
}

#[test]
fn an_inline_path_is_an_arrow() {
    for text in [
        "fn f() { super::mode::run() }",
        "fn f() -> Result<(), crate::mode::Error> {}",
        "fn f() { let x: Vec<crate::mode::Error> = g(&[crate::mode::Error]); }",
        "use super::{mode};",
        "mod inner { pub use super::super::mode as other; }",
        "fn f() { use crate::mode::{*}; }",
    ] {
        let faults = faults(&[("net.rs", text), ("mode/mod.rs", "pub struct Error;")]);
        assert!(!faults.is_empty(), "{text}");
        assert!(faults.iter().all(|fault| fault.starts_with("net -> mode: ")), "{faults:?}");
    }
}

#[test]
fn a_path_from_an_imported_name_is_an_arrow_to_its_file() {
    has(
        &[
            ("net/mod.rs", "pub mod tcp;\npub mod tls;"),
            ("net/tcp.rs", "use super::tls;\nfn f() { tls::verify::check() }"),
            ("net/tls/mod.rs", "pub mod verify;"),
            ("net/tls/verify.rs", "use crate::net::tcp::Stream;"),
        ],
        &[
            "circle net/tcp.rs: a circle of files: net/tcp.rs -> net/tls/verify.rs -> net/tcp.rs",
            "circle net/tls/verify.rs: a circle of files: net/tls/verify.rs -> net/tcp.rs -> \
             net/tls/verify.rs",
        ],
    );
}

#[test]
fn a_circle_of_files_is_found() {
    has(
        &[
            ("proto/mod.rs", "mod a;\nmod b;\nmod c;"),
            ("proto/a.rs", "use super::b::B;"),
            ("proto/b.rs", "use super::c::C;"),
            ("proto/c.rs", "use super::a::A;"),
        ],
        &[
            "circle proto/a.rs: a circle of files: proto/a.rs -> proto/b.rs -> proto/c.rs -> \
             proto/a.rs",
            "circle proto/b.rs: a circle of files: proto/b.rs -> proto/c.rs -> proto/a.rs -> \
             proto/b.rs",
            "circle proto/c.rs: a circle of files: proto/c.rs -> proto/a.rs -> proto/b.rs -> \
             proto/c.rs",
        ],
    );
}

/// The parent names its child, and the child names a type of the parent.
#[test]
fn a_circle_of_parent_and_child_is_found() {
    let files = [
        ("net/mod.rs", "mod tcp;\npub struct Address;\nfn f() { tcp::dial() }"),
        ("net/tcp.rs", "use super::Address;"),
    ];
    assert_eq!(faults(&files).len(), 2);
    // Neither a declaration nor an `impl` of the parent's type in the child is an arrow.
    has(&[("net/mod.rs", "mod tcp;\npub struct Address;"), files[1]], &[]);
}

#[test]
fn a_child_that_uses_an_ancestor_is_found() {
    let parent = "mod role;\npub use role::Role;\npub(super) const LIMIT: usize = 1;\n\
        pub struct Plain;\npub const fn told() {}";
    for (text, words) in [
        ("use super::LIMIT;", "(super::LIMIT) takes a function or constant of an ancestor"),
        ("fn f() { super::told() }", "(super::told) takes a function or constant of an ancestor"),
        ("use super::Role;", "(super::Role) takes an import of an ancestor"),
        ("use crate::proto::Role;", "(crate::proto::Role) takes an import of an ancestor"),
        ("use super::*;", "(super::*) takes everything of an ancestor"),
    ] {
        let expected = format!("proto/a.rs -> proto/mod.rs: proto/a.rs:1 -> proto/mod.rs {words}");
        let files = [("proto/mod.rs", parent), ("proto/role.rs", ""), ("proto/a.rs", text)];
        has(&files, &[&expected]);
        let deep = [("proto/mod.rs", parent), ("proto/role.rs", ""), ("proto/a/b.rs", text)];
        let text = text.replace("super", "super::super");
        let deep = [deep[0], deep[1], ("proto/a/b.rs", text.as_str())];
        assert_eq!(faults(&deep).len(), 1, "{text}");
    }
    let good = [
        ("proto/mod.rs", parent),
        ("proto/role.rs", "pub enum Role {}"),
        ("proto/a.rs", "use super::{Plain, role::Role};"),
    ];
    has(&good, &[]);
}

#[test]
fn more_than_the_table_of_modes_is_found() {
    let table = "mod demo;\nuse crate::error::Error;\npub fn run() { demo::run() }\n";
    has(&[("mode/mod.rs", table)], &[]);
    for more in ["fn helper() {}", "pub struct Ended;", "impl Ended {}", "const LIMIT: u8 = 1;"] {
        let faults = faults(&[("mode/mod.rs", &format!("{table}{more}"))]);
        assert!(faults[0].starts_with("mode/mod.rs: mode/mod.rs has more than"), "{faults:?}");
    }
    let long = format!("pub fn run() {{\n{}}}", "demo();\n".repeat(100));
    has(&[("mode/mod.rs", &long)], &["mode/mod.rs: mode/mod.rs has 102 lines of code"]);
}

#[test]
fn a_room_that_is_not_in_the_list_is_found() {
    has(
        &[("attic/mod.rs", "")],
        &["room attic: attic/mod.rs is in a room that the list of rooms does not have"],
    );
}

#[test]
fn comments_literals_and_tests_are_not_read() {
    let text = r##"
        // use crate::mode::A;
        /* use crate::mode::A; /* inner */ use crate::mode::A; */
        /// [`crate::mode::A`]
        const A: &str = "use crate::mode::A; \" use crate::mode::A;";
        const B: &str = r#"use "crate::mode::A"#;
        const C: (char, u8) = ('"', b'\'');
        fn f<'a>(x: &'a str) {}
        #[cfg(test)]
        use crate::mode::{A, B};
        #[cfg(test)]
        #[derive(Debug)]
        pub(crate) struct D { a: crate::mode::A }
        #[cfg(test)]
        const E: [u8; 1] = { crate::mode::A };
        #[cfg(test)]
        fn g() -> crate::mode::A { if true { } crate::mode::A }
        #[cfg(all(test, unix))]
        mod checks;
        #[cfg(test)]
        mod tests {
            use crate::mode::A;
        }
        pub(in crate::mode) fn h() {}
    "##;
    let tests = ("net/checks.rs", "use crate::mode::A;");
    has(&[("net/mod.rs", text), ("mode/mod.rs", "pub struct A;"), tests], &[]);
    let after = format!("{text}\nuse crate::mode::A;");
    assert_eq!(faults(&[("net/mod.rs", &after), ("mode/mod.rs", "pub struct A;")]).len(), 1);
}

#[test]
fn items_are_distinguished_by_kind() {
    let source = Source::read(
        "pub(crate) async fn a<const N: usize>(b: fn(u8)) where T: X<{ 1 }> { const C: u8 = 1; }\n\
         static D: &[u8] = &[1];\npub const fn e() {}\nconst F: S = S { a: 1 };\nstruct G(u8);\n\
         enum H { I }\ntype J = u8;\npub trait K { fn l(); }\nimpl H { fn m() {} }\n\
         macro_rules! n { () => {} }\nuse std::{io as o, fmt::{self, Debug as _}};\nmod p;",
    );
    let mut items: Vec<_> =
        source.items.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    items.sort_unstable_by_key(|(name, _)| *name);
    let values = ["D", "F", "a", "e", "n"].map(|name| (name, Kind::Value));
    let types = ["G", "H", "J", "K"].map(|name| (name, Kind::Type));
    let imports = ["fmt", "o"].map(|name| (name, Kind::Import));
    let mut expected = [&values[..], &types, &imports].concat();
    expected.sort_unstable_by_key(|(name, _)| *name);
    assert_eq!(items, expected);
    assert_eq!(source.modules, ["p"]);
}
