//! `kind = "http"`: an application with an interface of its own.
//!
//! What people use is seldom a bare model: it is a product with its prompts, filters and memory, behind an address that
//! speaks no provider's format. A plan says where to send what ([`Template`]) and where in the reply the answer stands.
//! As everywhere, an answer, a withheld answer and a failure stay apart.

use std::sync::Arc;

use plumb_study::items::{Prompt, Role, Task};
use plumb_study::party::{Ask, Responder};
use plumb_study::plan::{PartySpec, Plan};
use plumb_study::{Digest, Error, Fields, FrozenParty, Inputs, Opening, PartyKind, Result};
use reqwest::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::channel::{self, Channel, Signature};
use super::endpoint::{Endpoint, Home};
use super::remote::{Format, Remote, abilities};
use super::template::{Slots, Template};
use super::{Shared, extra};
use crate::wire::json::{not_json, page_title};
use crate::wire::{
    Answered, Draw, Failed, Fault, Filter, Finish, Head, Outcome, Usage, Withheld, refusal, trimmed,
};

const HOME: Home =
    Home { key: "url", base_url: "https://app.example.com/chat", secret: "APP_KEY", routes: &[], own: &[] };

/// How it is called where a message names a model.
const APPLICATION: &str = "application";

/// A subject's settings as they stand in the frozen plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Settings {
    #[serde(flatten)]
    endpoint: Endpoint,
    body: Template,
    /// JSON pointer to the answer; the whole body is the answer where there is none.
    reply: Option<String>,
    /// JSON pointer to what says that the application held its answer back.
    refusal: Option<String>,
    /// JSON pointer to the model that the application says it used.
    served: Option<String>,
}

pub(super) struct Kind(pub(super) Arc<Shared>);

impl PartyKind for Kind {
    /// Keys: `url`, `headers`, `body`, `reply`, `refusal`, `served`.
    fn freeze(&self, fields: &mut Fields, _: &dyn Inputs) -> Result<FrozenParty> {
        let endpoint = Endpoint::take_address(fields, &HOME)?;
        let written = extra::take_json(fields, "body")?.ok_or_else(|| {
            fields.error("`body` is missing: what to send, with a place for the prompt").help(
                "body = { message = \"{{prompt}}\", session = \"{{session}}\" }, or \"{{turns}}\" for the whole conversation",
            )
        })?;
        let body = Template::new(written).map_err(|problem| fields.error(problem))?;
        let settings = Settings {
            endpoint,
            body,
            reply: pointer(fields, "reply")?,
            refusal: pointer(fields, "refusal")?,
            served: pointer(fields, "served")?,
        };
        if settings.reply.is_none() && (settings.refusal.is_some() || settings.served.is_some()) {
            return Err(fields
                .error("`refusal` and `served` point into a JSON reply, but without `reply` the reply is taken as plain text")
                .help("add reply = \"/PLACE/OF/THE/ANSWER\""));
        }
        Ok(FrozenParty {
            engine: settings.endpoint.engine(),
            can: abilities(true),
            settings: serde_json::to_value(&settings).map_err(|e| fields.error(e))?,
        })
    }

    fn forgets(&self, spec: &PartySpec) -> bool {
        settings(spec).is_ok_and(|settings| settings.body.has_turns())
    }

    fn check(&self, spec: &PartySpec) -> Result<()> {
        channel::check(&self.0, &settings(spec)?.endpoint, APPLICATION)
    }

    fn open(&self, spec: &PartySpec, opening: &Opening) -> Result<Arc<dyn Responder>> {
        let settings = settings(spec)?;
        let signature = Signature { header: AUTHORIZATION, prefix: "" };
        let channel = Channel::open(&self.0, &settings.endpoint, APPLICATION, &[], &signature)?;
        let format = Application { settings, plan: opening.plan.clone() };
        Ok(Arc::new(Remote {
            shared: self.0.clone(),
            channel,
            format,
            model: APPLICATION.to_owned(),
            can: abilities(true),
        }))
    }
}

/// A JSON pointer (RFC 6901) from the plan.
fn pointer(fields: &mut Fields, key: &str) -> Result<Option<String>> {
    match fields.text(key)? {
        Some(text) if !text.starts_with('/') => Err(fields
            .error(format!("`{key}` is \"{text}\", which is no JSON pointer"))
            .help(format!("write the way to it from the top, such as {key} = \"/data/0/text\""))),
        other => Ok(other),
    }
}

fn settings(spec: &PartySpec) -> Result<Settings> {
    Settings::deserialize(&spec.settings)
        .map_err(|e| Error::plan(format!("the frozen settings of an \"http\" subject cannot be read: {e}")))
}

