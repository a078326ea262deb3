//! An endpoint as a plan names it: its address, the secret it wants, its headers. Nothing of it is secret:
//! a plan and its journal hold only the names of secrets.

use std::collections::{BTreeMap, BTreeSet};

use plumb_study::{EngineId, Error, Fields, Result};
use reqwest::Url;
use reqwest::header::HeaderName;
use serde::{Deserialize, Serialize};

/// Where requests go and how they are signed, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Endpoint {
    pub base_url: String,
    /// The name of the secret that signs requests, if they are signed.
    pub secret: Option<String>,
    /// Further headers; `${NAME}` in a value stands for a secret.
    pub headers: BTreeMap<String, String>,
}

/// A provider's own endpoint.
pub(super) struct Home {
    /// The plan's key for the address.
    pub key: &'static str,
    pub base_url: &'static str,
    pub secret: &'static str,
    /// Ends of addresses that people copy from examples, and that a kind appends itself.
    pub routes: &'static [&'static str],
    /// Headers that the kind sets itself.
    pub own: &'static [&'static str],
}

/// Headers that belong to the transport.
const TRANSPORT: [&str; 6] =
    ["content-type", "content-length", "host", "connection", "transfer-encoding", "accept-encoding"];

/// Parts of names of headers and query fields that hold secrets.
const SECRETIVE: [&str; 7] = ["auth", "key", "token", "secret", "cookie", "password", "sig"];

impl Endpoint {
    /// Takes `base_url`, `secret` and `headers`. Without a `base_url` it is the provider's own endpoint with
    /// its usual secret; another endpoint wants none unless the plan says so.
    pub(super) fn take(fields: &mut Fields, home: &Home) -> Result<Endpoint> {
        let written = fields.text(home.key)?;
        let usual = written.is_none().then(|| home.secret.to_owned());
        let base_url = address(fields, written.as_deref().unwrap_or(home.base_url), home)?;
        let secret = fields.text("secret")?.or(usual);
        if secret.as_deref().is_some_and(|name| !is_name(name)) {
            // What stands there may be the secret itself, so it is not quoted.
            return Err(fields.error("`secret` must be the name of a secret").help(format!(
                "write a name in capital letters, digits and '_', such as secret = \"{}\"; the secret itself \
                 belongs in the environment or the secrets file, never in a plan",
                home.secret
            )));
        }
        Ok(Endpoint { base_url, secret, headers: headers(fields, home)? })
    }

    /// Takes an address that must be there and is called as it is written, and `headers`, which alone sign requests.
    pub(super) fn take_address(fields: &mut Fields, home: &Home) -> Result<Endpoint> {
        let written = fields.need_text(home.key)?;
        let trimmed = address(fields, &written, home)?;
        let slash = written.split(['?', '#']).next().is_some_and(|path| path.ends_with('/'));
        let base_url = if slash { written } else { trimmed };
        Ok(Endpoint { base_url, secret: None, headers: headers(fields, home)? })
    }

    /// Adds a header that the kind has a key for.
    pub(super) fn add(&mut self, fields: &Fields, key: &str, name: &str, value: String) -> Result<()> {
        check_value(fields, name, &value)?;
        match self.headers.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(fields.error(format!("`{key}` and `headers` both set {name}"))),
        }
    }

    /// Names of all secrets that a request needs, each once.
    pub(super) fn secrets(&self) -> BTreeSet<String> {
        let in_headers = self.headers.values().flat_map(|value| pieces(value));
        let named = in_headers.filter_map(|piece| match piece {
            Piece::Secret(name) => Some(name.to_owned()),
            Piece::Text(_) => None,
        });
        self.secret.iter().cloned().chain(named).collect()
    }

    /// Scheme, host, port and secrets: requests that share these share a provider's limits.
    pub(super) fn engine(&self) -> EngineId {
        let place = match Url::parse(&self.base_url) {
            Ok(url) => format!(
                "{}://{}:{}",
                url.scheme(),
                url.host_str().unwrap_or_default(),
                url.port_or_known_default().unwrap_or_default()
            ),
            Err(_) => self.base_url.clone(),
        };
        let mut engine = place;
        for name in self.secrets() {
            engine.push(' ');
            engine.push_str(&name);
        }
        EngineId::from(engine)
    }

    /// The address of a route below the base, its query kept.
    pub(super) fn url(&self, route: &[&str]) -> Result<Url> {
        let wrong = || Error::plan(format!("\"{}\" is not the address of an endpoint", self.base_url));
        let mut url = Url::parse(&self.base_url).map_err(|_| wrong())?;
        if route.is_empty() {
            return Ok(url);
        }
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(route);
        Ok(url)
    }
}

