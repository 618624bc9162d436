//! Digest authentication (RFC 7616): challenges read with care, because anyone can send them.

use crate::proto::fields;
use md5::{Digest as _, Md5};
use ring::digest::{SHA256, SHA512_256, digest};

/// A challenge that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "so it is written")]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The hash goes over nonce and cnonce, too.
    session: bool,
    /// As the server wrote it; none: it did not.
    algorithm_name: Option<String>,
    /// `qop=auth`.
    qop: bool,
    /// The user's name is hashed, too.
    userhash: bool,
    /// The answer was right but for its age.
    pub(super) stale: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512,
}

impl Algorithm {
    fn hash(self, text: &str) -> String {
        let bytes = text.as_bytes();
        match self {
            Self::Md5 => data_encoding::HEXLOWER.encode(&Md5::digest(bytes)),
            Self::Sha256 => data_encoding::HEXLOWER.encode(digest(&SHA256, bytes).as_ref()),
            Self::Sha512 => data_encoding::HEXLOWER.encode(digest(&SHA512_256, bytes).as_ref()),
        }
    }
}

impl Challenge {
    /// The first challenge of a WWW-Authenticate field that can be answered.
    pub(super) fn find(field: &str) -> Option<Self> {
        challenges(field).into_iter().find_map(|(scheme, params)| {
            scheme.eq_ignore_ascii_case("Digest").then(|| Self::read(&params)).flatten()
        })
    }

