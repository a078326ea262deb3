//! Steering on condition: what decides per conversation whether it is steered, by its prompt alone.
//!
//! - A linear probe: the row of the prompt's last token at one layer's output is projected on a direction, and above a threshold
//!   the gate opens. `plumb models direction` writes the threshold beside the difference of means: half way between the two
//!   kinds of prompts.
//! - A latent: the gate opens where the latent is more active than a bound in some token of the prompt.
//! - An annotator: what a judge said of the prompts in another run, kept in the plan.
//!
//! A conversation of several turns is decided once, by its first prompt ([`opening`]): what it comes to later is steered, or not,
//! as it began, whichever kind decides.
//!
//! The first two read the prompt in a pass of their own, unsteered, before anything is changed, so that what the steering does
//! cannot move the gate. Start with [`Gate::take`]. Not here: what is done where the gate opens (`steer`), how often it errs
//! (`frontier`).

use super::along::{from_hex, to_hex};
use super::latents::{LatentUnit, unit_of};
use super::span::sink_norm;
use super::{ControlVector, Saes, direction};
use crate::settings::Local;
use crate::sweep::resolved;
use plumb_lm::sae::{Sae, norm};
use plumb_lm::{Direction, Model, Site, TokenId};
use plumb_study::items::{Prompt, Role, Task, Turn};
use plumb_study::method::Cell;
use plumb_study::{Digest, Error, Fields, Inputs, Ledger, Plan, Result};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::Value;

/// What decides, as it stands in a plan; kinds are told apart by their keys.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Gate {
    /// A linear probe on the last token.
    Along(AlongGate),
    /// A latent.
    Latent(LatentGate),
    /// An annotator's verdicts.
    Annotated(Annotated),
}

/// A linear probe.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlongGate {
    /// Name of the file that it came from; for people.
    vector: String,
    /// The block at whose output it looks.
    layer: usize,
    /// The gate is open above this projection.
    threshold: f32,
    /// f32 in hexadecimal digits, little-endian.
    direction: String,
}

/// A latent that opens the gate.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentGate {
    /// Name or path of the autoencoder.
    sae: String,
    /// Digest of its numbers and rules.
    digest: String,
    /// Its place in the model, as of [`Latents`](super::Latents).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hook: Option<String>,
    latent: usize,
    /// The gate is open above this activation.
    above: f64,
    /// The length from which rows are attention sinks and not looked at, where the median is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sinks: Option<f32>,
}

/// What a judge said of prompts in another run. Prompts stand here by the digest of the user's first turn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotated {
    /// The run's folder; for people.
    run: String,
    /// `judge.measure` there.
    of: String,
    /// Prompts for which some verdict was yes.
    open: BTreeSet<String>,
    /// Those for which all were no.
    shut: BTreeSet<String>,
}

// Not derived, as of `Steer`.
impl<'de> Deserialize<'de> for Gate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let table = serde_json::Value::deserialize(from)?;
        let gate = if table.get("sae").is_some() {
            LatentGate::deserialize(table).map(Gate::Latent)
        } else if table.get("run").is_some() {
            Annotated::deserialize(table).map(Gate::Annotated)
        } else {
            AlongGate::deserialize(table).map(Gate::Along)
        };
        gate.map_err(serde::de::Error::custom)
    }
}

impl Gate {
    /// What the key `gate` says: a vector's file, `{ sae, latent, above, unit }`, or `{ run, of }`.
    ///
    /// # Errors
    /// Keys that are wrong, files, autoencoders or runs that are not there or do not fit.
    pub(super) fn take(value: Value, place: &str, inputs: &dyn Inputs, saes: &dyn Saes) -> Result<Gate> {
        let gate = match value {
            Value::String(path) => {
                let read = |bytes: Vec<u8>| AlongGate::new(&path, &ControlVector::read(&bytes, &path)?);
                inputs.read(&path).and_then(read).map(Gate::Along)
            }
            Value::Table(table) => {
                let fields = Fields::new(format!("{place}, `gate`"), table);
                match (fields.holds("sae"), fields.holds("run")) {
                    (true, false) => LatentGate::take(fields, saes).map(Gate::Latent),
                    (false, true) => Annotated::take(fields, inputs).map(Gate::Annotated),
                    _ => Err(Error::plan("a gate's table has either `sae` or `run`")),
                }
            }
            _ => Err(Error::plan("`gate` must be a vector's file, or a table with `sae` or `run`")),
        };
        gate.map_err(|error| error.at(place))
    }

