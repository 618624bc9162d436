//! The registry of secrets, and the search for them in a text.

use super::{
    common::{MIN_NUMBER_DIGITS, is_common},
    decoded::{Decoded, ELLIPSES, Escapes},
    forms,
};
use std::{iter, ops::Range};

/// The secrets of a run, in all forms in which they are recognized.
#[derive(Debug, Default)]
pub(super) struct KnownSecrets {
    pub(super) secrets: Vec<Secret>,
    /// Host names, in lower case.
    public: Vec<String>,
    /// Names of header fields whose values are secret, in lower case.
    pub(super) fields: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Secret {
    text: String,
    origin: Origin,
    forms: Vec<Vec<u8>>,
    /// The text in lower case, to which a URL parser changes a host name and in which a server may
    /// repeat it; empty for a pair, which would match by chance.
    folded: Vec<u8>,
    /// The minimum length of a prefix that counts as the secret where it is cut off.
    cut_bytes: usize,
}

/// The origin of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Provided by the user.
    Given,
    /// Computed for a request. The oldest is forgotten when there are too many.
    Computed,
}

/// The place where a secret may be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Before each `...`, and at the end if much of the secret precedes it.
    Marked,
    /// At the end.
    AtEnd,
}

impl KnownSecrets {
    pub(super) const fn new() -> Self {
        Self { secrets: Vec::new(), public: Vec::new(), fields: Vec::new() }
    }

    pub(super) fn add(&mut self, secret: &str, origin: Origin) {
        self.add_from(MIN_SECRET_BYTES, secret, origin);
    }

    /// Adds a user with a password, which matches by chance less often than a word.
    pub(super) fn add_pair(&mut self, pair: &str) {
        self.add_from(MIN_PAIR_BYTES, pair, Origin::Given);
    }

    fn add_from(&mut self, least: usize, secret: &str, origin: Origin) {
        let text = secret.trim();
        let is_sensible = (least..=MAX_SECRET_BYTES).contains(&text.len()) && !is_common(text);
        let is_known = self.secrets.iter().any(|known| known.text == text);
        if !is_sensible || is_known || self.is_public(text) || REDACTED.contains(text) {
            return;
        }
        if self.secrets.len() >= MAX_SECRETS {
            let oldest = self.secrets.iter().position(|it| it.origin == Origin::Computed);
            let Some(oldest) = oldest else { return };
            self.secrets.remove(oldest);
        }
        let mut forms = forms::forms(text);
        forms.retain(|form| form.len() >= least);
        // The beginning may be an authentication scheme, which is public.
        let cut_bytes = MIN_SECRET_BYTES + text.find(' ').map_or(0, |at| at + 1);
        let folds = text.len() >= MIN_SECRET_BYTES && !is_pair(text.as_bytes());
        let folded = if folds { text.to_ascii_lowercase().into_bytes() } else { Vec::new() };
        self.secrets.push(Secret { text: text.to_owned(), origin, forms, folded, cut_bytes });
    }

    pub(super) fn publish(&mut self, host: &str) {
        let host = host.to_ascii_lowercase();
        self.secrets.retain(|secret| !secret.text.eq_ignore_ascii_case(&host));
        if self.public.len() < MAX_SECRETS && !self.public.contains(&host) {
            self.public.push(host);
        }
    }

    /// Returns the length of the longest form.
    pub(super) fn longest(&self) -> usize {
        let forms = self.secrets.iter().flat_map(|secret| &secret.forms);
        forms.map(Vec::len).max().unwrap_or_default()
    }

