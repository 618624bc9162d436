//! Digest authentication (RFC 7616). Challenges come from untrusted servers, so the parser must
//! tolerate any input.

use crate::proto::fields;
use md5::{Digest as _, Md5};
use ring::digest::{SHA256, SHA512_256, digest};

/// A Digest challenge with a supported algorithm and quality of protection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "the parameters of RFC 7616")]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The algorithm has the suffix `-sess`: A1 includes nonce and cnonce (RFC 7616, 3.4.2).
    session: bool,
    /// The algorithm as the server wrote it, if it did; echoed in the answer.
    algorithm_name: Option<String>,
    /// The server offers `qop=auth`. Without it, the answer follows RFC 2069.
    qop: bool,
    /// The user name is sent as a hash (RFC 7616, 3.4.4).
    userhash: bool,
    /// The previous answer was correct, but its nonce has expired.
    pub(crate) stale: bool,
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
    /// Finds the first supported Digest challenge in a WWW-Authenticate field.
    pub(crate) fn find(field: &str) -> Option<Self> {
        parse_challenges(field).into_iter().find_map(|(scheme, params)| {
            scheme.eq_ignore_ascii_case("Digest").then(|| Self::from_params(&params)).flatten()
        })
    }

    fn from_params(params: &[(String, String)]) -> Option<Self> {
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
            // `auth-int` alone is not supported.
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

    /// Returns the value of the Authorization field, or `None` if it would contain a control
    /// character. `cnonce` must be unpredictable.
    pub(crate) fn answer(
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
        // Neither a server nor a URL may inject a header field.
        (!answer.chars().any(char::is_control)).then_some(answer)
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Splits a field into challenges, each with its parameters (RFC 9110, 11.6.1).
fn parse_challenges(field: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for element in fields::elements(field) {
        let (first, rest) = match element.split_once([' ', '\t']) {
            // A space separates a scheme from its first parameter, and a scheme has no `=`.
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

/// Removes the quotes of a value, whose closing quote may be missing.
fn unquoted(value: &str) -> String {
    fields::quoted(value).map_or_else(|| value.to_owned(), |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616, 3.9.1.
    #[test]
    fn answers_the_examples_of_the_rfc() {
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
        // Without qop, as in RFC 2069.
        let challenge = Challenge::find("digest realm=\"r\", nonce=n").unwrap();
        let answer = challenge.answer("u", "p", "GET", "/", "c").unwrap();
        assert!(answer.contains("response=\"") && !answer.contains("qop"), "{answer}");
    }

    #[test]
    fn finds_challenges_anywhere_in_a_field() {
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
    fn control_characters_are_rejected() {
        let challenge = Challenge::find("Digest realm=\"r\", nonce=\"n\"").unwrap();
        assert_eq!(challenge.answer("x\"\r\nX-Evil: y", "p", "GET", "/", "c"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_input_is_tolerated(field in ".*", with in "[\\PC]{0,20}") {
            let _ = Challenge::find(&field);
            if let Some(found) = Challenge::find(&format!("Digest realm=\"{with}\", nonce=x, {with}")) {
                let _ = found.answer(&with, &with, "GET", &with, "c");
            }
        }
    }
}
