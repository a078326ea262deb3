//! Subjects that need nobody: the scripted twin and the recording.
//!
//! `kind = "scripted"` answers from rules in the plan: tests and examples run through it. `kind =
//! "recorded"` hands out answers that came with the items.

use crate::error::Result;
use crate::fields::Fields;
use crate::id::{Digest, EngineId, Trial};
use crate::items::RecordedEnd;
use crate::observe::{Failure, FailureKind, Withheld};
use crate::party::{Abilities, Ask, Reply, Responder};
use crate::plan::PartySpec;
use crate::registry::{FrozenParty, Inputs, Opening, PartyKind, Registry};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::sync::Arc;

/// Name of the kind whose answers came with the items.
pub const RECORDED: &str = "recorded";

/// Abilities of something that can be asked anything.
pub const EVERYTHING: Abilities =
    Abilities { chat: true, completion: true, choose: true, deterministic: true, most_in_flight: None };

pub(crate) fn register(registry: &mut Registry) {
    registry.party("scripted", Scripted);
    registry.party(RECORDED, RecordedKind);
}

/// Keys: `replies = [ { if = "text in the prompt", say = "…" }, … ]`, `otherwise = "…"`.
struct Scripted;

impl PartyKind for Scripted {
    fn freeze(&self, fields: &mut Fields, _inputs: &dyn Inputs) -> Result<FrozenParty> {
        let mut replies = Vec::new();
        for mut reply in fields.inners("replies")? {
            let when = reply.need_text("if")?;
            let say = reply.need_text("say")?;
            reply.finish()?;
            replies.push(serde_json::json!([when, say]));
        }
        let otherwise = fields.text("otherwise")?.unwrap_or_else(|| "ok".into());
        Ok(FrozenParty {
            settings: serde_json::json!({ "replies": replies, "otherwise": otherwise }),
            engine: EngineId::from("scripted"),
            can: Abilities { choose: false, ..EVERYTHING },
        })
    }

    fn open(&self, spec: &PartySpec, _opening: &Opening) -> Result<Arc<dyn Responder>> {
        let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
        let replies = spec.settings["replies"]
            .as_array()
            .map(|list| list.iter().map(|r| (text(&r[0]), text(&r[1]))).collect())
            .unwrap_or_default();
        Ok(Arc::new(Script { replies, otherwise: text(&spec.settings["otherwise"]) }))
    }
}

/// A responder that answers by rules.
pub struct Script {
    /// (text that the prompt holds, answer), tried in order.
    pub replies: Vec<(String, String)>,
    /// The answer to everything else.
    pub otherwise: String,
}

impl Responder for Script {
    fn can(&self) -> Abilities {
        Abilities { choose: false, ..EVERYTHING }
    }

    fn engine(&self) -> EngineId {
        EngineId::from("scripted")
    }

    fn respond<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>> {
        let prompt = ask.prompt.headline();
        let found = self.replies.iter().find(|(when, _)| prompt.contains(when.as_str()));
        let say = found.map_or(&self.otherwise, |(_, say)| say);
        Box::pin(std::future::ready(Ok(Reply::text(say.as_str()))))
    }
}

struct RecordedKind;

impl PartyKind for RecordedKind {
    fn freeze(&self, _fields: &mut Fields, _inputs: &dyn Inputs) -> Result<FrozenParty> {
        Ok(FrozenParty { settings: serde_json::json!({}), engine: EngineId::from(RECORDED), can: EVERYTHING })
    }

    fn open(&self, _spec: &PartySpec, opening: &Opening) -> Result<Arc<dyn Responder>> {
        let mut answers = HashMap::new();
        for trial in opening.plan.trials() {
            let item = opening.plan.item(trial.item);
            let found = item.recorded.iter().find(|r| r.subject == trial.subject && r.rep == trial.rep);
            if let Some(recorded) = found {
                answers.insert(trial, (recorded.answer, recorded.end));
            }
        }
        Ok(Arc::new(Recording { answers, texts: opening.recordings.clone() }))
    }
}

struct Recording {
    answers: HashMap<Trial, (Digest, RecordedEnd)>,
    texts: Arc<crate::registry::Recordings>,
}

impl Responder for Recording {
    fn can(&self) -> Abilities {
        EVERYTHING
    }

    fn engine(&self) -> EngineId {
        EngineId::from(RECORDED)
    }

    fn respond<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>> {
        let found = ask.trial.and_then(|t| self.answers.get(&t));
        let reply = match found.and_then(|(digest, end)| Some((self.texts.get(digest)?, *end))) {
            Some((text, RecordedEnd::Whole)) => Ok(Reply::text(text.clone())),
            Some((text, RecordedEnd::Cut)) => Ok(Reply::cut(text.clone())),
            Some((_, RecordedEnd::Withheld)) => Ok(Reply::withheld(Withheld::AnswerFilter)),
            Some((words, RecordedEnd::Failed)) => {
                Err(Failure::last(FailureKind::NotRecorded, format!("failed in the recording: {words}")))
            }
            None => Err(Failure::last(FailureKind::NotRecorded, "no answer was recorded for this trial")),
        };
        Box::pin(std::future::ready(reply))
    }
}
