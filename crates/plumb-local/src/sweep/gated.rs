//! Steering on condition in a sweep: what decides, and which settings are tried under it.

use super::{From, Made, Sweep, numbers};
use plumb_study::{Error, Fields, Result};
use toml::Table;

/// Steering on condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Gated {
    /// What decides.
    pub(super) by: By,
    /// At which strengths; all if nothing is said.
    pub(super) strengths: Option<Vec<f64>>,
    /// Which directions and latents; all if nothing is said.
    pub(super) only: Option<Vec<String>>,
}

/// What decides whether a conversation is steered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum By {
    /// The direction of that id is the probe.
    Direction(String),
    /// The keys of a subject's `gate`.
    Table(Table),
}

/// What a gate was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateFrom<'a> {
    /// The prompts of the direction of that id.
    Prompts(&'a str),
    /// A file, which does not say.
    File,
}

impl Gated {
    pub(super) fn take(mut fields: Fields) -> Result<Gated> {
        let strengths = numbers(&mut fields, "strengths")?;
        let only = fields.texts("only")?;
        let by = match fields.text("direction")? {
            Some(id) => {
                fields.finish()?;
                By::Direction(id)
            }
            // Its keys are checked where a subject's are.
            None => By::Table(fields.rest()),
        };
        Ok(Gated { by, strengths, only })
    }
}

impl Gated {
    /// Whether it is tried with what has this id.
    pub(super) fn covers(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == id))
    }
}

impl Sweep {
    /// What the gate was made of, where it learned from prompts.
    pub fn gate_from(&self) -> Option<GateFrom<'_>> {
        let By::Direction(id) = &self.gate.as_ref()?.by else { return None };
        let direction = self.directions.iter().find(|direction| direction.id == *id)?;
        Some(match direction.from {
            From::Means { .. } => GateFrom::Prompts(id),
            From::File(_) => GateFrom::File,
        })
    }

    /// Whether each strength, direction and latent that the gate names is one that is tried.
    ///
    /// # Errors
    /// One that is not: nothing would be asked, and nobody would be told.
    pub fn check_gate(&self, made: &[Made]) -> Result<()> {
        let Some(gate) = &self.gate else { return Ok(()) };
        let tried = |id: &&String| made.iter().any(|one| one.like.is_none() && one.id == **id);
        if let Some(id) = gate.only.iter().flatten().find(|id| !tried(id)) {
            let message =
                format!("[steer], `gate`, `only`: \"{id}\" is no direction and no latent of this plan");
            return Err(Error::plan(message));
        }
        let Some(wanted) = &gate.strengths else { return Ok(()) };
        let mut all: Vec<f64> = made
            .iter()
            .filter(|one| one.like.is_none() && gate.covers(&one.id))
            .flat_map(|one| one.strengths.clone())
            .collect();
        all.sort_unstable_by(f64::total_cmp);
        all.dedup();
        match wanted.iter().find(|strength| !all.contains(strength)) {
            None => Ok(()),
            Some(strength) => {
                let known: Vec<String> = all.iter().map(ToString::to_string).collect();
                Err(Error::plan(format!("[steer], `gate`: nothing is tried at the strength {strength}"))
                    .help(format!("strengths here: {}", known.join(", "))))
            }
        }
    }
}
