//! An opened endpoint: its address, its signed headers, and the connection that all share. What leaves it
//! towards the rest of the program holds no secret.

use std::time::Duration;

use bytes::Bytes;
use plumb_study::{EngineId, Error, Result};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::endpoint::{Endpoint, Piece, pieces};
use super::{Shared, party_error};
use crate::secrets::{Need, Secret};
use crate::transport::{Received, Transport};
use crate::wire::Failed;

/// How a kind sends the secret that signs its requests.
pub(super) struct Signature {
    pub header: HeaderName,
    /// Before the secret.
    pub prefix: &'static str,
}

/// Sends requests to one route of one endpoint.
pub(super) struct Channel {
    transport: Transport,
    url: Url,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    pub(super) engine: EngineId,
}

/// That every secret is there: one error that names all that are not.
pub(super) fn check(shared: &Shared, endpoint: &Endpoint, model: &str) -> Result<()> {
    secrets(shared, endpoint, model).map(drop)
}

fn secrets(shared: &Shared, endpoint: &Endpoint, model: &str) -> Result<Vec<(String, Secret)>> {
    let by = || format!("model \"{model}\" at {}", endpoint.base_url);
    let needs: Vec<Need> = endpoint.secrets().into_iter().map(|name| Need { name, by: by() }).collect();
    let found = shared.outside.keyring.require(&needs).map_err(|e| party_error(&e))?;
    Ok(needs.into_iter().map(|need| need.name).zip(found).collect())
}

impl Channel {
    /// Looks up the secrets and makes the headers.
    pub(super) fn open(
        shared: &Shared,
        endpoint: &Endpoint,
        model: &str,
        route: &[&str],
        signature: &Signature,
    ) -> Result<Channel> {
        let secrets = secrets(shared, endpoint, model)?;
        let secret = |wanted: &str| secrets.iter().find(|(name, _)| name == wanted).map(|(_, s)| s.expose());
        let mut headers = HeaderMap::new();
        if let Some(name) = &endpoint.secret {
            let value = [signature.prefix, secret(name).unwrap_or_default()].concat();
            headers.insert(signature.header.clone(), signed(&value, name)?);
        }
        for (name, written) in &endpoint.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Error::plan(format!("\"{name}\" is not a header's name")))?;
            let filled: String = pieces(written)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Secret(name) => secret(name).unwrap_or_default(),
                })
                .collect();
            let value = signed(&filled, name.as_str())?;
            headers.insert(name, value);
        }
        let url = endpoint.url(route)?;
        shared.transport.ready(&url).map_err(|e| party_error(&e))?;
        Ok(Channel {
            transport: shared.transport.clone(),
            url,
            headers,
            secrets: secrets.into_iter().map(|(_, secret)| secret).collect(),
            engine: endpoint.engine(),
        })
    }

    /// Adds a header that is the same in every request.
    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    /// One request. A body that echoes a secret comes without it.
    pub(super) async fn post(&self, body: Vec<u8>, within: Duration) -> Result<Received, Failed> {
        let mut received = self.transport.post(self.url.clone(), self.headers.clone(), body, within).await?;
        received.body = self.clean(received.body);
        Ok(received)
    }

    /// Before it is read: what is cut to a readable length later could keep half of a secret.
    fn clean(&self, body: Bytes) -> Bytes {
        if self.secrets.is_empty() {
            return body;
        }
        match self.redacted(&String::from_utf8_lossy(&body)) {
            Some(clean) => clean.into(),
            None => body,
        }
    }

    /// `text` without secrets, if it held any.
    pub(super) fn redacted(&self, text: &str) -> Option<String> {
        self.secrets.iter().fold(None, |clean: Option<String>, secret| {
            secret.redact(clean.as_deref().unwrap_or(text)).or(clean)
        })
    }
}

/// A header's value that is never printed.
fn signed(value: &str, name: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Error::party(format!("{name} holds a character that no header may have"))
            .help("look for a line break or a letter outside ASCII in the secret")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