fn headers(fields: &mut Fields, home: &Home) -> Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for (name, value) in fields.levels("headers")? {
        let name = header(fields, &name, home.own)?;
        check_value(fields, &name, &value)?;
        headers.insert(name, value.to_string());
    }
    Ok(headers)
}

/// Checks an address and writes it in one way, so that a trailing slash makes no other plan.
fn address(fields: &Fields, written: &str, home: &Home) -> Result<String> {
    let key = home.key;
    let example = format!("an address such as {key} = \"{}\"", home.base_url);
    let url = Url::parse(written)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .ok_or_else(|| {
            fields.error(format!("`{key}` is not an http or https address")).help(example.clone())
        })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fields
            .error(format!("`{key}` holds a user name or password, which a plan must not"))
            .help(
                "send it in a header that names a secret: headers = { Authorization = \"Basic ${NAME}\" }",
            ));
    }
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| secretive(name)) {
        return Err(fields
            .error(format!("`{key}` holds what looks like a secret, `{name}`"))
            .help("send it in a header that names a secret: headers = { X-Api-Key = \"${NAME}\" }"));
    }
    if url.fragment().is_some() {
        return Err(fields.error(format!("`{key}` has a '#', which no server would see")).help(example));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if let Some(route) = home.routes.iter().find(|route| path.ends_with(*route)) {
        let without = path.trim_end_matches(route);
        return Err(fields
            .error(format!("`{key}` must end before `{route}`, which is added to it"))
            .help(format!("the path is `{without}`")));
    }
    let mut url = url;
    url.set_path(&path);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a name tells that a secret stands behind it.
pub(super) fn secretive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETIVE.iter().any(|part| name.contains(part))
}

/// Whether a text holds what providers give out as keys: `sk-…` and its like, or a long word after `Bearer`.
pub(super) fn holds_key(text: &str) -> bool {
    let long = |word: &str| word.len() >= 16 && !word.contains("${");
    let known = |word: &str| KEYS.iter().any(|start| word.starts_with(start)) && long(word);
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "\"',;=".contains(c)).collect();
    words.iter().any(|word| known(word))
        || words.windows(2).any(|pair| pair[0].eq_ignore_ascii_case("bearer") && long(pair[1]))
}

/// How keys of well-known services begin.
const KEYS: [&str; 8] = ["sk-", "sk_", "pk-", "rk_", "hf_", "ghp_", "gho_", "xox"];

/// A header's name in lower case, if a plan may set it.
fn header(fields: &Fields, name: &str, own: &[&str]) -> Result<String> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| fields.error(format!("`headers.{name}` is not a header's name")))?;
    let name = name.as_str();
    if TRANSPORT.contains(&name) {
        return Err(fields.error(format!("`headers.{name}` cannot be set: it follows from the request")));
    }
    if own.contains(&name) {
        return Err(fields
            .error(format!("`headers.{name}` is set by this kind of subject"))
            .help("use its own keys, such as `secret`"));
    }
    Ok(name.to_owned())
}

fn check_value(fields: &Fields, name: &str, value: &str) -> Result<()> {
    let mut named = false;
    for piece in pieces(value) {
        if let Piece::Secret(secret) = piece {
            if !is_name(secret) {
                return Err(fields
                    .error(format!("the header {name} has `${{…}}` without a secret's name"))
                    .help("write ${NAME} with capital letters, digits and '_'"));
            }
            named = true;
        }
    }
    if (secretive(name) && !named) || holds_key(value) {
        return Err(fields
            .error(format!("the header {name} looks like a secret, which a plan must not hold"))
            .help(
                "name the secret instead: \"${NAME}\" is filled in from the environment or the secrets file",
            ));
    }
    Ok(())
}

