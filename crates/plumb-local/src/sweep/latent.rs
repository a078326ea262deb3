//! Latents that a sweep tries: named in the plan, or found by a search that ran before.

use super::{fit_to_be_called, numbers};
use crate::steer::LatentUnit;
use plumb_study::{Fields, Result};
use toml::Table;

/// Latents that are wanted.
#[derive(Clone, Debug)]
pub struct WantedLatent {
    /// Their id.
    pub id: String,
    /// Which they are.
    pub from: LatentFrom,
    /// `clamp`, `add` or `scale`.
    pub(super) change: &'static str,
    /// What becomes of what the autoencoder does not describe, and whether rows get their length back: keys of the table
    /// `steer`.
    pub(super) manner: Table,
    /// The unit of strengths.
    pub unit: LatentUnit,
    /// Their own strengths.
    pub strengths: Option<Vec<f64>>,
    /// Sets of as many random latents of the autoencoder beside them, that write as long a vector.
    pub random: usize,
    /// Random directions beside them, as long as the clamp's change.
    pub random_directions: usize,
    /// The strengths at which controls are tried; all if nothing is said.
    pub random_strengths: Option<Vec<f64>>,
}

/// Where it is said which they are.
#[derive(Clone, Debug, PartialEq)]
pub enum LatentFrom {
    /// In the plan.
    Plan(Chosen),
    /// By the search that lies in this run's folder.
    Search(String, Best),
    /// The one of this autoencoder that writes most along the direction of this id.
    Along(String, String),
}

/// What the best candidate of a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Best {
    /// The one that raises refusal of unsafe prompts most.
    Refusal,
    /// The one that raises refusal of unsafe prompts most above that of safe ones.
    Difference,
}

/// Latents of an autoencoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The autoencoder's name or path.
    pub sae: String,
    /// Numbers of the latents, at least one.
    pub latents: Vec<usize>,
    /// How strongly, where a search chose that, too.
    pub strength: Option<(f64, LatentUnit)>,
}

impl WantedLatent {
    pub(super) fn take(mut fields: Fields) -> Result<WantedLatent> {
        let id = fit_to_be_called(fields.need_text("id")?)?;
        let from = match fields.text("from")? {
            Some(run) => {
                let rules = [("refusal", Best::Refusal), ("difference", Best::Difference)];
                LatentFrom::Search(run, fields.choice("best", &rules)?.unwrap_or(Best::Refusal))
            }
            None => match fields.text("along")? {
                Some(direction) => LatentFrom::Along(fields.need_text("sae")?, direction),
                None => LatentFrom::Plan(chosen(&mut fields)?),
            },
        };
        let changes = [("clamp", "clamp"), ("add", "add"), ("scale", "scale"), (ABLATE, ABLATE)];
        let change = fields.choice("change", &changes)?.unwrap_or("clamp");
        let unit = fields.choice("unit", &LatentUnit::NAMES)?;
        if unit.is_some() && matches!(change, "scale" | ABLATE) {
            return Err(fields.error(format!("`unit` means nothing where `change` is \"{change}\"")));
        }
        let strengths = match (numbers(&mut fields, "strengths")?, change) {
            (Some(_), ABLATE) => return Err(fields.error("what is ablated has no `strengths`")),
            (None, ABLATE) => Some(vec![0.0]),
            (strengths, _) => strengths,
        };
        let wanted = WantedLatent {
            id,
            from,
            change,
            manner: manner(&mut fields)?,
            unit: unit.unwrap_or(LatentUnit::Raw),
            strengths,
            random: fields.whole("random", 0, 1_000)?.unwrap_or(0) as usize,
            random_directions: fields.whole("random_directions", 0, 1_000)?.unwrap_or(0) as usize,
            random_strengths: numbers(&mut fields, "random_strengths")?,
        };
        if wanted.random + wanted.random_directions > 0 && matches!(change, "scale" | ABLATE) {
            return Err(fields.error(format!(
                "random controls are matched in length to a clamp or an addition, not to `{change}`: what it writes depends on the prompt"
            )));
        }
        fields.finish()?;
        Ok(wanted)
    }
}

/// `change` where latents become 0, which takes no strength.
pub(super) const ABLATE: &str = "ablate";

/// The keys `rest` and `keep_norm`, as a subject's table has them.
fn manner(fields: &mut Fields) -> Result<Table> {
    let mut manner = Table::new();
    if let Some(rest) = fields.choice("rest", &[("kept", "kept"), ("dropped", "dropped")])? {
        manner.insert("rest".into(), rest.into());
    }
    if let Some(keep) = fields.flag("keep_norm")? {
        manner.insert("keep_norm".into(), keep.into());
    }
    Ok(manner)
}

fn chosen(fields: &mut Fields) -> Result<Chosen> {
    let sae = fields.need_text("sae")?;
    let mut latents = Vec::new();
    latents.extend(fields.whole("latent", 0, i64::from(u32::MAX))?.map(|latent| latent as usize));
    for number in numbers(fields, "latents")?.unwrap_or_default() {
        if number < 0.0 || number.fract() != 0.0 {
            return Err(fields.error("`latents` must be a list of whole numbers"));
        }
        latents.push(number as usize);
    }
    match latents.is_empty() {
        true => Err(fields
            .error("`latent` is missing: a number, or `from`, the run of a search, or `along`, a direction")),
        false => Ok(Chosen { sae, latents, strength: None }),
    }
}
