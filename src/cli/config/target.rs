//! A target by its name: `@NAME`, and what may follow.

/// A name with what is asked of the target beyond its own URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub(super) name: &'a str,
    /// A path, a query or both.
    more: &'a str,
}

impl<'a> Reference<'a> {
    /// Reads `@NAME[/PATH][?QUERY]`; anything else is a URL.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('@')?;
        let (name, more) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        Some(Self { name, more })
    }

    /// The URL meant: the path continues that of the target, and so does the query.
    pub(super) fn url(self, target: &str) -> String {
        if self.more.is_empty() {
            return target.to_owned();
        }
        let (base, own) = halves(target);
        let (path, query) = halves(self.more);
        let unix = base.strip_prefix("ws+unix:").or_else(|| base.strip_prefix("wss+unix:"));
        // The path of the socket has an end.
        let colon = if unix.is_some_and(|rest| !rest.contains(':')) { ":" } else { "" };
        let base = if path.is_empty() { base } else { base.trim_end_matches('/') };
        match (own, query) {
            (Some(own), Some(query)) => format!("{base}{colon}{path}?{own}&{query}"),
            (Some(query), None) | (None, Some(query)) => format!("{base}{colon}{path}?{query}"),
            (None, None) => format!("{base}{colon}{path}"),
        }
    }
}

fn halves(text: &str) -> (&str, Option<&str>) {
    text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_name_continues_the_url() {
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
