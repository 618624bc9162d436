//! References to targets: `@NAME`, optionally with a path and a query.

/// A target's name with an addition to its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub(super) name: &'a str,
    /// Path, query or both.
    suffix: &'a str,
}

impl<'a> Reference<'a> {
    /// Parses `@NAME[/PATH][?QUERY]`. Returns `None` for anything else, which is a URL.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('@')?;
        let (name, suffix) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        Some(Self { name, suffix })
    }

    /// Returns the target's URL with path and query appended to its own.
    pub(super) fn url(self, target: &str) -> String {
        if self.suffix.is_empty() {
            return target.to_owned();
        }
        let (base, own) = split_query(target);
        let (path, query) = split_query(self.suffix);
        let unix = base.strip_prefix("ws+unix:").or_else(|| base.strip_prefix("wss+unix:"));
        // A colon ends the path of the socket.
        let colon = if unix.is_some_and(|rest| !rest.contains(':')) { ":" } else { "" };
        let base = if path.is_empty() { base } else { base.trim_end_matches('/') };
        match (own, query) {
            (Some(own), Some(query)) => format!("{base}{colon}{path}?{own}&{query}"),
            (Some(query), None) | (None, Some(query)) => format!("{base}{colon}{path}?{query}"),
            (None, None) => format!("{base}{colon}{path}"),
        }
    }
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_appended_to_the_url() {
        for (typed, target, url) in [
            ("@d", "wss://h/ws?a=1", "wss://h/ws?a=1"),
            ("@d/x", "wss://h", "wss://h/x"),
            ("@d/x", "wss://h/", "wss://h/x"),
            ("@d/x/y", "wss://h/ws", "wss://h/ws/x/y"),
            ("@d/", "wss://h/ws", "wss://h/ws/"),
            ("@d?b=2", "wss://h/ws", "wss://h/ws?b=2"),
            ("@d?b=2", "wss://h/ws/", "wss://h/ws/?b=2"),
            ("@d?b=2", "wss://h/ws?a=1", "wss://h/ws?a=1&b=2"),
            ("@d/x?b=2", "wss://h/ws?a=1", "wss://h/ws/x?a=1&b=2"),
            ("@d/x", "wss://h/ws?a=1", "wss://h/ws/x?a=1"),
            ("@d/x", "h:9000", "h:9000/x"),
            ("@d/x", "ws+unix:/s.sock", "ws+unix:/s.sock:/x"),
            ("@d/x", "ws+unix:/s.sock:/ws", "ws+unix:/s.sock:/ws/x"),
        ] {
            let reference = Reference::parse(typed).unwrap();
            assert_eq!((reference.name, &*reference.url(target)), ("d", url), "{typed} {target}");
        }
        assert_eq!(Reference::parse("ws://u@h"), None);
        assert_eq!(Reference::parse("h"), None);
    }
}
