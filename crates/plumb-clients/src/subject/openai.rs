//! `kind = "openai"`: any server that speaks OpenAI's chat completions or completions.

use std::sync::Arc;

use plumb_study::party::{Ask, Responder};
use plumb_study::plan::PartySpec;
use plumb_study::{Error, Fields, FrozenParty, Inputs, Opening, PartyKind, Result};
use reqwest::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use super::channel::{self, Channel, Signature};
use super::endpoint::{Endpoint, Home};
use super::remote::{Format, Remote, abilities, turns};
use super::{Shared, extra};
use crate::openai::{Dialect, chat_request, completion_request, read_chat, read_completion};
use crate::wire::{Draw, Extra, Head, Outcome};
use plumb_study::items::Prompt;

const HOME: Home = Home {
    key: "base_url",
    base_url: "https://api.openai.com/v1",
    secret: "OPENAI_API_KEY",
    routes: &["/chat/completions", "/completions"],
    own: &["authorization"],
};

/// Which of the two ways of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Api {
    Chat,
    Completions,
}

/// What the server calls the limit of new tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LimitField {
    MaxTokens,
    MaxCompletionTokens,
}

/// A subject's settings as they stand in the frozen plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Settings {
    #[serde(flatten)]
    endpoint: Endpoint,
    model: String,
    api: Api,
    max_tokens_field: LimitField,
    send_seed: bool,
    think_tags: bool,
    extra: Extra,
}

pub(super) struct Kind(pub(super) Arc<Shared>);

impl PartyKind for Kind {
    /// Keys: `model`, `base_url`, `secret`, `headers`, `organisation`, `api`, `max_tokens_field`, `send_seed`,
    /// `think_tags`, `extra`.
    fn freeze(&self, fields: &mut Fields, _: &dyn Inputs) -> Result<FrozenParty> {
        let model = fields.need_text("model")?;
        let mut endpoint = Endpoint::take(fields, &HOME)?;
        if let Some(organisation) = fields.text("organisation")? {
            endpoint.add(fields, "organisation", "openai-organization", organisation)?;
        }
        let apis = [("chat", Api::Chat), ("completions", Api::Completions)];
        let api = fields.choice("api", &apis)?.unwrap_or(Api::Chat);
        let names = [
            ("max_tokens", LimitField::MaxTokens),
            ("max_completion_tokens", LimitField::MaxCompletionTokens),
        ];
        let settings = Settings {
            model,
            api,
            max_tokens_field: fields.choice("max_tokens_field", &names)?.unwrap_or(LimitField::MaxTokens),
            send_seed: fields.flag("send_seed")?.unwrap_or(true),
            think_tags: fields.flag("think_tags")?.unwrap_or(api == Api::Chat),
            extra: extra::take(fields)?,
            endpoint,
        };
        if settings.think_tags && api == Api::Completions {
            return Err(fields.error("`think_tags` applies to api = \"chat\" only"));
        }
        Ok(FrozenParty {
            engine: settings.endpoint.engine(),
            can: abilities(api == Api::Chat),
            settings: serde_json::to_value(&settings).map_err(|e| fields.error(e))?,
        })
    }

    fn check(&self, spec: &PartySpec) -> Result<()> {
        let settings = settings(spec)?;
        channel::check(&self.0, &settings.endpoint, &settings.model)
    }

    fn open(&self, spec: &PartySpec, _: &Opening) -> Result<Arc<dyn Responder>> {
        let settings = settings(spec)?;
        let route: &[&str] = match settings.api {
            Api::Chat => &["chat", "completions"],
            Api::Completions => &["completions"],
        };
        let signature = Signature { header: AUTHORIZATION, prefix: "Bearer " };
        let channel = Channel::open(&self.0, &settings.endpoint, &settings.model, route, &signature)?;
        let can = abilities(settings.api == Api::Chat);
        let model = settings.model.clone();
        Ok(Arc::new(Remote { shared: self.0.clone(), channel, format: settings, model, can }))
    }
}

fn settings(spec: &PartySpec) -> Result<Settings> {
    Settings::deserialize(&spec.settings)
        .map_err(|e| Error::plan(format!("the frozen settings of an \"openai\" subject cannot be read: {e}")))
}

impl Format for Settings {
    fn body(&self, ask: &Ask, draw: &Draw) -> Option<Vec<u8>> {
        let dialect = Dialect {
            max_completion_tokens: self.max_tokens_field == LimitField::MaxCompletionTokens,
            seed: self.send_seed,
        };
        match (self.api, &ask.prompt) {
            (Api::Chat, prompt) => {
                Some(chat_request(&self.model, &turns(prompt)?, draw, dialect, &self.extra))
            }
            (Api::Completions, Prompt::Completion(text)) => {
                Some(completion_request(&self.model, text, draw, dialect, &self.extra))
            }
            (Api::Completions, _) => None,
        }
    }

    fn read(&self, head: &Head, body: &[u8]) -> Outcome {
        match self.api {
            Api::Chat => read_chat(head, body, self.think_tags),
            Api::Completions => read_completion(head, body),
        }
    }
}
