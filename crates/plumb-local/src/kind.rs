//! The kind of subject: from a plan's table to something that answers.

use crate::engine::Engine;
use crate::models::{Identity, Models};
use crate::responder::{Decisions, Local as Responding};
use crate::settings::Local;
use crate::steer::{NoSaes, Saes, Steer};
use plumb_lm::{Model, Work};
use plumb_study::party::{Abilities, Responder};
use plumb_study::plan::PartySpec;
use plumb_study::{EngineId, Error, Fields, FrozenParty, Inputs, Opening, PartyKind, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Exchanges at once of one model, the steered variants of it together. At a quarter of this number a weight that is read
/// from memory is used often enough; more of them leave room for many variants of an item, which share most of their work.
const MOST_IN_FLIGHT: u32 = 64;

/// The kind's name in a plan.
pub const LOCAL: &str = "local";

/// `kind = "local"`: a model that runs in this process. Its keys are `model`, a name of the registry or a path that ends
/// in `.gguf`, and `steer` ([`Steer::take`]).
///
/// What the plan's `sampling` leaves out is: temperature 0 (greedy), `top_p` 1, at most 512 new tokens. A chat is written
/// by the model's own template, its default system message included unless the subject's `system` or the item gives one;
/// no template is given today's date, because an answer must not depend on the day: it writes its own, or rejects the chat if it has
/// none. The context of a choice between options is plain text, without a template.
pub struct LocalKind {
    models: Arc<dyn Models>,
    saes: Arc<dyn Saes>,
    /// What is loaded, by the file's SHA-256; gone when nobody uses it any more.
    engines: Mutex<HashMap<String, Weak<Engine>>>,
    decisions: Decisions,
}

impl LocalKind {
    /// The kind, with what finds models.
    pub fn new(models: Arc<dyn Models>) -> Self {
        Self { models, saes: Arc::new(NoSaes), engines: Mutex::default(), decisions: Decisions::default() }
    }

    /// The same, with what finds autoencoders.
    #[must_use]
    pub fn with_saes(self, saes: Arc<dyn Saes>) -> Self {
        Self { saes, ..self }
    }

    /// What the models in use have computed so far, and what they have not, being shared.
    pub fn work(&self) -> Work {
        let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut work = Work::default();
        engines.values().filter_map(Weak::upgrade).for_each(|engine| work += engine.work());
        work
    }

    /// The engine of a file, loaded unless it is. Others wait meanwhile: two that need the same file must not both load
    /// it.
    fn engine(&self, local: &Local) -> Result<Arc<Engine>> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(&local.sha256).and_then(Weak::upgrade) {
            return Ok(engine);
        }
        let path = self.models.path(&local.model, &local.sha256)?;
        let model = Model::open(&path)
            .map_err(|error| Error::party(format!("model \"{}\" cannot be loaded: {error}", local.model)))?;
        let engine = Engine::start(Arc::new(model), MOST_IN_FLIGHT as usize)
            .map_err(|error| Error::party(format!("no thread for model \"{}\": {error}", local.model)))?;
        let engine = Arc::new(engine);
        engines.retain(|_, engine| engine.strong_count() > 0);
        engines.insert(local.sha256.clone(), Arc::downgrade(&engine));
        Ok(engine)
    }
}

/// Subjects with one file share one engine, whatever they call it.
fn engine_id(sha256: &str) -> EngineId {
    EngineId::from(format!("local:{}", &sha256[..12]))
}

fn abilities(chat: bool) -> Abilities {
    Abilities {
        chat,
        completion: true,
        choose: true,
        deterministic: true,
        most_in_flight: Some(MOST_IN_FLIGHT),
    }
}

fn checked(identity: Identity) -> Result<Identity> {
    let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match identity.sha256.len() == 64 && identity.sha256.chars().all(digit) {
        true => Ok(identity),
        false => Err(Error::party(format!(
            "\"{}\" is no SHA-256 (64 lowercase hexadecimal digits)",
            identity.sha256
        ))),
    }
}

impl PartyKind for LocalKind {
    fn takes_all_sampling(&self) -> bool {
        true
    }

    fn freeze(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<FrozenParty> {
        let model = fields.need_text("model")?;
        let identity =
            self.models.identify(&model).and_then(checked).map_err(|error| error.at(fields.place()))?;
        let (steer, gate) = match Steer::take(fields, inputs, &*self.saes)? {
            Some((steer, gate)) => (Some(steer), gate),
            None => (None, None),
        };
        let can = abilities(identity.chat);
        let engine = engine_id(&identity.sha256);
        Ok(FrozenParty { settings: Local::new(model, identity, steer, gate).to_json()?, engine, can })
    }

    fn check(&self, spec: &PartySpec) -> Result<()> {
        let local = Local::from_json(&spec.settings)?;
        self.models.check(&local.model, &local.sha256)
    }

    fn open(&self, spec: &PartySpec, _opening: &Opening) -> Result<Arc<dyn Responder>> {
        let local = Local::from_json(&spec.settings)?;
        let engine = self.engine(&local)?;
        if spec.can.chat && !engine.model().can_chat() {
            return Err(Error::party(format!(
                "model \"{}\" has no chat template, but the plan was frozen for one that has",
                local.model
            )));
        }
        Ok(Arc::new(Responding::new(
            engine,
            spec.engine.clone(),
            spec.can,
            local,
            &*self.saes,
            &self.decisions,
        )?))
    }
}