    /// The gate of the plan's first subject that has one.
    ///
    /// # Errors
    /// Settings that cannot be read.
    pub fn of_plan(plan: &Plan) -> Result<Option<Gate>> {
        let has = |settings: &&serde_json::Value| settings.get("gate").is_some();
        match plan.subjects.iter().map(|subject| &subject.party.settings).find(has) {
            Some(settings) => Ok(Local::from_json(settings)?.gate),
            None => Ok(None),
        }
    }

    /// The autoencoder that it looks through, if any.
    pub fn sae(&self) -> Option<&str> {
        match self {
            Gate::Latent(gate) => Some(&gate.sae),
            Gate::Along(_) | Gate::Annotated(_) => None,
        }
    }

    /// The digest of that autoencoder.
    pub(super) fn digest(&self) -> Option<&str> {
        match self {
            Gate::Latent(gate) => Some(&gate.digest),
            Gate::Along(_) | Gate::Annotated(_) => None,
        }
    }

    /// What it is, in a sentence for people.
    pub fn words(&self) -> String {
        match self {
            Gate::Along(_) => "A linear probe on the last token of a conversation's first prompt.".into(),
            Gate::Latent(gate) => format!(
                "Open where latent {} of {} is above {:.4} in some token of the prompt.",
                gate.latent, gate.sae, gate.above
            ),
            Gate::Annotated(gate) => {
                format!("Open where {} said so of the prompt, in the run {}.", gate.of, gate.run)
            }
        }
    }

    /// The gate in a model.
    ///
    /// # Errors
    /// What does not fit the model, or an autoencoder that is not the one of the plan.
    pub fn fit(&self, model: &Model, saes: &dyn Saes) -> Result<Probe> {
        match self {
            Gate::Along(gate) => gate.fit(model),
            Gate::Latent(gate) => gate.fit(model, saes),
            Gate::Annotated(gate) => Ok(Probe(Looks::Told(Arc::new(gate.clone())))),
        }
    }
}

impl AlongGate {
    fn new(path: &str, vector: &ControlVector) -> Result<AlongGate> {
        let name = super::last(path);
        let mut layers = vector.layers.iter();
        let (Some((layer, values)), None) = (layers.next(), layers.next()) else {
            return Err(Error::plan(format!(
                "{name}: a gate looks at one layer, this file has {}",
                vector.layers.len()
            )));
        };
        let threshold = vector.thresholds.get(layer).ok_or_else(|| {
            Error::plan(format!("{name}: holds no threshold, so it cannot be a gate"))
                .help("`plumb models direction` writes one")
        })?;
        let direction = to_hex(values);
        Ok(AlongGate { vector: name.to_owned(), layer: *layer, threshold: *threshold, direction })
    }

    fn fit(&self, model: &Model) -> Result<Probe> {
        let values = from_hex(&self.direction)?;
        let config = model.config();
        if self.layer >= config.layers || values.len() != config.width {
            return Err(Error::party(format!(
                "{}: a gate at layer {}, {} wide; the model has {} layers, {} wide",
                self.vector,
                self.layer,
                values.len(),
                config.layers,
                config.width
            )));
        }
        let unit = Direction::new(&values)
            .ok_or_else(|| Error::party(format!("{}: the direction is zero", self.vector)))?;
        Ok(Probe(Looks::Along { layer: self.layer, threshold: f64::from(self.threshold), unit }))
    }
}

impl LatentGate {
    fn take(mut fields: Fields, saes: &dyn Saes) -> Result<LatentGate> {
        let sae = fields.need_text("sae")?;
        let missing = |key: &str, what: &str| fields.error(format!("`{key}` is missing: {what}"));
        let (no_latent, no_bound) = (
            missing("latent", "the number of a latent"),
            missing("above", "the activation from which the gate opens"),
        );
        let latent = fields.whole("latent", 0, i64::from(u32::MAX))?.ok_or(no_latent)? as usize;
        let above = fields.number("above", 0.0, 1e9)?.ok_or(no_bound)?;
        let unit = fields.choice("unit", &LatentUnit::NAMES)?.unwrap_or(LatentUnit::Raw);
        fields.finish()?;
        let found = saes.find(&sae)?;
        let above = above * unit_of(&sae, &found, latent, unit)?.per;
        let sinks = sink_norm(false, found.units.as_ref().map(|units| units.median_norm));
        let (digest, hook) = (found.sae.digest().to_owned(), found.sae.provenance().hook.clone());
        Ok(LatentGate { sae, digest, hook, latent, above, sinks })
    }

    fn fit(&self, model: &Model, saes: &dyn Saes) -> Result<Probe> {
        let (sae, site) = super::latents::same((&self.sae, &self.digest, self.hook.as_deref()), model, saes)?;
        let bound = f64::from(self.sinks.unwrap_or(f32::INFINITY));
        Ok(Probe(Looks::Latent { sae, site, latent: self.latent, above: self.above, sinks: bound }))
    }
}

