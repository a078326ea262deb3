//! `kind = "anthropic"`: any server that speaks Anthropic's messages.

use std::sync::Arc;

use plumb_study::party::{Ask, Responder};
use plumb_study::plan::PartySpec;
use plumb_study::{Error, Fields, FrozenParty, Inputs, Opening, PartyKind, Result};
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::channel::{self, Channel, Signature};
use super::endpoint::{Endpoint, Home};
use super::remote::{Format, Remote, abilities, turns};
use super::{Shared, extra};
use crate::anthropic::{DEFAULT_MAX_TOKENS, VERSION, read, request};
use crate::wire::{Draw, Extra, Head, Outcome};

const HOME: Home = Home {
    key: "base_url",
    base_url: "https://api.anthropic.com/v1",
    secret: "ANTHROPIC_API_KEY",
    routes: &["/messages"],
    own: &["x-api-key", "anthropic-version"],
};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");

/// A subject's settings as they stand in the frozen plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Settings {
    #[serde(flatten)]
    endpoint: Endpoint,
    model: String,
    version: String,
    /// The limit of new tokens where `sampling` has none, for the format demands one.
    max_tokens_default: u32,
    extra: Extra,
}

pub(super) struct Kind(pub(super) Arc<Shared>);

impl PartyKind for Kind {
    /// Keys: `model`, `base_url`, `secret`, `headers`, `version`, `extra`.
    fn freeze(&self, fields: &mut Fields, _: &dyn Inputs) -> Result<FrozenParty> {
        let settings = Settings {
            model: fields.need_text("model")?,
            endpoint: Endpoint::take(fields, &HOME)?,
            version: fields.text("version")?.unwrap_or_else(|| VERSION.to_owned()),
            max_tokens_default: DEFAULT_MAX_TOKENS,
            extra: extra::take(fields)?,
        };
        if HeaderValue::from_str(&settings.version).is_err() {
            return Err(fields.error("`version` is not a version such as \"2023-06-01\""));
        }
        Ok(FrozenParty {
            engine: settings.endpoint.engine(),
            can: abilities(true),
            settings: serde_json::to_value(&settings).map_err(|e| fields.error(e))?,
        })
    }

    fn check(&self, spec: &PartySpec) -> Result<()> {
        let settings = settings(spec)?;
        channel::check(&self.0, &settings.endpoint, &settings.model)
    }

    fn open(&self, spec: &PartySpec, _: &Opening) -> Result<Arc<dyn Responder>> {
        let settings = settings(spec)?;
        let signature = Signature { header: KEY_HEADER, prefix: "" };
        let mut channel =
            Channel::open(&self.0, &settings.endpoint, &settings.model, &["messages"], &signature)?;
        let version = HeaderValue::from_str(&settings.version)
            .map_err(|_| Error::plan(format!("\"{}\" cannot be a header", settings.version)))?;
        channel.set(VERSION_HEADER, version);
        let model = settings.model.clone();
        let can = abilities(true);
        Ok(Arc::new(Remote { shared: self.0.clone(), channel, format: settings, model, can }))
    }
}

fn settings(spec: &PartySpec) -> Result<Settings> {
    Settings::deserialize(&spec.settings).map_err(|e| {
        Error::plan(format!("the frozen settings of an \"anthropic\" subject cannot be read: {e}"))
    })
}

impl Format for Settings {
    fn body(&self, ask: &Ask, draw: &Draw) -> Option<Vec<u8>> {
        let draw = Draw { max_tokens: draw.max_tokens.or(Some(self.max_tokens_default)), ..*draw };
        Some(request(&self.model, &turns(&ask.prompt)?, &draw, &self.extra))
    }

    fn read(&self, head: &Head, body: &[u8]) -> Outcome {
        read(head, body)
    }
}