/// Whether a text can be a secret's name. Keys as providers give them out have other characters.
fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
    begins && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Part of a header's value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// The name between `${` and `}`; to the end of the value if it is not closed, which is no name.
    Secret(&'a str),
}

/// The parts of a header's value.
pub(super) fn pieces(value: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(open) = rest.find("${") {
        if open > 0 {
            found.push(Piece::Text(&rest[..open]));
        }
        let inside = &rest[open + 2..];
        match inside.find('}') {
            Some(close) => {
                found.push(Piece::Secret(&inside[..close]));
                rest = &inside[close + 1..];
            }
            None => {
                found.push(Piece::Secret(&rest[open..]));
                rest = "";
            }
        }
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Home = Home {
        key: "base_url",
        base_url: "https://api.example.com/v1",
        secret: "EXAMPLE_KEY",
        routes: &["/chat/completions"],
        own: &["authorization"],
    };

    fn take(text: &str) -> Result<Endpoint> {
        let mut fields = Fields::new("p.toml:1", text.parse().unwrap());
        let endpoint = Endpoint::take(&mut fields, &HOME)?;
        fields.finish()?;
        Ok(endpoint)
    }

    #[test]
    fn the_providers_own_endpoint_wants_its_secret_and_another_none() {
        let home = take("").unwrap();
        assert_eq!((home.base_url.as_str(), home.secret.as_deref()), (HOME.base_url, Some("EXAMPLE_KEY")));
        assert_eq!(home.engine().as_str(), "https://api.example.com:443 EXAMPLE_KEY");
        let mine = take("base_url = 'http://127.0.0.1:8000/v1/'").unwrap();
        assert_eq!((mine.base_url.as_str(), mine.secret.as_deref()), ("http://127.0.0.1:8000/v1", None));
        assert_eq!(mine.engine().as_str(), "http://127.0.0.1:8000");
    }

    #[test]
    fn a_route_goes_before_the_query() {
        let azure = take("base_url = 'https://x.example.com/deployments/d?api-version=1'").unwrap();
        let url = azure.url(&["chat", "completions"]).unwrap();
        assert_eq!(url.as_str(), "https://x.example.com/deployments/d/chat/completions?api-version=1");
    }

    #[test]
    fn secrets_are_named_never_held() {
        let found = take("headers = { Api-Key = '${B}', X-Team = 'red', Note = 'a ${A} b' }").unwrap();
        assert_eq!(found.secrets().into_iter().collect::<Vec<_>>(), ["A", "B", "EXAMPLE_KEY"]);
        for (plan, says) in [
            ("secret = 'sk-hush'", "must be the name of a secret"),
            ("headers = { x-api-key = 'hush' }", "looks like a secret"),
            ("headers = { x-api-key = '${hush}' }", "without a secret's name"),
            ("headers = { x-api-key = '${HUSH' }", "without a secret's name"),
            ("headers = { authorization = '${A}' }", "is set by this kind"),
            ("base_url = 'https://me:hush@example.com/'", "user name or password"),
            ("base_url = 'https://example.com/?key=hush'", "looks like a secret, `key`"),
        ] {
            let error = take(plan).unwrap_err();
            let all = format!("{error} {:?}", error.help_text());
            assert!(all.contains(says) && !all.contains("hush"), "{plan}: {all}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_a_way_out() {
        for (plan, says) in [
            ("base_url = 'example.com/v1'", "not an http or https address"),
            ("base_url = 'ftp://example.com'", "not an http or https address"),
            ("base_url = 'https://example.com/v1/chat/completions/'", "must end before `/chat/completions`"),
            ("base_url = 'https://example.com/#x'", "has a '#'"),
            ("headers = { host = 'x' }", "cannot be set"),
        ] {
            let error = take(plan).unwrap_err();
            assert!(error.to_string().contains(says), "{plan}: {error}");
        }
    }

    #[test]
    fn pieces_of_a_value() {
        use Piece::{Secret, Text};
        assert_eq!(pieces("Basic ${A}"), [Text("Basic "), Secret("A")]);
        assert_eq!(pieces("${A}${B}$c}"), [Secret("A"), Secret("B"), Text("$c}")]);
        assert_eq!(pieces("x${A"), [Text("x"), Secret("${A")]);
        assert!(pieces("").is_empty());
    }
}