    pub(super) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.eq_ignore_ascii_case(name))
    }

    fn is_public(&self, text: &str) -> bool {
        self.public.iter().any(|host| host.eq_ignore_ascii_case(text))
    }

    /// Returns the ranges of the secrets in a text, in order and without overlaps.
    pub(super) fn find(&self, text: &[u8], cut: Cut) -> Vec<Range<usize>> {
        if self.secrets.is_empty() {
            return Vec::new();
        }
        let mut found = self.find_forms(text, cut);
        let one = [Escapes::Percent, Escapes::Markup].into_iter();
        let one = one.filter_map(|escapes| Decoded::new(text, escapes));
        let all = iter::successors(Decoded::new(text, Escapes::All), Decoded::again);
        for decoded in one.chain(all.take(MAX_NESTED_ESCAPES)) {
            let encoded = self.find_forms(&decoded.bytes, cut);
            found.extend(encoded.iter().map(|range| decoded.origin(range)));
        }
        found.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Returns the ranges of all forms of the secrets in a text.
    fn find_forms(&self, text: &[u8], cut: Cut) -> Vec<Range<usize>> {
        let cuts: Vec<_> = match cut {
            Cut::Marked => {
                let dots = ELLIPSES.iter().flat_map(|dots| memchr::memmem::find_iter(text, dots));
                dots.take(MAX_CUTS)
                    .map(|at| (at, 0))
                    .chain([(text.len(), MIN_PART_BYTES)])
                    .collect()
            }
            Cut::AtEnd => vec![(text.len(), 0)],
        };
        let mut found = Vec::new();
        let forms = self.secrets.iter().flat_map(|it| it.forms.iter().map(|f| (f, it.cut_bytes)));
        for (form, cut_bytes) in forms {
            let whole = memchr::memmem::find_iter(text, form).map(|at| at..at + form.len());
            let is_pair = is_pair(form);
            let anywhere = form.len() >= MIN_PART_BYTES && !is_pair;
            found.extend(whole.filter(|range| anywhere || is_word(text, range, is_pair)));
            let cut_off =
                |(end, least): &(_, usize)| cut_off(text, *end, form, cut_bytes.max(*least));
            found.extend(cuts.iter().filter_map(cut_off));
        }
        let lower = text.to_ascii_lowercase();
        for secret in self.secrets.iter().filter(|secret| !secret.folded.is_empty()) {
            let form = &secret.folded;
            let whole = memchr::memmem::find_iter(&lower, form).map(|at| at..at + form.len());
            let anywhere = form.len() >= MIN_PART_BYTES;
            found.extend(whole.filter(|range| anywhere || is_word(&lower, range, false)));
            let cut_off = |(end, least): &(_, usize)| {
                cut_off(&lower, *end, form, MIN_PART_BYTES.max(secret.cut_bytes).max(*least))
            };
            found.extend(cuts.iter().filter_map(cut_off));
        }
        found
    }
}

/// Returns the range before `end` that is the beginning of `form`, of at least `least` bytes, if any.
fn cut_off(text: &[u8], end: usize, form: &[u8], least: usize) -> Option<Range<usize>> {
    let before = text.get(..end)?;
    let longest = form.len().saturating_sub(1).min(end);
    let length = (least..=longest)
        .rev()
        .find(|length| form.get(..*length).is_some_and(|start| before.ends_with(start)))?;
    Some(end - length..end)
}

/// Reports whether a form is the name and value of a cookie whose value is too short to be a secret
/// by itself.
fn is_pair(form: &[u8]) -> bool {
    let value = form.iter().rev().position(|c| *c == b'=');
    value.is_some_and(|length| (1..MIN_NUMBER_DIGITS).contains(&length) && length + 1 < form.len())
}

/// Reports whether a range of a text is neither part of a longer word nor a label of a host name.
/// The words of a name may be joined by `-` and `_`.
fn is_word(text: &[u8], range: &Range<usize>, is_name: bool) -> bool {
    let at = |index: Option<usize>| index.and_then(|index| text.get(index)).copied();
    let is_letter = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let joins = |edge: Option<u8>, near: Option<u8>, far: Option<u8>| match near {
        _ if !is_letter(edge) => false,
        Some(b'.') => is_letter(far),
        Some(b'-' | b'_') => is_name,
        near => is_letter(near),
    };
    let (start, end) = (range.start, range.end);
    !joins(at(Some(start)), at(start.checked_sub(1)), at(start.checked_sub(2)))
        && !joins(at(end.checked_sub(1)), at(Some(end)), at(Some(end + 1)))
}

/// Replacement for a secret.
pub const REDACTED: &str = "[redacted]";
/// Shorter text would match by chance.
const MIN_SECRET_BYTES: usize = 4;
/// The shortest user and password with the colon between them.
const MIN_PAIR_BYTES: usize = 3;
/// No server accepts a header field with longer text.
pub(super) const MAX_SECRET_BYTES: usize = 16 << 10;
/// Shorter secrets are recognized only as whole words.
pub(super) const MIN_PART_BYTES: usize = 8;
/// The maximum number of secrets, which bounds the time of a search.
pub(super) const MAX_SECRETS: usize = 256;
/// The maximum number of times that a text is decoded.
const MAX_NESTED_ESCAPES: usize = 4;
/// The maximum number of `...` in a text before which a secret that is cut off is searched for.
const MAX_CUTS: usize = 64;
