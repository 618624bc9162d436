//! A Rust source file: its items, and the paths that it names.

use super::tokens::{Token, end_of_group, end_of_item, tokens, without_tests};
use std::collections::HashMap;

/// The facts about a file that the rules need.
#[derive(Debug, Default)]
pub struct Source {
    /// Modules, in other files or inline.
    pub modules: Vec<String>,
    /// Modules of tests, in other files.
    pub test_modules: Vec<String>,
    /// Items by name, without those of inline modules.
    pub items: HashMap<String, Kind>,
    /// Paths in `use` lines, and inline paths that begin with `crate`, `super`, `self`, an imported
    /// name or a module.
    pub paths: Vec<Named>,
    /// Kinds of the top-level items, without `mod` and `use`.
    pub defines: Vec<String>,
    /// The number of lines with code.
    pub lines: usize,
}

/// The kind of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function, constant, static or macro.
    Value,
    /// A struct, enum, union, trait or alias.
    Type,
    /// A name that a `use` line brings in.
    Import,
}

/// A path, at the place that names it.
#[derive(Clone, Debug)]
pub struct Named {
    /// The inline modules around the place.
    pub inside: Vec<String>,
    pub path: Vec<String>,
    pub line: usize,
}

impl Source {
    pub fn read(text: &str) -> Self {
        let (tokens, test_modules) = without_tests(&tokens(text));
        let mut source = Self { test_modules, ..Self::default() };
        let mut lines: Vec<_> = tokens.iter().map(|token| token.line).collect();
        lines.dedup();
        source.lines = lines.len();
        let mut bound = HashMap::new();
        let rest = source.uses(&tokens, &mut bound);
        source.define(&rest);
        source.inline(&rest, &bound);
        source
    }

    /// Takes out the `use` lines and returns the other tokens.
    fn uses(&mut self, tokens: &[Token], bound: &mut HashMap<String, Vec<String>>) -> Vec<Token> {
        let mut rest = Vec::new();
        let mut inside = Inside::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            inside.step(tokens, at);
            // `use<'a>` is a bound, not an import.
            let is_use = token.text == "use" && tokens.get(at + 1).is_some_and(|t| t.text != "<");
            if !is_use {
                rest.push(token.clone());
                at += 1;
                continue;
            }
            let end = at + tokens[at..].iter().take_while(|token| token.text != ";").count();
            let mut leaves = Vec::new();
            expand(&tokens[at + 1..end], &[], &mut leaves);
            for (path, name) in leaves {
                if inside.depth == 0 && name != "*" && name != "_" {
                    self.items.insert(name.clone(), Kind::Import);
                }
                bound.insert(name, path.clone());
                self.paths.push(Named { inside: inside.names(), path, line: token.line });
            }
            at = end + 1;
        }
        rest
    }

    /// Records the top-level items.
    fn define(&mut self, tokens: &[Token]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
            let kind = match token.text.as_str() {
                // `const fn` begins a function.
                "const" if matches!(text(at + 1), "fn" | "unsafe" | "async") => None,
                "fn" | "const" | "static" => Some((text(at + 1), Some(Kind::Value))),
                "struct" | "enum" | "union" | "trait" | "type" => {
                    Some((text(at + 1), Some(Kind::Type)))
                }
                "macro_rules" => Some((text(at + 2), Some(Kind::Value))),
                "impl" => Some(("", None)),
                "mod" => {
                    self.modules.push(text(at + 1).to_owned());
                    None
                }
                _ => None,
            };
            let Some((name, kind)) = kind else {
                let is_group = matches!(token.text.as_str(), "(" | "[" | "{");
                at = if is_group { end_of_group(tokens, at) } else { at + 1 };
                continue;
            };
            self.defines.push(token.text.clone());
            if let Some(kind) = kind {
                self.items.insert(name.to_owned(), kind);
            }
            at = end_of_item(tokens, at);
        }
    }

    /// Records the paths outside `use` lines.
    fn inline(&mut self, tokens: &[Token], bound: &HashMap<String, Vec<String>>) {
        let mut inside = Inside::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            inside.step(tokens, at);
            let starts = token.is_word() && (at == 0 || tokens[at - 1].text != "::");
            let mut path = vec![token.text.clone()];
            let mut end = at + 1;
            while starts
                && tokens.get(end).is_some_and(|token| token.text == "::")
                && tokens.get(end + 1).is_some_and(Token::is_word)
            {
                path.push(tokens[end + 1].text.clone());
                end += 2;
            }
            if path.len() == 1 {
                at += 1;
                continue;
            }
            // `pub(in crate::a)` is a visibility, not a use.
            let is_scope =
                at > 0 && tokens[at - 1].text == "in" && at > 1 && tokens[at - 2].text == "(";
            let first = path[0].clone();
            let full = match bound.get(&first) {
                Some(bound) => Some(bound.iter().chain(&path[1..]).cloned().collect()),
                None if matches!(first.as_str(), "crate" | "super" | "self" | "sockeye") => {
                    Some(path)
                }
                None if self.modules.contains(&first) => {
                    Some(std::iter::once("self".to_owned()).chain(path).collect())
                }
                None => None,
            };
            if let Some(path) = full.filter(|_| !is_scope) {
                self.paths.push(Named { inside: inside.names(), path, line: token.line });
            }
            at = end;
        }
    }
}

/// The inline modules around the current place.
#[derive(Default)]
struct Inside {
    depth: usize,
    /// Each name with the brace depth at which the module begins.
    modules: Vec<(String, usize)>,
}

impl Inside {
    fn step(&mut self, tokens: &[Token], at: usize) {
        match tokens[at].text.as_str() {
            "{" => {
                if at > 1 && tokens[at - 2].text == "mod" {
                    self.modules.push((tokens[at - 1].text.clone(), self.depth));
                }
                self.depth += 1;
            }
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                self.modules.retain(|(_, depth)| *depth < self.depth);
            }
            _ => {}
        }
    }

    fn names(&self) -> Vec<String> {
        self.modules.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Expands a `use` tree into its leaves: the path and the name bound to it.
fn expand(tree: &[Token], prefix: &[String], leaves: &mut Vec<(Vec<String>, String)>) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while let Some(token) = tree.get(at) {
        match token.text.as_str() {
            "::" => {}
            "{" => {
                let inner = &tree[at + 1..end_of_group(tree, at) - 1];
                for part in inner_parts(inner) {
                    expand(part, &path, leaves);
                }
                return;
            }
            "as" => {
                let name = tree.get(at + 1).map_or("_", |token| token.text.as_str());
                return leaves.push((path, name.to_owned()));
            }
            "self" if !path.is_empty() => {}
            other => path.push(other.to_owned()),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        leaves.push((path, name));
    }
}

/// Splits at commas that are not inside braces.
fn inner_parts(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (i, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&tokens[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}
