//! The completions of a word: candidates, and a path that the shell completes.

/// A word that may stand in place of the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) word: String,
    /// Help, or nothing.
    pub(super) help: String,
}

/// A path that the shell is to complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathRequest {
    /// The part of the current word before the path, such as `@` or `--record=`.
    pub(super) lead: String,
    /// The part of the path that was typed.
    pub(super) path: String,
    pub(super) only_directories: bool,
}

/// The completions of a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Completions {
    pub(super) candidates: Vec<Candidate>,
    pub(super) path: Option<PathRequest>,
}

impl Completions {
    /// Adds a word if it begins with what was typed.
    pub(super) fn offer(&mut self, typed: &str, word: &str, help: &str) {
        if word.starts_with(typed) {
            self.candidates.push(Candidate { word: word.to_owned(), help: help.to_owned() });
        }
    }

    /// Asks for a path after `lead`, which `typed` begins with.
    pub(super) fn ask_for_path(&mut self, typed: &str, lead: &str, only_directories: bool) {
        if let Some(path) = typed.strip_prefix(lead) {
            let (lead, path) = (lead.to_owned(), path.to_owned());
            self.path = Some(PathRequest { lead, path, only_directories });
        }
    }

    /// Puts a part of the current word before all completions.
    pub(super) fn after(mut self, lead: &str) -> Self {
        for candidate in &mut self.candidates {
            candidate.word.insert_str(0, lead);
        }
        if let Some(path) = &mut self.path {
            path.lead.insert_str(0, lead);
        }
        self
    }

    pub(super) fn join(&mut self, more: Self) {
        self.candidates.extend(more.candidates);
        self.path = self.path.take().or(more.path);
    }
}