impl Annotated {
    fn take(mut fields: Fields, inputs: &dyn Inputs) -> Result<Annotated> {
        let (run, of) = (fields.need_text("run")?, fields.need_text("of")?);
        fields.finish()?;
        let journal = inputs.run(&run)?;
        let plan = journal.plan()?;
        let measure = resolved("`of`", &of, &plan)?;
        let ledger = Ledger::fold(&plan, &journal)?;
        let (mut open, mut shut) = (BTreeSet::new(), BTreeSet::new());
        for trial in plan.trials() {
            let (Task::Ask(prompt) | Task::Recorded(prompt)) = &plan.item(trial.item).task else { continue };
            if let Cell::Label(label) = ledger.cell(&plan, trial, measure) {
                if label.0 == 1 { &mut open } else { &mut shut }.insert(key(prompt));
            }
        }
        shut.retain(|prompt| !open.contains(prompt));
        if open.is_empty() && shut.is_empty() {
            return Err(Error::plan(format!("{run}: {of} says nothing of any prompt there"))
                .help("`of` is judge.measure of yes and no, such as guard.unsafe"));
        }
        Ok(Annotated { run, of, open, shut })
    }

    /// # Errors
    /// The run has no verdict of the prompt.
    fn opens(&self, prompt: &Prompt) -> Result<bool> {
        let key = key(prompt);
        match (self.open.contains(&key), self.shut.contains(&key)) {
            (false, false) => Err(Error::party(format!(
                "{} says nothing of this prompt in the run {}, so that it is not known whether the gate opens",
                self.of, self.run
            ))
            .help("have the annotator judge all prompts of the plan first")),
            (open, _) => Ok(open),
        }
    }
}

/// What a gate looks at: of a conversation all that stands up to the user's first turn, which decides for all of it; of another
/// prompt all.
pub fn opening(prompt: &Prompt) -> Prompt {
    let Prompt::Chat(turns) = prompt else { return prompt.clone() };
    let first = turns.iter().position(|turn| turn.role == Role::User);
    Prompt::Chat(turns[..first.map_or(turns.len(), |first| first + 1)].to_vec())
}

/// A prompt's name: of a conversation the user's first turn.
fn key(prompt: &Prompt) -> String {
    let first =
        |turns: &[Turn]| turns.iter().find(|turn| turn.role == Role::User).map(|turn| turn.text.clone());
    let text = match prompt {
        Prompt::Chat(turns) => first(turns).unwrap_or_default(),
        Prompt::Completion(text) => text.clone(),
        Prompt::Choose { context, .. } => context.clone(),
    };
    Digest::of(text.as_bytes()).short().to_string()
}

/// A gate that fits a model.
#[derive(Clone, Debug)]
pub struct Probe(Looks);

#[derive(Clone, Debug)]
enum Looks {
    Along { layer: usize, threshold: f64, unit: Direction },
    Latent { sae: Arc<Sae>, site: Site, latent: usize, above: f64, sinks: f64 },
    Told(Arc<Annotated>),
}

impl Probe {
    /// How many of the model's first layers it needs; all if nothing is said.
    pub fn layers(&self) -> Option<usize> {
        match &self.0 {
            Looks::Along { layer, .. } | Looks::Latent { site: Site::ResidPost(layer), .. } => {
                Some(layer + 1)
            }
            Looks::Latent { .. } => None,
            Looks::Told(_) => Some(1),
        }
    }

    /// Whether the gate opens for a conversation's [`opening`], whose tokens these are.
    ///
    /// # Errors
    /// As [`Model::forward`]; a prompt that an annotator did not see.
    pub fn opens(&self, model: &Model, prompt: &Prompt, tokens: &[TokenId]) -> Result<bool> {
        match &self.0 {
            Looks::Told(annotated) => annotated.opens(prompt),
            Looks::Along { layer, threshold, unit } => {
                let mut row = Vec::new();
                direction::each_row(model, Site::ResidPost(*layer), tokens, &mut |_, last| {
                    row.clear();
                    row.extend_from_slice(last);
                })?;
                let along: f64 =
                    row.iter().zip(unit.as_slice()).map(|(x, d)| f64::from(*x) * f64::from(*d)).sum();
                Ok(along > *threshold)
            }
            Looks::Latent { sae, site, latent, above, sinks } => {
                let mut rows = Vec::new();
                direction::each_row(model, *site, tokens, &mut |position, row| {
                    if position > 0 && norm(row) < *sinks {
                        rows.extend_from_slice(row);
                    }
                })?;
                let codes = sae.encode(&rows);
                Ok((0..codes.len()).any(|row| f64::from(codes.get(row, *latent)) > *above))
            }
        }
    }
}