    fn read(params: &[(String, String)]) -> Option<Self> {
        let get = |name: &str| {
            let found = params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let is = |name| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let name = get("algorithm").map(ToOwned::to_owned);
        let upper = name.as_deref().unwrap_or("MD5").to_ascii_uppercase();
        let (plain, session) = match upper.strip_suffix("-SESS") {
            Some(plain) => (plain, true),
            None => (&*upper, false),
        };
        let algorithm = match plain {
            "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            "SHA-512-256" => Algorithm::Sha512,
            _ => return None,
        };
        let qop = match get("qop") {
            None => false,
            // What is asked for must be something we can do.
            Some(list) => fields::elements(list)
                .any(|one| one.eq_ignore_ascii_case("auth"))
                .then_some(true)?,
        };
        Some(Self {
            realm: get("realm")?.to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(ToOwned::to_owned),
            algorithm,
            session,
            algorithm_name: name,
            qop,
            userhash: is("userhash"),
            stale: is("stale"),
        })
    }

    /// The value of Authorization; `cnonce`: what nobody can foresee.
    pub(super) fn answer(
        &self,
        user: &str,
        password: &str,
        method: &str,
        uri: &str,
        cnonce: &str,
    ) -> Option<String> {
        let Self { realm, nonce, .. } = self;
        let hash = |text: &str| self.algorithm.hash(text);
        let mut a1 = hash(&format!("{user}:{realm}:{password}"));
        if self.session {
            a1 = hash(&format!("{a1}:{nonce}:{cnonce}"));
        }
        let a2 = hash(&format!("{method}:{uri}"));
        let response = if self.qop {
            hash(&format!("{a1}:{nonce}:00000001:{cnonce}:auth:{a2}"))
        } else {
            hash(&format!("{a1}:{nonce}:{a2}"))
        };
        let user = if self.userhash { hash(&format!("{user}:{realm}")) } else { user.to_owned() };
        let mut fields = vec![
            ("username", quoted(&user)),
            ("realm", quoted(realm)),
            ("nonce", quoted(nonce)),
            ("uri", quoted(uri)),
            ("response", quoted(&response)),
        ];
        if let Some(name) = &self.algorithm_name {
            fields.push(("algorithm", name.clone()));
        }
        if self.qop {
            fields.push(("qop", "auth".to_owned()));
            fields.push(("nc", "00000001".to_owned()));
        }
        if self.qop || self.session {
            fields.push(("cnonce", quoted(cnonce)));
        }
        if let Some(opaque) = &self.opaque {
            fields.push(("opaque", quoted(opaque)));
        }
        if self.userhash {
            fields.push(("userhash", "true".to_owned()));
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = format!("Digest {}", fields.join(", "));
        // Whatever the server or a URL brought, it does not end the line.
        (!answer.chars().any(char::is_control)).then_some(answer)
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The challenges of a field, each with its parameters (RFC 9110, 11.6.1).
fn challenges(field: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for element in fields::elements(field) {
        let (first, rest) = match element.split_once([' ', '\t']) {
            // A scheme stands before its first parameter, with a space and no = between them.
            Some((scheme, rest)) if !scheme.contains('=') => (Some(scheme), rest.trim()),
            _ if !element.contains('=') => (Some(element), ""),
            _ => (None, element),
        };
        if let Some(scheme) = first.filter(|_| !rest.starts_with('=')) {
            found.push((scheme.to_owned(), Vec::new()));
        }
        let parameter = if first.is_some() && rest.starts_with('=') { element } else { rest };
        if let Some((name, value)) = parameter.split_once('=')
            && let Some((_, params)) = found.last_mut()
        {
            params.push((name.trim().to_owned(), unquoted(value.trim())));
        }
    }
    found
}

/// A value without its quotes; a closing quote may be missing.
fn unquoted(value: &str) -> String {
    fields::quoted(value).map_or_else(|| value.to_owned(), |(said, _)| said)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7616, 3.9.1.
    #[test]
    fn the_examples_of_the_rfc() {
        let field = |algorithm: &str| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
                 algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = Challenge::find(&field(algorithm)).unwrap();
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let answer =
                challenge.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", cnonce);
            let answer = answer.unwrap();
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
            assert!(answer.contains(&format!("algorithm={algorithm}, qop=auth, nc=00000001")));
        }
        // RFC 2069, without qop.
        let challenge = Challenge::find("digest realm=\"r\", nonce=n").unwrap();
        let answer = challenge.answer("u", "p", "GET", "/", "c").unwrap();
        assert!(answer.contains("response=\"") && !answer.contains("qop"), "{answer}");
    }

    #[test]
    fn a_challenge_is_found_wherever_it_stands() {
        for field in [
            "Basic realm=\"a, b\", Digest realm=\"r\\\"x\", nonce=\"n\", stale=TRUE",
            "Negotiate, DIGEST nonce=n , realm=\"r\\\"x\",stale = true",
            "Basic realm=\"digest is here\", Digest realm=\"r\\\"x\", nonce=\"n\", stale=true",
        ] {
            let challenge = Challenge::find(field).unwrap();
            assert_eq!((&*challenge.realm, &*challenge.nonce), ("r\"x", "n"), "{field}");
            assert!(challenge.stale, "{field}");
        }
        let utf8 = Challenge::find("Digest realm=\"r\u{e9}\", nonce=\"n\", \u{e9}=x").unwrap();
        assert!(utf8.answer("u", "p", "GET", "/", "c").unwrap().contains("realm=\"r\u{e9}\""));
        for field in [
            "Basic realm=\"x\"",
            "Digest realm=\"r\"",
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-1",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
            "Digest \u{e9}=x",
            "Digest",
            "=,\"",
            "",
        ] {
            assert_eq!(Challenge::find(field), None, "{field}");
        }
    }

    #[test]
    fn nothing_ends_the_line() {
        let challenge = Challenge::find("Digest realm=\"r\", nonce=\"n\"").unwrap();
        assert_eq!(challenge.answer("x\"\r\nX-Evil: y", "p", "GET", "/", "c"), None);
    }

    proptest::proptest! {
        #[test]
        fn anything_may_come(field in ".*", with in "[\\PC]{0,20}") {
            let _ = Challenge::find(&field);
            if let Some(found) = Challenge::find(&format!("Digest realm=\"{with}\", nonce=x, {with}")) {
                let _ = found.answer(&with, &with, "GET", &with, "c");
            }
        }
    }
}
