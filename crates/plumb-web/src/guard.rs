//! Who is let in.
//!
//! With a token: whoever sends it. Without one: programs of this machine, but not pages of other sites that a browser on
//! it shows. Such a page can make its own name mean this machine, so the name that a request was sent to must be one of
//! the machine itself; and it can send a form, so a body must call itself JSON.

use crate::problem::Problem;
use axum::http::{HeaderMap, header};

/// Lets requests in or not.
pub(crate) enum Guard {
    /// Those with a token of this hash. Hashes are compared in a time that tells nothing of the token.
    Token(blake3::Hash),
    /// Those that were sent to this machine by a name of its own.
    Local,
}

impl Guard {
    pub(crate) fn new(token: Option<&str>) -> Self {
        token.map_or(Self::Local, |token| Self::Token(blake3::hash(token.as_bytes())))
    }

    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        match self {
            Self::Token(hash) => {
                let Some(given) = text(header::AUTHORIZATION) else {
                    return Err(Problem::no_token(
                        "this server wants a token: send the header Authorization: Bearer TOKEN",
                    ));
                };
                match given.split_once(' ') {
                    Some((scheme, token))
                        if scheme.eq_ignore_ascii_case("bearer")
                            && blake3::hash(token.trim().as_bytes()) == *hash =>
                    {
                        Ok(())
                    }
                    _ => Err(Problem::no_token("the token is not this server's")),
                }
            }
            Self::Local => {
                let host = text(header::HOST).unwrap_or("localhost");
                match is_own(host) {
                    true => Ok(()),
                    false => Err(Problem::foreign(format!(
                        "the request was sent to \"{host}\", which is no name of this machine alone; use 127.0.0.1, or \
                         start the server with a token"
                    ))),
                }
            }
        }
    }
}

/// Whether the host, with or without a port, is this machine and nothing else.
fn is_own(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_and_others() {
        for own in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.3.2.1", "[::1]:8080", "[::1]"] {
            assert!(is_own(own), "{own}");
        }
        for other in
            ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "[::2]:1", ""]
        {
            assert!(!is_own(other), "{other}");
        }
    }

    #[test]
    fn only_the_token_itself_opens() {
        let guard = Guard::new(Some("hush-hush"));
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            guard.check(&headers).is_ok()
        };
        assert!(with("Bearer hush-hush") && with("bearer hush-hush"));
        for wrong in ["Bearer hush-hus", "Bearer hush-hush2", "Bearer ", "hush-hush", "Basic hush-hush"] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(guard.check(&HeaderMap::new()).is_err());
    }
}