/// The settings, and the plan that names conversations.
struct Application {
    settings: Settings,
    plan: Arc<Plan>,
}

impl Application {
    /// One name for all turns of a trial's conversation, the same whenever the run is resumed.
    fn session(&self, ask: &Ask) -> String {
        let trial = match ask.trial {
            Some(trial) => format!(
                "{}\u{0}{}\u{0}{}",
                self.plan.item(trial.item).id,
                self.plan.subject(trial.subject).id,
                trial.rep
            ),
            None => ask.digest().hex(),
        };
        let mut hex =
            Digest::of_parts(&[b"session", self.plan.root.0.hex().as_bytes(), trial.as_bytes()]).hex();
        hex.truncate(32);
        hex
    }

    /// Whether the application can be told all of a prompt in the form that the plan gives it.
    fn fits(&self, ask: &Ask) -> bool {
        let Prompt::Chat(turns) = &ask.prompt else { return false };
        let template = &self.settings.body;
        if template.has_turns() {
            return true;
        }
        let history = turns.iter().any(|t| t.role == Role::Assistant);
        // The turns of a ladder went through the session one after another; a written history never did.
        // A session cannot be made to forget a turn that a strategy takes back.
        let told = ask.trial.is_some_and(|t| {
            let item = self.plan.item(t.item);
            let strategy = self.plan.source(item.source).strategy.as_ref();
            let forgets = strategy.is_some_and(|s| s.refusal.is_some() && s.backtracks > 0);
            matches!(item.task, Task::Ladder(_) | Task::Goal(_)) && !forgets
        });
        let system = turns.iter().any(|t| t.role == Role::System);
        (!history || (told && template.has_session())) && (!system || template.has_system())
    }
}

impl Format for Application {
    fn body(&self, ask: &Ask, draw: &Draw) -> Option<Vec<u8>> {
        if !self.fits(ask) {
            return None;
        }
        let Prompt::Chat(turns) = &ask.prompt else { return None };
        let session = self.session(ask);
        let filled = self.settings.body.fill(&Slots { turns, session: &session, draw });
        serde_json::to_vec(&filled).ok()
    }

    fn read(&self, head: &Head, body: &[u8]) -> Outcome {
        if !head.is_success() {
            return refusal::outcome(head, body);
        }
        match &self.settings.reply {
            None => plain(head, body),
            Some(reply) => self.json(reply, head, body),
        }
    }
}

impl Application {
    fn json(&self, reply: &str, head: &Head, body: &[u8]) -> Outcome {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Outcome::Failed(not_json(head, body));
        };
        let at = |pointer: &Option<String>| pointer.as_ref().and_then(|p| value.pointer(p));
        let served = at(&self.settings.served).and_then(Value::as_str).map(str::to_owned);
        if let Some(words) = at(&self.settings.refusal).and_then(said) {
            return Outcome::Withheld(Withheld {
                by: Filter::Refusal,
                words: trimmed(&words),
                usage: Usage::default(),
                served,
            });
        }
        match value.pointer(reply) {
            Some(Value::String(text)) => Outcome::Answered(answered(text.clone(), served)),
            // Something is there, but nothing that could be an answer.
            Some(Value::Null) | None if !value["error"].is_null() => refusal::outcome(head, body),
            Some(Value::Null) | None => Outcome::Failed(Failed::new(
                Fault::Missing { field: "text where `reply` points" },
                String::from_utf8_lossy(body),
            )),
            Some(_) => {
                let what = format!("what stands at {reply} is no text");
                Outcome::Failed(Failed::new(Fault::Malformed { what }, String::from_utf8_lossy(body)))
            }
        }
    }
}

/// A body that is the answer itself; a web page is none.
fn plain(head: &Head, body: &[u8]) -> Outcome {
    match std::str::from_utf8(body) {
        Ok(text) => match page_title(head, text) {
            Some(title) => Outcome::Failed(Failed::new(Fault::HtmlPage, title)),
            None => Outcome::Answered(answered(text.to_owned(), None)),
        },
        Err(_) => Outcome::Failed(Failed::new(Fault::Malformed { what: "the body is not UTF-8".into() }, "")),
    }
}

fn answered(text: String, served: Option<String>) -> Answered {
    Answered { text, reasoning: None, finish: Finish::Unnamed, usage: Usage::default(), served }
}

/// What a value says, if it says anything: `true`, words, a number that is not zero, a list or an object with something
/// in it.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some(String::new()),
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Number(n) => (n.as_f64() != Some(0.0)).then(|| n.to_string()),
        Value::Array(list) => (!list.is_empty()).then(|| value.to_string()),
        Value::Object(fields) => (!fields.is_empty()).then(|| value.to_string()),
    }
}
