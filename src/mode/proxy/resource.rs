//! The path and query that the server is asked for.

use super::shared::Shared;

/// Returns the path and query that the server is asked for.
pub(super) fn resource(shared: &Shared, asked: &str) -> String {
    let base = &shared.job.opening.target.resource;
    if shared.job.passing.fixed_path { base.clone() } else { join(base, asked) }
}

/// Joins the path and query of the URL with those of a client. A URL without a path takes all of the
/// client's. A client that asks for `/` gets the path of the URL; any other path follows that. A query
/// of both is joined with `&`.
fn join(base: &str, asked: &str) -> String {
    let (base_path, base_query) = split(base);
    // A client of a proxy may send a whole URL.
    let asked = asked.split_once("://").map_or(asked, |(_, rest)| {
        rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or("/")
    });
    let (path, query) = split(asked);
    let path = match (base_path, path) {
        ("/" | "", path) => path.to_owned(),
        (base, "/" | "") => base.to_owned(),
        (base, path) => format!("{}{path}", base.trim_end_matches('/')),
    };
    let query: Vec<_> = base_query.into_iter().chain(query).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{slash}{path}{mark}{}", query.join("&"))
}

fn split(resource: &str) -> (&str, Option<&str>) {
    match resource.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (resource, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_client_follows_that_of_the_url() {
        for (base, asked, expected) in [
            ("/", "/", "/"),
            ("/", "/chat?a=1", "/chat?a=1"),
            ("/", "/a//b/../c%2f", "/a//b/../c%2f"),
            ("/api", "/", "/api"),
            ("/api", "/?x", "/api?x"),
            ("/api/", "/chat", "/api/chat"),
            ("/api", "/chat", "/api/chat"),
            ("/api?key=1", "/chat?a=1", "/api/chat?key=1&a=1"),
            ("/?key=1", "/", "/?key=1"),
            ("/", "http://h:1/chat?a", "/chat?a"),
            ("/", "http://h:1?a", "/?a"),
            ("/", "ws://h", "/"),
        ] {
            assert_eq!(join(base, asked), expected, "{base} {asked}");
        }
    }
}
