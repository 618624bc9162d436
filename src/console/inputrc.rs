//! The settings of readline that apply to the prompt, from `$INPUTRC`, `~/.inputrc` or
//! `/etc/inputrc`.

use crate::{script::command::arguments::expand_home, sys::input_file::read_regular};
use rustyline::EditMode;
use std::{
    env,
    path::{Path, PathBuf},
};

/// The settings of readline that apply to the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inputrc {
    pub(super) edit_mode: EditMode,
}

impl Default for Inputrc {
    fn default() -> Self {
        Self { edit_mode: EditMode::Emacs }
    }
}

impl Inputrc {
    /// Reads the user's settings. Those that are missing, unreadable or unknown have their defaults.
    pub(super) fn read() -> Self {
        let mut settings = Self::default();
        let named = env::var_os("INPUTRC").filter(|name| !name.is_empty()).map(PathBuf::from);
        let paths = match named {
            Some(path) => vec![path],
            None => vec![expand_home("~/.inputrc"), PathBuf::from("/etc/inputrc")],
        };
        for path in paths {
            if settings.include(&path, 0) {
                break;
            }
        }
        settings
    }

    /// Applies the settings of a file. Returns false if it cannot be read.
    fn include(&mut self, path: &Path, depth: usize) -> bool {
        let Ok(bytes) = read_regular(path, MAX_FILE_BYTES) else { return false };
        self.apply(&String::from_utf8_lossy(&bytes), depth);
        true
    }

    fn apply(&mut self, text: &str, depth: usize) {
        // True for each enclosing condition that holds.
        let mut conditions: Vec<bool> = Vec::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let holds = conditions.iter().all(|holds| *holds);
            match words.next() {
                Some("$if") => conditions.push(self.holds(words.next().unwrap_or_default())),
                Some("$else") => {
                    if let Some(last) = conditions.last_mut() {
                        *last = !*last;
                    }
                }
                Some("$endif") => {
                    conditions.pop();
                }
                Some("$include") if holds && depth < MAX_DEPTH => {
                    if let Some(path) = words.next() {
                        self.include(&expand_home(path), depth + 1);
                    }
                }
                Some("set") if holds => {
                    let is_mode =
                        words.next().is_some_and(|name| name.eq_ignore_ascii_case("editing-mode"));
                    match words.next().filter(|_| is_mode).map(str::to_ascii_lowercase).as_deref() {
                        Some("vi") => self.edit_mode = EditMode::Vi,
                        Some("emacs") => self.edit_mode = EditMode::Emacs,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }

    /// Evaluates the condition of an `$if`.
    fn holds(self, condition: &str) -> bool {
        let Some((name, value)) = condition.split_once('=') else {
            return condition.eq_ignore_ascii_case(env!("CARGO_PKG_NAME"));
        };
        match name {
            "mode" => value == if self.edit_mode == EditMode::Vi { "vi" } else { "emacs" },
            "term" => env::var("TERM").is_ok_and(|term| {
                term == value || term.split_once('-').is_some_and(|(kind, _)| kind == value)
            }),
            _ => false,
        }
    }
}

const MAX_FILE_BYTES: u64 = 1 << 20;
/// The depth of `$include`.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(text: &str) -> EditMode {
        let mut settings = Inputrc::default();
        settings.apply(text, 0);
        settings.edit_mode
    }

    #[test]
    fn the_last_setting_whose_conditions_hold_applies() {
        for (text, expected) in [
            ("", EditMode::Emacs),
            ("set editing-mode vi", EditMode::Vi),
            ("  SET x\nset Editing-Mode VI  \n", EditMode::Vi),
            ("set editing-mode vi\nset editing-mode emacs", EditMode::Emacs),
            ("# set editing-mode vi", EditMode::Emacs),
            ("set editing-mode", EditMode::Emacs),
            ("set other vi\n\"\\e[A\": history-search-backward", EditMode::Emacs),
            ("$if Bash\nset editing-mode vi\n$endif", EditMode::Emacs),
            ("$if Bash\n$else\nset editing-mode vi\n$endif", EditMode::Vi),
            ("$if sockeye\nset editing-mode vi\n$endif", EditMode::Vi),
            ("$if Bash\n$if mode=emacs\nset editing-mode vi\n$endif\n$endif", EditMode::Emacs),
            ("$endif\n$else\nset editing-mode vi", EditMode::Vi),
        ] {
            assert_eq!(mode(text), expected, "{text}");
        }
    }

    #[test]
    fn other_files_are_included_and_a_circle_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inputrc");
        let text = format!("set editing-mode vi\n$include {}\n", path.display());
        std::fs::write(&path, &text).unwrap();
        let including = format!("$include {}", path.display());
        assert_eq!(mode(&including), EditMode::Vi);
    }
}
